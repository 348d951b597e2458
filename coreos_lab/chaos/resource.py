"""Faults of what a machine may use: processor, memory, threads. Set from outside: the machine cannot undo them."""

from __future__ import annotations

from dataclasses import replace

from coreos_lab.chaos.fault import Fault, Parameter, Scene
from coreos_lab.clients import ssh
from coreos_lab.errors import LabError
from coreos_lab.model import FaultKind, Limits
from coreos_lab.providers.base import LimitProvider, Provider
from coreos_lab.units_of_measure import size


class ResourceFault(Fault):
    """A machine that has too little of something."""

    family = "resource"
    undone = "the machine gets the limits back that the cluster's machines have"
    outside = True
    waits = True
    resource: str  # a field of Limits

    def squeezed(self, scene: Scene, uses: Limits) -> Limits:
        """The limits for a machine that uses so much now."""
        raise NotImplementedError

    def is_for(self, provider: Provider) -> bool:
        return isinstance(provider, LimitProvider)

    def require_able(self, scene: Scene) -> None:
        _provider(scene).require_limit(scene.cluster, scene.node, self.resource)

    def before(self, scene: Scene) -> str:
        return str(_provider(scene).held_back(scene.cluster, scene.node, self.resource))

    def inject(self, scene: Scene) -> None:
        uses = _provider(scene).usage(scene.cluster, scene.node)
        _provider(scene).limit(scene.cluster, scene.node, self.squeezed(scene, uses))

    def seen(self, scene: Scene) -> bool:
        """The kernel has refused it something: a limit that is never reached has no effect."""
        ssh.node_run(scene.cluster, scene.node, ["true"], check=False)  # an idle machine reaches no limit
        return _provider(scene).held_back(scene.cluster, scene.node, self.resource) > int(scene.before)

    def undo(self, scene: Scene) -> None:
        _provider(scene).limit(scene.cluster, scene.node, scene.cluster.limits)

    def gone(self, scene: Scene) -> bool:
        return _provider(scene).limits(scene.cluster, scene.node) == scene.cluster.limits


class CpuQuota(ResourceFault):
    kind = FaultKind.CPU_QUOTA
    summary = "the machine gets little processor time"
    resource = "cpus"
    parameters = (
        Parameter("cpus", "0.05", "how much of one core", r"\d(\.\d{1,2})?", "a number of cores such as 0.05"),
    )

    def require_able(self, scene: Scene) -> None:
        super().require_able(scene)
        if float(scene.values["cpus"]) < 0.01:  # noqa: PLR2004 - the kernel's minimum: 1 ms in 100
            raise LabError(f"--set cpus={scene.values['cpus']}: the kernel cannot limit it to less than 0.01 cores")

    def squeezed(self, scene: Scene, uses: Limits) -> Limits:
        del uses
        return replace(scene.cluster.limits, cpus=float(scene.values["cpus"]))


class MemoryLimit(ResourceFault):
    kind = FaultKind.MEMORY_LIMIT
    summary = "the machine gets little memory beyond what it uses now"
    resource = "memory"
    parameters = (Parameter("spare", "32M", "how much more it may use", r"\d+[KMG]?", "a size such as 16M"),)

    def squeezed(self, scene: Scene, uses: Limits) -> Limits:
        return replace(scene.cluster.limits, memory=(uses.memory or 0) + size(scene.values["spare"], "spare"))


class TaskLimit(ResourceFault):
    kind = FaultKind.TASK_LIMIT
    summary = "the machine cannot start more processes or threads than it has now"
    resource = "tasks"
    parameters = (Parameter("spare", "0", "how many more it may start", r"\d{1,4}", "a number"),)

    def squeezed(self, scene: Scene, uses: Limits) -> Limits:
        return replace(scene.cluster.limits, tasks=max(1, (uses.tasks or 0) + int(scene.values["spare"])))


def _provider(scene: Scene) -> LimitProvider:
    if not isinstance(scene.provider, LimitProvider):
        raise LabError(f"the provider {scene.provider.name} cannot change a running machine's limits")
    return scene.provider
