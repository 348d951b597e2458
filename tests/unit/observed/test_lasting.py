"""What lasts is told from what a unit only passes through."""

from __future__ import annotations

from coreos_lab.observed.lasting import LASTING, Lasting


def test_what_passes_does_not_last() -> None:
    idle, web, other = Lasting(), ("web@1.service", "core-01"), ("web@1.service", "core-02")
    assert idle.of([web], 10.0) == []
    assert idle.of([], 11.0) == []
    assert idle.of([web], 12.0) == [], "the time begins anew"
    assert idle.of([other], 12.0 + LASTING) == [], "on another machine too"


def test_what_lasts_is_told_once_in_that_time() -> None:
    idle, place = Lasting(), ("a.service", "core-01")
    assert idle.of([place], 10.0) == []
    assert idle.of([place], 10.0 + LASTING) == [place]
    assert idle.of([place], 10.1 + LASTING) == [], "it was acted on"
    assert idle.of([place], 10.1 + 2 * LASTING) == [place]
