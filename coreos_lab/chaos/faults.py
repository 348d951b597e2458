"""The list of all faults: looking one up by its name, planning a break with it, and describing it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from coreos_lab import hints
from coreos_lab.chaos.clock import ClockSkew
from coreos_lab.chaos.extra_disk import LoseDisk, SlowDisk
from coreos_lab.chaos.fault import Break, Fault, values_for
from coreos_lab.chaos.file_system import Fill, ReadOnly
from coreos_lab.chaos.keys import OverwriteKeys, RemoveKeys
from coreos_lab.chaos.machine import CrashLoop, Halt, Kill, Pause, Reboot, Zone
from coreos_lab.chaos.member import CorruptData, LoseData, RemoveMember
from coreos_lab.chaos.network import Bandwidth, Delay, Duplicate, Isolate, Loss, Partition
from coreos_lab.chaos.resource import CpuQuota, MemoryLimit, TaskLimit
from coreos_lab.chaos.service import Crash, Freeze, KeepCrashing, Stop
from coreos_lab.errors import UsageError
from coreos_lab.model import Cluster, FaultKind, Node
from coreos_lab.records.fault_journal import OpenFault

FAULTS: dict[FaultKind, Fault] = {
    fault.kind: fault
    for fault in (
        Kill(),
        Halt(),
        Reboot(),
        Pause(),
        CrashLoop(),
        Zone(),
        Isolate(),
        Partition(),
        Bandwidth(),
        Loss(),
        Delay(),
        Duplicate(),
        Fill(),
        ReadOnly(),
        LoseDisk(),
        SlowDisk(),
        CpuQuota(),
        MemoryLimit(),
        TaskLimit(),
        ClockSkew(),
        Stop(),
        Crash(),
        KeepCrashing(),
        Freeze(),
        LoseData(),
        CorruptData(),
        RemoveMember(),
        RemoveKeys(),
        OverwriteKeys(),
    )
}


def kind_of(text: str, option: str = "--fault") -> FaultKind:
    """The fault of that name, which an option has; UsageError lists all names."""
    try:
        return FaultKind(text)
    except ValueError:
        names = ", ".join(kind.value for kind in FAULTS)
        raise UsageError(f"{option} {text}: no such fault (there is: {names})", hints.lab("faults")) from None


def plan(nodes: Sequence[Node], kind: FaultKind, values: Mapping[str, str]) -> Break:
    """A break of these nodes; UsageError for a parameter that the fault has not, or a value of a wrong form."""
    return Break(tuple(dict.fromkeys(nodes)), kind, values_for(FAULTS[kind], values))


def silenced(planned: Break) -> set[str]:
    """The names of the nodes whose etcd the other members will not reach."""
    return {node.name for node in planned.nodes} if FAULTS[planned.kind].silences(planned.values) else set()


def silent(broken: Iterable[OpenFault]) -> set[str]:
    """The names of the nodes whose etcd the other members do not reach, of those that are broken."""
    return {entry.node for entry in broken if FAULTS[entry.kind].silences(entry.values)}


def described(entry: OpenFault, cluster: Cluster) -> str:
    """A fault in words: what it does to this cluster's machines, and its parameters' values."""
    values = ", ".join(f"{name} {value}" for name, value in entry.values.items())
    fault = FAULTS[entry.kind]
    summary = (cluster.replaced and fault.summary_replaced) or fault.summary
    return f"{entry.kind.value}: {summary}" + (f" ({values})" if values else "")
