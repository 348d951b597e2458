"""One operation of a history, and the line that records it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What a client does with a register."""

    WRITE = "write"
    SWAP = "cas"  # compare-and-swap
    READ = "read"  # agreed on by a majority of the members
    LOCAL_READ = "local read"  # of one member's own copy, which may be old

    @property
    def changes(self) -> bool:
        """Whether it changes the register."""
        return self in (Kind.WRITE, Kind.SWAP)


class Result(StrEnum):
    """What came of an operation, as far as its client knows."""

    OK = "ok"
    MISMATCH = "mismatch"  # compare-and-swap found another value
    FAILED = "failed"  # it was never sent, so it had no effect
    UNKNOWN = "unknown"  # sent, without an answer that says what came of it: it may take effect at any time

    @property
    def answered(self) -> bool:
        """Whether etcd's answer says what came of it."""
        return self in (Result.OK, Result.MISMATCH)


@dataclass(frozen=True)
class Act:
    """What is to be done with a register. `value` is written, or swapped in for `expected`."""

    kind: Kind
    register: str
    value: str | None = None
    expected: str | None = None


@dataclass(frozen=True)
class Answer:
    """What came of an act. `value` is what a read has found, None for a register that does not exist."""

    result: Result
    value: str | None = None
    detail: str = ""


@dataclass(frozen=True)
class Operation:
    """An act of one client through a node, with its answer; times are in nanoseconds of the monotonic clock."""

    client: int
    node: str
    act: Act
    call: int
    end: int
    answer: Answer

    def as_json(self) -> str:
        """The operation as one line, as the judge reads it."""
        act, answer = self.act, self.answer
        line = {
            "client": self.client,
            "node": self.node,
            "register": act.register,
            "op": act.kind,
            **({"expected": act.expected} if act.expected is not None else {}),
            "value": act.value if act.kind.changes else answer.value,
            "call": self.call,
            "return": self.end,
            "outcome": answer.result,
            **({"detail": answer.detail} if answer.detail else {}),
        }
        return json.dumps(line)
