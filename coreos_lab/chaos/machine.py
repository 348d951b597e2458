"""Faults of whole machines. Healing starts them together: etcd may need several of them for a quorum."""

from __future__ import annotations

import http.client
from collections.abc import Mapping

from coreos_lab import wait
from coreos_lab.chaos.fault import Fault, Parameter, Scene
from coreos_lab.clients.etcd import CLIENT_PORT
from coreos_lab.clients.http import request
from coreos_lab.errors import LabError, UnknownError
from coreos_lab.model import FaultKind, Node, NodeState
from coreos_lab.providers.base import PausingProvider, Provider, ReplacingProvider, ZonedProvider
from coreos_lab.records.store import ClusterFolder

TERMINATED = "the machine is shut down and terminated, with its disks"
KILL_INSTEAD = "use --fault kill"
SILENCE = 0.5  # seconds without an answer on a network where answers take less than one millisecond


def answers(node: Node) -> bool:
    """Whether a node's etcd, member or proxy, answers a request for its version."""
    try:
        request(f"http://{node.address}:{CLIENT_PORT}", "GET", "/version", timeout=SILENCE)
    except (OSError, http.client.HTTPException):
        return False
    return True


class MachineFault(Fault):
    """A machine that is off or frozen; `leaves` are its states while the fault is there."""

    family = "machine"
    undone = "the machine is started"
    noticed = True
    waits = True
    leaves: tuple[NodeState, ...] = (NodeState.STOPPED, NodeState.ABSENT)  # absent: it is to be replaced

    def silences(self, values: Mapping[str, str]) -> bool:
        del values
        return True

    def before(self, scene: Scene) -> str:
        """Which machine the node is, and which boot of it is to be broken.

        So another machine in its place, and another boot, are known, however often healing is tried.
        """
        return f"{scene.node.instance} {_boot(scene)}"

    def is_half_done(self, scene: Scene) -> bool:
        """Whether the boot that is to end still runs, or a machine runs that does not say which boot it is.

        A power cut and a shutdown go on without us. Until they show, the machine passes for one that serves. One that
        is there in place of the lost one is past it, although it may not answer yet: it would be lost, too.
        """
        running = scene.provider.state(scene.cluster, scene.node) is NodeState.RUNNING
        return running and not _is_replaced(scene) and _boot(scene) in ("", scene.before.rpartition(" ")[2])

    def seen(self, scene: Scene) -> bool:
        return scene.provider.state(scene.cluster, scene.node) in self.leaves and not answers(scene.node)


class Kill(MachineFault):
    kind = FaultKind.KILL
    summary = "power cut: all processes end at once, the disks stay"
    summary_replaced = TERMINATED

    def inject(self, scene: Scene) -> None:
        scene.provider.kill(scene.cluster, scene.node)


class CrashLoop(MachineFault):
    kind = FaultKind.CRASH_LOOP
    summary = "power cut, and again each time that the machine's etcd answers"
    parameters = (Parameter("times", "3", "how often the power is cut", r"[1-9]\d?", "a number from 1 to 99"),)

    def is_half_done(self, scene: Scene) -> bool:
        """Any boot may be about to be cut off, as the loop starts the machine again."""
        return scene.provider.state(scene.cluster, scene.node) is NodeState.RUNNING

    def finish(self, scene: Scene) -> None:
        scene.provider.kill(scene.cluster, scene.node)

    def is_for(self, provider: Provider) -> bool:
        return not isinstance(provider, ReplacingProvider)

    def require_able(self, scene: Scene) -> None:
        if not self.is_for(scene.provider):
            raise LabError("crash-loop: a machine that is replaced does not boot again", KILL_INSTEAD)

    def inject(self, scene: Scene) -> None:
        for left in reversed(range(int(scene.values["times"]))):
            scene.provider.kill(scene.cluster, scene.node)
            if left:
                scene.provider.start(scene.cluster, [scene.node], ClusterFolder(scene.cluster.name).user_data)
                wait.until(
                    lambda: answers(scene.node),
                    deadline=scene.provider.boot_deadline,
                    interval=0.1,
                    missing=f"{scene.node.name}: does not boot again, so its power cannot be cut again",
                )


class Halt(MachineFault):
    kind = FaultKind.HALT
    summary = "clean shutdown of the machine: its units are stopped first"
    summary_replaced = TERMINATED

    def inject(self, scene: Scene) -> None:
        scene.provider.halt(scene.cluster, scene.node)


