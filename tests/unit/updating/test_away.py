"""When nodes were away, and how many at once: what the reads of their etcd and their boots prove."""

from __future__ import annotations

import random

import pytest

from coreos_lab.chaos.probes import LATE, Sample
from coreos_lab.updating import away
from coreos_lab.updating.away import Reboot, Together

DETAILS = {".": "", "x": "[Errno 111] Connection refused", "~": LATE}


def samples(marks: str) -> list[Sample]:
    """One read a half second: `.` is answered, `x` refused, `~` not answered in time. ` ` is none at all."""
    return [
        Sample("", "reads", number / 2, 0.0, mark == ".", DETAILS[mark], 0.5 if mark == "~" else 0.0)
        for number, mark in enumerate(marks)
        if mark != " "
    ]


def test_a_node_is_away_around_a_change_of_its_boot() -> None:
    (absence,) = away.absences(samples("..xxxx...~~.."), [Reboot(1.0, 2.0)])
    assert (absence.sure, absence.possible, absence.silent) == ((1.0, 2.5), (0.5, 3.0), 2.0)
    assert away.absences(samples("..xxxx...~~.."), []) == [], "a silence without a reboot is a busy host's"


def test_a_read_that_came_too_late_proves_nothing() -> None:
    (absence,) = away.absences(samples(".~~x~~x~~~."), [Reboot(1.0, 2.0)])
    assert absence.sure == (1.5, 3.0)
    assert absence.possible == (0.0, 5.0)


@pytest.mark.parametrize("marks", ["..~~~~..", "..x.....", "..      .."])
def test_what_no_read_shows_is_only_possible(marks: str) -> None:
    (absence,) = away.absences(samples(marks), [Reboot(1.0, 2.0)])
    assert absence.sure is None
    assert absence.possible[0] <= 1.0
    assert absence.possible[1] >= 1.5


def test_the_longest_silence_that_meets_the_reboot_is_its_own() -> None:
    (absence,) = away.absences(samples(".xx.xxxxx.."), [Reboot(0.6, 3.0)])
    assert absence.silent == 2.5


def test_two_reboots_in_one_silence_are_one_absence() -> None:
    assert len(away.absences(samples(".xxxxxxx.."), [Reboot(0.5, 1.5), Reboot(1.5, 3.0)])) == 1


def test_how_many_were_away_at_once() -> None:
    reads = {"a": samples(".xxxx......"), "b": samples("....xxxx..."), "c": samples(".......xxx.")}
    boots = {"a": [Reboot(1.0, 1.5)], "b": [Reboot(2.5, 3.0)], "c": [Reboot(4.0, 4.1)]}
    assert away.most_at_once(reads, boots) == Together(("a",), ("a", "b"))
    overlapping = {**reads, "b": samples("..xxxxxx...")}
    assert away.most_at_once(overlapping, {**boots, "b": [Reboot(1.5, 3.0)]}).sure == ("a", "b")
    assert away.most_at_once(reads, {}) == Together((), ())


def series(rng: random.Random, goes: float, comes: float, *, late: float) -> list[Sample]:
    """60 s of reads of a node that is away from `goes` to `comes`, on a host where a share of `late` comes too late."""
    found, now = [], rng.random()
    while now < 60:
        is_late = rng.random() < late
        took = 0.5 if is_late else rng.uniform(0.001, 0.4)
        asked = now + took * rng.random()  # when the request reached the node, or would have
        gone = goes <= asked < comes
        off = goes + 0.4 < asked < comes - 0.6 and rng.random() < 0.8  # nothing is there that could refuse
        mark = "~" if is_late or (gone and off) else "x" if gone else "."
        found.append(Sample("", "reads", now, 0.0, mark == ".", DETAILS[mark], took))
        now += max(0.25, took)
    return found


@pytest.mark.parametrize("late", [0.0, 0.3, 0.6, 0.9])
def test_on_no_host_a_lock_that_was_kept_is_found_broken(late: float) -> None:
    for seed in range(200):
        rng = random.Random(seed)  # noqa: S311 - the same series each time
        first, second = (5 + rng.random(), 15.0), (15.0 + rng.random() * 5, 30.0)
        reads = {"a": series(rng, *first, late=late), "b": series(rng, *second, late=late)}
        boots = {"a": [Reboot(first[0], 12.0)], "b": [Reboot(second[0], 27.0)]}
        found = away.most_at_once(reads, boots)
        assert len(found.sure) <= 1, seed
        if late == 0.0 and second[0] > 16.0:
            assert len(found.possible) == 1, seed


@pytest.mark.parametrize("late", [0.0, 0.3, 0.6])
def test_nodes_that_were_away_together_never_pass(late: float) -> None:
    convicted = 0
    for seed in range(200):
        rng = random.Random(seed)  # noqa: S311 - the same series each time
        first, second = (5.0, 20.0), (12.0 + rng.random(), 30.0)
        reads = {"a": series(rng, *first, late=late), "b": series(rng, *second, late=late)}
        boots = {"a": [Reboot(5.0, 17.0)], "b": [Reboot(second[0], 27.0)]}
        found = away.most_at_once(reads, boots)
        assert found.possible == ("a", "b"), seed
        convicted += found.sure == ("a", "b")
    assert convicted > (190 if late == 0.0 else 100)
