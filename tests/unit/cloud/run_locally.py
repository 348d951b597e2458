"""Functions' real loops by this machine's Node and Python, without a sandbox: what the tests of functions share."""

from __future__ import annotations

import os
import subprocess
from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from coreos_lab.cloud.functions import code
from coreos_lab.cloud.functions.environment import Environment
from coreos_lab.cloud.functions.kept import Function
from coreos_lab.cloud.functions.runner import Result
from coreos_lab.cloud.functions.runtimes import RUNTIMES
from coreos_lab.cloud.functions.sandbox import Order


@dataclass
class Local:
    """A function's process as one of the test's own: for Sandbox."""

    order: Order
    folder: Path
    used: int = 0

    def __post_init__(self) -> None:
        self.folder.mkdir()
        self.output = self.folder / "output"
        os.mkfifo(self.output)
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, stream: str, port: int) -> None:
        given = {**self.order.variables, "AWS_LAMBDA_LOG_STREAM_NAME": stream, "PATH": os.environ["PATH"]}
        with self.output.open("wb") as out:
            self._process = subprocess.Popen(
                self.order.command,
                env={**given, "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{port}"},
                stdout=out,
                stderr=subprocess.STDOUT,
            )

    def runs(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def peak(self) -> int:
        return self.used

    def end(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()


def environment(folder: Path, runtime: str, text: str, timeout: int = 60) -> Environment:
    """An environment of a function with this text as its code, started."""
    kind = RUNTIMES[runtime]
    code.unpack(code.of_text(kind.inline, text), folder / "code")
    program, *rest = kind.command(128)
    loop = [str(kind.loop) if each.startswith("/var/runtime/") else each for each in rest]
    names = ("FUNCTION_NAME", "FUNCTION_VERSION", "FUNCTION_MEMORY_SIZE", "LOG_GROUP_NAME")
    variables = {f"AWS_LAMBDA_{name}": name for name in names}
    variables |= {"LAMBDA_TASK_ROOT": str(folder / "code"), "_HANDLER": "index.handler", "PYTHONUNBUFFERED": "1"}
    order = Order(1, Path("/proc/self/ns/net"), "", folder / "code", 128 * 2**20, (program, *loop), variables)
    sandbox: Any = Local(order, folder / "run")  # with what an environment uses of a Sandbox
    made = Environment(sandbox, "1", timeout, "arn:aws:lambda:us-west-2:123456789012:function:f")
    made.sandbox.start(made.stream, made.port)
    return made


@dataclass
class Played:
    """What runs functions, for tests of the API: answers as it is told, and remembers the events."""

    answer: Callable[[Any], tuple[bytes, bool]] = lambda _event: (b'"done"', False)
    events: list[tuple[str, bytes]] = field(default_factory=list)
    places: Any = None

    def run(self, function: Function, body: bytes, request: str = "") -> Result:
        self.events.append((function.name, body))
        payload, error = self.answer(body)
        return Result(payload, error, request or "r-1", b64encode(b"log\n").decode())

    def run_later(self, function: Function, body: bytes) -> str:
        self.events.append((function.name, body))
        return "r-2"


TRUST: Mapping[str, Any] = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"},
    ],
}
