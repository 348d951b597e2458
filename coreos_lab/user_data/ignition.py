"""An Ignition config, as ct and Ignition's own parser have understood it, translated into a cloud-config.

What a node cannot do is refused by name: it has no disks to partition, no networkd, and nobody to fetch from.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from coreos_lab import hints
from coreos_lab.disk import shown
from coreos_lab.errors import UsageError
from coreos_lab.model import CloudConfig
from coreos_lab.user_data import document, kinds, writing
from coreos_lab.user_data import ignition_files as files
from coreos_lab.user_data import ignition_services as services
from coreos_lab.user_data import ignition_units as units
from coreos_lab.user_data import ignition_users as users
from coreos_lab.user_data.draft import Draft
from coreos_lab.user_data.parsed import Document, Problem, refuse

VERSION = 1  # of what ct's answer looks like; it is kept with the plan, where a later lab reads it
FETCHED = "a node fetches nothing when it boots"
NOT_HERE: dict[tuple[str, ...], tuple[str, str]] = {
    ("ignition", "config", "append"): (FETCHED, "write all into one file"),
    ("ignition", "config", "replace"): (FETCHED, "write all into one file"),
    ("ignition", "timeouts"): (FETCHED, "leave it out"),
    ("ignition", "security", "tls"): (FETCHED, "leave it out"),
    ("ignition", "proxy"): (FETCHED, "leave it out"),
    ("networkd", "units"): ("nodes' networks are the provider's", "leave it out"),
    ("storage", "disks"): ("a node's disks are the plan's", "use the option --disks"),
    ("storage", "raid"): ("a node has no RAID", "leave it out"),
    ("storage", "filesystems"): (
        "a node makes no file systems when it boots",
        "use the option --disks, and a mount unit",
    ),
}
# What coreos-cloudinit replaces wherever it stands, and Ignition does not.
VARIABLES = ("$private_ipv4", "$public_ipv4", "$private_ipv6", "$public_ipv6")


def read(config: CloudConfig) -> Document:
    """The cloud-config that comes of a config that ct has read. Raises UsageError with file and line."""
    found: dict[str, Any] = json.loads(config.transpiled)
    file = shown(Path(config.path))
    if (version := found.get("version", 1)) != VERSION:  # one without a version is from before there was a second
        raise UsageError(
            f"{file}: kept as another lab has read it (version {version}, this lab knows {VERSION})",
            f"give it again: {hints.lab('up', '--cloud-config', file)}",
        )
    draft = Draft(file, found["lines"] or {}, snake=kinds.kind(config.text) == kinds.CONTAINER_LINUX)
    ignition = found["config"]
    for path, (why, remedy) in NOT_HERE.items():
        at: Any = ignition
        for part in path:
            at = at.get(part) or {}
        if at:
            draft.refuse(path, why, remedy)
    _variables(draft, ignition.get("systemd", {}), ("systemd",))
    _variables(draft, ignition.get("passwd", {}), ("passwd",))
    users.translate(draft, ignition.get("passwd", {}))
    files.translate(draft, ignition.get("storage", {}), found["contents"] or [])
    units.translate(draft, ignition.get("systemd", {}))
    services.translate(draft, found["sections"] or {})
    units.finish(draft, config.node)
    refuse(draft.problems)
    result = draft.document()
    refuse(list(document.entries(result)))
    if len(writing.write(result.data, "").encode()) > document.SIZE_MAX:
        why = f"more than {document.SIZE_MAX} bytes are too much for a cloud-config"
        refuse([Problem(file, 1, why, "put what is big into a container image")])
    return result


def _variables(draft: Draft, value: Any, path: tuple[str | int, ...]) -> None:
    """Refuses what coreos-cloudinit would replace: it would mean something else on the node."""
    if isinstance(value, str):
        if found := next((name for name in VARIABLES if name in value), ""):
            remedy = "let the unit read /etc/environment: COREOS_PRIVATE_IPV4"
            draft.refuse(path, f"{found} is a cloud-config's, Ignition leaves it as it is", remedy)
        return
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, each in parts:
        _variables(draft, each, (*path, key))
