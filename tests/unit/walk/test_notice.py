"""A look that fails holds nobody up, and another one follows."""

from __future__ import annotations

import threading

import pytest

from coreos_lab.errors import LabError
from coreos_lab.walk import notice
from coreos_lab.walk.notice import Notice


def test_a_look_that_cannot_be_done_is_no_last_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notice, "INTERVAL", 0.01)
    answers: list[Exception | bool] = [LabError("core: this record is of a newer version", "update"), OSError(), True]

    def look() -> bool:
        if isinstance(answer := answers.pop(0), Exception):
            raise answer
        return answer

    with Notice(look, lambda: None) as made:

        def typing() -> str:
            threading.Event().wait(20.0)
            return "typed"

        assert made.ask(typing) == ""
        assert made.done


def test_a_look_that_is_to_stop_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notice, "INTERVAL", 0.01)
    begun = threading.Event()

    def look() -> bool:
        begun.set()
        raise KeyboardInterrupt

    said: list[threading.ExceptHookArgs] = []
    monkeypatch.setattr(threading, "excepthook", said.append)
    with Notice(look, lambda: None) as made:
        assert begun.wait(20.0)
    assert not made.done
    assert said == []
