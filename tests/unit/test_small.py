"""Sizes, durations, waiting, events and plain tables."""

from __future__ import annotations

import io
import json

import pytest

from coreos_lab import events, interrupts, screen, wait
from coreos_lab.commands.table import table
from coreos_lab.errors import UsageError
from coreos_lab.units_of_measure import as_size, duration, size


@pytest.mark.parametrize(("text", "value"), [("512M", 2**29), ("1G", 2**30), ("1.5GiB", 3 * 2**29), ("7", 7)])
def test_sizes(text: str, value: int) -> None:
    assert size(text, "x") == value


@pytest.mark.parametrize(("text", "value"), [("30s", 30), ("2m", 120), ("1m30s", 90), ("500ms", 0.5)])
def test_durations(text: str, value: float) -> None:
    assert duration(text, "x") == value


@pytest.mark.parametrize("text", ["", "30", "s", "1x", "-3s", "3s!"])
def test_no_duration_is_named(text: str) -> None:
    with pytest.raises(UsageError, match="--for"):
        duration(text, "--for")


def test_sizes_for_people() -> None:
    assert as_size(512 * 2**20) == "512 MiB"


def test_a_deadline_says_what_was_missing() -> None:
    with pytest.raises(wait.DeadlineError, match=r"etcd is not there .waited 0 s."):
        wait.until(lambda: None, deadline=0, missing="etcd is not there")


def test_waiting_returns_what_was_found_and_heeds_an_interrupt() -> None:
    found = iter([None, "", "here"])
    assert wait.until(lambda: next(found), deadline=5, interval=0, missing="") == "here"
    interrupts.come.set()
    try:
        with pytest.raises(KeyboardInterrupt):
            wait.until(lambda: None, deadline=5, missing="")
    finally:
        interrupts.come.clear()


def test_a_step_tells_its_end_and_its_failure() -> None:
    out, lines = io.StringIO(), io.StringIO()
    with events.listening(screen.plain_lines(out)), events.listening(events.json_lines(lines)):
        with events.step("boot", "core-01"):
            pass
        with pytest.raises(ValueError, match="no"), events.step("boot", "core-02"):
            raise ValueError("no")
    assert "ok boot core-01" in out.getvalue()
    assert "!! boot core-02: no" in out.getvalue()
    assert [json.loads(line)["kind"] for line in lines.getvalue().splitlines()] == ["start", "end", "start", "error"]


def test_columns_are_aligned() -> None:
    assert table(("A", "B"), [("long", "x")]) == "A     B\nlong  x"


@pytest.mark.parametrize("text", ["", "much", "-1G", "1.G", "1P", "1 G B", "0x10", "1G!"])
def test_no_size_is_named(text: str) -> None:
    with pytest.raises(UsageError, match="--memory") as refused:
        size(text, "--memory")
    assert "512M" in refused.value.hint


@pytest.mark.parametrize(
    ("value", "text"), [(0, "0 B"), (1023, "1023 B"), (1024, "1 KiB"), (1.5 * 2**30, "1.5 GiB"), (2**41, "2 TiB")]
)
def test_sizes_for_people_at_the_edges(value: float, text: str) -> None:
    assert as_size(value) == text


def test_what_is_so_already_needs_no_time() -> None:
    assert wait.until(lambda: "here", deadline=0, missing="never asked") == "here"


def test_what_is_missing_is_asked_at_the_end() -> None:
    left = ["a", "b", "c"]

    def probe() -> None:
        if len(left) > 1:
            left.pop()

    with pytest.raises(wait.DeadlineError, match="^missing: a .waited 0.05 s.$"):
        wait.until(probe, deadline=0.05, interval=0.001, missing=lambda: f"missing: {', '.join(left)}")


def test_a_probe_that_breaks_is_not_hidden() -> None:
    with pytest.raises(ZeroDivisionError):
        wait.until(lambda: 1 / 0, deadline=5, missing="x")


def test_a_table_without_rows_and_without_blanks_at_the_end() -> None:
    assert table(("NAME", "B"), []) == "NAME  B"
    assert table(("A", "WIDE"), [("x", "y")]).splitlines() == ["A  WIDE", "x  y"]


def test_a_number_of_some_hundred_digits_is_neither_a_size_nor_a_duration() -> None:
    with pytest.raises(UsageError, match="--memory: .* is not a size"):
        size("9" * 400, "--memory")
    with pytest.raises(UsageError, match="--for: .* is not a duration"):
        duration(f"{'9' * 400}s", "--for")
