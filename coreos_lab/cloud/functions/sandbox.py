"""A function's process: what it is given, how it is started, and how it is ended with all that it has started."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from coreos_lab import disk
from coreos_lab.cloud import certificates
from coreos_lab.containers import pidfile
from coreos_lab.model import Cloud, Limits
from coreos_lab.providers.base import InstanceProvider
from coreos_lab.records.clouds import CloudFolder

PREFIX = "fn-"  # how the names of functions' cgroups begin
TASKS = 1024  # processes and threads of one: AWS's limit
TRUSTED = Path("/etc/ssl/certs/ca-certificates.crt")
BUNDLE = "/etc/ssl/certs/ca-certificates.crt"  # in the sandbox: the host's authorities, and the cloud's
SCRIPT = Path(__file__).with_name("sandbox.sh")


@dataclass(frozen=True)
class Order:
    """What is to run: `command` is the program with its arguments, `code` the unpacked archive, `memory` in bytes."""

    number: int
    namespace: Path
    name_server: str
    code: Path
    memory: int
    command: tuple[str, ...]
    variables: Mapping[str, str]


class Sandbox:
    """One process of a function, with a folder of its own. Its output comes through `output`, a named pipe."""

    def __init__(self, cloud: Cloud, provider: InstanceProvider, order: Order) -> None:
        self.cloud, self.provider, self.order = cloud, provider, order
        identity = uuid4().hex
        self.name = f"{PREFIX}{order.number}-{identity[:12]}"
        self.folder = CloudFolder(cloud.name).functions / str(order.number) / f"run-{identity[:12]}"
        self.output, self._pid = self.folder / "output", self.folder / "pid"
        (self.folder / "root").mkdir(mode=0o700, parents=True)
        os.mkfifo(self.output, 0o600)

    def start(self, stream: str, port: int) -> None:
        """Starts the process: it logs to a stream, and its Runtime API is at a port. `output` is read from by now."""
        order, etc = self.order, self.folder / "etc"
        own = {"AWS_LAMBDA_LOG_STREAM_NAME": stream, "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{port}"}
        limits = Limits(memory=order.memory, tasks=TASKS)
        procs = self.provider.confine(self.cloud.name, self.name, limits)
        self._furnish(etc, {**order.variables, **own})
        user = str(self.provider.user(self.cloud.name, order.number))
        places: list[str | Path] = [self.folder / "root", user, order.code, SCRIPT.parent, etc]
        argv: list[str | Path] = ["sh", SCRIPT, ":".join(map(str, procs)), order.namespace, *places, *order.command]
        pidfile.start(self._pid, argv, log_file=self.output)

    def _furnish(self, etc: Path, variables: Mapping[str, str]) -> None:
        """Writes the files of its /etc. They have credentials in them, so nobody else may read them here."""
        etc.mkdir(mode=0o700)
        user = self.provider.user(self.cloud.name, self.order.number)
        own = certificates.authority_of(CloudFolder(self.cloud.name).certificates)
        known = TRUSTED.read_text(encoding="utf-8") if TRUSTED.exists() else ""
        files = {
            "passwd": f"root:x:0:0::/:/bin/sh\nfunction:x:{user}:{user}::/tmp:/bin/sh\n",
            "group": f"root:x:0:\nfunction:x:{user}:\n",
            "hosts": "127.0.0.1 localhost\n",
            "nsswitch.conf": "hosts: files dns\n",
            "resolv.conf": f"nameserver {self.order.name_server}\n",
            "ca-certificates.crt": known + own.read_text(encoding="utf-8"),
            "environment": "".join(f"{key}={shlex.quote(value)}\n" for key, value in variables.items()),
        }
        for name, text in files.items():
            disk.write_atomic(etc / name, text, 0o600 if name == "environment" else 0o644)

    def runs(self) -> bool:
        """Whether the process is there."""
        return pidfile.running(self._pid) is not None

    def peak(self) -> int:
        """The most memory that it has had, in bytes."""
        return self.provider.peak(self.cloud.name, self.name)

    def end(self) -> None:
        """Ends it at once, and removes all that there is of it."""
        self.provider.end_confined(self.cloud.name, self.name)
        disk.remove_tree(self.folder)
