"""A lab's map as text: Mermaid (https://mermaid.js.org) or DOT (https://graphviz.org). Pure.

Arrows go from a service to what it needs: solid ones to another service, dashed ones from a sidekick to the unit that
it is bound to, dotted ones to etcd itself.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence

from coreos_lab.definition.lab_map import Need, Part

ETCD = "etcd"
Running = Mapping[str, Sequence[str]]  # unit's name without its ending -> where each instance runs, and its state


def label(part: Part, running: Running | None) -> list[str]:
    """The lines of a box: the unit, its number of instances, its ports; for a live cluster, where it runs."""
    instances = part.unit.instances
    lines = [part.name + (f" ×{len(instances)}" if len(instances) > 1 else "")]
    if part.ports:
        lines.append("port " + ", ".join(map(str, part.ports)))
    if running is not None:
        lines += running.get(part.name) or ["not running"]
    return lines


def mermaid(title: str, parts: Sequence[Part], needs: Sequence[Need], running: Running | None = None) -> str:
    """The map as Mermaid draws it, in Markdown on many sites."""
    lines = ["---", f"title: {json.dumps(title, ensure_ascii=False)}", "---", "flowchart LR"]
    for part in parts:
        text = "<br>".join(label(part, running))
        opening, closing = ("([", "])") if part.is_sidekick else ("[", "]")
        lines.append(f'  {_id(part.name)}{opening}"{text}"{closing}')
    if any(need.needed == ETCD for need in needs):
        lines.append(f'  {ETCD}[("{ETCD}")]')
    for need in needs:
        lines.append(f"  {_id(need.service)} {_mermaid_arrow(need)} {_id(need.needed)}")
    return "\n".join(lines) + "\n"


def _mermaid_arrow(need: Need) -> str:
    if need.by == "bound":
        return "-.->"
    return f'-. "{need.by}" .->' if need.needed == ETCD else f'-->|"{need.by}"|'


def dot(title: str, parts: Sequence[Part], needs: Sequence[Need], running: Running | None = None) -> str:
    """The map as Graphviz draws it."""
    lines = [
        f"digraph {_quoted(title)} {{",
        f'  graph [rankdir=LR, label={_quoted(title)}, labelloc=t, fontname="sans-serif", fontsize=18, ranksep=1.1];',
        '  node [shape=box, style="rounded,filled", fillcolor="#eef4fb", color="#4a6fa5", fontname="sans-serif"];',
        '  edge [color="#4a6fa5", fontname="sans-serif", fontsize=10];',
    ]
    for part in parts:
        text = "\\n".join(each.replace('"', '\\"') for each in label(part, running))
        down = running is not None and not running.get(part.name)
        colour = ', fillcolor="#fbe3e3", color="#a54a4a"' if down else ', fillcolor="white"' if part.is_sidekick else ""
        lines.append(f'  {_quoted(part.name)} [label="{text}"{colour}];')
    if any(need.needed == ETCD for need in needs):
        lines.append(f'  {ETCD} [shape=cylinder, style=filled, fillcolor="#fdf6e3", color="#8a7a3a"];')
    for need in needs:
        style = "dashed" if need.by == "bound" else "dotted" if need.needed == ETCD else "solid"
        shown = "" if need.by == "bound" else need.by
        lines.append(f"  {_quoted(need.service)} -> {_quoted(need.needed)} [style={style}, label={_quoted(shown)}];")
    return "\n".join([*lines, "}"]) + "\n"


def _id(name: str) -> str:
    """A name as Mermaid accepts it for a box."""
    return re.sub(r"\W", "_", name)


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '\\"') + '"'
