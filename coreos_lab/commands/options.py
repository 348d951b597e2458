"""Options and arguments that several verbs have, with their completion, and the typer apps of verbs."""

from __future__ import annotations

from typing import Annotated

import typer

from coreos_lab import hints
from coreos_lab.errors import UsageError

# Context settings of verbs whose arguments, from the first one on, belong to another program.
PASS_THROUGH = {"allow_extra_args": True, "ignore_unknown_options": True, "allow_interspersed_args": False}


def verb() -> typer.Typer:
    """The app of a verb without subcommands. Without rich, which costs more to import than all else --help does."""
    return typer.Typer(rich_markup_mode=None, add_completion=False)


def group(summary: str | None) -> typer.Typer:
    """The app of a verb with subcommands."""
    return typer.Typer(
        help=summary, callback=_no_options, no_args_is_help=True, rich_markup_mode=None, add_completion=False
    )


def _no_options() -> None:
    """A callback: without one, typer makes no group of an app that has a single subcommand."""


def pairs(settings: list[str] | None, option: str = "--set", form: str = "NAME=VALUE") -> dict[str, str]:
    """The values of an option by name. Raises UsageError for one without a `=`."""
    for setting in settings or []:
        if "=" not in setting:
            raise UsageError(f"{option} {setting}: no value", f"write it as {option} {form}")
    return dict(setting.split("=", 1) for setting in settings or [])


def _about_cluster(name: str) -> str:
    hints.about_cluster(name)
    return name


def _about_provider(provider: str | None) -> str | None:
    if provider is not None:
        hints.about_provider(provider)
    return provider


def complete_clusters(incomplete: str) -> list[str]:
    """Names of clusters that begin with `incomplete`."""
    from coreos_lab.records import store

    return [name for name in store.names() if name.startswith(incomplete)]


def complete_labs(incomplete: str) -> list[str]:
    """Names of built-in labs that begin with `incomplete`."""
    from coreos_lab.definition import catalog

    return [name for name in catalog.names() if name.startswith(incomplete)]


def complete_nodes(ctx: typer.Context, incomplete: str) -> list[str]:
    """Names of nodes of the cluster named by --name that begin with `incomplete`."""
    from coreos_lab.records import store

    cluster = store.load(ctx.params.get("name") or hints.DEFAULT_NAME)
    return [node.name for node in cluster.nodes if node.name.startswith(incomplete)] if cluster else []


Name = Annotated[
    str,
    typer.Option(
        "--name",
        envvar="LAB_NAME",
        help="The cluster's name.",
        callback=_about_cluster,
        autocompletion=complete_clusters,
    ),
]
Json = Annotated[bool, typer.Option("--json", envvar="LAB_JSON", help="Print one JSON document to stdout.")]
DryRun = Annotated[bool, typer.Option("--dry-run", envvar="LAB_DRY_RUN", help="Print the plan as JSON and do nothing.")]
Timings = Annotated[
    bool, typer.Option("--timings", envvar="LAB_TIMINGS", help="Print at the end which steps were waited for.")
]
History = Annotated[
    bool,
    typer.Option(
        "--history",
        envvar="LAB_HISTORY",
        help="With a verdict: read and write registers in etcd meanwhile, and judge whether that is linearizable.",
    ),
]
NodeName = Annotated[str, typer.Argument(metavar="NODE", autocompletion=complete_nodes)]
LabName = Annotated[
    str,
    typer.Argument(metavar="LAB", help="A lab's name, or the path of its folder.", autocompletion=complete_labs),
]
Nodes = Annotated[int | None, typer.Option("--nodes", "-n", envvar="LAB_NODES", help="How many nodes (3).")]
_PROVIDER = typer.Option(
    "--provider",
    envvar="LAB_PROVIDER",
    callback=_about_provider,
    help="What makes the machines: nspawn, vagrant or aws.",
)
Provider = Annotated[str, _PROVIDER]
OptionalProvider = Annotated[str | None, _PROVIDER]
CloudConfigs = Annotated[
    list[str] | None,
    typer.Option(
        "--cloud-config",
        envvar="LAB_CLOUD_CONFIG",
        metavar="[NODE:]FILE",
        help="Your own cloud-config, Container Linux Config or Ignition config for all nodes, or for one "
        "(core-01:FILE). Repeatable; kept with the cluster.",
    ),
]
Metadata = Annotated[
    list[str] | None,
    typer.Option(
        "--metadata",
        envvar="LAB_METADATA",
        metavar="[NODE:]KEY=VALUE,...",
        help="fleet's metadata of all nodes, or of one (core-01:disk=ssd). Repeatable; kept with the cluster.",
    ),
]
Channel = Annotated[
    str | None,
    typer.Option(
        "--channel",
        envvar="LAB_CHANNEL",
        help="vagrant on VirtualBox: Flatcar's release channel (stable, beta, alpha, lts).",
    ),
]
Box = Annotated[str | None, typer.Option("--box", envvar="LAB_BOX", help="vagrant: the name of another box.")]
BoxVersion = Annotated[
    str | None, typer.Option("--box-version", envvar="LAB_BOX_VERSION", help="vagrant: the version of that box.")
]
CloudOfCluster = Annotated[
    str | None, typer.Option("--cloud", help="aws: the name of the lab cloud (aws, or what LAB_CLOUD says).")
]
Endpoint = Annotated[
    str | None,
    typer.Option(
        "--endpoint",
        envvar="LAB_ENDPOINT",
        help="aws: cloud (a lab cloud, the default), or aws: AWS itself, with your account. That costs money.",
    ),
]
InstanceType = Annotated[
    str | None, typer.Option("--instance-type", envvar="LAB_INSTANCE_TYPE", help="aws: the instances' type (t2.small).")
]
AllowFrom = Annotated[
    str | None,
    typer.Option(
        "--allow-from", envvar="LAB_ALLOW_FROM", help="aws: the addresses that reach the nodes, such as 192.0.2.7/32."
    ),
]
