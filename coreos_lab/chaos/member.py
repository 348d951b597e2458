"""Faults of a member of etcd: its data is lost or damaged, or it is a member no more.

Such a member never comes back as it was. The one way is etcd's own: the others forget it, take it as a new member, and
it starts with nothing and fetches everything from them (https://etcd.io/docs/v2.3/admin_guide/#disaster-recovery).
"""

from __future__ import annotations

from collections.abc import Mapping

from coreos_lab.chaos.fault import Fault, Scene
from coreos_lab.clients import etcd, ssh
from coreos_lab.clients.etcd import Etcd
from coreos_lab.clients.http import CannotCheckError
from coreos_lab.cluster import announce
from coreos_lab.errors import LabError
from coreos_lab.model import FaultKind

DATA = "/var/lib/etcd2"
# Data is lost in an instant: a member that shuts down in good order first hands its leadership on, and takes its time.
DIE = "systemctl kill --signal=SIGKILL etcd2; systemctl stop etcd2"
LOSE = f"{DIE}; find {DATA} -mindepth 1 -delete"
# The newest log's first records: without them etcd cannot tell whose log it is.
CORRUPT = f"""
{DIE}
wal=$(ls {DATA}/member/wal/*.wal | tail -n 1) || exit 1
dd if=/dev/urandom of="$wal" bs=64 seek=1 count=64 conv=notrunc status=none
systemctl start --no-block etcd2
"""
EMPTY = f'[ -z "$(ls -A {DATA})" ]'
FAILS = "[ $(systemctl show --property=NRestarts --value etcd2) -gt 0 ] || systemctl is-failed --quiet etcd2"
# What is set in /run is gone after the next boot; etcd looks at it only while it has no data.
REJOIN = f"""
{DIE}
find {DATA} -mindepth 1 -delete
mkdir -p /run/systemd/system/etcd2.service.d
printf '[Service]\\nEnvironment=ETCD_INITIAL_CLUSTER_STATE=existing ETCD_INITIAL_CLUSTER=%s\\n' "$1" \
    >/run/systemd/system/etcd2.service.d/90-rejoin.conf
systemctl daemon-reload
systemctl reset-failed etcd2 2>/dev/null
systemctl start --no-block etcd2
"""


class MemberFault(Fault):
    """A member of etcd that cannot go on as the member that it was."""

    family = "etcd"
    undone = "the others take it as a new member; it fetches everything from them"
    seen_from = "both sides"
    noticed = True
    waits = True
    needs_quorum = True

    def require_able(self, scene: Scene) -> None:
        if not scene.node.member:
            raise LabError(f"{scene.node.name}: is no member of etcd", "see 'lab etcdctl member list'")

    def silences(self, values: Mapping[str, str]) -> bool:
        del values
        return True

    def undo(self, scene: Scene) -> None:
        if self.gone(scene):
            return
        self._sh(scene, REJOIN, announce(scene.cluster, scene.node, scene.provider))

    def gone(self, scene: Scene) -> bool:
        return etcd.is_healthy(scene.node.address) and self._id(scene) != ""

    def _id(self, scene: Scene) -> str:
        """Its id among the others' members, "" where they have none of that address."""
        others = [node.address for node in scene.cluster.members if node != scene.node]
        try:
            members = Etcd(others).members()
        except CannotCheckError:
            return ""
        return next((member.id for member in members if scene.node.peer_url in member.peer_urls), "")

    def _sh(self, scene: Scene, script: str, *arguments: str, check: bool = True) -> bool:
        call = ["sudo", "sh", "-c", script, "sh", *arguments]
        return bool(ssh.node_run(scene.cluster, scene.node, call, check=check).returncode == 0)


class LoseData(MemberFault):
    kind = FaultKind.LOSE_DATA
    summary = "its etcd has lost all data"

    def inject(self, scene: Scene) -> None:
        self._sh(scene, LOSE)

    def seen(self, scene: Scene) -> bool:
        return not etcd.is_healthy(scene.node.address) and self._sh(scene, EMPTY, check=False)


class CorruptData(MemberFault):
    kind = FaultKind.CORRUPT_DATA
    summary = "its etcd's log is damaged: it does not start any more"

    def inject(self, scene: Scene) -> None:
        self._sh(scene, CORRUPT)

    def seen(self, scene: Scene) -> bool:
        return not etcd.is_healthy(scene.node.address) and self._sh(scene, FAILS, check=False)


class RemoveMember(MemberFault):
    kind = FaultKind.REMOVE_MEMBER
    summary = "the others have taken it out of etcd's members"

    def inject(self, scene: Scene) -> None:
        others = [node.address for node in scene.cluster.members if node != scene.node]
        Etcd(others).remove_member(self._id(scene))

    def seen(self, scene: Scene) -> bool:
        return self._id(scene) == "" and not etcd.is_healthy(scene.node.address)
