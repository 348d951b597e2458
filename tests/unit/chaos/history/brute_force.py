"""A judge that tries every order of a register's operations: slow, and plainly right."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Op:
    """An operation as in a history's line. `expected` is None for all but a compare-and-swap."""

    op: str
    value: str | None
    call: int
    end: int
    outcome: str = "ok"
    expected: str | None = None

    @property
    def reads(self) -> bool:
        return self.op in ("read", "local read")

    @property
    def answered(self) -> bool:
        return self.outcome in ("ok", "mismatch")

    def line(self, register: str) -> dict[str, Any]:
        """The operation as the judge reads it."""
        more = {"expected": self.expected} if self.op == "cas" else {}
        return {
            "client": 0,
            "node": "core-01",
            "register": register,
            "op": self.op,
            "value": self.value,
            "call": self.call,
            "return": self.end,
            "outcome": self.outcome,
            **more,
        }


def after(op: Op, before: str | None) -> Iterator[str | None]:
    """What a register may be after an operation, if the operation is possible."""
    if op.op == "write":
        yield op.value
    elif op.op == "cas":
        if op.outcome == "unknown":
            yield op.value if before == op.expected else before
        elif op.outcome == "ok" and before == op.expected:
            yield op.value
        elif op.outcome == "mismatch" and before != op.expected:
            yield before
    elif before == op.value:
        yield before


def explains(left: tuple[Op, ...], value: str | None = None) -> bool:
    """Whether an order explains what is left, beginning with a register's value.

    One of the operations that began before any of the others ended is the next. What has no answer may also never
    happen, so it does not have to be in the order.
    """
    answered = [op for op in left if op.answered]
    if not answered:
        return True
    first = min(op.end for op in answered)
    return any(
        explains((*left[:number], *left[number + 1 :]), then)
        for number, op in enumerate(left)
        if op.call <= first
        for then in after(op, value)
    )


def judged(history: list[Op]) -> tuple[bool, int]:
    """Whether a register's history is as it must be, and how many of its reads without quorum are stale."""
    agreed = tuple(
        op for op in history if op.op != "local read" and (op.answered or (op.outcome == "unknown" and not op.reads))
    )
    if not explains(agreed):
        return False, 0
    stale = invented = 0
    local = [op for op in history if op.op == "local read" and op.answered]
    for read in sorted(local, key=lambda op: op.end):
        if explains((*agreed, read)):
            agreed = (*agreed, read)
        elif read.value is None or any(op.value == read.value and op.call <= read.end for op in agreed if not op.reads):
            stale += 1
        else:
            invented += 1
    return not invented, stale
