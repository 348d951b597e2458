"""Pages of a list: what they have, and that none costs more than another one."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest

from coreos_lab.cloud.s3.index import Bucket, Index, Stored
from coreos_lab.cloud.s3.listing import behind, page

MOST = 10
PAGES = 100


@pytest.fixture
def index(tmp_path: Path) -> Index:
    """A bucket of a thousand objects, and one with thirty in each of a hundred folders."""
    found = Index(tmp_path / "index")
    with found.change() as tables:
        for bucket, keys in (
            ("flat", (f"{number:04}" for number in range(MOST * PAGES))),
            ("deep", (f"in/{folder:02}/{number:03}" for folder in range(PAGES) for number in range(MOST * 3))),
        ):
            tables.execute("INSERT INTO buckets VALUES (?, 0, '', '[]', '{}')", (bucket,))
            rows = ((bucket, key, "", 0, "", 0.0, "{}") for key in keys)
            tables.executemany("INSERT INTO objects VALUES (?, ?, ?, ?, ?, ?, ?)", rows)
    return found


def listed(index: Index, bucket: str, prefix: str = "", delimiter: str = "") -> tuple[list[str], list[int]]:
    """All entries by pages, and the steps of SQLite's machine that each page has cost."""
    entries: list[str] = []
    steps: list[int] = []

    def count() -> int:
        steps[-1] += 1
        return 0

    after = ""
    with index.change() as tables:
        tables.set_progress_handler(count, 1)
        while not steps or after:
            steps.append(0)
            found = page(partial(index.objects_from, bucket), prefix, delimiter, after, MOST)
            entries += [*(each.key for each in found.objects), *found.prefixes]
            after = found.last
    return entries, steps


@pytest.mark.parametrize(
    ("bucket", "prefix", "delimiter"), [("flat", "", ""), ("deep", "in/", "/"), ("flat", "0", "/")]
)
def test_each_page_costs_the_same_wherever_it_is(index: Index, bucket: str, prefix: str, delimiter: str) -> None:
    entries, steps = listed(index, bucket, prefix, delimiter)
    assert entries == sorted(set(entries))
    assert len(steps) * MOST == len(entries)
    assert max(steps) < 1.2 * min(steps)


def test_a_page_does_not_read_what_is_behind_it(index: Index, tmp_path: Path) -> None:
    small = Index(tmp_path / "small")
    small.add_bucket(Bucket("flat", 0.0))
    for number in range(MOST + 1):
        small.put(Stored("flat", f"{number:04}", "", 0, "", 0.0, {}))
    assert listed(index, "flat")[1][0] <= listed(small, "flat")[1][0]


@pytest.mark.parametrize(
    ("prefix", "expected"),
    [("a", "b"), ("a/", "a0"), ("", ""), ("a\U0010ffff", "b"), ("\U0010ffff", ""), ("\ud7ff", "\ue000")],
)
def test_what_is_behind_a_prefix(prefix: str, expected: str) -> None:
    assert behind(prefix) == expected
