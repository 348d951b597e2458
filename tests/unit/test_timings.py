"""The critical path of a call: what its end had to wait for."""

from __future__ import annotations

import pytest

from coreos_lab import events, timings
from coreos_lab.timings import BETWEEN, Span, critical_path, summed


def spans(*steps: tuple[str, float, float]) -> list[Span]:
    return [Span(name.split()[0], name, began, ended) for name, began, ended in steps]


def test_of_steps_at_the_same_time_the_last_to_end_counts() -> None:
    path = critical_path(spans(("boot a", 1, 5), ("boot b", 1, 7), ("boot c", 1.001, 6.9)), 0, 7)
    assert path == [(BETWEEN, 1), ("boot b", 6)]


def test_what_ran_within_a_step_counts_for_itself() -> None:
    path = critical_path(spans(("deploy x", 0, 10), ("units", 1, 4), ("checks", 5, 9)), 0, 10)
    assert summed(path) == [("deploy x", pytest.approx(3)), ("units", 3), ("checks", 4)]


def test_the_parts_fill_the_whole_time() -> None:
    steps = spans(("fleet", 0.2, 5.5), ("etcd a", 0.2, 4), ("boot a", 0.1, 7), ("etcd b", 0.2, 4.5), ("end", 7.5, 8))
    path = critical_path(steps, 0, 8.2)
    assert sum(seconds for _name, seconds in path) == pytest.approx(8.2)
    assert [name for name, _seconds in path if name != BETWEEN] == ["boot a", "etcd b", "fleet", "boot a", "end"]


def test_a_step_that_takes_no_time_does_not_stop_the_search() -> None:
    path = critical_path(spans(("deploy x", 0, 10), ("look", 5, 5), ("look", 4, 4)), 0, 10)
    ((name, seconds),) = summed(path)
    assert (name, round(seconds, 6)) == ("deploy x", 10)


def test_short_parts_are_added_up() -> None:
    assert summed([("a", 1.0), ("b", 0.03), ("c", 0.04), ("a", 1.0)]) == [("a", 2.0), (BETWEEN, pytest.approx(0.07))]


def test_it_is_told_also_after_a_failure_and_only_if_wanted(capsys: pytest.CaptureFixture[str]) -> None:
    with timings.told(False), events.step("boot", "core-01"):
        pass
    assert capsys.readouterr().err == ""
    with pytest.raises(ValueError, match="no"), timings.told(True), events.step("boot", "core-01"):
        raise ValueError("no")
    assert "on the critical path:" in capsys.readouterr().err


def test_a_step_is_named_with_what_it_concerns() -> None:
    ended = events.Event("end", "boot", "core-01", "a message", mono=9.0, seconds=2.0)
    assert timings.span(ended) == Span("boot", "boot core-01", 7.0, 9.0)
    assert timings.span(events.Event("error", "units", message="not running: a", mono=9.0, seconds=2.0)) == Span(
        "units", "units", 7.0, 9.0
    )
    assert timings.span(events.Event("note", "units")) is None
