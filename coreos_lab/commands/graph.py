"""lab graph: who needs whom in a lab, as a picture or as the text of one."""

from __future__ import annotations

from pathlib import Path

from coreos_lab import catalog, graph, lab_map, run, store
from coreos_lab.clients.fleet import Fleet
from coreos_lab.errors import LabError, UsageError
from coreos_lab.node_states import addresses, require_running
from coreos_lab.providers.choose import provider as choose

FORMATS = ("mermaid", "dot", "svg")


def draw(name: str, lab_name: str, *, form: str, live: bool, output: Path | None) -> None:
    """Prints the map, or writes it to a file. With `live`, it says where each unit runs on the cluster now."""
    if form not in FORMATS:
        raise UsageError(f"--format {form}: no such format (there is: {', '.join(FORMATS)})")
    for part in catalog.parts(lab_name):
        lab = catalog.load(part)
        found = lab_map.parts(lab)
        running = _running(name) if live else None
        make = graph.mermaid if form == "mermaid" else graph.dot
        text = make(f"{lab.name}: {lab.title}", found, lab_map.needs(found), running)
        if form == "svg":
            text = _drawn(text)
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


def _drawn(text: str) -> str:
    try:
        return run.run(["dot", "-Tsvg"], input_text=text).stdout
    except run.MissingProgramError:
        raise LabError(
            "dot: not on this machine, and pictures are drawn by it", "apt-get install graphviz, or --format mermaid"
        ) from None


def _running(name: str) -> dict[str, list[str]]:
    """Where the instances of each unit run, in words."""
    cluster = store.require(name)
    fleet = Fleet(addresses(require_running(cluster, choose(cluster.provider))))
    names = {node.address: node.name for node in cluster.nodes}
    nodes = {machine.id: names.get(machine.address, machine.address) for machine in fleet.machines()}
    found: dict[str, list[str]] = {}
    for state in sorted(fleet.states(), key=lambda state: (state.name, nodes.get(state.machine_id, ""))):
        stem = state.name.rpartition(".")[0]
        prefix, at, instance = stem.partition("@")
        how = "" if state.active == "active" else f" ({state.active})"
        where = nodes.get(state.machine_id, "a machine that is gone")
        found.setdefault(f"{prefix}{at}", []).append(f"{f'{instance}: ' if at else ''}{where}{how}")
    return found
