"""Faults of the data in etcd: keys are removed or overwritten. The units that announce them have to do so again."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping

from coreos_lab import hints
from coreos_lab.chaos.fault import Fault, Parameter, Scene
from coreos_lab.clients import ssh
from coreos_lab.clients.etcd import Etcd, Key
from coreos_lab.errors import LabError
from coreos_lab.model import FaultKind

SYSTEM = "/coreos.com/"  # flannel's and locksmith's
KEY = Parameter(
    "key",
    "own",
    "one key, or own: all that name the node, its address or its machine id",
    r"own|/\S+",
    "own, or a key",
)


class KeyFault(Fault):
    """Keys in etcd that are gone or have a wrong value. The journal holds what they were."""

    family = "data"
    needs_quorum = True
    undone = "keys that no unit has announced again are put back as they were"
    parameters: tuple[Parameter, ...] = (KEY,)

    def spares_etcd(self, values: Mapping[str, str]) -> bool:
        del values
        return True

    def etcd(self, scene: Scene) -> Etcd:
        """The cluster's etcd, through any of its nodes."""
        return Etcd([node.address for node in scene.cluster.nodes])

    def require_able(self, scene: Scene) -> None:
        if not self._found(scene):
            key, node = scene.values["key"], scene.node.name
            what = f"no key in etcd names {node}" if key == "own" else f"etcd has no key {key}"
            raise LabError(f"{self.kind.value}: {what}", f"see '{hints.lab('etcdctl', 'ls', '--recursive')}'")

    def before(self, scene: Scene) -> str:
        return json.dumps({key: [found.value, found.ttl, found.created] for key, found in self._found(scene).items()})

    def seen(self, scene: Scene) -> bool:
        """A key may be announced again at once: then it was created later."""
        now = {key: self.etcd(scene).read(key) for key in self._were(scene)}
        were = self._were(scene)
        return all(
            found is None or (found.value, found.created) != (were[key].value, were[key].created)
            for key, found in now.items()
        )

    def wrong(self, scene: Scene, found: Key | None) -> bool:
        """Whether a key is still as the fault left it."""
        raise NotImplementedError

    def undo(self, scene: Scene) -> None:
        etcd = self.etcd(scene)
        for key, was in self._were(scene).items():
            if self.wrong(scene, etcd.read(key)):
                etcd.set(key, was.value, ttl=was.ttl)

    def gone(self, scene: Scene) -> bool:
        # A key with a time to live may have expired since: its unit announces it again.
        lasting = [key for key, was in self._were(scene).items() if was.ttl is None]
        return not any(self.wrong(scene, self.etcd(scene).read(key)) for key in lasting)

    def _were(self, scene: Scene) -> dict[str, Key]:
        return {key: Key(*fields) for key, fields in json.loads(scene.before).items()}

    def _found(self, scene: Scene) -> dict[str, Key]:
        etcd = self.etcd(scene)
        if (name := scene.values["key"]) != "own":
            found = etcd.read(name)
            return {name: found} if found else {}
        node = scene.node
        names = naming([node.name, node.address, machine_id(scene)])
        keys = [
            key
            for key, value in etcd.tree("/").items()
            if not key.startswith(SYSTEM) and (names.search(key) or names.search(value))
        ]
        return {key: found for key in keys if (found := etcd.read(key))}


def naming(names: Iterable[str]) -> re.Pattern[str]:
    """Matches any of these names, but not as a part of a longer name, address or number."""
    return re.compile(rf"(?<![0-9A-Za-z])(?:{'|'.join(map(re.escape, names))})(?![0-9A-Za-z])")


def machine_id(scene: Scene) -> str:
    """The machine's id, as fleet and systemd have it (%m in a unit)."""
    return ssh.node_run(scene.cluster, scene.node, ["cat", "/etc/machine-id"]).stdout.strip()


class RemoveKeys(KeyFault):
    kind = FaultKind.REMOVE_KEYS
    summary = "keys in etcd are removed"

    def inject(self, scene: Scene) -> None:
        for key in self._were(scene):
            self.etcd(scene).remove(key)

    def wrong(self, scene: Scene, found: Key | None) -> bool:
        return found is None


class OverwriteKeys(KeyFault):
    kind = FaultKind.OVERWRITE_KEYS
    summary = "keys in etcd get a meaningless value"
    parameters = (KEY, Parameter("value", "garbage", "their new value", r".+", "a text"))

    def inject(self, scene: Scene) -> None:
        for key in self._were(scene):
            self.etcd(scene).set(key, scene.values["value"])

    def wrong(self, scene: Scene, found: Key | None) -> bool:
        return found is not None and found.value == scene.values["value"]
