"""A lab's map as text: Mermaid (https://mermaid.js.org) or DOT (https://graphviz.org). Pure.

Arrows go from who needs to whom it needs. A solid one is a service that another needs; a dashed one is bound to what it
serves; a dotted one needs etcd itself.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence

from coreos_lab.lab_map import Need, Part

ETCD = "etcd"
Running = Mapping[str, Sequence[str]]  # unit's name without its ending -> where its instances run, and how


def label(part: Part, running: Running | None) -> list[str]:
    """What stands in a box: the unit, how often it runs, its ports; and of a live cluster, where."""
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
    if any(need.whom == ETCD for need in needs):
        lines.append(f'  {ETCD}[("{ETCD}")]')
    for need in needs:
        lines.append(f"  {_id(need.who)} {_mermaid_arrow(need)} {_id(need.whom)}")
    return "\n".join(lines) + "\n"


def _mermaid_arrow(need: Need) -> str:
    if need.by == "bound":
        return "-.->"
    return f'-. "{need.by}" .->' if need.whom == ETCD else f'-->|"{need.by}"|'


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
    if any(need.whom == ETCD for need in needs):
        lines.append(f'  {ETCD} [shape=cylinder, style=filled, fillcolor="#fdf6e3", color="#8a7a3a"];')
    for need in needs:
        style = "dashed" if need.by == "bound" else "dotted" if need.whom == ETCD else "solid"
        shown = "" if need.by == "bound" else need.by
        lines.append(f"  {_quoted(need.who)} -> {_quoted(need.whom)} [style={style}, label={_quoted(shown)}];")
    return "\n".join([*lines, "}"]) + "\n"


def _id(name: str) -> str:
    """A name as Mermaid takes it for a box."""
    return re.sub(r"\W", "_", name)


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '\\"') + '"'
