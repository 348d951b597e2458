"""How long the probes of labs may be without an answer on a cluster."""

from __future__ import annotations

from collections.abc import Sequence

from coreos_lab import wait
from coreos_lab.model import Cluster, Lab, QualifiedName
from coreos_lab.units_of_measure import duration


def allowed(cluster: Cluster, labs: Sequence[Lab]) -> dict[QualifiedName, float]:
    """The longest time that each probe may be without an answer, in seconds.

    A cluster whose agent_ttl is longer than the default waits that much longer before it moves units, so each limit
    grows by the difference. On machines that are emulated in software it is multiplied as all our deadlines are.
    """
    usual = duration(Cluster.agent_ttl, "agent-ttl")
    allowance = max(0.0, duration(cluster.agent_ttl, "agent-ttl") - usual)
    return {
        QualifiedName(lab.name, name): wait.patiently(limit) + allowance
        for lab in labs
        for name, limit in lab.objectives.items()
    }
