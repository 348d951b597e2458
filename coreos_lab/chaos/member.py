"""Faults of a member of etcd: its data is lost or damaged, or it is removed from the members.

Such a member never comes back as it was. The undo is etcd's own procedure: the others remove it and add it as a new
member, which starts empty and fetches everything from them
(https://etcd.io/docs/v2.3/admin_guide/#disaster-recovery).
"""

from __future__ import annotations

from collections.abc import Mapping

from coreos_lab import hints, wait
from coreos_lab.chaos.fault import Fault, Scene
from coreos_lab.clients import etcd, ssh
from coreos_lab.clients.etcd import Etcd
from coreos_lab.cluster import joining, members
from coreos_lab.cluster.joining import DATA, DIE
from coreos_lab.errors import LabError
from coreos_lab.model import FaultKind, Node

AGREED = 15.0  # seconds: etcd refuses to change its members until all have been connected for five
LOSE = f"{DIE}; find {DATA} -mindepth 1 -delete"
# The first records of the newest log: they name the member and the cluster that the log belongs to.
CORRUPT = f"""
{DIE}
wal=$(ls {DATA}/member/wal/*.wal | tail -n 1) || exit 1
dd if=/dev/urandom of="$wal" bs=64 seek=1 count=64 conv=notrunc status=none
systemctl start --no-block etcd2
"""
EMPTY = f'[ -z "$(ls -A {DATA})" ]'
FAILS = "[ $(systemctl show --property=NRestarts --value etcd2) -gt 0 ] || systemctl is-failed --quiet etcd2"


class MemberFault(Fault):
    """A member of etcd that has to become a new member."""

    family = "etcd"
    undone = "the others add it as a new member, which fetches everything from them"
    seen_from = "both sides"
    noticed = True
    waits = True
    needs_quorum = True

    def fits(self, node: Node, values: Mapping[str, str]) -> bool:
        del values
        return node.member

    def require_able(self, scene: Scene) -> None:
        if not scene.node.member:
            raise LabError(
                f"{scene.node.name}: is no member of etcd", f"see '{hints.lab('etcdctl', 'member', 'list')}'"
            )

    def silences(self, values: Mapping[str, str]) -> bool:
        del values
        return True

    def undo(self, scene: Scene) -> None:
        if self.gone(scene):
            return
        if joining.rejoin(scene.cluster, scene.provider, scene.node) is None:
            raise LabError(
                f"{scene.node.name}: does not answer over SSH, so its etcd cannot be added as a new member",
                f"once it does, run '{hints.lab('heal')}' again",
            )

    def gone(self, scene: Scene) -> bool:
        return etcd.is_healthy(scene.node.address) and self._id(scene) != ""

    def _id(self, scene: Scene) -> str:
        """Its id in the others' list of members, "" where its address is not listed.

        CannotCheckError when none of them answers.
        """
        others = [node.address for node in scene.cluster.members if node != scene.node]
        return next((member.id for member in Etcd(others).members() if scene.node.peer_url in member.peer_urls), "")

    def _sh(self, scene: Scene, script: str) -> None:
        ssh.node_run(scene.cluster, scene.node, ["sudo", "sh", "-c", script])

    def _holds(self, scene: Scene, condition: str) -> bool:
        return ssh.answer(scene.cluster, scene.node, ["sudo", "sh", "-c", condition]).returncode == 0


class LoseData(MemberFault):
    kind = FaultKind.LOSE_DATA
    summary = "the machine's etcd member has lost all data"

    def inject(self, scene: Scene) -> None:
        self._sh(scene, LOSE)

    def seen(self, scene: Scene) -> bool:
        return not etcd.is_healthy(scene.node.address) and self._holds(scene, EMPTY)


class CorruptData(MemberFault):
    kind = FaultKind.CORRUPT_DATA
    summary = "the log of the machine's etcd member is damaged: etcd does not start any more"

    def inject(self, scene: Scene) -> None:
        self._sh(scene, CORRUPT)

    def seen(self, scene: Scene) -> bool:
        return not etcd.is_healthy(scene.node.address) and self._holds(scene, FAILS)


class RemoveMember(MemberFault):
    kind = FaultKind.REMOVE_MEMBER
    summary = "the other members have removed the machine's from etcd"

    def inject(self, scene: Scene) -> None:
        node = scene.node
        others = Etcd([each.address for each in scene.cluster.members if each != node])
        missing = f"{node.name}: the other members do not remove it from etcd"
        members.remove(others, [node.peer_url], deadline=wait.patiently(AGREED), missing=missing)

    def seen(self, scene: Scene) -> bool:
        return self._id(scene) == "" and not etcd.is_healthy(scene.node.address)
