"""From a request to a saved plan: what exists already, which networks are free, and what this machine can run."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from coreos_lab import hints, run, stack_plans
from coreos_lab.cluster import cloud_config, discovery, transpiling
from coreos_lab.errors import LabError, UsageError
from coreos_lab.machine_image.transpiler import transpiler_folder
from coreos_lab.machine_image.userland import userland_folder
from coreos_lab.model import Cluster, NodeState, Stack
from coreos_lab.model.cloud import DEFAULT_REGION
from coreos_lab.observed import node_states
from coreos_lab.plan import INDICES, Request, check_name, network_for, plan
from coreos_lab.providers import routes
from coreos_lab.providers.aws.api import default_region
from coreos_lab.providers.base import Provider
from coreos_lab.providers.choose import provider as choose
from coreos_lab.records import clouds, state_folders, store
from coreos_lab.records.outline import outline
from coreos_lab.remake import request_again
from coreos_lab.user_data import of_node
from coreos_lab.user_data.document import HEADER
from coreos_lab.user_data.parsed import Problem


def resolve(request: Request) -> tuple[Request, Cluster | None]:
    """The request, and the cluster that it is about: None if nothing of the cluster exists but its plan.

    A plan is saved before anything is made. If making failed, the plan does not bind the next call: it only supplies
    the options that the next call leaves out.
    """
    existing = store.load(request.name)
    if existing is None or not _only_planned(existing):
        return request, existing
    return request_again(request, existing), None


def transpiled(request: Request) -> Request:
    """The request, with what ct makes of its configs. UsageError with file and line for what a node cannot do.

    ct may have to be built for that: then everything else that could refuse the request is looked at before.
    """
    configs = request.cloud_configs
    if not transpiling.needed(configs):
        return request
    if not transpiler_folder().is_dir():
        others = tuple(replace(each, text=HEADER) if transpiling.is_needed(each) else each for each in configs or ())
        planned(*resolve(replace(request, cloud_configs=others)))
    return replace(request, cloud_configs=transpiling.transpiled(configs))


def risks(request: Request) -> list[Problem]:
    """What the request's configs may cut nodes off by, of those that the cluster does not have already.

    Raises UsageError for what is refused in any case: it need not be asked about.
    """
    has = store.load(request.name)
    new = [each for each in request.cloud_configs or () if has is None or each not in has.cloud_configs]
    found = of_node.risky(new)
    if found:
        planned(*resolve(request))
    return found


def planned(request: Request, existing: Cluster | None) -> Cluster:
    """The plan for a request, on this machine as it is now. UsageError where a cloud-config contradicts it."""
    cluster = with_stack(with_box(_plan(request, existing), request), request)
    _check(cluster, existing)
    return cluster


def difference(request: Request) -> tuple[Cluster, int]:
    """The plan for a request, and how many nodes more than now it has."""
    request, existing = resolve(request)
    cluster = planned(request, existing)
    return cluster, len(cluster.nodes) - (len(existing.nodes) if existing else 0)


def save(request: Request, existing: Cluster | None) -> Cluster:
    """Plans a request and saves the plan. Raises LabError, with nothing saved, if this machine cannot run it.

    To be called before the machine image is built, which takes minutes: otherwise another `lab up` would choose the
    same network meanwhile.
    """
    _judge(request, existing)
    with state_folders.planning():
        cluster = _plan(request, existing)
        cluster = with_stack(cluster, request)
        if cluster.stack is None or not cluster.stack.at_aws:  # machines at AWS itself need nothing of this host
            require_able(choose(cluster.provider), userns=cluster.userns)
        cluster = with_box(cluster, request)
        _check(cluster, existing)
        store.save(cluster)
    return cluster


def _plan(request: Request, existing: Cluster | None) -> Cluster:
    """The plan in a network that is free. Where tokens of the cluster were given out, it is the network they name."""
    folder = store.ClusterFolder(request.name)
    promised = outline(folder.plan).index if folder.discovery.exists() else None
    return plan(request, existing, _taken(request.name), promised=promised)


def _check(cluster: Cluster, existing: Cluster | None) -> None:
    """Raises UsageError for what the reader's cloud-configs say against the plan."""
    cloud_config.check(cluster)
    if existing is None:
        discovery.check(cluster)
    elif cluster.replaced and (cluster.cloud_configs, cluster.metadata) != (existing.cloud_configs, existing.metadata):
        raise UsageError(
            f"--cloud-config: the group of cluster {cluster.name} was made with another one",
            f"destroy it first ({hints.lab('destroy')}), or make another with --name",
        )


