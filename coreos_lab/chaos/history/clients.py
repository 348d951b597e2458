"""Clients that read, write and compare-and-swap registers in etcd through different members, and their history."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from coreos_lab.chaos.history.operation import Act, Answer, Kind, Operation
from coreos_lab.chaos.history.registers import Registers
from coreos_lab.chaos.history.request import perform
from coreos_lab.chaos.watch import Watch

EACH = 2  # clients of a member
# Seconds between two operations of a client. etcd keeps its last 1000 changes for those that watch it, such as fleet.
# With more changes a second, a machine that comes back after a minute would miss some, which falsifies the verdict.
INTERVAL = 0.4
PATIENCE = 1.0  # seconds for an answer


class Clients(Watch):
    """Makes a history and records it as it happens. `members` are etcd's, by name, each with its URL.

    A proxy of etcd is no member: it passes a request that one member did not answer to the next one, so an operation
    might take effect twice. What is written below `folder` expires after `ttl` seconds.
    """

    def __init__(self, members: Mapping[str, str], folder: str, ttl: int, path: Path) -> None:
        super().__init__()
        self._members, self._folder, self._ttl = members, folder, ttl
        self._registers = Registers()
        self._lock = threading.Lock()
        self._out = path.open("w", encoding="utf-8")
        self._unanswered: set[int] = set()  # clients whose last quorum operation had no answer
        self._clients = 0
        self.recorded = self.answered = 0  # operations; answers to those that the members agree on
        for node in list(members) * EACH:
            dice = random.Random(f"client {self._clients}")  # noqa: S311 - no secret
            self.every(0.0, partial(self._act, self._clients, node, dice))
            self._clients += 1

    def finish(self) -> None:
        """Ends the clients and reads each register once more: what was acknowledged must be there.

        Once no member answers, the others are not read: a storm has hundreds of registers.
        """
        self.stop()
        with self._troubled():
            for name in self._registers.names:
                if not self._read_once_more(name):
                    break

    def close(self) -> None:
        """Ends the clients and the record."""
        self.stop()
        with self._troubled():
            self._out.close()

    def _read_once_more(self, name: str) -> bool:
        """Whether a member has answered."""
        act = Act(Kind.READ, name)
        return any(self._do(self._clients, node, act).result.answered for node in self._members)

    @contextmanager
    def _troubled(self) -> Iterator[None]:
        """A history that cannot be recorded, as on a full disk, is a trouble, and keeps nothing from being healed."""
        try:
            yield
        except OSError as error:
            self.troubles.append(f"{type(error).__name__}: {error}")

    def _act(self, client: int, node: str, dice: random.Random) -> None:
        """The next operation. All clients act at the same moments, so that their operations overlap.

        A client that got no answer only reads until it gets one. What has no answer is pending for ever, and each such
        change may double the judge's work; a read changes nothing.
        """
        self._over.wait(INTERVAL - time.monotonic() % INTERVAL)
        if self._over.is_set():
            return
        act = self._registers.choose(dice, only_read=client in self._unanswered)
        answer = self._do(client, node, act)
        if act.kind is Kind.LOCAL_READ:
            return
        if answer.result.answered:
            self._unanswered.discard(client)
        else:
            self._unanswered.add(client)

    def _do(self, client: int, node: str, act: Act) -> Answer:
        call = time.monotonic_ns()
        answer = perform(self._members[node], self._folder, act, ttl=self._ttl, timeout=PATIENCE)
        operation = Operation(client, node, act, call, time.monotonic_ns(), answer)
        self._registers.saw(operation)
        with self._lock:
            self._out.write(operation.as_json() + "\n")
            self.recorded += 1
            self.answered += act.kind is not Kind.LOCAL_READ and answer.result.answered
        return answer
