"""lab status: a cluster's nodes, etcd, fleet and units, in one look."""

from __future__ import annotations

import json
import signal
import sys
import threading
import time
from typing import Any

from coreos_lab import store
from coreos_lab.chaos import journal
from coreos_lab.commands import view
from coreos_lab.commands.table import table
from coreos_lab.model import to_json
from coreos_lab.providers.choose import provider as choose
from coreos_lab.units_of_measure import as_size

INTERVAL = 1.0  # seconds between two looks


def status(name: str, *, watch: bool, as_json: bool) -> None:
    """Prints what is so now; asks, and changes nothing. With `watch`, again and again until Ctrl-C."""
    if watch:
        _watch(name, as_json=as_json)
        return
    looked = _look(name)
    print(json.dumps(looked, indent=2) if as_json else _text(looked))


def _watch(name: str, *, as_json: bool) -> None:
    """On a terminal one screen that changes; elsewhere the text, or a line of JSON, whenever something has changed."""
    from rich.console import Console
    from rich.live import Live
    from rich.text import Text

    looked = _look(name)
    ended = threading.Event()
    # Not KeyboardInterrupt: raised while threads are being started, it leaves their locks in disorder.
    before = signal.signal(signal.SIGINT, lambda *_args: ended.set())
    try:
        if sys.stdout.isatty() and not as_json:
            with Live(Text(), console=Console(), screen=True, auto_refresh=False) as live:
                while not ended.is_set():
                    live.update(Text(_text(looked, time.strftime("%H:%M:%S"))), refresh=True)
                    ended.wait(INTERVAL)
                    looked = _look(name)
        told: dict[str, Any] = {}
        while not ended.is_set():
            if (steady := _steady(looked)) != told:
                print(json.dumps(looked) if as_json else f"{_text(looked, time.strftime('%H:%M:%S'))}\n", flush=True)
                told = steady
            ended.wait(INTERVAL)
            looked = _look(name)
    finally:
        signal.signal(signal.SIGINT, before)


def _steady(looked: dict[str, Any]) -> dict[str, Any]:
    """The same without what is another number at every look."""
    nodes = [{key: value for key, value in node.items() if key != "memory_bytes"} for node in looked["nodes"]]
    return {**looked, "nodes": nodes}


def _look(name: str) -> dict[str, Any]:
    cluster = store.require(name)
    state = view.cluster_state(cluster, choose(cluster.provider))
    leaving = [node.name for node in cluster.leaving]
    return {**state, "faults": to_json(journal.open_faults(cluster)), "leaving": leaving}


def _text(looked: dict[str, Any], when: str = "") -> str:
    rows = [_node_row(node) for node in looked["nodes"]]
    lines = [
        f"Cluster {looked['cluster']} ({looked['provider']}, {looked['subnet']}){f'  {when}' if when else ''}",
        table(("NODE", "ADDRESS", "MACHINE", "ETCD", "FLEET", "MEMORY"), rows),
        f"\nLabs: {', '.join(looked['labs']) or 'none'}",
    ]
    if looked["faults"]:
        broken = ", ".join(f"{fault['node']} ({fault['kind']})" for fault in looked["faults"])
        lines.append(f"Broken: {broken}; 'lab heal' undoes it")
    if leaving := looked["leaving"]:
        staying = len(looked["nodes"]) - len(leaving)
        lines.append(f"Leaving: {', '.join(leaving)}; 'lab scale {staying}' goes on with it")
    if looked["units"] is None:
        lines.append("Units: fleet does not answer")
    elif looked["units"]:
        units = [(u["name"], u["node"] or "-", u["active"], u["sub"] or "-") for u in looked["units"]]
        lines.append("\n" + table(("UNIT", "NODE", "ACTIVE", "SUB"), units))
    return "\n".join(lines)


def _node_row(node: dict[str, Any]) -> tuple[str, ...]:
    fleet = {True: "listed", False: "not listed", None: "unknown"}[node["fleet"]]
    etcd = f"{node['etcd']}, {'healthy' if node['etcd_healthy'] else 'not healthy'}"
    memory = as_size(node["memory_bytes"]) if node["memory_bytes"] is not None else "-"
    return node["name"], node["address"], node["state"], etcd, fleet, memory
