"""Which versions a node's programs have, by what they say of themselves."""

from __future__ import annotations

import re
from collections.abc import Sequence

from coreos_lab.clients import ssh
from coreos_lab.model import Cluster, Node

PATIENCE = 4.0  # seconds for one node's answer; usually 0.2
ASKED = 3  # nodes that are asked at most, one after the other
# A program that is missing, or ends with an error, says nothing.
ASK = """
for each in etcd fleetd flanneld docker systemctl; do
    said=$("$each" --version 2>&1 </dev/null) && printf '%s=%s\\n' "$each" "$(printf '%s\\n' "$said" | head -n 1)"
done
. /etc/os-release
printf 'image=%s\\n' "${IMAGE_VERSION:-$PRETTY_NAME}"
"""
NAMES = {
    "etcd": "etcd",
    "fleetd": "fleet",
    "flanneld": "flannel",
    "docker": "Docker",
    "systemctl": "systemd",
    "image": "machine image",
}


def versions(cluster: Cluster, nodes: Sequence[Node]) -> dict[str, str]:
    """The versions on the first of these nodes that answers, by the programs' names, with its own name as "node".

    They explain a run and decide nothing, so nothing is raised where no node answers: then there are none.
    """
    for node in nodes[:ASKED]:
        done = ssh.ask(cluster, node, ["sh", "-c", ASK], timeout=PATIENCE)
        if done is not None and (found := parse(done.stdout)):
            return {"node": node.name, **found}
    return {}


def parse(output: str) -> dict[str, str]:
    """What ASK prints."""
    said = dict(line.split("=", 1) for line in output.splitlines() if "=" in line)
    found = {}
    for name, shown in NAMES.items():
        version = said.get(name, "") if name == "image" else _version(said.get(name, ""))
        if version:
            found[shown] = version
    return found


def _version(text: str) -> str:
    """The version in what a program says: "20.10.24+dfsg1" of "Docker version 20.10.24+dfsg1, build 297e128"."""
    version = re.search(r"\d[^\s,]*", text)
    return version[0] if version else ""
