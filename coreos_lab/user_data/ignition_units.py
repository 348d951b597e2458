"""systemd units of an Ignition config, and the unit of ours that does what a cloud-config has no words for.

Ignition enables units before systemd starts, so that the first boot starts them as each later one does. A unit that
coreos-cloudinit enables misses the first boot; its `command: start` would wait for the unit, and for ever where that is
ordered after Docker, which is ordered after the cloud-config. So our unit starts them, without waiting.
"""

from __future__ import annotations

import shlex
from typing import Any

from coreos_lab.units import systemd_grammar, unit_file
from coreos_lab.user_data.draft import Draft
from coreos_lab.user_data.parsed import Path
from coreos_lab.user_data.reserved import OWN, UNITS

# What a boot reaches; a unit that another target wants, such as one for shutting down, is not started by it.
REACHED = {
    "default.target",
    "multi-user.target",
    "basic.target",
    "sysinit.target",
    "local-fs.target",
    "remote-fs.target",
    "network.target",
    "network-online.target",
    "paths.target",
    "sockets.target",
    "swap.target",
    "timers.target",
}
# Units of a node that a config may enable without having their contents.
HERE = UNITS | {"flanneld.service", "locksmithd.service", "update-engine.service", "systemd-timesyncd.service"}
RKT = "it is run by rkt, which a node has not"
OTHER_UNITS = {
    "etcd-member.service": "nodes have etcd2.service: change that",
    "coreos-metadata.service": "nodes have /etc/environment: read that",
}
BY_CT = {"20-clct-etcd-member.conf", "20-clct-flannel.conf"}
# Not a unit that has run in this boot already: after the first boot, systemd starts it by itself.
START = """for unit in {units}; do
    if [ "$(systemctl show --value --property InactiveExitTimestampMonotonic "$unit")" = 0 ]; then
        systemctl --no-block start "$unit"
    fi
done"""
UNIT = """[Unit]
Description=Groups, directories, links and enabled units of an Ignition config
[Service]
Type=oneshot
ExecStart=/bin/sh {path}
"""


def translate(draft: Draft, systemd: dict[str, Any]) -> None:
    """Units with their contents, drop-ins and states."""
    units = systemd.get("units", [])
    names = [unit.get("name", "") for unit in units]
    for number, unit in enumerate(units):
        here: Path = ("systemd", "units", number)
        name = names[number]
        if name in names[:number]:
            draft.refuse(here, f"{name} is there twice", "make one of both")
        elif name.startswith(OWN):
            draft.refuse(here, f"{name}: the lab has a unit of that name", "rename it")
        elif name in OTHER_UNITS:
            draft.refuse(here, f"{name}: {RKT}", OTHER_UNITS[name])
        else:
            _unit(draft, unit, here, names)
    _starts(draft, units)


def _unit(draft: Draft, unit: dict[str, Any], here: Path, names: list[str]) -> None:
    name = unit.get("name", "")
    place, entry = draft.unit(name, here)
    template = name.partition("@")[0] + "@." + name.rpartition(".")[2] if "@" in name else ""
    known = bool(unit.get("contents")) or name in HERE or template in names
    if unit.get("contents"):
        entry["content"] = unit["contents"]
        draft.note((*place, "content"), (*here, "contents"))
    if unit.get("mask"):
        entry["mask"] = True
        draft.note((*place, "mask"), (*here, "mask"))
    key = "enabled" if unit.get("enabled") is not None else "enable"
    if unit.get(key) and not unit.get("mask"):
        if not known:
            draft.refuse((*here, key), f"{name} has no contents, and a node has no such unit", "write its contents")
        elif name == template:
            draft.refuse((*here, key), f"{name} is a template", f"enable a unit of it: {template.replace('@', '@1')}")
        else:
            entry["enable"] = True
            draft.note((*place, "enable"), (*here, key))
    if unit.get("enabled") is False and not unit.get("contents"):
        draft.refuse((*here, "enabled"), "a node cannot disable a unit of its own", "write mask: true")
    for number, drop_in in enumerate(unit.get("dropins", [])):
        where: Path = (*here, "dropins", number)
        if drop_in.get("name") in BY_CT:
            draft.refuse(where, f"{drop_in['name']}: made by ct, and {RKT}", "give the Container Linux Config itself")
        elif drop_in.get("contents"):
            draft.drop_in(name, drop_in["name"], drop_in["contents"], where, here)


def _starts(draft: Draft, units: list[dict[str, Any]]) -> None:
    """Notes the enabled units that a boot starts: those that something wants which it reaches."""
    enabled = {unit["name"] for unit in draft.data.get("coreos", {}).get("units", []) if unit.get("enable")}
    contents = {unit["name"]: unit.get("contents", "") for unit in units if unit.get("name")}
    wanted = {name: _wanted_by(name, contents) for name in contents if name in enabled}
    reached = REACHED | HERE
    while more := [name for name, by in wanted.items() if name not in reached and (by & reached)]:
        reached |= set(more)
    # Services last: a socket is refused while its service runs.
    draft.starts += sorted((name for name in wanted if name in reached), key=lambda name: name.endswith(".service"))


def _wanted_by(name: str, contents: dict[str, str]) -> set[str]:
    text = contents[name]
    if not text and "@" in name:
        text = contents.get(name.partition("@")[0] + "@." + name.rpartition(".")[2], "")
    options = systemd_grammar.parse(text).options
    lists = [unit_file.values(options, "Install", key) for key in ("WantedBy", "RequiredBy", "UpheldBy")]
    return {word for values in lists for value in values for word in value.split()}


def finish(draft: Draft, node: str) -> None:
    """Adds our unit, where there is something for it to do; last, so that all else is there when it starts."""
    name = f"{OWN}-{node}" if node else OWN
    if draft.starts:
        draft.script.append(START.format(units=" ".join(shlex.quote(unit) for unit in draft.starts)))
    if draft.script:
        path = f"/etc/{name}.sh"
        draft.own |= {path, f"{name}.service"}
        content = "\n".join(["# What a cloud-config has no words for, at each boot.", "set -eu", *draft.script]) + "\n"
        draft.data.setdefault("write_files", []).append({"path": path, "permissions": "0755", "content": content})
        _, entry = draft.unit(f"{name}.service", ())
        entry |= {"content": UNIT.format(path=path), "command": "start"}