def _judge(request: Request, existing: Cluster | None) -> None:
    """Has coreos-cloudinit judge the request's cloud-configs, after what needs no program.

    It may have to be built for that: then everything else that could refuse the request is looked at before.
    """
    configs = [each for each in request.cloud_configs or () if each.text]
    if not configs:
        return
    cluster = planned(request, existing)
    if not userland_folder().is_dir():
        require_able(choose(cluster.provider), userns=cluster.userns)
    cloud_config.judge(configs)


def with_box(cluster: Cluster, request: Request) -> Cluster:
    """The plan with the box that its machines are made from, if Vagrant makes them."""
    if cluster.provider != "vagrant" or cluster.box is not None:
        return cluster
    from coreos_lab.machine_image.box import box_name
    from coreos_lab.providers.vagrant import boxes

    on = boxes.here()
    driver = boxes.driver() if on == "libvirt" else ""
    box = boxes.choose(on, box_name(), driver, channel=request.channel, name=request.box, version=request.box_version)
    return replace(cluster, box=box)


def with_stack(cluster: Cluster, request: Request) -> Cluster:
    """The plan with the stack that its machines are part of, if AWS's API makes them."""
    if cluster.provider != stack_plans.PROVIDER or cluster.stack is not None:
        return cluster
    size = request.instance_type or stack_plans.SIZE
    if request.endpoint == stack_plans.AWS:
        return replace(cluster, stack=Stack("", default_region(), size, request.allow_from or ""))
    name = request.cloud or clouds.meant()
    check_name(name, "cloud")
    cloud = clouds.load(name)
    region = cloud.region if cloud else DEFAULT_REGION
    return replace(cluster, stack=Stack(name, region, size, request.allow_from or ""))


def require_able(provider: Provider, *, userns: bool = True) -> None:
    """Raises LabError for the first condition of the provider that this machine does not meet.

    `userns`: nodes run in user namespaces.
    """
    bad = [finding for finding in provider.doctor() if not finding.ok and (userns or not finding.userns)]
    if bad:
        more = f" ({len(bad) - 1} more: run '{hints.lab('doctor')}')" if len(bad) > 1 else ""
        raise LabError(f"{bad[0].name}: {bad[0].message}{more}", bad[0].remedy)


def _taken(name: str) -> set[int]:
    """Network indices in use: by clusters of any state folder, by interfaces, and by other networks of this machine."""
    routed = routes.of_host() if run.which("ip") else []
    used = {i for i in range(INDICES) if routes.conflict(network_for(None, i).subnet, "", routed)}
    own = store.ClusterFolder(name).plan
    known = {index for plan in state_folders.plans() if plan != own and (index := outline(plan).index) is not None}
    return known | used | {int(link[3:]) for link in _links() if re.fullmatch(r"lab\d+", link)}


def _links() -> list[str]:
    """The names of this machine's interfaces."""
    folder = Path("/sys/class/net")
    return [link.name for link in folder.iterdir()] if folder.is_dir() else []


def _only_planned(cluster: Cluster) -> bool:
    """Whether a cluster has no more than its plan and the discovery service, which may start before the nodes."""
    provider = choose(cluster.provider)
    states = node_states.of(cluster, provider).values()
    if any(state is not NodeState.ABSENT for state in states):
        return False
    # A setting of the host is no cluster's: the `lab destroy` of the last one has not restored it yet, or was killed.
    others = (f"process {discovery.service_pid(cluster)} ", "setting ")
    return all(line.startswith(others) for line in provider.leftovers(cluster).found)
