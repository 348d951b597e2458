"""What the judge has found of a history, its record, and the same in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from coreos_lab.errors import LabError
from coreos_lab.model import Outcome
from coreos_lab.records.formats import Format, Record
from coreos_lab.spelling import counted

FORMAT = Format("judgement of a history")
LARGEST = 1 << 20  # bytes of a record
TEXT = 200  # characters of a value
NANO = 1e9  # nanoseconds of a second
MOST = 1 << 63  # no number of the judge's is larger


@dataclass(frozen=True)
class Wrong:
    """An answer that no order of the operations explains. `invented`: it is a value that nobody had written.

    `call` is in monotonic seconds.
    """

    node: str
    register: str
    op: str
    value: str | None
    expected: str | None
    outcome: str
    call: float
    invented: bool

    @property
    def words(self) -> str:
        """The answer in words."""
        found = "that it does not exist" if self.value is None else self.value
        if self.invented:
            return f"{self.node} answered a read of register {self.register} with {found}, which nobody had written"
        what = {
            "write": f"acknowledged that {found} was written",
            "cas": f"acknowledged that {self.expected} was replaced with {found}"
            if self.outcome == "ok"
            else f"answered that the value was not {self.expected}",
            "read": f"answered a quorum read with {found}",
        }
        return f"register {self.register} is not linearizable: {self.node} {what.get(self.op, self.op)}"


@dataclass(frozen=True)
class Stale:
    """A read without quorum that found what had been replaced `age` seconds before it began, at least."""

    node: str
    register: str
    value: str | None
    call: float
    age: float


@dataclass(frozen=True)
class Judgement:
    """What is proved of a history. `reason` says why nothing is, `unjudged` how many registers it is about.

    `answered` is the number of writes, compare-and-swaps and quorum reads whose result is known; `pending` is the
    number of writes and compare-and-swaps that may take effect at any time. `stale_by` has the number of stale reads by
    node; `wrong` and `examples` are the first ones. `pictured` is the register in the picture, "" where there is none.
    """

    outcome: Outcome
    reason: str
    operations: int
    answered: int
    pending: int
    registers: int
    unjudged: int
    wrong: tuple[Wrong, ...]
    local_reads: int
    stale: int
    stale_by: Mapping[str, int]
    oldest: float
    examples: tuple[Stale, ...]
    unexamined: int
    pictured: str

    @property
    def words(self) -> str:
        """The judgement and what was found beside it, in words."""
        done = f"{counted(self.answered, 'answered operation')} on {counted(self.registers, 'register')}"
        if self.outcome is Outcome.FAIL:
            return f"{self.wrong[0].words} (of {done})" if self.wrong else "not linearizable"
        if self.outcome is Outcome.UNKNOWN:
            unjudged = f", so {counted(self.unjudged, 'register')} could not be judged" if self.unjudged else ""
            return f"{self.reason}{unjudged}: {done}"
        pending = f", with {self.pending} that had no answer" if self.pending else ""
        return f"{done} are linearizable{pending}; {self.finding}"

    @property
    def finding(self) -> str:
        """The stale reads in words."""
        reads = f"{self.local_reads} reads without quorum"
        unexamined = f" ({self.unexamined} were not examined)" if self.unexamined else ""
        if not self.stale:
            return f"none of {reads} was stale{unexamined}"
        nodes = ", ".join(f"{count} through {node}" for node, count in self.stale_by.items())
        were = "was" if self.stale == 1 else "were"
        return f"{self.stale} of {reads} {were} stale, the oldest by {self.oldest:.1f} s: {nodes}{unexamined}"


def of_answer(answer: Record) -> Judgement:
    """What the judge has printed. OtherVersionError where that is no judgement."""
    return FORMAT.parse(answer, "the judge's answer", _judgement)


def load(path: Path) -> Judgement | None:
    """A recorded judgement; None where there is none. LabError for one that is damaged, or of another version."""
    try:
        if path.stat().st_size > LARGEST:
            raise LabError(f"{path.name}: larger than any judgement")
        return FORMAT.read(path, _judgement)
    except FileNotFoundError:
        return None
    except (OSError, RecursionError) as error:
        raise LabError(f"{path.name}: cannot be read: {error}") from None


def _judgement(raw: Record) -> Judgement:
    return Judgement(
        outcome=Outcome(raw["outcome"]),
        reason=_text(raw["reason"]),
        operations=_number(raw["operations"]),
        answered=_number(raw["answered"]),
        pending=_number(raw["pending"]),
        registers=_number(raw["registers"]),
        unjudged=len(raw["unjudged"]),
        wrong=tuple(map(_wrong, raw["wrong"])),
        local_reads=_number(raw["local_reads"]),
        stale=_number(raw["stale"]),
        stale_by={_text(node): _number(count) for node, count in raw["stale_by"].items()},
        oldest=seconds(raw["oldest"]),
        examples=tuple(map(_stale, raw["stale_reads"])),
        unexamined=_number(raw["unexamined"]),
        pictured=_text(raw["pictured"]),
    )


def _wrong(raw: Record) -> Wrong:
    return Wrong(
        node=_text(raw["node"]),
        register=_text(raw["register"]),
        op=_text(raw["op"]),
        value=_value(raw.get("value")),
        expected=_value(raw.get("expected")),
        outcome=_text(raw["outcome"]),
        call=seconds(raw["call"]),
        invented=raw["invented"] is True,
    )


def _stale(raw: Record) -> Stale:
    return Stale(
        node=_text(raw["node"]),
        register=_text(raw["register"]),
        value=_value(raw["value"]),
        call=seconds(raw["call"]),
        age=seconds(raw["age"]),
    )


def _value(value: object) -> str | None:
    return None if value is None else _text(value)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is no text")
    return value[:TEXT]


def _number(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < MOST:
        raise TypeError(f"{value!r} is no number")
    return value


def seconds(value: object) -> float:
    """A time of a history, which has nanoseconds. TypeError for what is none."""
    return _number(value) / NANO
