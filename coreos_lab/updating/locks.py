"""locksmith's reboot locks in etcd: one for each of its groups, each a semaphore with the machines that hold it.

The keys and their values are locksmith's own (its lock/etcd.go and lock/semaphore.go).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import unquote_plus

from coreos_lab.clients.etcd import Etcd

PREFIX = "/coreos.com/updateengine/rebootlock"


@dataclass(frozen=True)
class Lock:
    """A lock: how many machines may hold it at once, and the ids of those that do."""

    most: int = 1
    holders: tuple[str, ...] = ()


def read(etcd: Etcd) -> dict[str, Lock]:
    """Every lock by its group, "" for the one of machines without a group. Errors as `Etcd` raises them."""
    return parse(etcd.tree(PREFIX))


def parse(keys: Mapping[str, str]) -> dict[str, Lock]:
    """The locks in keys below PREFIX, without values that are not locksmith's: it cannot lock those either."""
    found: dict[str, Lock] = {}
    for key, value in keys.items():
        parts = key.removeprefix(f"{PREFIX}/").split("/")
        if parts[-1] != "semaphore":
            continue
        group = unquote_plus(parts[1]) if parts[0] == "groups" else ""
        try:
            raw = json.loads(value)
            found[group] = Lock(int(raw["max"]), tuple(map(str, raw["holders"] or ())))
        except (KeyError, OverflowError, RecursionError, TypeError, ValueError):
            continue
    return found
