"""Every chapter's page is gone through on real machines, as a reader would: every command, every task."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from coreos_lab.definition import catalog
from coreos_lab.definition.page import parse
from coreos_lab.definition.page.steps import PAGE
from tests.e2e.calls import NAME, lab

TIMEOUT = 1800.0  # seconds: generous, for slow machines
STEPS = {each.name: len(parse.read(each.folder / PAGE).steps) for each in catalog.all_labs()}
# The longest pages first, those whose steps wait for minutes and then those with the most steps: a worker that went
# through the longest one last would keep the others waiting.
SLOW = ("ch7", "ch3", "ch4-ceph", "ch10-backup", "ch9")
CHAPTERS = sorted(
    (name for name, steps in STEPS.items() if steps), key=lambda name: (name not in SLOW, -STEPS[name], name)
)

# Pages that take minutes by themselves, or have to compile first: `make test-walks-all` goes through these, too.
LONG = {"ch9", "ch10-backup", "ch10-database", "ch10-rkt"}

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")


@pytest.fixture(scope="module", autouse=True)
def _nothing_stays() -> Iterator[None]:
    _remove()
    yield
    _remove()


@pytest.fixture(autouse=True)
def _what_a_failed_walk_leaves_is_not_the_next_ones() -> Iterator[None]:
    yield
    if _left():
        _remove()


def _remove() -> None:
    lab("destroy")
    lab("cloud", "destroy")


def _left() -> list[str]:
    """What a walk has not removed: labs and faults of its cluster, a cloud."""
    left = []
    if NAME in [each["cluster"] for each in lab("list", "--json").json]:
        status = lab("status", "--json").json
        left += [*map(str, status["labs"]), *map(str, status["faults"])]
    if lab("cloud", "status", code=None).code != 2:
        left.append("a cloud")
    return left


@pytest.mark.parametrize(
    "chapter", [pytest.param(each, marks=pytest.mark.long) if each in LONG else each for each in CHAPTERS]
)
def test_the_walk_passes_and_leaves_nothing_deployed(chapter: str) -> None:
    done = lab("walk", chapter, "--test", code=None, timeout=TIMEOUT)
    assert done.code == 0, f"{done.out}\n{done.err}"
    assert _left() == []
