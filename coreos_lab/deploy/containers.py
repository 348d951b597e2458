"""Containers that outlive their units: those of `docker run -d` keep running, those without --rm stay when they end.

Volumes and networks with a name outlive containers, too. Volumes hold data, so these are only reported.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from coreos_lab import events, hints
from coreos_lab.clients import ssh
from coreos_lab.errors import LabError
from coreos_lab.model import Cluster, Node
from coreos_lab.records.deployed import Deployed
from coreos_lab.units import docker_line, unit_file, unit_names

KINDS = ("volume", "network")
LIST_KEPT = "sudo docker volume ls --format 'volume {{.Name}}' && sudo docker network ls --format 'network {{.Name}}'"
LIST = ["sudo", "docker", "ps", "--all", "--no-trunc", "--format", "{{.ID}} {{.Names}} {{.Image}}"]


@dataclass(frozen=True)
class Made:
    """The containers that a lab's units make: patterns of names, and the images of those without a known name.

    `kept` are the volumes and networks that stay when the containers are gone, as (kind, pattern of names).
    """

    names: tuple[str, ...] = ()
    images: frozenset[str] = frozenset()
    kept: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Found:
    """A container on a node, running or not."""

    id: str
    name: str
    image: str


def made_by(record: Deployed, folder: Path) -> Made:
    """The containers that a deployed lab's units make, by the files in `folder`: the units as they were submitted."""
    names: list[str] = []
    images: set[str] = set()
    kept: list[tuple[str, str]] = []
    for unit in record.units:
        path = folder / unit_names.file_of(unit)
        if "@." in unit or not path.exists():  # a template makes no container by itself
            continue
        options = unit_file.parse(unit_file.read(path))
        for container in docker_line.containers(options, unit):
            if pattern := _pattern(container.name):
                names.append(pattern)
            else:
                images.add(docker_line.image_name(container.image))
        for kind, found in zip(KINDS, docker_line.kept(options, unit), strict=True):
            kept += [(kind, pattern) for name in found if (pattern := _pattern(name))]
    return Made(
        tuple(dict.fromkeys(names)), frozenset(filter(docker_line.is_known, images)), tuple(dict.fromkeys(kept))
    )


def _pattern(name: str) -> str:
    """A pattern for a name: a variable that only the machine has may have any value. "" where nothing else is in it."""
    pattern = re.sub(r"\$\{?\w+\}?", "*", name)
    return pattern if pattern.strip("*") else ""


def left(containers: Iterable[Found], made: Made, others: Sequence[Made]) -> tuple[list[Found], list[Found]]:
    """The containers that `made` covers: those that are its own, and those that one of the `others` may have made."""
    ours: list[Found] = []
    unclear: list[Found] = []
    for each in containers:
        named = any(fnmatchcase(each.name, pattern) for pattern in made.names)
        if not named and docker_line.image_name(each.image) not in made.images:
            continue
        claimed = any(fnmatchcase(each.name, pattern) for other in others for pattern in other.names)
        shared = not named and any(docker_line.image_name(each.image) in other.images for other in others)
        if not claimed and not shared:
            ours.append(each)
        elif named or not claimed:
            unclear.append(each)
    return ours, unclear


def remove(cluster: Cluster, node: Node, made: Made, others: Sequence[Made]) -> None:
    """Removes the containers of units from a node; reports those that another lab may have made, and leaves them.

    LabError when the node's containers cannot be listed.
    """
    if not made.names and not made.images:
        return
    done = ssh.ask(cluster, node, LIST)
    if done is None or done.returncode != 0:
        raise LabError(
            f"{node.name}: its containers could not be listed, so some of the lab's may be left",
            f"see why: {hints.lab('ssh', node.name, '--', 'systemctl', 'status', 'docker')}; then try again",
            done.stderr.strip() if done else "the node does not answer",
        )
    containers = [Found(*words) for line in done.stdout.splitlines() if len(words := line.split(" ")) == 3]  # noqa: PLR2004
    ours, unclear = left(containers, made, others)
    if ours:
        call = ["sudo", "docker", "rm", "--force", "--volumes", *(each.id for each in ours)]
        ssh.node_run(cluster, node, call, timeout=120)
    _note(node, "is removed", ours)
    _note(node, "is left: another unit may have made it", unclear)


def report_kept(cluster: Cluster, node: Node, made: Made) -> None:
    """Reports the volumes and networks of units that are left on a node. LabError when they cannot be listed."""
    if not made.kept:
        return
    done = ssh.ask(cluster, node, [LIST_KEPT])
    if done is None or done.returncode != 0:
        raise LabError(
            f"{node.name}: docker's volumes and networks could not be listed, so some of the lab's may be left",
            f"see why: {hints.lab('ssh', node.name, '--', 'systemctl', 'status', 'docker')}; then try again",
            done.stderr.strip() if done else "the node does not answer",
        )
    for line in done.stdout.splitlines():
        kind, _blank, name = line.partition(" ")
        if any(kind == each and fnmatchcase(name, pattern) for each, pattern in made.kept):
            remedy = hints.lab("ssh", node.name, "--", "docker", kind, "rm", name)
            events.note(kind, f"is left; to remove it: {remedy}", f"{node.name}: {name}")


def _note(node: Node, what: str, containers: Collection[Found]) -> None:
    for each in containers:
        events.note("container", f"of {each.image} {what}", f"{node.name}: {each.name}")
