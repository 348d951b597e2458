"""Answers about ports: what is open inside, what at the machines' edge, and how long that may be down."""

from __future__ import annotations

import re
from collections.abc import Iterator

from coreos_lab import disk
from coreos_lab.definition.checklist import paper
from coreos_lab.definition.checklist.paper import Answer, Paper, Place
from coreos_lab.definition.lab_map import Part
from coreos_lab.definition.lint import dockerfiles
from coreos_lab.model import ETCD_PROBE
from coreos_lab.units import docker_line, fleet_rules, unit_names
from coreos_lab.units.docker_line import Container


def ports(lab: Paper) -> Iterator[Answer]:
    """Ports at the machines' addresses, then those of containers alone."""
    published = set()
    answers = []
    for part in lab.parts:
        for container in paper.containers(part):
            places = paper.at(part, [container.command.option])
            exposed = _exposed(lab, container)
            for name in part.unit.started:
                published |= {port.number for each in docker_line.containers(part.options, name) for port in each.ports}
            if container.host_network:
                shown = f"; its Dockerfile exposes {paper.listing(word for word, _ in exposed)}" if exposed else ""
                text = f"at the edge: each port that it opens is one of its machine's{shown}"
                answers.append(Answer(part.name, text, (*places, *(place for _, place in exposed)), seen=bool(exposed)))
                published |= {int(word.partition("/")[0]) for word, _ in exposed}
            elif container.ports:
                numbers = paper.listing(f"{port.number}/{port.protocol}" for port in container.ports)
                answers.append(Answer(part.name, f"at the edge: {numbers} of {_where(part)}", places))
            elif exposed:
                text = f"inside: {paper.listing(word for word, _ in exposed)} of its container's address"
                answers.append(Answer(part.name, text, (*places, *(place for _, place in exposed))))
            else:
                text = "inside: it publishes no port, and no Dockerfile exposes one; which it opens cannot be seen"
                answers.append(Answer(part.name, text, places, seen=False))
    for index, port in enumerate(lab.lab.ports):
        if port not in published:
            text = "at the edge, as lab.yaml lists it; which unit opens it cannot be seen"
            answers.append(Answer(str(port), text, lab.listed("ports", index), seen=False))
    yield from paper.grouped(answers)


def _where(part: Part) -> str:
    if paper.is_global(part):
        return "every machine"
    return "each machine that runs one" if len(part.unit.started) > 1 else "the machine that runs it"


def _exposed(lab: Paper, container: Container) -> list[tuple[str, Place]]:
    """The ports that the container image's Dockerfile exposes."""
    folder = lab.lab.containers.get(docker_line.image_name(container.image))
    if folder is None:
        return []
    path = folder / "Dockerfile"
    return [
        (word, Place(path, line))
        for line, text in dockerfiles.instructions(disk.text(path))
        if re.match(r"\s*EXPOSE\b", text, re.IGNORECASE)
        for word in text.split()[1:]
        if re.fullmatch(r"\d+(?:/\w+)?", word)
    ]


def edge(lab: Paper) -> Iterator[Answer]:
    """What users reach first, how long it may be down, and on how many machines it is."""
    by_unit = {name: part for part in lab.parts for name in part.unit.started}
    for probe in lab.lab.probes:
        part = by_unit[probe.unit]
        limit = lab.lab.objectives.get(probe.name)
        text = f"port {probe.port} of {part.name}, on {_machines(lab, part)}; "
        text += (
            f"may be down for {paper.seconds(limit)}" if limit is not None else "no limit on how long it may be down"
        )
        places = lab.listed("probes", probe.name)
        places += lab.listed("objectives", probe.name) if limit is not None else ()
        yield Answer(probe.name, text, places)
    limit = lab.lab.objectives.get(ETCD_PROBE)
    if limit is not None:
        text = f"etcd may refuse writes for {paper.seconds(limit)}"
        yield Answer(ETCD_PROBE, text, lab.listed("objectives", ETCD_PROBE))
    measured = {(probe.unit, probe.port) for probe in lab.lab.probes}
    seen = {probe.port for probe in lab.lab.probes}
    for part in lab.parts:
        for container in paper.containers(part):
            numbers = [port.number for port in container.ports]
            seen |= {*numbers}
            open_ = [each for each in numbers if not any((name, each) in measured for name in part.unit.started)]
            if open_:
                text = f"port {paper.listing(map(str, open_))}, on {_machines(lab, part)}; no probe measures it"
                yield Answer(part.name, text, paper.at(part, [container.command.option]))
    unmeasured = [(index, port) for index, port in enumerate(lab.lab.ports) if port not in seen]
    yield from paper.grouped(
        Answer(str(port), "a port of the machines; no probe measures it", lab.listed("ports", index))
        for index, port in unmeasured
    )


def _machines(lab: Paper, part: Part) -> str:
    if paper.is_global(part):
        return "every machine"
    count = len(part.unit.started)
    if count == 1:
        return "one machine (down until fleet has moved it)"
    return f"{count} machines" if _are_apart(lab, part) else f"up to {count} machines, which fleet may put on fewer"


def _are_apart(lab: Paper, part: Part) -> bool:
    """Whether no two instances share a machine: by their own rules, or by those of the units that they run beside."""
    beside = {unit_names.file_of(name) for name in fleet_rules.peers(part.options)}
    peers = [other for other in lab.parts if other.unit.name in beside and other is not part]
    return paper.excludes_itself(part) or any(paper.excludes_itself(peer) for peer in peers)
