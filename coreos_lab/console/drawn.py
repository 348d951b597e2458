"""A lab's map with places: Graphviz lays it out, and the page draws it in its own colours, with what runs where."""

from __future__ import annotations

import json
from typing import Any

from coreos_lab import run
from coreos_lab.definition import graph, lab_map
from coreos_lab.definition.lab_map import Need, Part
from coreos_lab.model import Lab

ROOM = "core-00, core-00"  # what a box has to have room for: where its unit runs


def layout(lab: Lab) -> dict[str, Any] | None:
    """Boxes and arrows of a lab's map, in points from the upper left; None without Graphviz."""
    parts = lab_map.parts(lab)
    needs = lab_map.needs(parts)
    text = graph.dot("", parts, needs, {part.name: [ROOM] for part in parts})
    try:
        laid = json.loads(run.run(["dot", "-Tjson"], input_text=text).stdout)
    except run.MissingProgramError:
        return None
    return _read(laid, parts, needs)


def _read(laid: dict[str, Any], parts: list[Part], needs: list[Need]) -> dict[str, Any]:
    """Graphviz's answer (https://graphviz.org/docs/outputs/json/): points of 1/72 inch from the lower left."""
    _left, _bottom, width, height = map(float, laid["bb"].split(","))
    by_name = {part.name: part for part in parts}
    objects = laid.get("objects", [])

    def point(text: str) -> list[float]:
        x, y = text.split(",")
        return [float(x), height - float(y)]

    boxes = []
    for each in objects:
        part = by_name.get(each["name"])
        x, y = point(each["pos"])
        size = {"width": float(each["width"]) * 72, "height": float(each["height"]) * 72}
        boxes.append({"name": each["name"], "x": x, "y": y, **size, **_about(part)})
    arrows = []
    for each in laid.get("edges", []):
        source, target = (objects[each[end]]["name"] for end in ("tail", "head"))
        need = next(need for need in needs if (need.service, need.needed) == (source, target))
        tip, points = "", []
        for word in each["pos"].split():
            if word.startswith("e,"):
                tip = word[2:]
            else:
                points.append(point(word))
        kind = "bound" if need.by == "bound" else "etcd" if target == graph.ETCD else "needs"
        label = point(each["lp"]) if each.get("lp") and kind != "bound" else None
        arrows.append(
            {
                "from": source,
                "to": target,
                "kind": kind,
                "by": need.by,
                "points": points,
                "tip": point(tip) if tip else points[-1],
                **({"label": label} if label else {}),
            }
        )
    return {"width": width, "height": height, "boxes": boxes, "arrows": arrows}


def _about(part: Part | None) -> dict[str, Any]:
    if part is None:
        return {"kind": "etcd", "units": [], "ports": []}
    kind = "sidekick" if part.is_sidekick else "service"
    return {"kind": kind, "units": list(part.unit.started), "ports": list(part.ports)}
