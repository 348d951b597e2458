"""Cloud-configs merged into one: the lab's, under it the reader's for all nodes, under that the one for the node.

- A single value: the later cloud-config's wins.
- units (and each unit's drop-ins), users, write_files: entries with the same name or path are merged key by key; new
  ones are appended in their order.
- Lists of text (SSH keys, groups): appended, without what is there already.
"""

from __future__ import annotations

import posixpath
from typing import Any

from coreos_lab.user_data import metadata
from coreos_lab.user_data.keys import IDENTITY
from coreos_lab.user_data.starting import without_waiting

Data = dict[str, Any]
FOUNDING = ("initial_cluster", "initial_cluster_state", "initial_cluster_token")


def merged(lab: Data, *readers: Data, pairs: dict[str, str], joins: bool = False) -> Data:
    """What a node boots from. `pairs` is fleet metadata that is set beside the cloud-configs.

    `joins`: the node joins an etcd that runs already, and so is not found by discovery.
    """
    own: Data = {}
    for reader in readers:
        own = _both(own, reader)
    own = _core_by_its_own_keys(own)
    result: Data = _both(lab, own)
    coreos = result.setdefault("coreos", {})
    _discovery(coreos, joins=joins)
    _no_locksmith(coreos, own)
    _nothing_masked(coreos, own)
    if "units" in coreos:
        coreos["units"] = without_waiting(coreos["units"])
    together = metadata.parse(coreos.get("fleet", {}).get("metadata", "")) | pairs
    if together:
        coreos.setdefault("fleet", {})["metadata"] = metadata.text(together)
    return result


def _both(first: Any, second: Any, key: str = "") -> Any:
    if isinstance(first, dict) and isinstance(second, dict):
        names = [*first, *(name for name in second if name not in first)]
        return {name: _both(first.get(name), second.get(name), name) for name in names}
    if isinstance(first, list) and isinstance(second, list):
        return _lists(first, second, IDENTITY.get(key, ""))
    return first if second is None else second


def _lists(first: list[Any], second: list[Any], identity: str) -> list[Any]:
    if not identity:
        return [*first, *(each for each in second if each not in first)]
    result = list(first)
    places = {_name(each, identity): number for number, each in enumerate(result)}
    for each in second:
        name = _name(each, identity)
        if name in places:
            before = result[places[name]]
            if "content" in each:  # which is in its own encoding, or in none
                before = {key: value for key, value in before.items() if key != "encoding"}
            result[places[name]] = _both(before, each)
        else:
            places[name] = len(result)
            result.append(each)
    return result


def _name(entry: Data, identity: str) -> str:
    name = str(entry[identity])
    return posixpath.normpath("/" + name.lstrip("/")) if identity == "path" else name


def _core_by_its_own_keys(own: Data) -> Data:
    """Moves the SSH keys of the user core to the top: coreos-cloudinit keeps one set of its own for each user.

    Of two for core, the one at the top, which has the lab's key, would replace the other.
    """
    users = own.get("users", [])
    more = [key for user in users if user["name"] == "core" for key in user.get("ssh_authorized_keys", [])]
    if not more:
        return own
    left = [
        {key: value for key, value in user.items() if user["name"] != "core" or key != "ssh_authorized_keys"}
        for user in users
    ]
    return {**own, "users": left, "ssh_authorized_keys": _lists(own.get("ssh_authorized_keys", []), more, "")}


def _discovery(coreos: Data, *, joins: bool) -> None:
    """etcd takes a list of its first members or a discovery URL, never both."""
    etcd = coreos.get("etcd2", {})
    if not etcd.get("discovery"):
        return
    if joins or etcd.get("proxy"):
        del etcd["discovery"]
        return
    for key in FOUNDING:
        etcd.pop(key, None)


def _no_locksmith(coreos: Data, own: Data) -> None:
    """With reboot_strategy off, coreos-cloudinit masks locksmithd; starting it would be an error, at which it stops."""
    listed = [unit["name"] for unit in own.get("coreos", {}).get("units", [])]
    if coreos.get("update", {}).get("reboot_strategy") == "off" and "locksmithd.service" not in listed:
        coreos["units"] = [unit for unit in coreos.get("units", []) if unit["name"] != "locksmithd.service"]


def _nothing_masked(coreos: Data, own: Data) -> None:
    """Takes the lab's start of a unit away that the reader masks: it would be an error, too."""
    asked = {unit["name"] for unit in own.get("coreos", {}).get("units", []) if unit.get("command")}
    for number, unit in enumerate(coreos.get("units", [])):
        if unit.get("mask") and unit["name"] not in asked:
            coreos["units"][number] = {key: value for key, value in unit.items() if key != "command"}
