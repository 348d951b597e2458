"""Bring a cluster up: create what is missing, start what is off. What already runs is left alone."""

from __future__ import annotations

import json
import sys
import time
from dataclasses import replace
from typing import Annotated

import typer

from coreos_lab import events, hints, screen, timings
from coreos_lab.cluster import applying, lifecycle, mirror, placing, scaling, snapshots
from coreos_lab.commands import on_aws, planning, view
from coreos_lab.commands.confirm import confirmed
from coreos_lab.commands.options import (
    AllowFrom,
    Box,
    BoxVersion,
    Channel,
    CloudConfigs,
    CloudOfCluster,
    DryRun,
    Endpoint,
    InstanceType,
    Json,
    Metadata,
    Name,
    Nodes,
    OptionalProvider,
    Timings,
    verb,
)
from coreos_lab.errors import LabError, UsageError
from coreos_lab.model import Cluster, Node, to_json
from coreos_lab.observed import cluster_state, node_states
from coreos_lab.plan import Request, check_name
from coreos_lab.providers.base import Provider
from coreos_lab.providers.choose import provider as choose
from coreos_lab.records import store
from coreos_lab.spelling import counted
from coreos_lab.units_of_measure import size
from coreos_lab.user_data import given
from coreos_lab.user_data.parsed import Problem

app = verb()


