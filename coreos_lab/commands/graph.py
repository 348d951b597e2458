"""Draw a lab's dependencies: services, sidekicks, keys, ports."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from coreos_lab import hints, run
from coreos_lab.clients.fleet import Fleet
from coreos_lab.commands.options import LabName, Name, verb
from coreos_lab.definition import catalog, lab_map
from coreos_lab.definition import graph as drawing
from coreos_lab.errors import LabError, UsageError
from coreos_lab.observed.node_states import addresses, require_running
from coreos_lab.providers.choose import provider as choose
from coreos_lab.records import store

FORMATS = ("mermaid", "dot", "svg")

app = verb()


@app.command(help=__doc__)
def command(
    lab: LabName,
    name: Name = hints.DEFAULT_NAME,
    form: Annotated[
        str, typer.Option("--format", envvar="LAB_FORMAT", help="mermaid, dot, or svg (drawn by graphviz).")
    ] = "mermaid",
    live: Annotated[bool, typer.Option("--live", envvar="LAB_LIVE", help="Show where each unit runs now.")] = False,
    output: Annotated[
        Path | None, typer.Option("--output", envvar="LAB_OUTPUT", help="Write to this file instead of stdout.")
    ] = None,
) -> None:
    graph(name, lab, form=form, live=live, output=output)


def graph(name: str, lab_name: str, *, form: str, live: bool, output: Path | None) -> None:
    """Prints a lab's map, or writes it to `output`. With `live`, it shows where each unit runs on the cluster now."""
    if form not in FORMATS:
        raise UsageError(f"--format {form}: no such format (there is: {', '.join(FORMATS)})")
    for part in catalog.parts(lab_name):
        lab = catalog.load(part)
        catalog.require_units(lab)
        parts = lab_map.parts(lab)
        running = _running(name) if live else None
        make = drawing.mermaid if form == "mermaid" else drawing.dot
        text = make(f"{lab.name}: {lab.title}", parts, lab_map.needs(parts), running)
        if form == "svg":
            text = _svg(text)
        if output is None:
            print(text, end="")
            continue
        path = output if lab_name == part else output.with_stem(f"{output.stem}-{part}")
        try:
            path.write_text(text, encoding="utf-8")
        except OSError as error:
            raise LabError(
                f"{path}: cannot be written: {error.strerror}", "choose another place with --output"
            ) from None
        print(path)


def _svg(text: str) -> str:
    try:
        return run.run(["dot", "-Tsvg"], input_text=text).stdout
    except run.MissingProgramError:
        raise LabError(
            "dot: not on this machine, and --format svg needs it", "apt-get install graphviz, or --format mermaid"
        ) from None


def _running(name: str) -> dict[str, list[str]]:
    """For each unit, the nodes that its instances run on, as text."""
    cluster = store.require(name)
    fleet = Fleet(addresses(require_running(cluster, choose(cluster.provider))))
    names = {node.address: node.name for node in cluster.nodes}
    nodes = {machine.id: names.get(machine.address, machine.address) for machine in fleet.machines()}
    # After a unit has moved, fleet lists its old place for a while.
    placed = {unit.name: unit.machine_id for unit in fleet.units() if not unit.is_global}
    places: dict[str, list[str]] = {}
    for state in sorted(fleet.states(), key=lambda state: (state.name, nodes.get(state.machine_id, ""))):
        if placed.get(state.name, state.machine_id) != state.machine_id:
            continue
        stem = state.name.rpartition(".")[0]
        prefix, at, instance = stem.partition("@")
        how = "" if state.active == "active" else f" ({state.active})"
        where = nodes.get(state.machine_id, "a machine that is gone")
        places.setdefault(f"{prefix}{at}", []).append(f"{f'{instance}: ' if at else ''}{where}{how}")
    return places
