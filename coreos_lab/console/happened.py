"""What has happened between two looks at a cluster, as events. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from coreos_lab.events import Event

Document = Mapping[str, Any]
UP = ("active", "reloading")
GROUPED = 4  # units of one node that change together, from which on one event stands for them all


def between(before: Document, after: Document) -> Iterator[Event]:
    """The events that explain the difference of two documents; none for the first document."""
    if "nodes" not in before:
        return
    yield from _faults(before["faults"], after["faults"])
    yield from _nodes(before["nodes"], after["nodes"])
    if before["leader"] != after["leader"] and None not in (before["leader"], after["leader"]):
        to = after["leader"]
        yield _note("etcd", "", f"{to} leads now" if to else f"has no leader; {before['leader']} led")
    if before["units"] is not None and after["units"] is not None:
        yield from _units(before["units"], after["units"])


def _note(step: str, subject: str, message: str, tone: str = "") -> Event:
    return Event("note", step, subject, message, data={"tone": tone} if tone else {})


def _faults(before: Document, after: Document) -> Iterator[Event]:
    for name, fault in after.items():
        if name not in before:
            yield _note("fault", fault["node"], fault["text"], "bad")
    for name, fault in before.items():
        if name not in after:
            yield _note("healed", fault["node"], fault["kind"], "good")


def _nodes(before: Document, after: Document) -> Iterator[Event]:
    for name in after.keys() - before.keys():
        yield _note("node", name, "has joined the cluster")
    for name in before.keys() - after.keys():
        yield _note("node", name, "has left the cluster")
    for name in before.keys() & after.keys():
        was, now = before[name], after[name]
        if was["state"] != now["state"]:
            yield _note("node", name, f"is {now['state']}; was {was['state']}", _tone(now["state"] == "running"))
        if was["fleet"] != now["fleet"] and None not in (was["fleet"], now["fleet"]):
            yield _note("fleet", name, "is listed again" if now["fleet"] else "is listed no more", _tone(now["fleet"]))


def _units(before: Document, after: Document) -> Iterator[Event]:
    """Units that move, appear, go, or change between up and not up."""
    was, now = _places(before), _places(after)
    gone: dict[str, list[str]] = {}
    for name in sorted(was.keys() | now.keys()):
        old, new = was.get(name, {}), now.get(name, {})
        left, come = old.keys() - new.keys() - {""}, new.keys() - old.keys() - {""}
        if len(left) == len(come) == 1:
            (here,), (there,) = left, come
            yield _note("unit", name, f"moved from {here} to {there}")
            continue
        for node in sorted(come):
            where = f"is to run on {node}" if new[node] == "not loaded" else f"is on {node}: {new[node]}"
            yield _note("unit", name, where)
        for node in sorted(left):
            gone.setdefault(node, []).append(name)
        for node in sorted(old.keys() & new.keys()):
            up, is_up = old[node] in UP, new[node] in UP
            if up != is_up:
                where = f" on {node}" if node else ""
                yield _note("unit", name, f"is {new[node]}{where}; was {old[node]}", _tone(is_up))
    for node, names in sorted(gone.items()):
        if len(names) >= GROUPED:
            yield _note("units", node, f"{len(names)} units are there no more")
        else:
            yield from (_note("unit", name, f"is no more on {node}") for name in names)


def _places(units: Document) -> dict[str, dict[str, str]]:
    """By a unit's name, its state on each node."""
    places: dict[str, dict[str, str]] = {}
    for unit in units.values():
        places.setdefault(unit["name"], {})[unit["node"]] = unit["active"]
    return places


def _tone(good: bool) -> str:
    return "good" if good else "bad"
