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
    """A parameter of a fault. A value must match `pattern` as a whole; `form` describes that in words."""

    name: str
    default: str
    help: str
    pattern: str
    form: str


@dataclass(frozen=True)
class Scene:
    """Where a fault acts. `id` is its id in the journal; names of what the fault makes are derived from it.

    `before` is what `Fault.before` returned, from the journal.
    """

    provider: Provider
    cluster: Cluster
    node: Node
    values: Mapping[str, str]
    id: str = ""
    before: str = ""


class Fault(ABC):
    """One kind of fault. Its state is in the journal alone, so that any later process can undo it."""

    kind: FaultKind
    family: str
    summary: str
    summary_replaced: str = ""  # where a lost machine is replaced, if it is another one there
    undone: str  # how it is undone, in words
    seen_from: str = "outside"
    parameters: tuple[Parameter, ...] = ()
    comes_back = False  # recovers without an undo
    outside = False  # the undo works from outside, whatever the machine's state
    noticed = False  # fleet stops listing the machine
    waits = False  # after the undo, healing waits until the whole node serves
    needs_quorum = False  # the undo needs a majority of etcd's members, of the others where the fault silences the node

    @property
    def parameters_as_plain(self) -> list[dict[str, str]]:
        """The parameters for JSON: name, default, help, and the form of a value in words."""
        return [
            {"name": each.name, "default": each.default, "help": each.help, "form": each.form}
            for each in self.parameters
        ]

    def is_for(self, provider: Provider) -> bool:
        """Whether the fault can be injected into this provider's machines at all."""
        del provider
        return True

    def require_able(self, scene: Scene) -> None:  # noqa: B027 - most faults work everywhere
        """Raises LabError for what this provider or kernel cannot do, UsageError for values that name nothing.

        Nothing is on record yet, so nothing may be changed.
        """

    def fits(self, node: Node, values: Mapping[str, str]) -> bool:
        """Whether a node can have this fault, as far as the cluster's plan says."""
        del node, values
        return True

    def spares_etcd(self, values: Mapping[str, str]) -> bool:
        """Whether the node's etcd works on as before. One that is only slow may lose its vote, too."""
        del values
        return False

    def silences(self, values: Mapping[str, str]) -> bool:
        """Whether the other members cannot reach the node's etcd while the fault is there."""
        del values
        return False

    def before(self, scene: Scene) -> str:
        """What to compare with when looking for the effect, or what to put back. It goes into the journal."""
        del scene
        return ""

    @abstractmethod
    def inject(self, scene: Scene) -> None:
        """Injects the fault."""

    def is_half_done(self, scene: Scene) -> bool:
        """Whether the effect may yet come: the act was interrupted, and what it began goes on by itself."""
        del scene
        return False

    def finish(self, scene: Scene) -> None:
        """Carries an act that may be half done to its end, which may mean to carry out all of it."""
        self.inject(scene)

    @abstractmethod
    def seen(self, scene: Scene) -> bool:
        """Whether the effect is there."""

    def undo(self, scene: Scene) -> None:  # noqa: B027 - healing starts all machines together
        """Undoes the fault, on a node that runs. May be repeated, also where nothing is left to undo."""

    def gone(self, scene: Scene) -> bool:
        """Whether the effect is gone, after the undo."""
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


def values_for(fault: Fault, values: Mapping[str, str]) -> dict[str, str]:
    """Every parameter's value: the one in `values`, or the default.

    UsageError for a parameter that the fault has not, or a value of a wrong form.
    """
    known = {parameter.name: parameter for parameter in fault.parameters}
    for name, value in values.items():
        if name not in known:
            there = ", ".join(known) or "none"
            raise UsageError(f"--set {name}={value}: {fault.kind.value} has no such parameter (there is: {there})")
        if not re.fullmatch(known[name].pattern, value):
            raise UsageError(f"--set {name}={value}: not {known[name].form}")
    return {parameter.name: values.get(parameter.name, parameter.default) for parameter in fault.parameters}
