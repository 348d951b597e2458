"""When nodes were away."""

from __future__ import annotations

from coreos_lab.chaos.probes import Sample
from coreos_lab.updating import away


def samples(marks: str) -> list[Sample]:
    """One sample a half second: `.` answers, `x` does not."""
    return [Sample("", "reads", number / 2, 0.0, mark == ".") for number, mark in enumerate(marks)]


def test_a_node_is_away_from_its_first_silence_to_its_next_answer() -> None:
    assert away.silences(samples("..xxxx...xx..")) == [(1.0, 3.0), (4.5, 5.5)]
    assert away.silences(samples("..x...")) == [], "a blink"
    assert away.silences(samples("..xxxx")) == [(1.0, 2.5)], "to the last sample"
    assert away.seconds(samples("..xxxx...xx..")) == 3.0


def test_how_many_were_away_at_once() -> None:
    first, second, third = samples(".xxxx......"), samples("....xxxx..."), samples(".......xxx.")
    assert away.most_at_once({"a": first, "c": third}) == ("a",)
    assert away.most_at_once({"a": first, "b": second, "c": third}) == ("a", "b")
    assert away.most_at_once({"a": samples("....")}) == ()
    assert away.most_at_once({"a": samples(".xxx..."), "b": samples("....xxx")}) == ("a",), "the end is no overlap"
