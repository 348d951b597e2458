"""Faults of what is in etcd: keys that somebody removed or overwrote. Whoever announced them has to do so again."""

from __future__ import annotations

import json

from coreos_lab.chaos.fault import Fault, Parameter, Scene
from coreos_lab.clients.etcd import Etcd, Key
from coreos_lab.errors import LabError
from coreos_lab.model import FaultKind

SYSTEM = "/coreos.com/"  # flannel's and locksmith's
KEY = Parameter("key", "own", "which: own (all that name the node), or one key", r"own|/\S+", "own, or a key")


class KeyFault(Fault):
    """Keys in etcd that are not what they should be. What they were is on record."""

    family = "data"
    undone = "what nobody has put right is put back as it was"
    parameters: tuple[Parameter, ...] = (KEY,)

    def etcd(self, scene: Scene) -> Etcd:
        """etcd, behind all of the cluster's nodes."""
        return Etcd([node.address for node in scene.cluster.nodes])

    def require_able(self, scene: Scene) -> None:
        if not self._found(scene):
            key, node = scene.values["key"], scene.node.name
            what = f"no key in etcd names {node}" if key == "own" else f"etcd has no key {key}"
            raise LabError(f"{self.kind.value}: {what}", "see 'lab etcdctl ls --recursive'")

    def before(self, scene: Scene) -> str:
        return json.dumps({key: [found.value, found.ttl, found.created] for key, found in self._found(scene).items()})

    def seen(self, scene: Scene) -> bool:
        """It may be put right at once: then it is another key of the same name."""
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
        # A key with a time to live may have run out since: that is its owner's affair.
        lasting = [key for key, was in self._were(scene).items() if was.ttl is None]
        return not any(self.wrong(scene, self.etcd(scene).read(key)) for key in lasting)

    def _were(self, scene: Scene) -> dict[str, Key]:
        return {key: Key(*fields) for key, fields in json.loads(scene.before).items()}

    def _found(self, scene: Scene) -> dict[str, Key]:
        etcd = self.etcd(scene)
        if (told := scene.values["key"]) != "own":
            found = etcd.read(told)
            return {told: found} if found else {}
        node = scene.node
        names = [
            key
            for key, value in etcd.tree("/").items()
            if not key.startswith(SYSTEM) and (node.address in value or node.name in value or node.name in key)
        ]
        return {key: found for key in names if (found := etcd.read(key))}


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
    summary = "keys in etcd get a value that means nothing"
    parameters = (KEY, Parameter("value", "garbage", "their new value", r".+", "a text"))

    def inject(self, scene: Scene) -> None:
        for key in self._were(scene):
            self.etcd(scene).set(key, scene.values["value"])

    def wrong(self, scene: Scene, found: Key | None) -> bool:
        return found is not None and found.value == scene.values["value"]
