"""Runs functions: with their place in the network, their role's credentials, and their output in the logs."""

from __future__ import annotations

import threading
import time
from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

from coreos_lab import disk
from coreos_lab.cloud import policy, sessions
from coreos_lab.cloud.engine import Engine
from coreos_lab.cloud.functions import code, teardown
from coreos_lab.cloud.functions.environment import Lines
from coreos_lab.cloud.functions.kept import ACTIVE, VERSION, Function, Kept
from coreos_lab.cloud.functions.places import Place, Places
from coreos_lab.cloud.functions.pool import Pool
from coreos_lab.cloud.functions.runtimes import PATH, RUNTIMES
from coreos_lab.cloud.functions.sandbox import BUNDLE, Order
from coreos_lab.cloud.logs.service import Logs
from coreos_lab.cloud.sigv4 import RefusedError
from coreos_lab.model import Cloud
from coreos_lab.providers.base import InstanceProvider
from coreos_lab.wait import DeadlineError, until

CONNECTED = 30.0  # seconds for a function's interfaces to be in their VPC
TAIL = 4096  # bytes of the log that the caller gets, if it asks for them
LOGGING = ("logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents")
LOOK = 0.5  # seconds between two looks
AGAIN = (60.0, 120.0)  # seconds until an event that nobody waits for is handled again, when it has failed


@dataclass(frozen=True)
class Result:
    """What a caller gets of an invocation. `tail` is the end of the log, in Base64."""

    payload: bytes
    error: bool
    request: str
    tail: str


class Runner:
    """The functions' processes of one cloud."""

    def __init__(
        self,
        cloud: Cloud,
        kept: Kept,
        lock: threading.RLock,
        *,
        engine: Engine,
        logs: Logs,
        places: Places,
        provider: InstanceProvider,
        folder: Path,
        say: Callable[[str], None],
    ) -> None:
        self.cloud, self.kept, self.lock, self.engine, self.logs = cloud, kept, lock, engine, logs
        self.places, self.provider, self.folder, self.say = places, provider, folder, say
        self.pool = Pool(cloud, provider, self._order, say)

    def begin(self) -> None:
        """Ends what a process before this one has left, then looks after functions for as long as this process does."""
        teardown.end_processes(self.cloud, self.provider)
        threading.Thread(target=self._run, daemon=True, name="functions").start()

    def _run(self) -> None:
        while True:
            time.sleep(LOOK)
            try:
                self.look()
            except Exception as error:
                self.say(f"functions: {type(error).__name__}: {error}")  # the next look may be better

    def look(self) -> None:
        """Ends environments that are not needed, connects functions to their VPCs, removes what was deleted."""
        with self.lock:
            functions = list(self.kept.functions)
        self.pool.tidy(functions)
        for function in functions:
            if function.deleting:
                if not self.pool.has(function.number):
                    self._remove(function)
            elif function.subnets:
                there = self.places.of(function) is not None
                with self.lock:
                    if there and function.state != ACTIVE:
                        function.state = ACTIVE
                        self.kept.save()
        self._clear()

    def _clear(self) -> None:
        """Removes code that no function has any more, once no environment has it either."""
        with self.lock:  # code is unpacked, and functions change, by those that hold it
            used = self.pool.codes()
            if used is None:
                return
            own = {code.folder_of(self.folder, each.number, each.sha) for each in self.kept.functions}
            gone = code.set_aside(self.folder, own | used)
        for each in gone:
            disk.remove_tree(each)

    def _remove(self, function: Function) -> None:
        self.places.leave(function)
        disk.remove_tree(self.folder / str(function.number))
        with self.lock:
            self.kept.functions.remove(function)
            self.kept.save()

    def run(self, function: Function, body: bytes, request: str = "") -> Result:
        """Has a function handle an event, and logs what it says."""
        request = request or str(uuid4())
        outcome, stream = self.pool.run(function, body, request)
        self._log(function, stream, outcome.lines)
        text = "".join(f"{line}\n" for _moment, line in outcome.lines).encode()
        return Result(outcome.payload, outcome.error, request, b64encode(text[-TAIL:]).decode())

    def run_later(self, function: Function, body: bytes) -> str:
        """Has a function handle an event that nobody waits for, up to three times; returns the request's id."""
        request = str(uuid4())

        def work() -> None:
            for pause in (*AGAIN, None):
                try:
                    if not self.run(function, body, request).error:
                        return
                except Exception as error:
                    self.say(f"{function.name}: {request}: {error}")
                if pause is None or function.deleting:
                    return
                time.sleep(pause)

        threading.Thread(target=work, daemon=True, name=f"event {request}").start()
        return request

    def _log(self, function: Function, stream: str, lines: Lines) -> None:
        """Logs what a function's role may log; otherwise it is lost, as at AWS."""
        policies = self.engine.policies(function.role_name)
        if all(policy.allows(policies, action) for action in LOGGING):
            self.logs.write(function.log_group, stream, lines)

    def _order(self, function: Function) -> Order:
        place = self._place(function)
        runtime = RUNTIMES[function.runtime]
        return Order(
            function.number,
            place.namespace,
            place.name_server,
            code.folder_of(self.folder, function.number, function.sha),
            function.memory * 2**20,
            tuple(runtime.command(function.memory)),
            self._variables(function),
        )

    def _place(self, function: Function) -> Place:
        try:
            return until(
                lambda: self.places.of(function),
                deadline=CONNECTED,
                missing=f"{function.name}: its VPC's router does not have its interfaces",
            )
        except DeadlineError as error:
            raise RefusedError("EC2ThrottledException", error.message) from None

    def _variables(self, function: Function) -> dict[str, str]:
        given = sessions.give(self.cloud, function.role_name, function.name, datetime.now(UTC))
        return {
            **function.variables,
            "AWS_ACCESS_KEY_ID": given.access_key,
            "AWS_CA_BUNDLE": BUNDLE,
            "AWS_DEFAULT_REGION": self.cloud.region,
            "AWS_EXECUTION_ENV": f"AWS_Lambda_{function.runtime}",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.memory),
            "AWS_LAMBDA_FUNCTION_NAME": function.name,
            "AWS_LAMBDA_FUNCTION_VERSION": VERSION,
            "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
            "AWS_LAMBDA_LOG_GROUP_NAME": function.log_group,
            "AWS_REGION": self.cloud.region,
            "AWS_SECRET_ACCESS_KEY": given.secret_key,
            "AWS_SESSION_TOKEN": given.token,
            "HOME": "/tmp",  # noqa: S108 - the function's own
            "LAMBDA_RUNTIME_DIR": "/var/runtime",
            "LAMBDA_TASK_ROOT": "/var/task",
            "LANG": "C.UTF-8",
            "NODE_EXTRA_CA_CERTS": BUNDLE,
            "PATH": function.variables.get("PATH", PATH),
            "PYTHONDONTWRITEBYTECODE": "1",
            "SSL_CERT_FILE": BUNDLE,
            "TZ": function.variables.get("TZ", ":UTC"),
            "_HANDLER": function.handler,
        }
