"""The command line: options and dispatch, nothing else, and the one place where errors become exit codes."""

from __future__ import annotations

import errno
import os
import signal
import sys
from pathlib import Path
from types import FrameType
from typing import Annotated, NoReturn

import typer

from coreos_lab import __version__
from coreos_lab.errors import Exit, LabError, UsageError

app = typer.Typer(
    name="lab",
    help="A Container Linux style cluster on this machine: bring it up, deploy a lab, break it, see it heal.",
    rich_markup_mode=None,  # rich costs more to import than all else that --help does
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
box_app = typer.Typer(help="Vagrant's boxes.", rich_markup_mode=None, no_args_is_help=True)
app.add_typer(box_app, name="box")
render_app = typer.Typer(help="Print what would be used.", rich_markup_mode=None, no_args_is_help=True)
app.add_typer(render_app, name="render")
snapshot_app = typer.Typer(
    help="Copies of a whole cluster, to go back to in seconds.", rich_markup_mode=None, no_args_is_help=True
)
app.add_typer(snapshot_app, name="snapshot")

# What the machine can do wrong to any of us: no space, no permission, a read-only or broken file system.
ENVIRONMENT_ERRORS = {
    errno.ENOSPC,
    errno.EDQUOT,
    errno.EACCES,
    errno.EPERM,
    errno.EROFS,
    errno.EIO,
    errno.EMFILE,
}

PASS_THROUGH = {"allow_extra_args": True, "ignore_unknown_options": True, "allow_interspersed_args": False}


def _complete_clusters(incomplete: str) -> list[str]:
    from coreos_lab import store

    return [name for name in store.names() if name.startswith(incomplete)]


def _complete_labs(incomplete: str) -> list[str]:
    from coreos_lab import catalog

    return [name for name in catalog.names() if name.startswith(incomplete)]


def _complete_nodes(ctx: typer.Context, incomplete: str) -> list[str]:
    from coreos_lab import store

    cluster = store.load(ctx.params.get("name") or "core")
    return [node.name for node in cluster.nodes if node.name.startswith(incomplete)] if cluster else []


def _complete_snapshots(ctx: typer.Context, incomplete: str) -> list[str]:
    from coreos_lab import snapshots, store

    cluster = store.load(ctx.params.get("name") or "core")
    found = snapshots.snapshots(cluster) if cluster else []
    return [each.name for each in found if each.name.startswith(incomplete)]


Name = Annotated[str, typer.Option("--name", envvar="LAB_NAME", help="The cluster.", autocompletion=_complete_clusters)]
Json = Annotated[bool, typer.Option("--json", envvar="LAB_JSON", help="Print one JSON document to stdout.")]
NodeName = Annotated[str, typer.Argument(metavar="NODE", autocompletion=_complete_nodes)]
Nodes = Annotated[int | None, typer.Option("--nodes", "-n", envvar="LAB_NODES", help="How many (3).")]
Channel = Annotated[
    str | None,
    typer.Option(
        "--channel", envvar="LAB_CHANNEL", help="vagrant on VirtualBox: Flatcar's (stable, beta, alpha, lts)."
    ),
]
Box = Annotated[
    str | None, typer.Option("--box", envvar="LAB_BOX", help="vagrant: another box, by the name Vagrant has for it.")
]
BoxVersion = Annotated[
    str | None, typer.Option("--box-version", envvar="LAB_BOX_VERSION", help="vagrant: that version of the box.")
]
LabName = Annotated[
    str,
    typer.Argument(metavar="LAB", help="A lab's name, or the path of its folder.", autocompletion=_complete_labs),
]

NewSnapshot = Annotated[str, typer.Argument(metavar="SNAPSHOT", help="Its name.")]
KnownSnapshot = Annotated[str, typer.Argument(metavar="SNAPSHOT", help="Its name.", autocompletion=_complete_snapshots)]


def _version(value: bool) -> None:
    if value:
        typer.echo(f"lab {__version__}")
        raise typer.Exit


@app.callback()
def root(
    debug: Annotated[
        bool, typer.Option("--debug", envvar="LAB_DEBUG", help="Log every process, and show tracebacks.")
    ] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Global options."""
    del version
    if debug:
        import logging

        os.environ["LAB_DEBUG"] = "1"
        logging.basicConfig(level=logging.DEBUG, stream=sys.stderr, format="%(relativeCreated)7d ms %(message)s")


@app.command()
def doctor(
    provider: Annotated[str, typer.Option("--provider", envvar="LAB_PROVIDER", help="nspawn or vagrant.")] = "nspawn",
    as_json: Json = False,
) -> None:
    """Can this machine run the provider? Every finding with its remedy."""
    from coreos_lab.commands.doctor import doctor as do

    do(provider, as_json=as_json)


@app.command()
def up(
    nodes: Nodes = None,
    name: Name = "core",
    provider: Annotated[
        str | None,
        typer.Option("--provider", envvar="LAB_PROVIDER", help="What makes the machines: nspawn or vagrant."),
    ] = None,
    members: Annotated[
        int | None,
        typer.Option("--members", envvar="LAB_MEMBERS", help="How many are etcd members (5 at most); others ask them."),
    ] = None,
    disks: Annotated[
        int | None, typer.Option("--disks", envvar="LAB_DISKS", help="Extra disks a node: /dev/sdb and on.")
    ] = None,
    disk_size: Annotated[
        str | None, typer.Option("--disk-size", envvar="LAB_DISK_SIZE", help="Size of each (1G).")
    ] = None,
    memory: Annotated[
        str | None, typer.Option("--memory", envvar="LAB_MEMORY", help="Memory limit a node, such as 1G.")
    ] = None,
    cpus: Annotated[float | None, typer.Option("--cpus", envvar="LAB_CPUS", help="CPU limit a node, in cores.")] = None,
    agent_ttl: Annotated[
        str | None,
        typer.Option(
            "--agent-ttl",
            envvar="LAB_AGENT_TTL",
            help="fleet's patience with a silent machine (10s; fleet's own default: 30s).",
        ),
    ] = None,
    flannel_backend: Annotated[
        str | None,
        typer.Option(
            "--flannel-backend",
            envvar="LAB_FLANNEL_BACKEND",
            help="How the overlay network's packets travel: udp (the default) or vxlan.",
        ),
    ] = None,
    subnet: Annotated[
        str | None, typer.Option("--subnet", envvar="LAB_SUBNET", help="The nodes' network (172.17.8.0/24).")
    ] = None,
    channel: Channel = None,
    box: Box = None,
    box_version: BoxVersion = None,
    keep: Annotated[
        bool,
        typer.Option("--keep/--no-keep", envvar="LAB_KEEP", help="After a failure, keep the nodes for a look."),
    ] = True,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", envvar="LAB_DRY_RUN", help="Print the plan as JSON and do nothing.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Converge to a running cluster: make what is missing, leave alone what runs."""
    from coreos_lab.commands.up import up as do
    from coreos_lab.plan import Request
    from coreos_lab.units_of_measure import size

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
    )
    do(request, keep=keep, dry_run=dry_run, as_json=as_json)


@app.command()
def scale(
    count: Annotated[int, typer.Argument(metavar="N", help="How many nodes it is to have.")],
    name: Name = "core",
    as_json: Json = False,
) -> None:
    """Nodes join and leave a running cluster, their units and their vote in etcd first."""
    from coreos_lab.commands.scale import scale as do

    do(name, count, as_json=as_json)


@app.command()
def status(
    name: Name = "core",
    watch: Annotated[bool, typer.Option("--watch", "-w", help="Show it until Ctrl-C, and how it changes.")] = False,
    as_json: Json = False,
) -> None:
    """A cluster's nodes, etcd, fleet and units."""
    from coreos_lab.commands.status import status as do

    do(name, watch=watch, as_json=as_json)


@app.command("list")
def list_(as_json: Json = False) -> None:
    """All clusters on this machine."""
    from coreos_lab.commands.list_ import list_clusters as do

    do(as_json=as_json)


@app.command()
def labs(as_json: Json = False) -> None:
    """The labs that come with it."""
    from coreos_lab.commands.labs import labs as do

    do(as_json=as_json)


@app.command()
def show(lab: LabName) -> None:
    """A lab's own page: what it teaches, what to type, what to look for."""
    from coreos_lab.commands.show import show as do

    do(lab)


@app.command()
def lint(lab: LabName, as_json: Json = False) -> None:
    """What could be asked about a lab before it runs: its units and container images, rule by rule."""
    from coreos_lab.commands.lint import lint as do

    do(lab, as_json=as_json)


@app.command()
def graph(
    lab: LabName,
    name: Name = "core",
    form: Annotated[
        str, typer.Option("--format", envvar="LAB_FORMAT", help="mermaid, dot, or svg (drawn by graphviz).")
    ] = "mermaid",
    live: Annotated[bool, typer.Option("--live", envvar="LAB_LIVE", help="With where each unit runs now.")] = False,
    output: Annotated[
        Path | None, typer.Option("--output", envvar="LAB_OUTPUT", help="Write it to a file instead.")
    ] = None,
) -> None:
    """Who needs whom in a lab: services, sidekicks, keys in etcd, ports."""
    from coreos_lab.commands.graph import draw as do

    do(name, lab, form=form, live=live, output=output)


@app.command()
def deploy(
    lab: LabName,
    name: Name = "core",
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help="A setting of the lab, as 'lab show LAB' lists them."),
    ] = None,
    deadline: Annotated[
        str, typer.Option("--deadline", envvar="LAB_DEADLINE", help="For units to run and checks to pass.")
    ] = "120s",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", envvar="LAB_DRY_RUN", help="Print the steps as JSON and do nothing.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Deploy a lab: container images, units in order, then its checks."""
    from coreos_lab.commands.deploy import deploy as do
    from coreos_lab.units_of_measure import duration

    told = _pairs(set_ or [])
    do(name, lab, told=told, deadline=duration(deadline, "--deadline"), dry_run=dry_run, as_json=as_json)


@app.command()
def undeploy(
    lab: LabName,
    name: Name = "core",
    wipe: Annotated[
        bool, typer.Option("--wipe", envvar="LAB_WIPE", help="Empty the nodes' extra disks, which the lab has used.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Remove a lab's units, containers, keys and folders from the cluster."""
    from coreos_lab.commands.undeploy import undeploy as do

    do(name, lab, wipe=wipe, as_json=as_json)


