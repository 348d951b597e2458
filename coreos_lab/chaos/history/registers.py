"""The registers that clients use, and what they do next.

Each value is written once, so a read says which write it saw.
"""

from __future__ import annotations

import random
import threading
from itertools import count

from coreos_lab.chaos.history.operation import Act, Kind, Operation, Result

ACTIVE = 2  # registers at a time
LENGTH = 120  # operations on a register, which is then replaced: the judge's work may grow exponentially with these
# How often of a hundred. Compare-and-swap comes first: of several at the same moment only one may succeed.
SHARES = {Kind.SWAP: 30, Kind.READ: 30, Kind.WRITE: 20, Kind.LOCAL_READ: 20}
READS = (Kind.READ, Kind.LOCAL_READ)


class Registers:
    """Chooses operations for several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._values, self._names = count(1), count(1)
        self._active = [str(next(self._names)) for _ in range(ACTIVE)]
        self._used = dict.fromkeys(self._active, 0)
        self._seen: dict[str, str] = {}  # the value that a client has written or read last, by register

    @property
    def names(self) -> list[str]:
        """All registers that were used."""
        with self._lock:
            return [name for name, used in self._used.items() if used]

    def choose(self, dice: random.Random, *, only_read: bool) -> Act:
        """What a client does next."""
        kinds = list(READS if only_read else SHARES)
        (kind,) = dice.choices(kinds, [SHARES[each] for each in kinds])
        with self._lock:
            name = self._register(dice)
            if not kind.changes:
                return Act(kind, name)
            expected = self._seen.get(name)
            if kind is Kind.SWAP and expected is not None:
                return Act(kind, name, str(next(self._values)), expected)
            return Act(Kind.WRITE, name, str(next(self._values)))

    def saw(self, operation: Operation) -> None:
        """Takes note of what an operation says about its register."""
        act, answer = operation.act, operation.answer
        value = act.value if act.kind.changes else answer.value
        if act.kind is not Kind.LOCAL_READ and answer.result is Result.OK and value is not None:
            with self._lock:
                self._seen[act.register] = value

    def _register(self, dice: random.Random) -> str:
        place = dice.randrange(ACTIVE)
        if self._used[self._active[place]] >= LENGTH:
            self._active[place] = str(next(self._names))
        name = self._active[place]
        self._used[name] = self._used.get(name, 0) + 1
        return name
