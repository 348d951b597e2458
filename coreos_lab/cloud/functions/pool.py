"""The environments of all functions: a warm one if there is one, a cold one otherwise, and none beyond the limit."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from coreos_lab.cloud.functions.environment import Environment, Outcome
from coreos_lab.cloud.functions.kept import Function
from coreos_lab.cloud.functions.sandbox import Order, Sandbox
from coreos_lab.cloud.sigv4 import RefusedError
from coreos_lab.errors import LabError
from coreos_lab.model import Cloud
from coreos_lab.providers.base import InstanceProvider

MOST = 10  # environments of a cloud at a time: what a new account has at AWS
IDLE = 300.0  # seconds until one without events is ended
AGE = 4 * 3600.0  # seconds until one gets no more events: its credentials expire after five hours


@dataclass
class _Used:
    environment: Environment
    number: int
    busy: bool = True


class Pool:
    """`order` says what is to run for a function."""

    def __init__(
        self,
        cloud: Cloud,
        provider: InstanceProvider,
        order: Callable[[Function], Order],
        say: Callable[[str], None],
    ) -> None:
        self.cloud, self.provider, self.order, self.say = cloud, provider, order, say
        self._lock = threading.Lock()
        self._used: list[_Used] = []
        self._starting = 0

    def run(self, function: Function, body: bytes, request: str) -> tuple[Outcome, str]:
        """Has a function handle an event; returns what came of it, and the log stream that it belongs to.

        RefusedError where too many run already; LabError where no process can be started.
        """
        while True:
            used = self._take(function)
            try:
                outcome = used.environment.invoke(body, request)
            except BaseException:
                used.environment.over = True
                raise
            finally:
                self._give_back(used)
            if outcome is not None:
                return outcome, used.environment.stream

    def _take(self, function: Function) -> _Used:
        with self._lock:
            for used in self._used:
                if not used.busy and self._serves(used, function) and used.environment.sandbox.runs():
                    used.busy = True
                    return used
            if len(self._used) + self._starting >= MOST and not self._make_room():
                raise RefusedError("TooManyRequestsException", "Rate Exceeded.")
            self._starting += 1
        try:
            environment = self._start(function)
        except BaseException:
            with self._lock:
                self._starting -= 1
            raise
        with self._lock:
            self._starting -= 1
            used = _Used(environment, function.number)
            self._used.append(used)
        return used

    def _serves(self, used: _Used, function: Function) -> bool:
        its = used.environment
        fresh = time.monotonic() - its.born < AGE and not its.over
        return fresh and used.number == function.number and its.revision == function.revision

    def _make_room(self) -> bool:
        """Ends the environment that has rested longest; returns whether there was one."""
        resting = sorted((each for each in self._used if not each.busy), key=lambda each: each.environment.rested)
        if resting:
            self._used.remove(resting[0])
            self._end(resting[0])
        return bool(resting)

    def _start(self, function: Function) -> Environment:
        sandbox = Sandbox(self.cloud, self.provider, self.order(function))
        try:
            environment = Environment(sandbox, function.revision, function.timeout, function.arn)
        except BaseException:
            sandbox.end()
            raise
        try:
            sandbox.start(environment.stream, environment.port)
        except BaseException:
            environment.end()
            raise
        return environment

    def _give_back(self, used: _Used) -> None:
        with self._lock:
            used.busy = False
            if used.environment.over:
                self._used.remove(used)
                self._end(used)

    def _end(self, used: _Used) -> None:
        try:
            used.environment.end()
        except LabError as error:
            self.say(f"{used.environment.sandbox.name}: {error.message} {error.details}")

    def tidy(self, functions: list[Function]) -> None:
        """Ends environments that have rested long, have ended, or whose function has changed."""
        revisions = {each.number: each.revision for each in functions if not each.deleting}
        with self._lock:
            for used in [each for each in self._used if not each.busy]:
                its = used.environment
                stale = revisions.get(used.number) != its.revision or time.monotonic() - its.rested > IDLE
                if stale or not its.sandbox.runs():
                    self._used.remove(used)
                    self._end(used)

    def codes(self) -> set[Path] | None:
        """The folders of code that environments have; None while one is being started, which may have any."""
        with self._lock:
            return None if self._starting else {each.environment.sandbox.order.code for each in self._used}

    def has(self, number: int) -> bool:
        """Whether there are environments of a function."""
        with self._lock:
            return self._starting > 0 or any(each.number == number for each in self._used)
