"""What a click does: a call of `lab`, in a process of its own.

So breaking and healing are the verbs themselves, with their locks, the undo on disk before the act, and the run's
record; and a call goes on to its end when the console ends, or is killed.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from coreos_lab import hints, run, settings
from coreos_lab.chaos import faults
from coreos_lab.console.feed import Feed
from coreos_lab.errors import Exit, LabError, UsageError
from coreos_lab.model import Cluster
from coreos_lab.records import store
from coreos_lab.report.clean import cut
from coreos_lab.units_of_measure import duration

LINES, CHARACTERS = 60, 400  # of a call's output: the last lines are kept, each up to so many characters
KEPT = 8  # calls that are over and still shown
# Of the variables that are options; others would add to a call what the page does not show.
KEPT_VARIABLES = ("LAB_STATE_DIR", "LAB_DEBIAN_MIRROR")


@dataclass(frozen=True)
class Order:
    """A call of `lab`: its verb and words, without the cluster's name."""

    words: tuple[str, ...]

    @property
    def typed(self) -> str:
        """The command as one would type it."""
        verb, *rest = self.words
        return hints.lab("heal") if verb == "heal" else hints.lab("break", *rest)


@dataclass
class _Act:
    order: Order
    number: int
    wall: float = field(default_factory=time.time)
    lines: list[str] = field(default_factory=list)
    code: int | None = None
    process: run.Process | None = None

    def as_plain(self) -> dict[str, Any]:
        plain = {"command": self.order.typed, "wall": self.wall, "lines": list(self.lines)}
        return {**plain, **({} if self.code is None else {"code": self.code})}


def order(cluster: Cluster, asked: Mapping[str, Any]) -> Order:
    """The call that a page asks for. UsageError for what the verb would refuse as wrong usage."""
    match asked.get("verb"):
        case "heal":
            return Order(("heal",))
        case "break":
            return Order(("break", *_broken(cluster, asked)))
        case other:
            raise UsageError(f"{str(other)[:40]}: not something that the console does (there is: break, heal)")


def _broken(cluster: Cluster, asked: Mapping[str, Any]) -> Sequence[str]:
    node = store.require_node(cluster, str(asked.get("node")))
    kind = faults.kind_of(str(asked.get("fault")))
    values = asked.get("values") or {}
    if not isinstance(values, dict):
        raise UsageError("values: not an object")
    values = {str(name): str(value) for name, value in values.items()}
    planned = faults.plan([node], kind, values)
    defaults = faults.plan([node], kind, {}).values
    words = [node.name, "--fault", kind.value]
    for name, value in planned.values.items():
        if value != defaults[name]:
            words += ["--set", f"{name}={value}"]
    if lasting := str(asked.get("for") or ""):
        duration(lasting, "--for")
        words += ["--for", lasting]
    return [*words, "--verify"] if asked.get("verify") is True else words


class Acts:
    """The calls that this console has made. `on_end` is called after each."""

    def __init__(self, cluster: str, feed: Feed, on_end: Callable[[], None]) -> None:
        self._cluster, self._feed, self._on_end = cluster, feed, on_end
        self._lock = threading.Lock()
        self._acts: dict[int, _Act] = {}
        self._count = 0

    def begin(self, given: Order) -> int:
        """Begins a call and returns its number. LabError while another one goes on: a cluster is changed by one."""
        with self._lock:
            going_on = next((act for act in self._acts.values() if act.code is None), None)
            if going_on is not None:
                raise LabError(f"{self._cluster}: busy: {going_on.order.typed}", "wait for its end, or stop it")
            self._count += 1
            act = self._acts[self._count] = _Act(given, self._count)
            for old in sorted(self._acts)[:-KEPT]:
                del self._acts[old]
        self._tell()
        threading.Thread(target=self._carry_out, args=(act,), daemon=True, name="act").start()
        return act.number

    def stop(self, number: int) -> None:
        """Has a call end as Ctrl-C does: it heals first what it has broken for a time. Nothing where it is over."""
        act = self._acts.get(number)
        if act is not None and act.process is not None:
            act.process.terminate()

    def going_on(self) -> str:
        """The call that goes on, as one would type it; "" for none."""
        with self._lock:
            return next((act.order.typed for act in self._acts.values() if act.code is None), "")

    def _carry_out(self, act: _Act) -> None:
        verb, *words = act.order.words
        others = {name: None for name in os.environ if name.startswith("LAB_") and name not in KEPT_VARIABLES}
        environ = {**others, "PYTHONPATH": settings.PACKAGES}
        ours, theirs = os.pipe()
        try:
            with os.fdopen(ours, encoding="utf-8", errors="replace") as output:
                try:
                    call = [*settings.PROGRAM, verb, *words, "--name", self._cluster]
                    act.process = run.begin(call, output=theirs, env=environ)
                finally:
                    os.close(theirs)
                for line in output:
                    self._said(act, line.rstrip())
            act.code = act.process.wait()
        except (LabError, OSError, ValueError) as error:  # a ValueError is of a word that no process can be given
            self._said(act, str(error))
            act.code = Exit.ENVIRONMENT
        self._tell()
        self._on_end()

    def _said(self, act: _Act, line: str) -> None:
        with self._lock:
            act.lines = [*act.lines, cut(line, CHARACTERS)][-LINES:]
        self._tell()

    def _tell(self) -> None:
        with self._lock:  # also while it is passed on: an older state must not come after a newer one
            self._feed.update(acts={str(number): act.as_plain() for number, act in self._acts.items()})
