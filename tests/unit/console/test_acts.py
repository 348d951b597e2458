"""Calls of `lab` that a console makes, with a program of the test's own as `lab`."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from coreos_lab import settings
from coreos_lab.console import acts
from coreos_lab.console.acts import Acts, Order
from coreos_lab.console.feed import Feed
from coreos_lab.errors import LabError
from coreos_lab.model import Cluster


@pytest.fixture
def ended() -> threading.Event:
    return threading.Event()


@pytest.fixture
def made(ended: threading.Event) -> Acts:
    return Acts("core", Feed(), ended.set)


def as_lab(monkeypatch: pytest.MonkeyPatch, program: str) -> None:
    monkeypatch.setattr(settings, "PROGRAM", (sys.executable, "-c", program))


def act(made: Acts) -> dict[str, Any]:
    return dict(made._feed.document["acts"]["1"])


def until(condition: Callable[[], object]) -> None:
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end, "in vain"
        time.sleep(0.02)


BREAK = {"verb": "break", "node": "core-02", "fault": "isolate"}


@pytest.mark.parametrize(
    ("asked", "typed"),
    [
        ({"verb": "heal"}, "lab heal"),
        (BREAK, "lab break core-02 --fault isolate"),
        ({**BREAK, "for": "30s"}, "lab break core-02 --fault isolate --for 30s"),
        ({**BREAK, "verify": True}, "lab break core-02 --fault isolate --verify"),
        ({**BREAK, "verify": "yes"}, "lab break core-02 --fault isolate"),
        (
            {**BREAK, "fault": "partition", "values": {"from": "core-01", "way": "both"}},
            "lab break core-02 --fault partition --set from=core-01",
        ),
    ],
)
def test_an_order_is_the_command_that_one_would_type(
    planned: Callable[..., Cluster], asked: dict[str, Any], typed: str
) -> None:
    assert acts.order(planned(), asked).typed == typed


def test_what_a_call_prints_is_shown_as_it_comes_and_cut(
    made: Acts, ended: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = "import sys; print(sys.argv[1:]); print('\\033[31mred', file=sys.stderr); print('x' * 5000); sys.exit(3)"
    as_lab(monkeypatch, program)
    made.begin(Order(("break", "core-01")))
    assert ended.wait(20)
    assert act(made)["code"] == 3
    lines = act(made)["lines"]
    assert "['break', 'core-01', '--name', 'core']" in lines
    assert "␛[31mred" in lines
    assert lines[-1].endswith("(4600 more characters)")
    assert act(made)["command"] == "lab break core-01"


def test_options_of_the_environment_do_not_reach_a_call(
    made: Acts, ended: threading.Event, monkeypatch: pytest.MonkeyPatch, state: Path
) -> None:
    monkeypatch.setenv("LAB_VERIFY", "1")
    monkeypatch.setenv("LAB_FOR", "3s")
    as_lab(monkeypatch, "import os; print(sorted(each for each in os.environ if each.startswith('LAB_')))")
    made.begin(Order(("heal",)))
    assert ended.wait(20)
    assert act(made)["lines"] == ["['LAB_STATE_DIR']"], state


def test_one_call_at_a_time_which_can_be_stopped(
    made: Acts, ended: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = (
        "import signal, sys, time\n"
        "signal.signal(signal.SIGTERM, lambda *_: (print('healing'), sys.exit(143)))\n"
        "print('broken', flush=True)\ntime.sleep(60)"
    )
    as_lab(monkeypatch, program)
    made.begin(Order(("break", "core-01", "--for", "5m")))
    until(lambda: act(made)["lines"] == ["broken"])
    assert made.going_on() == "lab break core-01 --for 5m"
    with pytest.raises(LabError, match="busy: lab break core-01"):
        made.begin(Order(("heal",)))
    made.stop(7)  # there is none
    made.stop(1)
    assert ended.wait(20)
    assert (act(made)["lines"], act(made)["code"]) == (["broken", "healing"], 143)
    made.stop(1)  # it is over
    assert made.going_on() == ""
    as_lab(monkeypatch, "print('healed')")
    ended.clear()
    assert made.begin(Order(("heal",))) == 2
    assert ended.wait(20)


def test_a_call_that_cannot_be_made_is_over(made: Acts, ended: threading.Event) -> None:
    made.begin(Order(("break", "core-01", "--set", "a=\0")))
    assert ended.wait(20)
    assert (act(made)["lines"], act(made)["code"]) == (["embedded null byte"], 4)
    assert made.going_on() == ""


@pytest.mark.parametrize("end", ["os.kill(os.getpid(), 9)", "sys.exit()"])
def test_a_call_goes_on_when_the_console_ends_or_is_killed(tmp_path: Path, end: str) -> None:
    done = tmp_path / "done"
    program = (
        "from coreos_lab import screen; screen.prepare(); import time\n"
        f"print('begun', flush=True); time.sleep(2); print('more'); open({str(done)!r}, 'w')"
    )
    console = (
        "import os, sys, time; from coreos_lab import settings; from coreos_lab.console.acts import Acts, Order\n"
        "from coreos_lab.console.feed import Feed\n"
        f"settings.PROGRAM = (sys.executable, '-c', {program!r}); feed = Feed()\n"
        "Acts('core', feed, lambda: None).begin(Order(('heal',)))\n"
        f"while not feed.document['acts']['1']['lines']: time.sleep(0.01)\n{end}"
    )
    subprocess.run([sys.executable, "-c", console], check=False)
    assert not done.exists()
    until(done.exists)
