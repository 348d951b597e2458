"""What must be so before an update, and which nodes it is for. Asks the nodes; changes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from coreos_lab import events, hints, wait
from coreos_lab.cluster import updates
from coreos_lab.errors import LabError, UsageError
from coreos_lab.machine_image import editions
from coreos_lab.model import Cluster, Node
from coreos_lab.observed.observation import Observation, observe
from coreos_lab.providers.base import Provider, SlotProvider
from coreos_lab.records.store import ClusterFolder
from coreos_lab.remake import made_anew
from coreos_lab.updating.look import Look, look

SERVER = f"{updates.URL}/v1/update/"


@dataclass(frozen=True)
class Nodes:
    """The nodes that an update is for, and the machine image of each node that counts, also of those that are off."""

    asked: tuple[Node, ...]
    has: dict[str, str]


def able(provider: Provider) -> SlotProvider:
    """The provider as one whose nodes can be updated; UsageError when they cannot."""
    if not isinstance(provider, SlotProvider):
        raise UsageError(
            f"{provider.name}: virtual machines of this provider have one system partition, so there is no update",
            "use a cluster of the provider nspawn for it",
        )
    return provider


def nodes(cluster: Cluster, provider: SlotProvider, group: str) -> Nodes:
    """The nodes of an update group, "" for all.

    Raises LabError while the cluster is half changed or a running node is broken, UsageError for a group without nodes.
    """
    now = observe(cluster, provider)
    _refuse_unsettled(now)
    if not now.running:
        raise LabError(f"{cluster.name}: none of its nodes runs", f"start it with '{hints.lab('up')}'")
    looks = _looks(cluster, now.running, provider)
    groups = sorted({each.group for each in looks.values()})
    if group and group not in groups:
        raise UsageError(
            f"--group {group}: no running node is in that update group (there is: {', '.join(groups)})",
            "a cloud-config sets it: coreos: update: group",
        )
    asked = [node for node in now.running if group in ("", looks[node.name].group)]
    asked = [node for node in asked if _asks_us(node, looks[node.name])]
    if not asked:
        raise LabError(f"{cluster.name}: no running node asks the cluster's own update server", f"SERVER={SERVER}")
    for node in asked:
        _require_slots(cluster, node, provider)
    off = [] if group else [node for node in cluster.nodes if node not in now.running]
    return Nodes(tuple(asked), {node.name: provider.booted_image(cluster, node) for node in (*asked, *off)})


def _refuse_unsettled(now: Observation) -> None:
    cluster = now.cluster
    if ClusterFolder(cluster.name).restoring.exists():
        raise LabError(
            f"{cluster.name}: a snapshot is being restored", f"run '{hints.lab('up')}' first: it continues that"
        )
    if cluster.leaving:
        raise LabError(
            f"{cluster.leaving[0].name}: is being taken away", f"run '{hints.lab('scale', len(cluster.staying))}' first"
        )
    running = {node.name for node in now.running}
    for fault in now.faults:
        if fault.node in running:
            raise LabError(
                f"{fault.node}: is broken ({fault.kind.value}), and an update would reboot it",
                f"run '{hints.lab('heal')}' first",
            )


def _looks(cluster: Cluster, running: Sequence[Node], provider: SlotProvider) -> dict[str, Look]:
    """What the nodes say. One that is rebooting, as it goes on with an update, is waited for."""

    def one(node: Node) -> Look:
        return wait.until(
            lambda: look(cluster, node),
            deadline=provider.boot_deadline,
            interval=0.5,
            missing=f"{node.name}: does not answer, so its update engine cannot be asked",
        )

    with ThreadPoolExecutor(max_workers=len(running)) as pool:
        return dict(zip((node.name for node in running), pool.map(one, running), strict=True))


def _asks_us(node: Node, found: Look) -> bool:
    ours = found.server == SERVER
    if not ours:
        events.note("update", f"left out: update.conf has SERVER={found.server}", node.name)
    return ours


def _require_slots(cluster: Cluster, node: Node, provider: SlotProvider) -> None:
    image = provider.booted_image(cluster, node)
    if not image or not editions.can_be_updated(image):
        raise LabError(f"{node.name}: its machine image is of an older lab, without updates", made_anew(cluster))