@app.command()
def check(
    lab: Annotated[str | None, typer.Argument(metavar="[LAB]", autocompletion=_complete_labs)] = None,
    name: Name = "core",
    junit: Annotated[Path | None, typer.Option("--junit", envvar="LAB_JUNIT", help="Write JUnit XML there.")] = None,
    as_json: Json = False,
) -> None:
    """Run a lab's checks against the live cluster; without LAB, those of every deployed lab."""
    from coreos_lab.commands.check import check as do

    do(name, lab, junit=junit, as_json=as_json)


@app.command("break")
def break_(
    targets: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="NODE...",
            help="Nodes, or unit:NAME for the node that runs it.",
            autocompletion=_complete_nodes,
        ),
    ] = None,
    name: Name = "core",
    fault: Annotated[
        str | None,
        typer.Option("--fault", envvar="LAB_FAULT", help="What is done: kill, or what 'lab faults' lists."),
    ] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help="A parameter of the fault, as 'lab faults' lists them."),
    ] = None,
    for_: Annotated[
        str | None,
        typer.Option("--for", envvar="LAB_FOR", help="Heal after that time; else 'lab heal' does."),
    ] = None,
    schedule: Annotated[
        Path | None,
        typer.Option("--schedule", envvar="LAB_SCHEDULE", help="A file with breaks, one after the other."),
    ] = None,
    deadline: Annotated[
        str, typer.Option("--deadline", envvar="LAB_DEADLINE", help="With --verify: for each recovery.")
    ] = "90s",
    keep_quorum: Annotated[
        bool, typer.Option("--keep-quorum", envvar="LAB_KEEP_QUORUM", help="Refuse what costs etcd its majority.")
    ] = False,
    verify: Annotated[
        bool, typer.Option("--verify", envvar="LAB_VERIFY", help="Prove effect, recovery and repair.")
    ] = False,
    junit: Annotated[
        Path | None, typer.Option("--junit", envvar="LAB_JUNIT", help="With --verify: a report for CI, as JUnit's XML.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", envvar="LAB_DRY_RUN", help="Print the plan as JSON and do nothing.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Break machines, their network or a service of theirs. The undo is on disk before the act."""
    from coreos_lab.chaos import schedule as schedules
    from coreos_lab.commands.break_ import break_ as do
    from coreos_lab.units_of_measure import duration

    if schedule and (targets or fault or set_ or for_):
        raise UsageError(f"--schedule {schedule}: says itself what to break, and how", "leave the others out")
    if not schedule and not targets:
        raise UsageError("NODE: nothing to break", "name a node or unit:NAME, or a --schedule")
    do(
        name,
        schedules.load(schedule)
        if schedule
        else [schedules.step(targets or [], fault or "kill", _pairs(set_ or []), for_)],
        deadline=duration(deadline, "--deadline"),
        keep_quorum=keep_quorum,
        verify=verify,
        junit=junit,
        dry_run=dry_run,
        as_json=as_json,
    )


def _pairs(told: list[str]) -> dict[str, str]:
    for text in told:
        if "=" not in text:
            raise UsageError(f"--set {text}: no value", "write it as --set NAME=VALUE")
    return dict(text.split("=", 1) for text in told)


@app.command()
def faults(
    provider: Annotated[
        str, typer.Option("--provider", envvar="LAB_PROVIDER", help="For which provider: nspawn or vagrant.")
    ] = "nspawn",
    as_json: Json = False,
) -> None:
    """What 'lab break' can do, with its parameters."""
    from coreos_lab.commands.faults import faults as do

    do(provider, as_json=as_json)


@app.command()
def verdict(
    run: Annotated[str | None, typer.Argument(metavar="RUN", help="A run's folder; the last one without it.")] = None,
    name: Name = "core",
    as_json: Json = False,
) -> None:
    """Judge a run of 'lab break --verify' again, from its record alone."""
    from coreos_lab.commands.verdict import verdict as do

    do(name, run, as_json=as_json)


@app.command()
def heal(name: Name = "core", as_json: Json = False) -> None:
    """Undo every fault that is on record, whoever left it."""
    from coreos_lab.commands.heal import heal as do

    do(name, as_json=as_json)


@app.command(context_settings=PASS_THROUGH)
def ssh(ctx: typer.Context, node: NodeName, name: Name = "core") -> None:
    """A shell on a node, or a command: lab ssh core-01 -- CMD."""
    from coreos_lab.commands.ssh import ssh as do

    if ctx.args and ctx.args[0].startswith("--name"):
        raise UsageError("--name: stands after the node, where the command begins", "lab ssh --name NAME NODE -- CMD")
    do(name, node, ctx.args[1:] if ctx.args[:1] == ["--"] else ctx.args)


@app.command(context_settings=PASS_THROUGH)
def fleetctl(ctx: typer.Context, name: Name = "core") -> None:
    """fleetctl, pointed at the cluster."""
    from coreos_lab.commands.passthrough import fleetctl as do

    do(name, [*ctx.args])


@app.command(context_settings=PASS_THROUGH)
def etcdctl(ctx: typer.Context, name: Name = "core") -> None:
    """etcdctl (version 2 API), pointed at the cluster."""
    from coreos_lab.commands.passthrough import etcdctl as do

    do(name, [*ctx.args])


@app.command()
def journal(
    unit: Annotated[str, typer.Argument(metavar="UNIT", help="A fleet unit, wherever it runs.")],
    name: Name = "core",
    lines: Annotated[int, typer.Option("--lines", "-n", envvar="LAB_LINES", help="How many of the last lines.")] = 50,
    follow: Annotated[bool, typer.Option("--follow", "-f", envvar="LAB_FOLLOW", help="Go on as lines come.")] = False,
) -> None:
    """A unit's journal, from the node that runs it."""
    from coreos_lab.commands.journal import journal as do

    do(name, unit, lines=lines, follow=follow)


@app.command()
def env(name: Name = "core") -> None:
    """Shell exports, so that plain fleetctl and etcdctl work: eval "$(lab env)"."""
    from coreos_lab.commands.env import env as do

    do(name)


@render_app.command("cloud-config")
def render_cloud_config(node: NodeName = "core-01", name: Name = "core") -> None:
    """A node's cloud-config, as it is booted or would be."""
    from coreos_lab.commands.render import cloud_config as do

    do(name, node)


@snapshot_app.command("save")
def snapshot_save(snapshot: NewSnapshot, name: Name = "core", as_json: Json = False) -> None:
    """Copy all nodes' disks at one moment, with what is deployed."""
    from coreos_lab.commands.snapshot import save as do

    do(name, snapshot, as_json=as_json)


@snapshot_app.command("restore")
def snapshot_restore(snapshot: KnownSnapshot, name: Name = "core", as_json: Json = False) -> None:
    """Make the cluster what it was: nodes, disks, labs."""
    from coreos_lab.commands.snapshot import restore as do

    do(name, snapshot, as_json=as_json)


@snapshot_app.command("list")
def snapshot_list(name: Name = "core", as_json: Json = False) -> None:
    """A cluster's snapshots, the oldest first."""
    from coreos_lab.commands.snapshot import list_snapshots as do

    do(name, as_json=as_json)


@snapshot_app.command("delete")
def snapshot_delete(snapshot: KnownSnapshot, name: Name = "core", as_json: Json = False) -> None:
    """Remove a snapshot."""
    from coreos_lab.commands.snapshot import delete as do

    do(name, snapshot, as_json=as_json)


@render_app.command("vagrantfile")
def render_vagrantfile(
    name: Name = "core", nodes: Nodes = None, channel: Channel = None, box: Box = None, box_version: BoxVersion = None
) -> None:
    """A cluster's Vagrantfile, as it is or would be."""
    from coreos_lab.commands.render import vagrantfile as do
    from coreos_lab.plan import Request

    do(Request(name=name, nodes=nodes, channel=channel, box=box, box_version=box_version))


@box_app.command("build")
def box_build(as_json: Json = False) -> None:
    """Build the box for libvirt from the machine image, for `vagrant box add`."""
    from coreos_lab.commands.box import build as do

    do(as_json=as_json)


@app.command()
def destroy(
    name: Name = "core",
    all_: Annotated[bool, typer.Option("--all", help="Every cluster on this machine.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", envvar="LAB_YES", help="With --all: do not ask.")] = False,
    as_json: Json = False,
) -> None:
    """Remove a cluster, then look for leftovers and fail if there are any."""
    from coreos_lab.commands.destroy import destroy as do

    do(name, every=all_, yes=yes, as_json=as_json)


def _terminated(_number: int, _frame: FrameType | None) -> NoReturn:
    raise SystemExit(128 + signal.SIGTERM)


def main() -> None:
    """Runs the command line and exits with the code that goes with what happened."""
    signal.signal(signal.SIGTERM, _terminated)
    try:
        code = app(standalone_mode=False) or Exit.DONE
        if code == Exit.INTERRUPTED:  # typer catches Ctrl-C itself, and says so in this way
            code = _interrupted()
    except (KeyboardInterrupt, typer.Abort):
        code = _interrupted()
    except Exception as error:
        code = _interrupted() if _by_interrupt(error) else _explain(error)
    sys.stdout.flush()
    raise SystemExit(int(code))


def _explain(error: Exception) -> int:
    """One clear line for what a user can mend; a log file for what only we can."""
    if os.environ.get("LAB_DEBUG"):
        import traceback

        traceback.print_exception(error)
    if isinstance(error, typer.TyperException):
        print(f"lab: {error.format_message()}\n     see 'lab --help' and 'lab COMMAND --help'", file=sys.stderr)
        return Exit.USAGE
    if isinstance(error, LabError):
        print(f"lab: {error.message}", file=sys.stderr)
        for line in error.details.splitlines():
            print(f"     | {line}", file=sys.stderr)
        if error.hint:
            print(f"     {error.hint}", file=sys.stderr)
        return error.exit_code
    if isinstance(error, OSError) and error.errno in ENVIRONMENT_ERRORS:
        where = f"{error.filename}: " if error.filename else ""
        print(f"lab: {where}{error.strerror}", file=sys.stderr)
        return Exit.ENVIRONMENT
    return _bug(error)


def _by_interrupt(error: Exception) -> bool:
    """Ctrl-C while a thread is being started leaves a lock in disorder, and Python tells of the lock."""
    return isinstance(error, RuntimeError) and isinstance(error.__context__, KeyboardInterrupt)


def _interrupted() -> int:
    from coreos_lab import wait

    wait.interrupted.set()
    print(
        "lab: interrupted; what was begun is on record: the same command goes on with it,\n"
        "     'lab heal' undoes faults, 'lab destroy' removes the cluster",
        file=sys.stderr,
    )
    return Exit.INTERRUPTED


def _bug(error: Exception) -> int:
    import tempfile
    import traceback

    with tempfile.NamedTemporaryFile("w", prefix="lab-bug-", suffix=".log", delete=False) as out:
        print(f"lab {__version__}, Python {sys.version}\n{os.uname()}\n{sys.argv}", file=out)
        traceback.print_exception(error, file=out)
    print(
        f"lab: a bug of ours: {type(error).__name__}: {error}\n     please report it with {out.name}",
        file=sys.stderr,
    )
    return Exit.BUG
