"""Faults of the network, on the host's end of a node's cable: the node can neither see nor undo them."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping

from coreos_lab.chaos.fault import Fault, Parameter, Scene
from coreos_lab.chaos.machine import MachineFault, answers
from coreos_lab.clients import ssh
from coreos_lab.errors import LabError, UsageError
from coreos_lab.model import FaultKind, Node, NodeState
from coreos_lab.providers import cables
from coreos_lab.providers.base import CableProvider, Provider

MOST_OF_A_SECOND = 0.5
ETCD_PEERS = "2380"
SSH_PORT = "22"  # every node listens there: the port to try when the fault is for all ports
# 124 is the code of timeout(1): no answer at all. A connection that is refused has reached the node.
TRY = 'for to in "$@"; do timeout 1 bash -c "exec 3<>/dev/tcp/$to" 2>/dev/null; [ $? = 124 ] || exit 1; done'


class NetworkFault(Fault):
    """Rules in a firewall table of the fault's own on the host; the undo removes the whole table."""

    family = "network"
    outside = True
    undone = "its rules on the host are removed"

    def is_for(self, provider: Provider) -> bool:
        return isinstance(provider, CableProvider)

    def require_able(self, scene: Scene) -> None:
        if not isinstance(scene.provider, CableProvider):
            raise LabError(f"{self.kind.value}: the provider {scene.provider.name} has no cables on the host")
        cable(scene, scene.node)  # VirtualBox's do not end on the host
        cables.require_able()

    def rules(self, scene: Scene) -> list[str]:
        raise NotImplementedError

    def inject(self, scene: Scene) -> None:
        cables.cut(cables.table(scene.cluster.network, scene.id), self.rules(scene))

    def undo(self, scene: Scene) -> None:
        cables.mend(cables.table(scene.cluster.network, scene.id))

    def gone(self, scene: Scene) -> bool:
        return cables.table(scene.cluster.network, scene.id) not in cables.cuts(scene.cluster.network)


def cable(scene: Scene, node: Node) -> str:
    """The host's end of a node's cable."""
    if not isinstance(scene.provider, CableProvider):  # require_able has refused that
        raise LabError(f"{scene.provider.name}: no cables on the host")
    return scene.provider.cable(scene.cluster, node)


class Isolate(NetworkFault):
    kind = FaultKind.ISOLATE
    summary = "the machine's network cable is unplugged: nothing reaches it, and it reaches nothing"
    noticed = True
    waits = True

    def silences(self, values: Mapping[str, str]) -> bool:
        del values
        return True

    def rules(self, scene: Scene) -> list[str]:
        return cables.unplugged(cable(scene, scene.node))

    def seen(self, scene: Scene) -> bool:
        running = scene.provider.state(scene.cluster, scene.node) is NodeState.RUNNING
        return running and not answers(scene.node)

    def gone(self, scene: Scene) -> bool:
        return super().gone(scene) and answers(scene.node)


class Partition(NetworkFault):
    kind = FaultKind.PARTITION
    summary = "the machine and other nodes no longer reach each other; the host reaches all"
    seen_from = "both sides"
    waits = True
    parameters = (
        Parameter("from", "all", "which nodes it is cut off from", r"all|[\w-]+(,[\w-]+)*", "all, or names of nodes"),
        Parameter("way", "both", "drop what it sends (out), gets (in), or both", "both|in|out", "both, in or out"),
        Parameter("port", "all", "drop connections to this port only", r"all|[1-9]\d{0,4}", "all, or a port's number"),
    )

    def silences(self, values: Mapping[str, str]) -> bool:
        return values["from"] == "all" and values["port"] in ("all", ETCD_PEERS)

    def others(self, scene: Scene) -> list[Node]:
        """The nodes on the other side."""
        names = scene.values["from"]
        if names == "all":
            return [node for node in scene.cluster.nodes if node != scene.node]
        nodes = [scene.cluster.node(name) for name in names.split(",")]
        return [node for node in nodes if node is not None and node != scene.node]

    def require_able(self, scene: Scene) -> None:
        super().require_able(scene)
        for name in scene.values["from"].split(","):
            if name != "all" and scene.cluster.node(name) is None:
                raise UsageError(f"--set from={name}: {scene.cluster.name} has no such node")
        if not self.others(scene):
            raise UsageError(
                f"--set from={scene.values['from']}: no node is left on the other side of {scene.node.name}"
            )

    def rules(self, scene: Scene) -> list[str]:
        near, far = [cable(scene, scene.node)], [cable(scene, node) for node in self.others(scene)]
        ways = {"out": [(near, far)], "in": [(far, near)], "both": [(near, far), (far, near)]}[scene.values["way"]]
        return cables.dropped(ways, "" if scene.values["port"] == "all" else scene.values["port"])

    def seen(self, scene: Scene) -> bool:
        """Tries connections from inside. Without a port, one blocked way breaks connections in both directions."""
        port, others = scene.values["port"], self.others(scene)
        tries = [(scene.node, others)] if port == "all" or scene.values["way"] != "in" else []
        if port != "all" and scene.values["way"] != "out":
            tries += [(node, [scene.node]) for node in others]
        return all(_blocked(scene, source, targets, port) for source, targets in tries)


