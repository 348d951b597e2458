"""lab env: shell exports, so that plain fleetctl and etcdctl work."""

from __future__ import annotations

from coreos_lab import store
from coreos_lab.commands.passthrough import exports


def env(name: str) -> None:
    """Prints lines for eval "$(lab env)"."""
    print(exports(store.require(name)))
