"""Answers about machines, code, dependencies, and how a new version gets to the machines."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from coreos_lab import disk
from coreos_lab.definition.checklist import paper
from coreos_lab.definition.checklist.paper import Answer, Paper, Place
from coreos_lab.definition.lab_map import Part
from coreos_lab.definition.lint import dockerfiles
from coreos_lab.spelling import counted
from coreos_lab.units import command_lines, docker_line, fleet_rules

# Files that pin what a package manager installs.
_LOCKS = ("package-lock.json", "npm-shrinkwrap.json", "yarn.lock", "go.sum", "Gemfile.lock", "poetry.lock", "uv.lock")
_INSTALLS = re.compile(r"\b(?:apt-get|apt|apk|yum|dnf)\b[^&|;]*?\b(?:install|add)\b(?P<packages>[^&|;]*)")
_RELATIONS = ("Requires", "BindsTo", "Requisite", "Wants", "After")


def infrastructure(lab: Paper) -> Iterator[Answer]:
    """Machines and disks, rules of placement, units that the machines must have."""
    nodes = lab.lab.nodes
    lost = (nodes - 1) // 2
    text = f"at least {nodes}; etcd takes writes, and fleet moves units, with {lost or 'none'} of them lost at most"
    yield Answer("machines", text, lab.listed("nodes") if "nodes" in lab.document.data else ())
    if lab.lab.disks:
        disks = counted(lab.lab.disks, "extra disk")
        yield Answer("disks", f"{disks} on each machine", lab.listed("disks"))
    yield from paper.grouped(answer for part in lab.parts for answer in _placed(lab, part))
    ours = set(lab.lab.unit_names) | {unit.name for unit in lab.lab.units}
    needing: dict[str, list[tuple[Part, Place]]] = {}
    for part in lab.parts:
        for option in paper.options(part, "Unit", *_RELATIONS):
            for word in command_lines.split(command_lines.specified(option.value, paper.unit(part))):
                if word.text not in ours:
                    needing.setdefault(word.text, []).append((part, Place(part.unit.path, option.line)))
    for name, users in needing.items():
        text = f"a unit of the machine, named by {paper.listing(part.name for part, _place in users)}"
        yield Answer(name, text, tuple(dict.fromkeys(place for _part, place in users)))


def _placed(lab: Paper, part: Part) -> Iterator[Answer]:
    """The rules of placement of one unit."""
    found = paper.options(part, fleet_rules.SECTION, *fleet_rules.OPTIONS, *fleet_rules.OLD_NAMES)
    by_name = {
        name: [each for each in found if fleet_rules.canonical(each.name) == name] for name in fleet_rules.OPTIONS
    }
    count = len(part.unit.instances)
    if paper.excludes_itself(part):
        where = "waits until it is back" if lab.lab.nodes <= count else "moves to a free one"
        machines = counted(lab.lab.nodes, "machine")
        text = f"one per machine, {count} instances on {machines}: the instance of a lost machine {where}"
        yield Answer(part.name, text, paper.at(part, by_name["Conflicts"]))
    others = [
        other.name
        for other in lab.parts
        if other is not part
        and any(fleet_rules.keeps_apart(part.options, paper.unit(part), name) for name in other.unit.started)
    ]
    if others:
        yield Answer(part.name, f"not on a machine with {paper.listing(others)}", paper.at(part, by_name["Conflicts"]))
    if paper.is_global(part):
        yield Answer(part.name, "on every machine", paper.at(part, by_name["Global"]))
    if by_name["MachineMetadata"]:
        wanted = paper.listing(
            f"{key}={' or '.join(sorted(v))}" for key, v in fleet_rules.metadata(part.options).items()
        )
        yield Answer(part.name, f"only on machines with {wanted}", paper.at(part, by_name["MachineMetadata"]))
    if by_name["MachineID"]:
        text = "on one chosen machine alone: without that machine it is down"
        yield Answer(part.name, text, paper.at(part, by_name["MachineID"]))


def codebase(lab: Paper) -> Iterator[Answer]:
    """Where the code is."""
    folder = lab.lab.folder
    tree = next((each for each in (folder, *folder.parents) if (each / ".git").exists()), None)
    if tree:
        yield Answer("version control", "the lab's folder is in a git work tree", (Place(tree, 0),))
    else:
        yield Answer("version control", "no git work tree around the lab's folder", (Place(folder, 0),), seen=False)
    for name, built_from in lab.lab.containers.items():
        users = paper.listing(part.name for part in lab.users(name)) or "no unit that is seen"
        shared = "" if built_from.is_relative_to(folder) else "; its folder is outside the lab's, shared with others"
        text = f"container image, built here; used by {users}{shared}"
        yield Answer(name, text, (*lab.listed("containers", name), Place(built_from, 0)))
    for part in lab.parts:
        if not part.unit.path.is_relative_to(folder):
            text = "its unit file belongs to another folder: whoever changes it there changes this lab"
            yield Answer(part.name, text, (Place(part.unit.path, 0),))


def dependencies(lab: Paper) -> Iterator[Answer]:
    """What container images consist of, and which ones come from elsewhere."""
    yield from paper.grouped(answer for name, folder in lab.lab.containers.items() for answer in _built(name, folder))
    for part in lab.parts:
        for container in paper.containers(part):
            image = container.image
            places = paper.at(part, [container.command.option])
            if not docker_line.is_known(image):
                pulled = paper.pulls(part)
                names = paper.listing(word for command in pulled for word in command.words)
                text = f"which container image it runs cannot be seen ({image or 'none is named'})"
                text += f"; it pulls {names}" if names else ""
                places += paper.at(part, [command.option for command in pulled])
                yield Answer(part.name, text, places, seen=False)
            elif docker_line.image_name(image) not in lab.lab.containers:
                tag = docker_line.image_name(image).rpartition("/")[2].partition(":")[2]
                text = f"container image from elsewhere, {f'version {tag}' if tag else 'without a version'}"
                yield Answer(image, f"{text}; run by {part.name}", places)


def _built(name: str, folder: Path) -> Iterator[Answer]:
    dockerfile = folder / "Dockerfile"
    for line, text in dockerfiles.instructions(disk.text(dockerfile)):
        if base := re.match(r"\s*FROM\s+(?:--\S+\s+)*(\S+)", text, re.IGNORECASE):
            yield Answer(name, f"built on {base[1]}", (Place(dockerfile, line),))
        for install in _INSTALLS.finditer(text):
            packages = [word for word in install["packages"].split() if not word.startswith("-")]
            pinned = [word for word in packages if "=" in word]
            how = "each with its version" if len(pinned) == len(packages) else "without versions"
            yield Answer(name, f"packages, {how}: {' '.join(packages)}", (Place(dockerfile, line),))
    for lock in _LOCKS:
        if (folder / lock).is_file():
            yield Answer(name, f"packages of its language are pinned by {lock}", (Place(folder / lock, 0),))


def release(lab: Paper) -> Iterator[Answer]:
    """What each unit does to get a new version of its container image."""
    answers = []
    for part in lab.parts:
        if not part.containers:
            continue
        unit = part.unit.started[0] if part.unit.started else part.unit.name
        pulls = [
            each.option for each in docker_line.commands(part.options, unit, "ExecStartPre") if each.verb == "pull"
        ]
        if pulls:
            answers.append(Answer(part.name, "pulls its container image before each start", paper.at(part, pulls)))
        elif part.image in lab.lab.containers:
            text = "does not pull by itself: deploying puts a pull in front of its start"
            answers.append(Answer(part.name, text, paper.first_line(part)))
        else:
            text = "does not pull: it runs the version that its machine has, and docker run pulls only a missing one"
            answers.append(Answer(part.name, text, paper.first_line(part)))
    text = "built from its folder as it is; deploying replaces the units that run it when that has changed"
    answers += [Answer(name, text, lab.listed("containers", name)) for name in lab.lab.containers]
    yield from paper.grouped(answers)