@app.command(help=__doc__)
def command(
    nodes: Nodes = None,
    name: Name = hints.DEFAULT_NAME,
    provider: OptionalProvider = None,
    members: Annotated[
        int | None,
        typer.Option(
            "--members", envvar="LAB_MEMBERS", help="How many are etcd members (at most 5). Others are proxies."
        ),
    ] = None,
    disks: Annotated[
        int | None, typer.Option("--disks", envvar="LAB_DISKS", help="Extra disks per node: /dev/sdb and following.")
    ] = None,
    disk_size: Annotated[
        str | None, typer.Option("--disk-size", envvar="LAB_DISK_SIZE", help="Size of each extra disk (1G).")
    ] = None,
    memory: Annotated[
        str | None, typer.Option("--memory", envvar="LAB_MEMORY", help="Memory limit per node, such as 1G.")
    ] = None,
    cpus: Annotated[
        float | None, typer.Option("--cpus", envvar="LAB_CPUS", help="CPU limit per node, in cores.")
    ] = None,
    agent_ttl: Annotated[
        str | None,
        typer.Option(
            "--agent-ttl",
            envvar="LAB_AGENT_TTL",
            help="How long fleet waits for a silent machine (10s; fleet's own default is 30s).",
        ),
    ] = None,
    flannel_backend: Annotated[
        str | None,
        typer.Option(
            "--flannel-backend",
            envvar="LAB_FLANNEL_BACKEND",
            help="How the overlay network encapsulates packets: udp (the default) or vxlan.",
        ),
    ] = None,
    subnet: Annotated[
        str | None, typer.Option("--subnet", envvar="LAB_SUBNET", help="The nodes' network (172.17.8.0/24).")
    ] = None,
    channel: Channel = None,
    box: Box = None,
    box_version: BoxVersion = None,
    no_userns: Annotated[
        bool,
        typer.Option(
            "--no-userns",
            envvar="LAB_NO_USERNS",
            help="nspawn: no user namespaces. Root on a node is then root on this machine.",
        ),
    ] = False,
    cloud: CloudOfCluster = None,
    endpoint: Endpoint = None,
    instance_type: InstanceType = None,
    allow_from: AllowFrom = None,
    cloud_config: CloudConfigs = None,
    metadata: Metadata = None,
    apply_now: Annotated[
        bool,
        typer.Option(
            "--apply",
            envvar="LAB_APPLY",
            help="Apply the cloud-configs to running nodes now, not at their next boot.",
        ),
    ] = False,
    keep: Annotated[
        bool,
        typer.Option("--keep/--no-keep", envvar="LAB_KEEP", help="Keep the nodes after a failure, to inspect them."),
    ] = True,
    yes: Annotated[
        bool,
        typer.Option(
            "--yes", "-y", envvar="LAB_YES", help="Do not ask whether a cloud-config may replace what nodes boot by."
        ),
    ] = False,
    timed: Timings = False,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    request = Request(
        name=name,
        provider=provider,
        nodes=nodes,
        members=members,
        disks=disks,
        disk_size=size(disk_size, "--disk-size") if disk_size else None,
        memory=size(memory, "--memory") if memory else None,
        cpus=cpus,
        agent_ttl=agent_ttl,
        flannel_backend=flannel_backend,
        subnet=subnet,
        channel=channel,
        box=box,
        box_version=box_version,
        no_userns=no_userns or None,
        cloud=cloud,
        endpoint=endpoint,
        instance_type=instance_type,
        allow_from=allow_from,
        cloud_configs=given.cloud_configs(cloud_config),
        metadata=given.machine_metadata(metadata),
    )
    with timings.told(timed):
        up(request, keep=keep, dry_run=dry_run, as_json=as_json, apply_now=apply_now, yes=yes)


def up(
    request: Request, *, keep: bool, dry_run: bool, as_json: bool, apply_now: bool = False, yes: bool = False
) -> None:
    """Creates what is missing of the cluster, starts what is off, and leaves alone what runs.

    After a failure the nodes are kept for inspection, unless `keep` is false and this call created them. With
    `apply_now`, coreos-cloudinit runs again on the nodes that ran before. `yes` is the answer to what is asked.
    """
    check_name(request.name)
    began = time.monotonic()
    with screen.showing():
        request = planning.transpiled(request)
    _accept(planning.risks(request), yes=yes or dry_run)
    if dry_run:
        request, existing = planning.resolve(request)
        existing = existing and replace(existing, nodes=existing.staying)
        print(json.dumps(to_json(planning.planned(request, existing)), indent=2))
        return
    if on_aws.costs(request):
        on_aws.accept_costs(*planning.difference(request), yes=yes)
    with screen.showing(), store.ClusterFolder(request.name).lock(hints.lab("up")):
        on_aws.wake(request.name)
        request, existing = planning.resolve(request)
        if existing is not None:
            existing = snapshots.finish(existing, choose(existing.provider))
            existing = scaling.finish(existing, choose(existing.provider))
        cluster = planning.save(request, existing)
        provider = choose(cluster.provider)
        try:
            if not cluster.image:
                cluster = replace(cluster, image=provider.prepare(cluster))
                store.save(cluster)
            cluster = on_aws.prepared(cluster)
            changed = _renew(request, cluster, provider)
            mirror.make_tools()
            brought = lifecycle.bring_up(cluster, provider)
            cluster = placing.place(cluster, provider)
            running = [node for node in cluster.staying if node not in brought.started]
            left = applying.apply(cluster, running) if apply_now else _not_applied(changed, running)
        except LabError:
            if existing is None and not keep:
                lifecycle.take_down(cluster, provider)
            raise
    if as_json:
        print(json.dumps(cluster_state.of(cluster, provider), indent=2))
        return
    _report(cluster, brought, time.monotonic() - began)
    for line in left:
        print(line)


def _accept(risks: list[Problem], *, yes: bool) -> None:
    """Shows what may cut nodes off. Raises UsageError where it is not confirmed."""
    for risk in risks:
        print(risk, file=sys.stderr)
    if risks and not yes and not confirmed("Boot the nodes with it?"):
        first, *others = risks
        raise UsageError(
            f"{first}: not confirmed{f' ({len(others)} more above)' if others else ''}",
            f"{first.remedy.removesuffix(':')}; or say --yes, or answer y",
        )


def _renew(request: Request, cluster: Cluster, provider: Provider) -> list[Node]:
    """Rewrites what nodes boot from where the request has user-data; returns those for which that changed."""
    if request.cloud_configs is None and request.metadata is None:
        return []
    return applying.renew(cluster, node_states.of(cluster, provider))


def _not_applied(changed: list[Node], running: list[Node]) -> list[str]:
    names = ", ".join(node.name for node in running if node in changed)
    if not names:
        return []
    return [f"{names}: the new cloud-config is applied at the next boot, or now by '{hints.lab('up', '--apply')}'."]


def _report(cluster: Cluster, brought: lifecycle.Brought, seconds: float) -> None:
    if not brought:
        print(f"Cluster {cluster.name} runs already: {counted(len(cluster.nodes), 'node')}.")
    else:
        print(f"Cluster {cluster.name}: {counted(len(cluster.nodes), 'node')} up in {seconds:.1f} s ({brought.words}).")
    view.print_broken(cluster)
    print("Next:")
    print(f"  {hints.lab('status')}")
    print(f"  {hints.lab('labs')}\n  {hints.lab('show', 'ch3')}\n  {hints.lab('deploy', 'ch3')}")
    print(f"  {hints.lab('ssh', cluster.nodes[0].name)}")
    events.note("up", "done")
    sys.stdout.flush()
