"""A schedule: a file with a list of breaks, each with its targets, its fault and for how long."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from coreos_lab import disk
from coreos_lab.chaos import faults
from coreos_lab.chaos.fault import values_for
from coreos_lab.definition import lab_file
from coreos_lab.errors import UsageError
from coreos_lab.model import FaultKind
from coreos_lab.units_of_measure import duration

SCHEMA = Path(__file__).with_name("schedule.schema.json")


@dataclass(frozen=True)
class Step:
    """One break. `targets` are nodes or unit:NAME, resolved when its turn has come; times are in seconds.

    `values` are those of the fault's parameters that the user has set. `lasting` is for how long the fault stays at
    least, None until it is healed; `rest` is the pause after it. It does not begin before `at`, counted from the
    beginning of all.
    """

    targets: tuple[str, ...]
    kind: FaultKind
    values: dict[str, str] = field(default_factory=dict)
    lasting: float | None = None
    rest: float = 0.0
    at: float = 0.0


def load(path: Path) -> list[Step]:
    """The breaks of a file. UsageError with file and line for what is wrong in it."""
    if not path.is_file():
        raise UsageError(f"{path}: no such file", "write a list of breaks, as docs/faults.md describes")
    document = lab_file.read(path)
    lab_file.refuse(lab_file.schema_problems(document, SCHEMA))
    return [_step(document, number) for number in range(len(document.data))]


def step(targets: Sequence[str], fault: str, values: Mapping[str, str], lasting: str | None) -> Step:
    """One break from the command's options; UsageError for an unknown fault or parameter, or a wrong value."""
    kind = faults.kind_of(fault)
    values_for(faults.FAULTS[kind], values)
    return Step(tuple(targets), kind, dict(values), duration(lasting, "--for") if lasting else None)


def _step(document: lab_file.Document, number: int) -> Step:
    raw = document.data[number]
    targets = [raw["break"]] if isinstance(raw["break"], str) else raw["break"]
    values = {str(name): str(value) for name, value in raw.get("set", {}).items()}
    try:
        kind = faults.kind_of(str(raw.get("fault", FaultKind.KILL.value)))
        values_for(faults.FAULTS[kind], values)
        lasting, rest = (duration(str(raw.get(name, "0s")), name) for name in ("for", "rest"))
    except UsageError as error:
        where = f"{disk.shown(document.path)}:{document.line(number)}"
        raise UsageError(f"{where}: {error.message}", error.hint) from None
    return Step(tuple(map(str, targets)), kind, values, lasting, rest)


def kinds(steps: Sequence[Step]) -> str:
    """The faults of all steps, each once."""
    return ", ".join(dict.fromkeys(step.kind.value for step in steps))
