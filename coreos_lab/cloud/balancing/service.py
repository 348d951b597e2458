"""Elastic Load Balancing's API, both generations of it: each request says by its version which one it means."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from coreos_lab.cloud import query, services
from coreos_lab.cloud.balancing import actions
from coreos_lab.cloud.balancing.classic import Classic
from coreos_lab.cloud.balancing.classic_instances import Instances
from coreos_lab.cloud.balancing.shelf import Shelf
from coreos_lab.cloud.balancing.v2 import LoadBalancers
from coreos_lab.cloud.balancing.v2_groups import TargetGroups
from coreos_lab.cloud.balancing.v2_listeners import Listeners
from coreos_lab.cloud.engine import Engine
from coreos_lab.model import Cloud

ITEM = re.compile(r"\.member\.\d+$")  # of a list; an empty one is none


class Balancing:
    """The load balancers of one cloud, as its API has them."""

    def __init__(self, cloud: Cloud, path: Path, engine: Engine) -> None:
        self.shelf = shelf = Shelf(cloud, path, engine)
        balancers, groups, classic = LoadBalancers(shelf), TargetGroups(shelf), Classic(shelf)
        self._parts: dict[str, tuple[Any, ...]] = {
            actions.V2: (balancers, groups, Listeners(shelf, balancers, groups)),
            actions.CLASSIC: (classic, Instances(shelf, classic)),
        }

    def call(self, action: str, asked: Mapping[str, str]) -> bytes:
        """Carries a request out; returns the answer's body."""
        version = asked.get("Version", "")
        actions.require(version, action, asked)
        name = query.method(action)
        part = next(each for each in self._parts[version] if hasattr(each, name))
        values = query.nested({key: value for key, value in asked.items() if value or not ITEM.search(key)})
        with self.shelf.lock:
            result = getattr(part, name)(values)
            if services.changes(action):
                self.shelf.save()
        return query.answer(action, actions.NAMESPACES[version], result)
