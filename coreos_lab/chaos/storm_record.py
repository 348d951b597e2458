"""The record of a storm: its plan, written before it acts, and the shortest plan that still failed."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from coreos_lab.chaos import numbering
from coreos_lab.chaos.fault import values_for
from coreos_lab.chaos.faults import FAULTS
from coreos_lab.chaos.schedule import Step
from coreos_lab.chaos.verdict import Phase
from coreos_lab.errors import LabError, UsageError
from coreos_lab.model import FaultKind, Outcome, to_json
from coreos_lab.records.formats import Format, Record

FILE, SHRUNK = "storm.json", "shrunk.json"
ATTEMPTS = "shrinking"  # the folder with a run's folder for each attempt to shrink the plan
FORMAT = Format("plan of a storm")
LARGEST = 16 << 20  # bytes
TIMES = 1e6  # seconds: no plan is longer
TARGET = re.compile(r"(unit:)?[A-Za-z0-9@_.:\\-]+")  # a record may come from anywhere
T = TypeVar("T")


@dataclass(frozen=True)
class Storm:
    """A plan that is carried out, and the seed that it was made from. `ends` and `deadline` are in seconds.

    `history`: a history of registers in etcd is recorded meanwhile, and judged.
    """

    seed: int
    steps: tuple[Step, ...]
    deadline: float
    ends: float | None = None
    may_lose_quorum: bool = False
    history: bool = False

    @property
    def what(self) -> str:
        """The storm in words."""
        return f"storm (seed {self.seed})"


@dataclass(frozen=True)
class Shrunk:
    """The shortest plan that was found to fail, of `of` breaks. `attempts` is how many plans were tried.

    `run` is the name of the attempt that failed with it, "" for the storm itself. `stopped` says why no shorter one was
    looked for, "" where no break could be left out.
    """

    steps: tuple[Step, ...]
    of: int
    attempts: int
    run: str = ""
    stopped: str = ""


def save(storm: Storm, folder: Path) -> None:
    """Writes the plan into a run's folder."""
    FORMAT.write(folder / FILE, to_json(storm))


def save_shrunk(shrunk: Shrunk, folder: Path) -> None:
    """Writes the shortest plan that failed into the storm's folder."""
    FORMAT.write(folder / SHRUNK, to_json(shrunk))


def load(folder: Path) -> Storm | None:
    """A run's plan; None where it has none. LabError for one that is damaged or of another version of lab."""
    return _read(folder / FILE, _storm)


def load_shrunk(folder: Path) -> Shrunk | None:
    """The shortest plan that failed; None where the storm was not shrunk. LabError as for `load`."""
    return _read(folder / SHRUNK, _shrunk)


def carried_out(steps: Sequence[Step], phases: Sequence[Phase]) -> tuple[Step, ...]:
    """The breaks that a run has begun, at the times at which it began and ended them, by the phases of its verdict.

    What the end of the run has cut short lasts at least as long as planned, and until the last break begins.
    """
    if not phases or phases[0].began is None:
        return tuple(steps)
    start = phases[0].began + phases[0].seconds  # the steady state before
    found: list[tuple[Step, bool]] = []
    for number, step in enumerate(steps, 1):
        prefix = numbering.prefix(number, len(steps))
        began, repaired = (_began(phases, f"{prefix}{name}") for name in ("effect", "repair"))
        if began is None:
            continue
        own = [phase for phase in phases if phase.name.startswith(prefix)]
        whole = repaired is not None and all(phase.outcome is Outcome.PASS for phase in own)
        lasting = repaired - began if repaired is not None and whole else step.lasting or 0.0
        found.append((replace(step, at=round(max(0.0, began - start), 1), lasting=round(lasting, 1)), whole))
    last = max((step.at for step, _whole in found), default=0.0)
    return tuple(
        step if whole else replace(step, lasting=max(step.lasting or 0.0, round(last - step.at + 1, 1)))
        for step, whole in found
    )


def _began(phases: Sequence[Phase], name: str) -> float | None:
    return next((phase.began for phase in phases if phase.name == name), None)


def _read(path: Path, make: Callable[[Record], T]) -> T | None:
    try:
        if path.stat().st_size > LARGEST:
            raise LabError(f"{path}: larger than any plan of a storm", "replay another run")
        return FORMAT.read(path, make)
    except FileNotFoundError:
        return None
    except (OSError, RecursionError) as error:
        raise LabError(f"{path}: cannot be read: {error}", "replay another run") from None


def _storm(raw: Record) -> Storm:
    ends = None if raw["ends"] is None else _seconds(raw["ends"])
    lost, history = raw["may_lose_quorum"] is True, raw.get("history") is True
    return Storm(_number(raw["seed"]), _steps(raw["steps"]), _seconds(raw["deadline"]), ends, lost, history)


def _shrunk(raw: Record) -> Shrunk:
    of, attempts = _number(raw["of"]), _number(raw["attempts"])
    return Shrunk(_steps(raw["steps"]), of, attempts, str(raw["run"]), str(raw["stopped"]))


def _steps(raw: Any) -> tuple[Step, ...]:
    if not isinstance(raw, list) or not raw:
        raise TypeError("no list of breaks")
    return tuple(map(_step, raw))


def _step(raw: Any) -> Step:
    kind = FaultKind(raw["kind"])
    values = {str(name): str(value) for name, value in raw["values"].items()}
    try:
        values_for(FAULTS[kind], values)
    except UsageError as error:
        raise ValueError(error.message) from None
    (target,) = raw["targets"]
    if not isinstance(target, str) or not TARGET.fullmatch(target):
        raise TypeError(f"{target!r} is no target")
    return Step((target,), kind, values, lasting=_seconds(raw["lasting"]), at=_seconds(raw["at"]))


def _seconds(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"{value!r} is no number of seconds")
    if not 0 <= value <= TIMES:  # nor is NaN
        raise ValueError(f"{value!r} seconds are no time of a plan")
    return float(value)


def _number(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{value!r} is no whole number")
    return value
