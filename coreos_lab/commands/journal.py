"""Print a unit's journal, from every node that has the unit."""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Annotated

import typer

from coreos_lab import hints, run
from coreos_lab.clients import ssh
from coreos_lab.commands.options import Name, verb
from coreos_lab.commands.tools import running_nodes
from coreos_lab.errors import LabError, UnknownError
from coreos_lab.model import Cluster, Node
from coreos_lab.observed import unit_places
from coreos_lab.records import store
from coreos_lab.units import unit_names

app = verb()


@app.command(help=__doc__)
def command(
    unit: Annotated[str, typer.Argument(metavar="UNIT", help="A fleet unit.")],
    name: Name = hints.DEFAULT_NAME,
    lines: Annotated[
        int, typer.Option("--lines", "-n", envvar="LAB_LINES", help="How many lines, counted from the end.")
    ] = 50,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", envvar="LAB_FOLLOW", help="Print new lines as they come.")
    ] = False,
    node: Annotated[str | None, typer.Option(envvar="LAB_NODE", help="Only this node's journal.")] = None,
) -> None:
    journal(name, unit, lines=lines, follow=follow, node=node)


def journal(name: str, unit: str, *, lines: int, follow: bool, node: str | None) -> None:
    """Becomes journalctl on the node that has the unit, or on `node`.

    If several nodes have the unit, each line begins with the node's name. Raises LabError if no node has it.
    """
    cluster = store.require(name)
    full = unit_names.full(unit)
    if node is not None:
        nodes = [store.require_node(cluster, node)]
    else:
        nodes = unit_places.nodes_of(running_nodes(cluster), full)
    if not nodes:
        raise LabError(f"{full}: no node has that unit", f"see '{hints.lab('status')}' for the units that are there")
    call = ["journalctl", "--no-pager", f"--unit={full}", f"--lines={lines}", *(["--follow"] if follow else [])]
    if len(nodes) == 1:
        ssh.replace(cluster, nodes[0], call)
    _print_all(cluster, nodes, call, at_once=follow)


def _print_all(cluster: Cluster, nodes: Sequence[Node], call: Sequence[str], *, at_once: bool) -> None:
    """Prints a command's output on each node: one node after the other, or all at once as lines come.

    Raises UnknownError, after the others have ended, if a node could not be reached or was lost.
    """
    stop = threading.Event()

    def on(node: Node) -> int:
        return run.stream(
            ssh.command(cluster, node, call),
            log_file=Path(os.devnull),
            on_line=lambda line: print(f"{node.name}: {line}", flush=True),
            check=False,
            stop=stop,
        ).returncode

    with ThreadPoolExecutor(max_workers=len(nodes) if at_once else 1) as pool:
        try:
            codes = [job.result() for job in [pool.submit(on, node) for node in nodes]]
        finally:
            stop.set()
    if silent := [node.name for node, code in zip(nodes, codes, strict=True) if code == ssh.NOT_REACHED]:
        raise UnknownError(f"{', '.join(silent)}: not reached, so its journal is unknown")
