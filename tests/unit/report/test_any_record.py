"""Whatever is in a record: a report that can be read, or one clear error."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from coreos_lab.chaos import storm_record
from coreos_lab.chaos.course import by_time
from coreos_lab.chaos.schedule import Step
from coreos_lab.chaos.storm_record import Shrunk, Storm
from coreos_lab.chaos.verdict import PROBES, RECORD
from coreos_lab.errors import LabError
from coreos_lab.model import FaultKind
from coreos_lab.records import about
from coreos_lab.report import breaks, index, sources, storms
from coreos_lab.report.markdown import markdown
from coreos_lab.report.page import LARGEST, html
from tests.unit.report import paper_history, paper_run
from tests.unit.report.pages import Page

# How many records in all; `make test-unit` tries more.
INPUTS = max(40, int(os.environ.get("LAB_TEST_INPUTS", "200")) // 5)
LINES = 30  # of a record that has more
anything = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(),
        st.sampled_from(
            [10**400, -1, 0, 1e308, "", "pass", "start", "heal", "fault", "\ud800", "\x00", "<b>", "x" * 5000]
        ),
        st.text(max_size=20),
    ),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@pytest.fixture(scope="module")
def whole() -> Iterator[Path]:
    """The record of a run, with few samples so that it is read fast."""
    with tempfile.TemporaryDirectory(prefix="lab-any-record-") as folder:
        run = paper_run.write(Path(folder) / "run")
        lines = (run / PROBES).read_text().splitlines(keepends=True)
        (run / PROBES).write_text("".join(lines[:: len(lines) // LINES]))
        paper_history.write(run)
        yield run


def places(value: Any, here: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The paths of all values in a JSON value."""
    yield here
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from places(inner, (*here, key))
    if isinstance(value, list):
        for number, inner in enumerate(value):
            yield from places(inner, (*here, number))


def changed(value: Any, place: tuple[Any, ...], new: Any, *, gone: bool) -> Any:
    """A JSON value with another value at a place, or without it."""
    if not place:
        return new
    holder = value
    for step in place[:-1]:
        holder = holder[step]
    if gone:
        del holder[place[-1]]
    else:
        holder[place[-1]] = new
    return value


def damage(draw: Any, path: Path) -> None:
    """Changes a value of a file, or cuts the file off, or writes anything into it."""
    content = path.read_bytes()
    ways = ["cut", "bytes"] if path.suffix == ".html" else ["value", "value", "value", "gone", "cut", "bytes"]
    how = draw(st.sampled_from(ways))
    if how == "cut":
        path.write_bytes(content[: draw(st.integers(0, len(content)))])
    elif how == "bytes":
        at = draw(st.integers(0, len(content)))
        path.write_bytes(content[:at] + draw(st.binary(max_size=20)) + content[at:])
    else:
        lines = [content.decode()] if path.suffix == ".json" else content.decode().splitlines()
        number = draw(st.integers(0, len(lines) - 1))
        value = json.loads(lines[number])
        place = draw(st.sampled_from(list(places(value))))
        lines[number] = json.dumps(changed(value, place, draw(anything), gone=how == "gone"))
        path.write_text("\n".join(lines) + "\n")


some = settings(
    derandomize=True,
    deadline=None,
    database=None,
    max_examples=INPUTS,
    phases=[Phase.generate],  # the input that fails is printed as it is: to make it smaller takes minutes
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)


@some
@given(data=st.data())
def test_any_plan_of_a_storm(whole: Path, data: st.DataObject) -> None:
    steps = (Step(("core-02",), FaultKind.LOSS, {"percent": "40"}, lasting=20.0, at=3.5),) * 2
    with tempfile.TemporaryDirectory(prefix="lab-any-record-") as scratch:
        folder = Path(scratch)
        for name in (about.FILE, RECORD):
            shutil.copy(whole / name, folder)
        storm_record.save(Storm(7, steps, 90.0, 600.0), folder)
        storm_record.save_shrunk(Shrunk(steps, 9, 3, "run-3"), folder)
        damage(data.draw, folder / data.draw(st.sampled_from([storm_record.FILE, storm_record.SHRUNK, RECORD])))
        try:
            assert Page(html(storms.read(folder), "1.0")).wrong == []
            storm = storm_record.load(folder)
            verdict = breaks.load_verdict(folder)
        except LabError:
            return
        assert storm
        assert verdict
        by_time(storm_record.carried_out(storm.steps, verdict.phases))


@some
@given(data=st.data())
def test_any_record(whole: Path, data: st.DataObject) -> None:
    with tempfile.TemporaryDirectory(prefix="lab-any-record-") as scratch:
        folder = Path(scratch) / "run"
        shutil.copytree(whole, folder)
        files = sorted(path.name for path in folder.iterdir())
        for name in data.draw(st.lists(st.sampled_from(files), min_size=1, max_size=3, unique=True)):
            damage(data.draw, folder / name)
        index.html([index.row(folder, "core")], 0, "1.0")
        try:
            report = sources.read(folder)
        except LabError:
            return
        page = html(report, "1.0")
        assert len(page.encode()) <= LARGEST
        assert Page(page).wrong == []
        assert markdown(report).encode()
