"""A load balancer's haproxy: started, reloaded and ended. It outlives the cloud's process, which finds it again."""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from pathlib import Path

from coreos_lab import disk, run, wait
from coreos_lab.cloud import names
from coreos_lab.cloud.balancing import haproxy_config
from coreos_lab.cloud.balancing.control import Control
from coreos_lab.cloud.balancing.haproxy_config import Place
from coreos_lab.cloud.balancing.wanted import Wanted
from coreos_lab.containers import pidfile
from coreos_lab.errors import LabError
from coreos_lab.model import Cloud
from coreos_lab.records.clouds import CloudFolder
from coreos_lab.settings import run_dir

PATIENCE = 10.0  # seconds until a process answers, and until a reload is in effect


def place_of(cloud: Cloud, number: int) -> Place:
    """Where the files of a cloud's load balancer are. The socket's path must be short: it has 107 bytes at most."""
    folder = CloudFolder(cloud.name).balancers / str(number)
    return Place(folder, run_dir() / f"{names.balancer(cloud, number)}.sock")


class Haproxy:
    """The process of one load balancer, in the network namespace `namespace`."""

    def __init__(self, place: Place, namespace: Path) -> None:
        self.place, self.namespace = place, namespace
        self.control = Control(place.socket)
        self._pid, self._log = place.folder / "haproxy.pid", place.folder / "haproxy.log"

    def converge(self, wanted: Wanted) -> None:
        """Starts or reloads the process, if it is not as wanted but for its servers."""
        if pidfile.running(self._pid) is None:
            self._sweep()
            self._start(wanted)
        elif self.control.frame() != wanted.frame:
            self._reload(wanted)

    def _start(self, wanted: Wanted) -> None:
        self.place.nowhere.mkdir(parents=True, exist_ok=True)
        disk.write_atomic(self.place.refused, haproxy_config.refused())
        disk.write_atomic(self.place.states, haproxy_config.NO_STATES)
        disk.write_atomic(self.place.config, haproxy_config.text(wanted, self.place))
        argv: list[str | Path] = ["nsenter", f"--net={self.namespace}", "haproxy", "-W", "-f", self.place.config]
        pidfile.start(self._pid, argv, log_file=self._log)
        self._wait_for(wanted)

    def _reload(self, wanted: Wanted) -> None:
        """Connections go on with the worker that has them. The new one knows what the old one knew of the servers."""
        disk.write_atomic(self.place.states, self.control.ask("show servers state") + "\n")
        known = [key for key, seen in self.control.servers().items() if not seen.leaving]
        disk.write_atomic(self.place.config, haproxy_config.text(wanted, self.place, known))
        pid = pidfile.running(self._pid)
        if pid is not None:
            os.kill(pid, signal.SIGUSR2)
        self._wait_for(wanted)

    def _wait_for(self, wanted: Wanted) -> None:
        def is_there() -> bool:
            if self.control.frame() == wanted.frame:
                return True
            if pidfile.running(self._pid) is None:
                raise LabError(
                    f"{wanted.name}: haproxy ended at once", f"see {self._log}", disk.last_lines(self._log, run.TAIL)
                )
            return False

        wait.until(
            is_there,
            deadline=wait.patiently(PATIENCE),
            missing=lambda: f"{wanted.name}: haproxy does not do what it should; see {self._log}",
            interval=0.02,
        )

    def end(self) -> None:
        """Ends it at once, with all its connections."""
        pidfile.end(self._pid)
        self._sweep()
        self.place.socket.unlink(missing_ok=True)

    def _sweep(self) -> None:
        """Ends workers that a killed process has left. They take connections, and answer at the socket, until then."""
        if not self.namespace.exists():
            return
        for pid in self._inside():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        wait.until(
            lambda: not self._inside(),
            deadline=wait.patiently(PATIENCE),
            missing=lambda: f"{self.namespace.name}: processes do not end: {', '.join(map(str, self._inside()))}",
            interval=0.02,
        )

    def _inside(self) -> list[int]:
        """The ids of the processes in the namespace, in which nothing but haproxy lives."""
        return [int(pid) for pid in run.run(["ip", "netns", "pids", self.namespace.name]).stdout.split()]