class Bandwidth(NetworkFault):
    kind = FaultKind.BANDWIDTH
    summary = "the machine's network is slow: packets beyond a rate are dropped, each way"
    parameters = (Parameter("rate", "1mbit", "the rate each way", r"[1-9]\d{0,5}(k|m)bit", "a rate such as 500kbit"),)

    def rate(self, scene: Scene) -> int:
        """Bytes a second."""
        rate = scene.values["rate"]
        return int(rate[:-4]) * {"k": 1000, "m": 1_000_000}[rate[-4]] // 8

    def rules(self, scene: Scene) -> list[str]:
        return cables.limited(cable(scene, scene.node), self.rate(scene))

    def seen(self, scene: Scene) -> bool:
        """Fetches what takes the cable a second, and the burst that passes at once before that."""
        began = time.monotonic()
        amount = self.rate(scene) + cables.BURST
        ssh.node_run(scene.cluster, scene.node, ["head", "--bytes", str(amount), "/dev/zero"])
        return time.monotonic() - began > MOST_OF_A_SECOND


class Loss(NetworkFault):
    kind = FaultKind.LOSS
    summary = "some of the machine's packets are lost, each way"
    parameters = (Parameter("percent", "20", "how many packets of a hundred", r"[1-9]\d?", "a number from 1 to 99"),)

    def rules(self, scene: Scene) -> list[str]:
        return cables.lossy(cable(scene, scene.node), scene.values["percent"])

    def seen(self, scene: Scene) -> bool:
        """Some replies to the machine's pings are missing."""
        call = ["ping", "-n", "-q", "-c", "20", "-i", "0.02", "-W", "1", scene.cluster.network.gateway]
        lost = re.search(r"(\d+)% packet loss", ssh.answer(scene.cluster, scene.node, call).stdout)
        return lost is not None and int(lost[1]) > 0


class NetemFault(NetworkFault):
    """What only the kernel's network emulator (tc-netem(8)) can do to packets that are sent to the machine."""

    undone = "the network emulator is removed from its cable"

    def require_able(self, scene: Scene) -> None:
        cable(scene, scene.node)
        cables.require_netem()

    def netem(self, scene: Scene) -> list[str]:
        """The emulator's arguments, as tc-netem(8) has them."""
        raise NotImplementedError

    def inject(self, scene: Scene) -> None:
        cables.emulate(cable(scene, scene.node), self.netem(scene))

    def seen(self, scene: Scene) -> bool:
        return cables.emulates(cable(scene, scene.node))

    def undo(self, scene: Scene) -> None:
        if scene.provider.state(scene.cluster, scene.node) in MachineFault.leaves:
            return  # the cable has gone with the machine, and the emulator with the cable
        cables.stop_emulating(cable(scene, scene.node))

    def gone(self, scene: Scene) -> bool:
        return not cables.emulates(cable(scene, scene.node))


class Delay(NetemFault):
    kind = FaultKind.DELAY
    summary = "packets to the machine arrive late"
    parameters = (Parameter("by", "200ms", "how late", r"[1-9]\d{0,4}ms", "a time in milliseconds such as 200ms"),)

    def netem(self, scene: Scene) -> list[str]:
        return ["delay", scene.values["by"]]

    def seen(self, scene: Scene) -> bool:
        """A ping from the machine takes that long."""
        call = ["ping", "-n", "-c", "1", "-W", "120", scene.cluster.network.gateway]
        took = re.search(r"time=([\d.]+) ms", ssh.answer(scene.cluster, scene.node, call).stdout)
        return took is not None and float(took[1]) >= int(scene.values["by"].removesuffix("ms"))


class Duplicate(NetemFault):
    kind = FaultKind.DUPLICATE
    summary = "some packets to the machine arrive twice"
    parameters = (Parameter("percent", "20", "how many packets of a hundred", r"[1-9]\d?", "a number from 1 to 99"),)

    def netem(self, scene: Scene) -> list[str]:
        return ["duplicate", f"{scene.values['percent']}%"]

    def seen(self, scene: Scene) -> bool:
        """Some replies to the machine's pings arrive twice."""
        call = ["ping", "-n", "-c", "20", "-i", "0.02", "-W", "1", scene.cluster.network.gateway]
        return "DUP!" in ssh.answer(scene.cluster, scene.node, call).stdout


def _blocked(scene: Scene, source: Node, targets: list[Node], port: str) -> bool:
    number = SSH_PORT if port == "all" else port
    where = [f"{node.address}/{number}" for node in targets]
    return ssh.answer(scene.cluster, source, ["sh", "-c", TRY, "sh", *where]).returncode == 0
