"""A machine's clock is wrong: leases end early or late, certificates are not valid, logs are out of order."""

from __future__ import annotations

import time

from coreos_lab import hints
from coreos_lab.chaos.fault import Fault, Parameter, Scene
from coreos_lab.clients import ssh
from coreos_lab.errors import LabError
from coreos_lab.model import FaultKind
from coreos_lab.providers.base import Provider
from coreos_lab.units_of_measure import duration

CLOSE = 2.0  # seconds by which a comparison may be off: a call over SSH takes its time
KEEPERS = "systemd-timesyncd chronyd ntpd"  # services that would set the clock right meanwhile
ACTIVE = f"for keeper in {KEEPERS}; do systemctl is-active --quiet $keeper && echo $keeper; done; true"


class ClockSkew(Fault):
    kind = FaultKind.CLOCK_SKEW
    family = "clock"
    summary = "the machine's clock is wrong, and its time synchronization is stopped"
    undone = "its clock is set to the host's, and its time synchronization is started"
    seen_from = "inside"
    waits = True
    parameters = (Parameter("by", "1h", "how far ahead", r"-?\d+(s|m|h)", "a time such as 1h, or -10m for behind"),)

    def is_for(self, provider: Provider) -> bool:
        return provider.own_clocks

    def require_able(self, scene: Scene) -> None:
        if not scene.provider.own_clocks:
            name = scene.provider.name
            raise LabError(
                f"clock-skew: machines of the provider {name} have the host's clock",
                hints.lab("up", "--provider", "vagrant", "--name", f"{scene.cluster.name[:15]}-machines"),
            )

    def before(self, scene: Scene) -> str:
        return " ".join(ssh.node_run(scene.cluster, scene.node, ["sh", "-c", ACTIVE]).stdout.split())

    def inject(self, scene: Scene) -> None:
        if scene.before:
            ssh.node_run(scene.cluster, scene.node, ["sudo", "systemctl", "stop", *scene.before.split()])
        self._set(scene, self._by(scene))

    def seen(self, scene: Scene) -> bool:
        return abs(self._ahead(scene) - self._by(scene)) < CLOSE

    def undo(self, scene: Scene) -> None:
        self._set(scene, 0.0)
        if scene.before:
            ssh.node_run(scene.cluster, scene.node, ["sudo", "systemctl", "start", *scene.before.split()])

    def gone(self, scene: Scene) -> bool:
        return abs(self._ahead(scene)) < CLOSE

    def _by(self, scene: Scene) -> float:
        """Seconds that the clock is to be ahead."""
        by = scene.values["by"]
        return duration(by.removeprefix("-"), "by") * (-1 if by.startswith("-") else 1)

    def _set(self, scene: Scene, ahead: float) -> None:
        ssh.node_run(scene.cluster, scene.node, ["sudo", "date", "--set", f"@{time.time() + ahead:.3f}"])

    def _ahead(self, scene: Scene) -> float:
        """Seconds that the machine's clock is ahead of the host's."""
        return float(ssh.node_run(scene.cluster, scene.node, ["date", "+%s.%N"]).stdout) - time.time()
