"""Faults of what a machine may use: processor, memory, threads. Set from outside, where it cannot undo them."""

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
    undone = "it may use what the cluster's machines may"
    outside = True
    waits = True
    resource: str  # a field of Limits

    def squeezed(self, scene: Scene, uses: Limits) -> Limits:
        """What is left to a machine that uses so much."""
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
        """The kernel has refused it something: a limit that nobody reaches is no effect."""
        ssh.node_run(scene.cluster, scene.node, ["true"], check=False)  # who has nothing to do reaches no limit
        return _provider(scene).held_back(scene.cluster, scene.node, self.resource) > int(scene.before)

    def undo(self, scene: Scene) -> None:
        _provider(scene).limit(scene.cluster, scene.node, scene.cluster.limits)

    def gone(self, scene: Scene) -> bool:
        return _provider(scene).limits(scene.cluster, scene.node) == scene.cluster.limits


class CpuQuota(ResourceFault):
    kind = FaultKind.CPU_QUOTA
    summary = "little processor time is left to it"
    resource = "cpus"
    parameters = (
        Parameter("cpus", "0.05", "how much of one core", r"\d(\.\d{1,2})?", "a number of cores such as 0.05"),
    )

    def require_able(self, scene: Scene) -> None:
        super().require_able(scene)
        if float(scene.values["cpus"]) < 0.01:  # noqa: PLR2004 - the kernel's own least: 1 ms in 100
            raise LabError(f"--set cpus={scene.values['cpus']}: the kernel gives 0.01 cores at least")

    def squeezed(self, scene: Scene, uses: Limits) -> Limits:
        del uses
        return replace(scene.cluster.limits, cpus=float(scene.values["cpus"]))


class MemoryLimit(ResourceFault):
    kind = FaultKind.MEMORY_LIMIT
    summary = "little memory is left to it beyond what it holds"
    resource = "memory"
    parameters = (Parameter("spare", "32M", "how much more it gets", r"\d+[KMG]?", "a size such as 16M"),)

    def squeezed(self, scene: Scene, uses: Limits) -> Limits:
        return replace(scene.cluster.limits, memory=(uses.memory or 0) + size(scene.values["spare"], "spare"))


class TaskLimit(ResourceFault):
    kind = FaultKind.TASK_LIMIT
    summary = "it cannot start processes or threads beyond those that it has"
    resource = "tasks"
    parameters = (Parameter("spare", "0", "how many more it gets", r"\d{1,4}", "a number"),)

    def squeezed(self, scene: Scene, uses: Limits) -> Limits:
        return replace(scene.cluster.limits, tasks=max(1, (uses.tasks or 0) + int(scene.values["spare"])))


def _provider(scene: Scene) -> LimitProvider:
    if not isinstance(scene.provider, LimitProvider):
        raise LabError(f"the provider {scene.provider.name} cannot change what a running machine may use")
    return scene.provider
