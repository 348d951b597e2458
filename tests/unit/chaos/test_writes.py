"""Writes while something is broken, with an etcd of paper."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from coreos_lab.chaos import writes
from coreos_lab.chaos.writes import Writes
from coreos_lab.clients.http import CannotCheckError
from coreos_lab.model import Outcome


class Paper:
    """Keeps what is written, but for some; does not answer while it is down."""

    def __init__(self) -> None:
        self.keys: dict[str, str] = {}
        self.seen: list[str] = []  # keys that were there once
        self.down = False
        self.late: list[str] = []  # keys that come once others were removed

    def set(self, key: str, value: str, *, ttl: int) -> None:
        assert ttl > 0, "what a killed command leaves must go by itself"
        if self.down:
            raise CannotCheckError("etcd: no node answers")
        self.keys[key] = value
        self.seen.append(key)

    def tree(self, folder: str) -> dict[str, str]:
        if self.down:
            raise CannotCheckError("etcd: no node answers")
        return {key: value for key, value in self.keys.items() if key.startswith(folder)}

    def remove(self, folder: str) -> None:
        if self.down:
            raise CannotCheckError("etcd: no node answers")
        self.keys = {key: value for key, value in self.keys.items() if not key.startswith(folder)}
        if self.late:
            self.keys[self.late.pop()] = "late"

    def remove_empty_folders_above(self, _key: str) -> None:
        """Folders are not kept."""


@pytest.fixture
def paper(monkeypatch: pytest.MonkeyPatch) -> Paper:
    found = Paper()

    def make(_addresses: object, **_options: Any) -> Paper:
        return found

    monkeypatch.setattr(writes, "Etcd", make)
    monkeypatch.setattr(writes, "INTERVAL", 0.001)
    return found


@contextmanager
def written(paper: Paper, count: int) -> Iterator[Writes]:
    with Writes(["127.0.0.1"], "run") as doing:
        end = time.monotonic() + 30
        while len(doing.samples) < count and time.monotonic() < end:
            time.sleep(0.001)
            paper.down = len(doing.samples) == 2
        doing.stop()
        paper.down = False
        yield doing


def test_what_was_acknowledged_is_there_and_goes(paper: Paper) -> None:
    with written(paper, 5) as done:
        assert done.judged() == (Outcome.PASS, f"all {len(done.acknowledged)} acknowledged writes are there")
    assert paper.seen
    assert all(key.startswith("/_coreos-lab/run/") for key in paper.seen)
    assert all(sample.seconds is not None for sample in done.samples)
    assert paper.keys == {}


def test_what_nobody_judges_goes_too(paper: Paper) -> None:
    """The break had no effect, was interrupted, or the cluster was not steady before."""
    with pytest.raises(KeyboardInterrupt), written(paper, 5):
        assert paper.keys
        raise KeyboardInterrupt
    assert paper.keys == {}


def test_a_silent_etcd_keeps_nobody_from_the_end(paper: Paper) -> None:
    with written(paper, 5) as done:
        paper.down = True
        assert done.judged() == (Outcome.UNKNOWN, "etcd: no node answers")
    assert paper.keys, "until their time to live ends"


def test_a_write_that_is_gone_is_named(paper: Paper) -> None:
    with written(paper, 5) as done:
        del paper.keys["/_coreos-lab/run/1"]
        outcome, words = done.judged()
    assert outcome is Outcome.FAIL
    assert words == f"etcd lost 1 of {len(done.acknowledged)} acknowledged writes: 1 ..."


def test_what_was_not_acknowledged_is_an_outage(paper: Paper) -> None:
    paper.down = True
    with Writes(["127.0.0.1"], "run") as doing:
        while not doing.samples:
            time.sleep(0.001)
    assert not doing.samples[0].ok
    paper.down = False
    assert doing.judged() == (Outcome.UNKNOWN, "etcd acknowledged no write")


def test_who_can_ask_no_more_says_so(paper: Paper, monkeypatch: pytest.MonkeyPatch) -> None:
    def breaks(*_args: object, **_options: object) -> None:
        raise KeyError("node")

    monkeypatch.setattr(paper, "set", breaks)
    with Writes(["127.0.0.1"], "run") as doing:
        end = time.monotonic() + 30
        while not doing.troubles and time.monotonic() < end:
            time.sleep(0.001)
    assert doing.troubles == ["KeyError: 'node'"]


def test_a_write_that_comes_late_is_removed_too(paper: Paper) -> None:
    paper.late = ["/_coreos-lab/run/9"]
    with written(paper, 2):
        pass
    assert paper.keys == {}
