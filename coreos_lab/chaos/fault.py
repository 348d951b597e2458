"""What a fault is: an act, an effect that is seen, and an undo, each for one node."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass

from coreos_lab.errors import UsageError
from coreos_lab.model import Cluster, FaultKind, Node
from coreos_lab.providers.base import Provider


@dataclass(frozen=True)
class Parameter:
    """What can be chosen of a fault: `pattern` is what a whole value must match, `form` says that in words."""

    name: str
    default: str
    help: str
    pattern: str
    form: str


@dataclass(frozen=True)
class Scene:
    """Where a fault acts. `id` is its id in the journal, from which names of what it makes are made.

    `before` is what was so then, as the fault itself wrote it down.
    """

    provider: Provider
    cluster: Cluster
    node: Node
    values: Mapping[str, str]
    id: str = ""
    before: str = ""


class Fault(ABC):
    """One kind of fault. What it remembers is in the journal alone, so that any later process can undo it."""

    kind: FaultKind
    family: str
    summary: str
    undone: str  # how it is undone, in words
    seen_from: str = "outside"
    parameters: tuple[Parameter, ...] = ()
    comes_back = False  # without our help
    outside = False  # undone from outside, on a machine in whatever state
    noticed = False  # fleet no longer lists the machine
    waits = False  # undoing it ends with waiting for the whole node
    needs_quorum = False  # the others' majority is needed to undo it

    def is_for(self, provider: Provider) -> bool:
        """Whether a provider's machines can have it at all."""
        del provider
        return True

    def require_able(self, scene: Scene) -> None:  # noqa: B027 - most faults can be had everywhere
        """Raises LabError for what this provider or kernel cannot do, UsageError for values that name nothing.

        Nothing is on record yet, and nothing may be touched.
        """

    def silences(self, values: Mapping[str, str]) -> bool:
        """Whether the node's etcd is out of the other members' reach meanwhile."""
        del values
        return False

    def before(self, scene: Scene) -> str:
        """What is to be compared with when the effect is looked for, or to be put back. It goes into the journal."""
        del scene
        return ""

    @abstractmethod
    def inject(self, scene: Scene) -> None:
        """Does it."""

    @abstractmethod
    def seen(self, scene: Scene) -> bool:
        """Whether the effect is there."""

    def undo(self, scene: Scene) -> None:  # noqa: B027 - machines are started together, not by their faults
        """Takes it back, on a node that runs. May be repeated, and what is no longer there needs no undoing."""

    def gone(self, scene: Scene) -> bool:
        """Whether the effect is gone after the undo."""
        del scene
        return True


@dataclass(frozen=True)
class Break:
    """What `lab break` is to do: the same fault, with the same values, to each of these nodes."""

    nodes: tuple[Node, ...]
    kind: FaultKind
    values: Mapping[str, str]

    @property
    def names(self) -> str:
        """The nodes in words."""
        return ", ".join(node.name for node in self.nodes)


def values_for(fault: Fault, told: Mapping[str, str]) -> dict[str, str]:
    """Every parameter's value: as told, or the default. UsageError names what there is, or the form of a value."""
    known = {parameter.name: parameter for parameter in fault.parameters}
    for name, value in told.items():
        if name not in known:
            there = ", ".join(known) or "none"
            raise UsageError(f"--set {name}={value}: {fault.kind.value} has no such parameter (there is: {there})")
        if not re.fullmatch(known[name].pattern, value):
            raise UsageError(f"--set {name}={value}: not {known[name].form}")
    return {parameter.name: told.get(parameter.name, parameter.default) for parameter in fault.parameters}
