"""A machine's clock is wrong: leases end early or late, certificates are not valid, logs tell another order."""

from __future__ import annotations

import time

from coreos_lab.chaos.fault import Fault, Parameter, Scene
from coreos_lab.clients import ssh
from coreos_lab.errors import LabError
from coreos_lab.model import FaultKind
from coreos_lab.providers.base import Provider
from coreos_lab.units_of_measure import duration

CLOSE = 2.0  # seconds: a call over SSH takes its time
KEEPERS = "systemd-timesyncd chronyd ntpd"  # who would set the clock right meanwhile
ACTIVE = f"for keeper in {KEEPERS}; do systemctl is-active --quiet $keeper && echo $keeper; done; true"


class ClockSkew(Fault):
    kind = FaultKind.CLOCK_SKEW
    family = "clock"
    summary = "its clock is wrong, and nobody sets it right"
    undone = "its clock is set by the host's, and its keeper started again"
    seen_from = "inside"
    waits = True
    parameters = (Parameter("by", "1h", "how much", r"-?\d+(s|m|h)", "a time such as 1h, or -10m for late"),)

    def is_for(self, provider: Provider) -> bool:
        return provider.own_clocks

    def require_able(self, scene: Scene) -> None:
        if not scene.provider.own_clocks:
            name = scene.provider.name
            raise LabError(f"clock-skew: the machines of {name} have the host's clock", "lab up --provider vagrant")

    def before(self, scene: Scene) -> str:
        return " ".join(ssh.node_run(scene.cluster, scene.node, ["sh", "-c", ACTIVE]).stdout.split())

    def inject(self, scene: Scene) -> None:
        if scene.before:
            ssh.node_run(scene.cluster, scene.node, ["sudo", "systemctl", "stop", *scene.before.split()])
        self._set(scene, self._by(scene))

    def seen(self, scene: Scene) -> bool:
        return abs(self._wrong(scene) - self._by(scene)) < CLOSE

    def undo(self, scene: Scene) -> None:
        self._set(scene, 0.0)
        if scene.before:
            ssh.node_run(scene.cluster, scene.node, ["sudo", "systemctl", "start", *scene.before.split()])

    def gone(self, scene: Scene) -> bool:
        return abs(self._wrong(scene)) < CLOSE

    def _by(self, scene: Scene) -> float:
        """Seconds that the clock is to be ahead."""
        told = scene.values["by"]
        return duration(told.removeprefix("-"), "by") * (-1 if told.startswith("-") else 1)

    def _set(self, scene: Scene, ahead: float) -> None:
        ssh.node_run(scene.cluster, scene.node, ["sudo", "date", "--set", f"@{time.time() + ahead:.3f}"])

    def _wrong(self, scene: Scene) -> float:
        """Seconds that the machine's clock is ahead of the host's."""
        return float(ssh.node_run(scene.cluster, scene.node, ["date", "+%s.%N"]).stdout) - time.time()
