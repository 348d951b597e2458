"""What of a reader's cloud-config may cut a node off, by what is written into it: shown, and taken when confirmed.

A node that does not boot by it can be destroyed; nothing else of the cluster depends on it.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator

from coreos_lab.user_data.parsed import Document, Path, Problem

# Of these, a reader may write a version of their own that serves as well: they are risks.
REPLACEABLE = {
    "etcd2.service",
    "fleet.service",
    "fleet.socket",
    "docker.service",
    "docker.socket",
    "sshd.socket",
    "sshd@.service",
}
RISKY_FILES = {
    "/etc/fstab": "a mount that fails stops the boot",
    "/etc/resolv.conf": "units find no names without a name server that answers",
    "/etc/ssh/sshd_config": "the lab logs in as core, with a key",
    "/etc/sudoers": "the lab needs core's rights",
}
UNIT_FILE = re.compile(r"/(?:etc|run)/systemd/system/([^/]+?)(?:\.d/([^/]+))?")
REPLACES = "replaces the unit by which nodes boot: what it leaves out is missing"


def problems(document: Document) -> Iterator[Problem]:
    """What a node's cloud-config says that may cut it off: what it would do, and how the same is done safely."""
    for number, unit in enumerate(document.data.get("coreos", {}).get("units", [])):
        if unit.get("name") in REPLACEABLE and "content" in unit:
            path: Path = ("coreos", "units", number, "content")
            yield document.problem(path, f"{unit['name']}: content: {REPLACES}", "change it by drop-ins:")
    for file, where in paths(document):
        found = UNIT_FILE.fullmatch(file)
        if file in RISKY_FILES:
            why = f"{file}: replaces the file of the node: {RISKY_FILES[file]}"
            yield document.problem(where, why, "write another file")
        elif found and not found[2] and found[1] in REPLACEABLE:
            yield document.problem(where, f"{file}: {REPLACES}", "change it by drop-ins:")


def paths(document: Document) -> Iterator[tuple[str, Path]]:
    """The files that a cloud-config makes, and where it says so."""
    given: list[tuple[str, Path]] = [
        (file.get("path", ""), ("write_files", number, "path"))
        for number, file in enumerate(document.data.get("write_files", []))
    ]
    for path, where in [*given, *document.files.items()]:
        yield posixpath.normpath("/" + path.lstrip("/")), where
