"""Faults of one service of a node: etcd2, docker, fleet, flanneld, or a unit that fleet placed there."""

from __future__ import annotations

from collections.abc import Mapping

from coreos_lab import hints
from coreos_lab.chaos.fault import Fault, Parameter, Scene
from coreos_lab.clients import ssh
from coreos_lab.errors import LabError
from coreos_lab.model import FaultKind
from coreos_lab.units import unit_names

SERVICE = Parameter("service", "etcd2", "which service", r"[\w@.:-]+", "a unit's name")


def unit(scene: Scene) -> str:
    """The service's full unit name."""
    return unit_names.full(scene.values["service"])


class ServiceFault(Fault):
    """A service that fails on a machine that is in order otherwise."""

    family = "service"
    seen_from = "inside"
    parameters: tuple[Parameter, ...] = (SERVICE,)
    waits = True

    def require_able(self, scene: Scene) -> None:
        states = self._ask(scene, "LoadState", "ActiveState")
        if states["LoadState"] != "loaded":
            look = hints.lab("ssh", scene.node.name, "--", "systemctl")
            raise LabError(f"{scene.node.name}: has no service {unit(scene)}", f"see: {look}")
        if states["ActiveState"] != "active":
            raise LabError(f"{scene.node.name}: {unit(scene)} is {states['ActiveState']}, so it cannot be broken")

    def spares_etcd(self, values: Mapping[str, str]) -> bool:
        return unit_names.full(values["service"]) != "etcd2.service"

    def silences(self, values: Mapping[str, str]) -> bool:
        return not self.comes_back and not self.spares_etcd(values)

    def _ask(self, scene: Scene, *names: str) -> dict[str, str]:
        call = ["systemctl", "show", *(f"--property={name}" for name in names), unit(scene)]
        out = ssh.node_run(scene.cluster, scene.node, call).stdout
        return dict(line.split("=", 1) for line in out.splitlines() if "=" in line)

    def _systemctl(self, scene: Scene, *arguments: str) -> None:
        ssh.node_run(scene.cluster, scene.node, ["sudo", "systemctl", *arguments])

    def is_there(self, scene: Scene) -> bool:
        """Whether the machine still has the service. One of fleet's may have moved, or been taken off with its lab."""
        return self._ask(scene, "LoadState").get("LoadState") != "not-found"

    def start(self, scene: Scene, *beside: str) -> None:
        """Starts the service, and units beside it, unless the machine has it no more."""
        if self.is_there(scene):
            self._systemctl(scene, "start", "--no-block", *beside, unit(scene))

    def gone(self, scene: Scene) -> bool:
        now = self._ask(scene, "LoadState", "ActiveState")
        return now.get("LoadState") == "not-found" or now.get("ActiveState") == "active"


class Stop(ServiceFault):
    kind = FaultKind.STOP
    summary = "a service is stopped"
    undone = "the service is started"

    def inject(self, scene: Scene) -> None:
        # Its socket is stopped, too: the first connection would start the service again.
        triggers = self._ask(scene, "TriggeredBy")["TriggeredBy"].split()
        self._systemctl(scene, "stop", *triggers, unit(scene))

    def seen(self, scene: Scene) -> bool:
        return self._ask(scene, "ActiveState")["ActiveState"] in ("inactive", "failed")

    def undo(self, scene: Scene) -> None:
        self.start(scene, *self._ask(scene, "TriggeredBy").get("TriggeredBy", "").split())


class Crash(ServiceFault):
    kind = FaultKind.CRASH
    summary = "a service's processes are killed (SIGKILL)"
    undone = "none is needed: systemd restarts the service; it is started if systemd does not"
    comes_back = True

    def before(self, scene: Scene) -> str:
        return self._ask(scene, "InvocationID")["InvocationID"]

    def inject(self, scene: Scene) -> None:
        self._systemctl(scene, "kill", "--signal=KILL", unit(scene))

    def seen(self, scene: Scene) -> bool:
        now = self._ask(scene, "InvocationID", "ActiveState")
        return now["InvocationID"] != scene.before or now["ActiveState"] != "active"

    def undo(self, scene: Scene) -> None:
        self.start(scene)


class KeepCrashing(ServiceFault):
    kind = FaultKind.KEEP_CRASHING
    summary = "a service's processes are killed (SIGKILL) again and again"
    undone = "the killing ends, and the service is started"
    parameters = (
        SERVICE,
        Parameter("every", "2s", "the time between two kills", r"\d+(\.\d+)?s", "a time in seconds, such as 2s"),
    )

    def before(self, scene: Scene) -> str:
        return self._ask(scene, "InvocationID")["InvocationID"]

    def inject(self, scene: Scene) -> None:
        # A service on the machine kills it: that needs neither this process nor a connection, and a reboot ends it.
        loop = f"while :; do systemctl kill --signal=KILL {unit(scene)}; sleep {scene.values['every']}; done"
        call = ["systemd-run", "--quiet", "--collect", f"--unit={_killer(scene)}", "sh", "-c", loop]
        ssh.node_run(scene.cluster, scene.node, ["sudo", *call])

    def seen(self, scene: Scene) -> bool:
        now = self._ask(scene, "InvocationID", "ActiveState")
        return now["InvocationID"] != scene.before or now["ActiveState"] != "active"

    def undo(self, scene: Scene) -> None:
        stop = ["sudo", "systemctl", "stop", _killer(scene)]
        ssh.answer(scene.cluster, scene.node, stop)  # it is gone after a reboot
        # systemd gives up a service that failed too often; this resets its count.
        ssh.answer(scene.cluster, scene.node, ["sudo", "systemctl", "reset-failed", unit(scene)])
        self.start(scene)

    def gone(self, scene: Scene) -> bool:
        """Between two kills the service is active, so the service that kills it must be gone, too."""
        call = ["systemctl", "show", "--property=ActiveState", "--value", _killer(scene)]
        killer = ssh.node_run(scene.cluster, scene.node, call).stdout.strip()
        return killer in ("inactive", "failed") and super().gone(scene)


def _killer(scene: Scene) -> str:
    """The name of the service that kills."""
    return f"coreos-lab-{scene.id}.service"


class Freeze(ServiceFault):
    kind = FaultKind.FREEZE
    summary = "a service's processes are suspended (SIGSTOP)"
    undone = "its processes go on (SIGCONT)"

    def inject(self, scene: Scene) -> None:
        self._systemctl(scene, "kill", "--signal=STOP", unit(scene))

    def seen(self, scene: Scene) -> bool:
        return self._stopped(scene)

    def undo(self, scene: Scene) -> None:
        if self.is_there(scene):
            self._systemctl(scene, "kill", "--signal=CONT", unit(scene))

    def gone(self, scene: Scene) -> bool:
        return super().gone(scene) and not self._stopped(scene)

    def _stopped(self, scene: Scene) -> bool:
        pid = self._ask(scene, "MainPID")["MainPID"]
        state = ssh.answer(scene.cluster, scene.node, ["ps", "-o", "stat=", "-p", pid]).stdout
        return state.strip().startswith("T")