class Pause(MachineFault):
    kind = FaultKind.PAUSE
    summary = "all processes of the machine are frozen; connections stay open"
    undone = "its processes go on"
    outside = True
    leaves = (NodeState.PAUSED,)

    def before(self, scene: Scene) -> str:
        del scene  # the same boot goes on
        return ""

    def is_half_done(self, scene: Scene) -> bool:
        del scene  # the undo also ends a freezing that has not come to its end
        return False

    def is_for(self, provider: Provider) -> bool:
        return isinstance(provider, PausingProvider)

    def require_able(self, scene: Scene) -> None:
        if not self.is_for(scene.provider):
            raise LabError(f"pause: the provider {scene.provider.name} cannot freeze its machines", KILL_INSTEAD)

    def inject(self, scene: Scene) -> None:
        if isinstance(scene.provider, PausingProvider):  # require_able has refused any other
            scene.provider.pause(scene.cluster, scene.node)

    def undo(self, scene: Scene) -> None:
        is_on = scene.provider.state(scene.cluster, scene.node) not in MachineFault.leaves
        if isinstance(scene.provider, PausingProvider) and is_on:
            scene.provider.resume(scene.cluster, scene.node)


class Reboot(MachineFault):
    kind = FaultKind.REBOOT
    summary = "clean reboot of the machine"
    undone = "none is needed: it boots by itself; it is started if it does not"
    comes_back = True
    noticed = False  # it may be back before fleet's time to live ends
    leaves = (NodeState.RUNNING,)

    def before(self, scene: Scene) -> str:
        return scene.provider.boot_id(scene.cluster, scene.node)

    def is_half_done(self, scene: Scene) -> bool:
        """Whether the boot that is to end still runs, or may run. A machine between two boots is past it."""
        try:
            boot = scene.provider.boot_id(scene.cluster, scene.node)
        except UnknownError:
            boot = scene.before
        return scene.provider.state(scene.cluster, scene.node) is NodeState.RUNNING and boot == scene.before

    def inject(self, scene: Scene) -> None:
        scene.provider.reboot(scene.cluster, scene.node)

    def seen(self, scene: Scene) -> bool:
        return scene.provider.boot_id(scene.cluster, scene.node) != scene.before


class Zone(MachineFault):
    """Each machine of a zone has this fault of its own; the zone is closed by the first, and opened with any undo."""

    kind = FaultKind.ZONE
    summary = "the machine's zone is gone: its machines with their disks, and no machine can be launched there"
    undone = "the zone is open again, and another machine takes its place"
    outside = True

    def is_for(self, provider: Provider) -> bool:
        return isinstance(provider, ZonedProvider)

    def require_able(self, scene: Scene) -> None:
        if not self.is_for(scene.provider):
            raise LabError(f"zone: the provider {scene.provider.name} has no zones", KILL_INSTEAD)

    def before(self, scene: Scene) -> str:
        return f"{scene.node.instance} {_zoned(scene).zone(scene.cluster, scene.node)}"

    def is_half_done(self, scene: Scene) -> bool:
        del scene  # EC2 says of an instance that it shuts down
        return False

    def inject(self, scene: Scene) -> None:
        _zoned(scene).close_zone(scene.cluster, _zone(scene))
        scene.provider.kill(scene.cluster, scene.node)

    def seen(self, scene: Scene) -> bool:
        return super().seen(scene) and not _zoned(scene).is_open(scene.cluster, _zone(scene))

    def undo(self, scene: Scene) -> None:
        _zoned(scene).open_zone(scene.cluster, _zone(scene))

    def gone(self, scene: Scene) -> bool:
        return _zoned(scene).is_open(scene.cluster, _zone(scene))


def _is_replaced(scene: Scene) -> bool:
    """Whether another machine is there now, as the provider says: the plan has that of the last placing."""
    was = scene.before.partition(" ")[0]
    if not was or not isinstance(scene.provider, ReplacingProvider):
        return False
    now = scene.provider.placed(scene.cluster).node(scene.node.name)
    return now is not None and now.instance != was


def _boot(scene: Scene) -> str:
    """The node's boot now; "" where it is off or does not answer."""
    try:
        return scene.provider.boot_id(scene.cluster, scene.node)
    except UnknownError:
        return ""


def _zone(scene: Scene) -> str:
    """The zone that the machine was in."""
    return scene.before.rpartition(" ")[2]


def _zoned(scene: Scene) -> ZonedProvider:
    if not isinstance(scene.provider, ZonedProvider):  # require_able has refused that
        raise LabError(f"{scene.provider.name}: no zones")
    return scene.provider
