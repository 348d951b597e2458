"""A provider of paper, and a node of it that is broken."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from coreos_lab.chaos import faults, injecting
from coreos_lab.clients import ssh
from coreos_lab.model import Cluster, FaultKind, Node, NodeState
from coreos_lab.providers.base import PausingProvider
from coreos_lab.records import fault_journal
from tests.unit.paper import stands_for


@stands_for(PausingProvider)
class Paper:
    """A provider whose machines are entries; it notes what was done and what was on record then."""

    name = "paper"
    boot_deadline = 90.0
    boots_at_once: int | None = None
    own_clocks = False

    def __init__(self, cluster: Cluster) -> None:
        self.states = {node.name: NodeState.RUNNING for node in cluster.nodes}
        self.boots = dict.fromkeys(self.states, 1)
        self.done: list[str] = []
        self.on_record: list[str] = []

    def __getattr__(self, name: str) -> Any:
        ends = {"kill": NodeState.STOPPED, "halt": NodeState.STOPPED, "pause": NodeState.PAUSED}

        def act(cluster: Cluster, node: Node) -> None:
            self.done.append(f"{name} {node.name}")
            self.on_record = [fault.node for fault in fault_journal.open_faults(cluster)]
            self.states[node.name] = ends.get(name, NodeState.RUNNING)
            self.boots[node.name] += name == "reboot"

        if name not in {*ends, "reboot", "resume"}:
            raise AttributeError(name)
        return act

    def state(self, _cluster: Cluster, node: Node) -> NodeState:
        return self.states[node.name]

    def boot_id(self, _cluster: Cluster, node: Node) -> str:
        return str(self.boots[node.name])

    def create_network(self, _cluster: Cluster) -> None:
        self.done.append("network")

    def start(self, _cluster: Cluster, nodes: Sequence[Node], _user_data: Callable[[Node], Path]) -> None:
        for node in nodes:
            self.done.append(f"start {node.name}")
            self.boots[node.name] += self.states[node.name] is not NodeState.RUNNING
            self.states[node.name] = NodeState.RUNNING


def broken(provider: Any, cluster: Cluster, node: Node, kind: FaultKind) -> fault_journal.OpenFault:
    """One node's fault, done."""
    (done,) = injecting.inject(provider, cluster, faults.plan([node], kind, {}))
    return done


def not_reached(*_args: object) -> bool:
    raise ssh.NotReachedError("core-03: is not reached over SSH")
