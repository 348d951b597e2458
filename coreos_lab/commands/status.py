"""Show a cluster's nodes, etcd, fleet and units."""

from __future__ import annotations

import json
import signal
import sys
import threading
import time
from typing import Annotated, Any

import typer

from coreos_lab import hints, screen
from coreos_lab.commands.options import Json, Name, verb
from coreos_lab.commands.table import table
from coreos_lab.model import NodeState, to_json
from coreos_lab.observed import cluster_state
from coreos_lab.providers.choose import provider as choose
from coreos_lab.records import fault_journal, store
from coreos_lab.units_of_measure import as_size

INTERVAL = 1.0  # seconds between two queries

app = verb()


@app.command(help=__doc__)
def command(
    name: Name = hints.DEFAULT_NAME,
    watch: Annotated[bool, typer.Option("--watch", "-w", help="Show changes until Ctrl-C.")] = False,
    as_json: Json = False,
) -> None:
    status(name, watch=watch, as_json=as_json)


def status(name: str, *, watch: bool, as_json: bool) -> None:
    """Prints the cluster's state, and changes nothing. With `watch`, repeats that until Ctrl-C."""
    if watch:
        _watch(name, as_json=as_json)
        return
    state = _query(name)
    print(json.dumps(state, indent=2) if as_json else _text(state))


def _watch(name: str, *, as_json: bool) -> None:
    """Redraws one screen on a terminal; elsewhere prints the text, or a line of JSON, whenever something changes."""
    from rich.console import Console
    from rich.live import Live
    from rich.text import Text

    state = _query(name)
    ended = threading.Event()
    # No KeyboardInterrupt: raised while a thread is being started, it leaves locks in a wrong state.
    before = signal.signal(signal.SIGINT, lambda *_args: ended.set())
    try:
        if sys.stdout.isatty() and not as_json:
            with Live(Text(), console=Console(), screen=True, auto_refresh=False) as live:
                while not ended.is_set():
                    live.update(Text(_text(state, time.strftime("%H:%M:%S"))), refresh=True)
                    ended.wait(INTERVAL)
                    state = _query(name)
        printed: dict[str, Any] = {}
        while not ended.is_set() and not screen.lost():
            if (steady := _steady(state)) != printed:
                print(json.dumps(state) if as_json else f"{_text(state, time.strftime('%H:%M:%S'))}\n", flush=True)
                printed = steady
            ended.wait(INTERVAL)
            state = _query(name)
    finally:
        signal.signal(signal.SIGINT, before)


def _steady(state: dict[str, Any]) -> dict[str, Any]:
    """The state without values that differ every time."""
    nodes = [{key: value for key, value in node.items() if key != "memory_bytes"} for node in state["nodes"]]
    return {**state, "nodes": nodes}


def _query(name: str) -> dict[str, Any]:
    cluster = store.require(name)
    state = cluster_state.of(cluster, choose(cluster.provider))
    leaving = [node.name for node in cluster.leaving]
    faults = fault_journal.open_faults(cluster)
    broken = {fault.node for fault in faults}
    absent = {node["name"] for node in state["nodes"] if node["state"] == NodeState.ABSENT.value}
    lost = [node.name for node in cluster.nodes if node.instance and node.name in absent - broken]
    return {**state, "faults": to_json(faults), "leaving": leaving, "lost": lost}


def _text(state: dict[str, Any], when: str = "") -> str:
    rows = [_node_row(node) for node in state["nodes"]]
    lines = [
        f"Cluster {state['cluster']} ({state['provider']}, {state['subnet']}){f'  {when}' if when else ''}",
        table(("NODE", "ADDRESS", "MACHINE", "ETCD", "FLEET", "MEMORY"), rows),
        f"\nLabs: {', '.join(state['labs']) or 'none'}",
    ]
    if bare := [node["name"] for node in state["nodes"] if node["isolated"] is False]:
        lines.append(f"Not isolated: root on {', '.join(bare)} is root of this machine ({_why(state)})")
    if len(images := {node["image"] for node in state["nodes"]} - {""}) > 1:
        having = [(i, [node["name"] for node in state["nodes"] if node["image"] == i]) for i in sorted(images)]
        lines.append("Machine images: " + "; ".join(f"{', '.join(names)} {image}" for image, names in having))
    if state["faults"]:
        broken = ", ".join(f"{fault['node']} ({fault['kind']})" for fault in state["faults"])
        lines.append(f"Broken: {broken}; '{hints.lab('heal')}' undoes it")
    if state["lost"]:
        lines.append(f"Lost: {', '.join(state['lost'])}; '{hints.lab('up')}' gives them other machines")
    leaving = state["leaving"]
    if removed := [n["name"] for n in state["nodes"] if n["etcd"] == "removed" and n["name"] not in leaving]:
        lines.append(f"Removed from etcd's members: {', '.join(removed)}; '{hints.lab('up')}' makes them members again")
    if leaving:
        staying = len(state["nodes"]) - len(leaving)
        lines.append(f"Leaving: {', '.join(leaving)}; '{hints.lab('scale', staying)}' continues")
    if state["units"] is None:
        lines.append("Units: fleet does not answer")
    elif state["units"]:
        units = [(u["name"], u["node"] or "-", u["active"], u["sub"] or "-") for u in state["units"]]
        lines.append("\n" + table(("UNIT", "NODE", "ACTIVE", "SUB"), units))
    return "\n".join(lines)


def _why(state: dict[str, Any]) -> str:
    return "booted by an older lab: isolated from its next boot on" if state["userns"] else "made with --no-userns"


def _node_row(node: dict[str, Any]) -> tuple[str, ...]:
    fleet = {True: "listed", False: "not listed", None: "unknown"}[node["fleet"]]
    etcd = f"{node['etcd'] or 'unknown'}, {'healthy' if node['etcd_healthy'] else 'not healthy'}"
    memory = as_size(node["memory_bytes"]) if node["memory_bytes"] is not None else "-"
    return node["name"], node["address"], node["state"], etcd, fleet, memory
