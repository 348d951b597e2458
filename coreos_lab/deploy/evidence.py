"""Errors about a unit on a node, with the end of its journal there."""

from __future__ import annotations

from collections.abc import Sequence

from coreos_lab import hints
from coreos_lab.clients import ssh
from coreos_lab.deploy.picture import Picture
from coreos_lab.errors import LabError
from coreos_lab.model import Cluster, Node
from coreos_lab.observed.unit_places import Place

JOURNAL_LINES = 15


def failure(message: str, place: Place, picture: Picture, cluster: Cluster, nodes: Sequence[Node]) -> LabError:
    """The error for a unit: its hint is the command that shows the journal, its details are the journal's last lines.

    There are no details where the node does not answer.
    """
    name, on = place
    several = sum(unit == name for unit, _node in picture.standings) > 1
    hint = hints.lab("journal", name, *(["--node", on] if several else []))
    node = next(node for node in nodes if node.name == on)
    call = ["journalctl", "--no-pager", "--output=cat", f"--unit={name}", f"--lines={JOURNAL_LINES}"]
    done = ssh.ask(cluster, node, call)
    return LabError(message, hint, done.stdout.strip() if done else "")
