"""An execution environment: one process of a function, which gets one event at a time."""

from __future__ import annotations

import json
import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import uuid4

from coreos_lab.cloud import json_api
from coreos_lab.cloud.functions.output import Output
from coreos_lab.cloud.functions.runtime_api import RuntimeApi
from coreos_lab.cloud.functions.sandbox import Sandbox

INIT = 30.0  # seconds for a function's code outside of the handler: AWS has 10, and no machines that boot beside it
LOOK = 0.1  # seconds between two looks whether the process is there
Lines = list[tuple[int, str]]
PIECE = 2**20  # bytes in a MiB


@dataclass(frozen=True)
class Outcome:
    """What came of an invocation. `error`: the function has failed, and `payload` says how. `lines` are its log."""

    payload: bytes
    error: bool
    lines: Lines


@dataclass
class _Turn:
    """An event on its way: `given` when the process has it, `answer` and `kind` when it has answered."""

    id: str
    body: bytes
    arn: str
    deadline: int = 0
    given: bool = False
    answer: bytes | None = None
    kind: str | None = None


@dataclass
class Environment:
    """`start` makes its process, `invoke` has it handle an event. Only one thread at a time does so."""

    sandbox: Sandbox
    revision: str
    timeout: int
    arn: str
    cold: bool = True
    over: bool = False
    born: float = field(default_factory=time.monotonic)
    rested: float = field(default_factory=time.monotonic)

    def __post_init__(self) -> None:
        self.stream = f"{datetime.now(UTC):%Y/%m/%d}/[$LATEST]{uuid4().hex}"
        self._turn: _Turn | None = None
        self._asking = False
        self._failed: bytes | None = None
        self._moved = threading.Condition()
        self._output = Output(self.sandbox.output)
        try:
            self._server = RuntimeApi(self.sandbox.order.namespace, self)
        except BaseException:  # its namespace is just going
            self._output.close()
            raise

    @property
    def port(self) -> int:
        """Where its Runtime API is."""
        return self._server.port

    def next(self) -> tuple[dict[str, str], bytes] | None:
        with self._moved:
            self._asking = True
            self._moved.notify_all()
            self._moved.wait_for(lambda: self.over or (self._turn is not None and not self._turn.given))
            self._asking = False
            turn = self._turn
            if self.over or turn is None:
                return None
            turn.given = True
            return {
                "Lambda-Runtime-Aws-Request-Id": turn.id,
                "Lambda-Runtime-Deadline-Ms": str(turn.deadline),
                "Lambda-Runtime-Invoked-Function-Arn": turn.arn,
            }, turn.body

    def answer(self, request: str, body: bytes, kind: str | None) -> bool:
        with self._moved:
            turn = self._turn
            if turn is None or turn.id != request or turn.answer is not None:
                return False
            turn.answer, turn.kind = body, kind
            self._moved.notify_all()
            return True

    def fail(self, body: bytes, kind: str) -> None:
        with self._moved:
            self._failed = body or _told(kind, "the runtime could not begin")
            self._moved.notify_all()

    def invoke(self, body: bytes, request: str) -> Outcome | None:
        """Has the process handle an event. Afterwards it may be `over`, and then it is to be ended.

        Returns None if the process had ended since its last event: then another one gets it.
        """
        began, cold = time.monotonic(), self.cold
        turn = _Turn(request, body, self.arn)
        ready = self._await(lambda: self._asking or self._failed is not None, INIT if cold else self.timeout)
        init = time.monotonic() - began if cold else 0.0
        self.cold = False
        if not (ready or cold or self.sandbox.runs()):
            self.over = True
            return None
        if self._failed is not None or not ready:
            payload = self._failed or self._end_of(turn, f"Init timed out after {INIT:.2f} seconds")
            return self._outcome(turn, payload, 0.0, init)
        began = time.monotonic()
        with self._moved:
            turn.deadline = int((time.time() + self.timeout) * 1000)
            self._turn = turn
            self._moved.notify_all()
        if self._await(lambda: turn.answer is not None, self.timeout):
            return self._outcome(turn, None, time.monotonic() - began, init)
        payload = self._end_of(turn, f"Task timed out after {self.timeout:.2f} seconds")
        return self._outcome(turn, payload, time.monotonic() - began, init)

    def _await(self, true: Callable[[], bool], seconds: float) -> bool:
        """Waits for something, as long as the process runs; returns whether it is so."""
        end = time.monotonic() + seconds
        with self._moved:
            while not true():
                left = end - time.monotonic()
                if left <= 0 or not self.sandbox.runs():
                    self._moved.wait(0.0)
                    return true()
                self._moved.wait(min(left, LOOK))
            return True

    def _end_of(self, turn: _Turn, late: str) -> bytes:
        """The error for a process that has not answered: it is gone, or its time is over."""
        if self.sandbox.runs():
            return _told("Sandbox.Timedout", f"RequestId: {turn.id} Error: {late}")
        if self.sandbox.peak() >= self.sandbox.order.memory * 0.98:
            said = "Runtime exited with error: signal: killed"
            return _told("Runtime.OutOfMemory", f"RequestId: {turn.id} Error: {said}")
        return _told("Runtime.ExitError", f"RequestId: {turn.id} Error: Runtime exited without providing a reason")

    def _outcome(self, turn: _Turn, failed: bytes | None, seconds: float, init: float) -> Outcome:
        """Ends a turn: `failed` is an error that the handler has not told itself."""
        with self._moved:
            self._turn = None
        error = failed is not None or turn.kind is not None
        payload = failed if failed is not None else turn.answer or b"null"
        self.over = self.over or failed is not None or not self.sandbox.runs()
        self.rested = time.monotonic()
        lines = [(_now(), f"START RequestId: {turn.id} Version: $LATEST"), *self._output.take()]
        if failed is not None:
            lines.append((_now(), f"{turn.id} {_message(failed)}"))
        lines += [(_now(), f"END RequestId: {turn.id}"), (_now(), self._report(turn, seconds, init))]
        first = min(moment for moment, _line in lines)
        lines[0] = (first, lines[0][1])
        return Outcome(payload, error, lines)

    def _report(self, turn: _Turn, seconds: float, init: float) -> str:
        took = seconds * 1000
        size, used = self.sandbox.order.memory // PIECE, math.ceil(self.sandbox.peak() / PIECE)
        begun = f"Init Duration: {init * 1000:.2f} ms\t" if init else ""
        billed = math.ceil(took + init * 1000)
        return (
            f"REPORT RequestId: {turn.id}\tDuration: {took:.2f} ms\tBilled Duration: {billed} ms\t"
            f"Memory Size: {size} MB\tMax Memory Used: {min(size, used)} MB\t{begun}"
        )

    def end(self) -> None:
        """Ends the process. LabError where it does not end."""
        with self._moved:
            self.over = True
            self._moved.notify_all()
        self._server.stop()
        try:
            self.sandbox.end()
        finally:
            self._output.close()


def _message(failed: bytes) -> str:
    """The message of an error, which may be the process's own and then anything."""
    try:
        said = json_api.loads(failed)
    except ValueError:
        return ""
    return str(said.get("errorMessage", "")) if isinstance(said, dict) else ""


def _told(kind: str, message: str) -> bytes:
    return json.dumps({"errorType": kind, "errorMessage": message}).encode()


def _now() -> int:
    return int(time.time() * 1000)
