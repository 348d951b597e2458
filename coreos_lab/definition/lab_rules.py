"""What must hold between a lab's files, its units and lab.yaml."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from coreos_lab import disk
from coreos_lab.definition import lab_settings
from coreos_lab.definition.lab_file import Document, Problem
from coreos_lab.model import ETCD_PROBE, Lab, LabUnit
from coreos_lab.spelling import did_you_mean
from coreos_lab.units import command_lines, docker_line, fleet_rules, unit_file, unit_mistakes
from coreos_lab.units.docker_line import Port
from coreos_lab.units.option import Option

Options = dict[str, list[Option]]  # of every unit file that could be read, by the unit's name


def problems(lab: Lab, document: Document) -> list[Problem]:
    """Everything that keeps a lab, whose lab.yaml fits the schema, from being deployed as it is meant."""
    lab = lab_settings.in_full(lab)
    found: list[Problem] = []
    options: Options = {}
    for index, unit in enumerate(lab.units):
        found += _unit_entry(lab, document, index, unit)
        if unit.path.is_file():
            options[unit.name], mistakes = unit_mistakes.check_file(unit.name, unit.path)
            found += [Problem(unit.path, m.line, m.message, m.remedy) for m in mistakes]
    found += _containers(lab, document)
    if not found:  # the rest compares units with each other, which is no use while one of them is broken
        found += [*_counts(lab, document), *_companions(lab, options), *_ports(lab, options)]
        found += [*_promises(lab, document), *_given(lab, document)]
    return list(dict.fromkeys(found))


def _unit_entry(lab: Lab, document: Document, index: int, unit: LabUnit) -> list[Problem]:
    def problem(message: str, remedy: str) -> list[Problem]:
        return [document.problem(["units", index], message, remedy)]

    if wrong := unit_mistakes.check_name(unit.name):
        return problem(f"{unit.name}: {wrong}", "rename the file")
    if not unit.path.is_file():
        there = sorted(str(path.relative_to(lab.folder)) for path in lab.folder.glob("units/*"))
        wanted = str(unit.path.relative_to(lab.folder))
        return problem(f"{wanted}: no such file", did_you_mean(wanted, there) if there else "write it")
    template = "@." in unit.name
    if template and not unit.instances:
        return problem(
            f"{unit.name}: a template without instances", "list the instances to start, such as instances: [1]"
        )
    if unit.instances and not template:
        return problem(f"{unit.name}: has instances but is not a template", "a template's name ends in @.service")
    earlier = {name for other in lab.units[:index] for name in (other.name, *other.started)}
    if again := [name for name in (unit.name, *unit.started) if name in earlier]:
        return problem(f"{again[0]}: is listed twice", "list it once")
    return []


def _containers(lab: Lab, document: Document) -> Iterator[Problem]:
    for name, folder in lab.containers.items():
        where = str(document.data["containers"][name])
        if not folder.is_dir():
            yield document.problem(["containers", name], f"{where}: no such folder", "name one beside lab.yaml")
        elif not (folder / "Dockerfile").is_file():
            remedy = "write one there: it says how the container image is built"
            yield document.problem(["containers", name], f"{where}: no Dockerfile in it", remedy)
        elif line := unit_file.not_utf_8((folder / "Dockerfile").read_bytes()):
            yield Problem(folder / "Dockerfile", line, "not UTF-8", "save the file as UTF-8")


def _companions(lab: Lab, options: Options) -> Iterator[Problem]:
    """MachineOf= and BindsTo=: a sidekick names units that exist, starts after them and runs beside them."""
    started: list[str] = []
    for unit in lab.units:
        for name in unit.started:
            peers = [word for word in fleet_rules.words(options[unit.name], name) if word.name == "MachineOf"]
            for word in peers:
                line, peer = word.option.line, word.value
                if peer not in lab.unit_names:
                    message = f"{word.option.name}={peer}: the lab starts no such unit (for {name})"
                    yield Problem(unit.path, line, message, did_you_mean(peer, lab.unit_names))
                elif peer not in started:
                    message = f"{word.option.name}={peer}: that unit is started after {name}"
                    yield Problem(unit.path, line, message, f"list it before {unit.name} in lab.yaml")
            for each in unit_mistakes.excluded_peers(options[unit.name], name):
                yield Problem(unit.path, each.line, each.message, each.remedy)
            yield from _bound(lab, unit, name, options, {word.value for word in peers})
            started.append(name)


def _bound(lab: Lab, unit: LabUnit, name: str, options: Options, peers: set[str]) -> Iterator[Problem]:
    """systemd has only the units of its own machine, so a unit must run beside those that it binds to."""
    files = {started: other.name for other in lab.units for started in other.started}
    everywhere = {started: fleet_rules.is_global(options[file], started) for started, file in files.items()}
    for option in options[unit.name]:
        if (option.section, option.name) != ("Unit", "BindsTo"):
            continue
        for other in command_lines.specified(option.value, name).split():
            if other not in files or other in peers or everywhere[other]:
                continue
            if fleet_rules.are_together(options[unit.name], name, options[files[other]], other):
                continue
            message = f"BindsTo={other}: fleet may put the two on different machines"
            remedy = f"add MachineOf={other} to [X-Fleet]"
            if everywhere[name]:
                message = f"BindsTo={other}: {name} runs on every machine, and {other} on one"
                remedy = f"make both Global=true, or remove Global= from {name}"
            yield Problem(unit.path, option.line, message, remedy)


def _ports(lab: Lab, options: Options) -> Iterator[Problem]:
    holders: list[tuple[Port, str, LabUnit]] = []
    for unit in lab.units:
        for name in unit.started:
            for port, line in _taken(lab, options[unit.name], name):
                if port.number not in lab.ports:
                    remedy = f"add {port.number} to ports: in lab.yaml, so that two labs cannot both take it"
                    message = f"publishes port {port.number}, which lab.yaml does not list"
                    yield Problem(unit.path, line, message, remedy)
                for held, other, other_unit in holders:
                    apart = _apart(name, options[unit.name], other, options[other_unit.name])
                    if other != name and port.clashes(held) and not apart:
                        message = f"{name} and {other} would both take port {port.number} of the same machine"
                        remedy = f"add Conflicts={other} to [X-Fleet], with * for any instance"
                        yield Problem(unit.path, line, message, remedy)
                holders.append((port, name, unit))


def _taken(lab: Lab, options: Sequence[Option], name: str) -> Iterator[tuple[Port, int]]:
    """The machine's ports that a unit takes, each with its line: published, or exposed with --net=host."""
    for container in docker_line.containers(options, name):
        folder = lab.containers.get(docker_line.image_name(container.image))
        exposed = _exposed(folder / "Dockerfile") if container.host_network and folder else ()
        for port in (*container.ports, *exposed):
            yield port, container.command.option.line


def _exposed(dockerfile: Path) -> list[Port]:
    """The ports that a Dockerfile's EXPOSE names."""
    lines = re.findall(r"(?mi)^\s*EXPOSE\s+(.+)$", disk.text(dockerfile))
    words = [word for line in lines for word in line.split()]
    matches = [re.fullmatch(r"(\d+)(?:/(tcp|udp|sctp))?", word, re.IGNORECASE) for word in words]
    return [Port(int(each[1]), (each[2] or "tcp").lower()) for each in matches if each]


def _apart(one: str, options: list[Option], other: str, other_options: list[Option]) -> bool:
    return fleet_rules.keeps_apart(options, one, other) or fleet_rules.keeps_apart(other_options, other, one)


def _counts(lab: Lab, document: Document) -> Iterator[Problem]:
    """Templates whose instances a setting counts: the setting must be there, with a number."""
    for index, unit in enumerate(lab.units):
        if unit.counted is None:
            continue
        number = lab_settings.default(lab, unit.counted.setting)
        if unit.counted.setting not in lab.settings:
            message = f"{unit.counted.setting}: no such setting, which would count the instances of {unit.name}"
            yield document.problem(["units", index], message, "list it in settings:")
        elif number is not None and lab_settings.number(number) is None:
            message = f"{unit.counted.setting}: counts the instances of {unit.name}, and its default is {number}"
            yield document.problem(["units", index], message, f"write {lab_settings.NUMBER} in the unit that has it")


def _promises(lab: Lab, document: Document) -> Iterator[Problem]:
    """Probes, objectives, backups and the target of `lab break` name units, ports and probes that the lab has."""
    for probe in lab.probes:
        if probe.unit not in lab.unit_names:
            message = f"{probe.unit}: the lab starts no such unit"
            yield document.problem(["probes", probe.name, "unit"], message, did_you_mean(probe.unit, lab.unit_names))
        if probe.port not in lab.ports:
            message = f"{probe.port}: not one of the lab's ports"
            yield document.problem(["probes", probe.name, "port"], message, "add it to ports:, or probe another port")
        if probe.name == ETCD_PROBE:
            message = f"{probe.name}: this probe is built in, and measures writes to etcd"
            yield document.problem(["probes", probe.name], message, "give the lab's own probe another name")
    for backup in lab.backups:
        if backup.unit not in lab.unit_names:
            message = f"{backup.unit}: the lab starts no such unit"
            yield document.problem(["backups", backup.name, "unit"], message, did_you_mean(backup.unit, lab.unit_names))
    probes = [*(probe.name for probe in lab.probes), ETCD_PROBE]
    for name in lab.objectives:
        if name not in probes:
            yield document.problem(["objectives", name], f"{name}: no such probe", did_you_mean(name, probes))
    unit = lab.target.removeprefix("unit:")
    if lab.target.startswith("unit:") and unit not in lab.unit_names:
        message = f"break: {unit}: the lab starts no such unit"
        yield document.problem(["break"], message, did_you_mean(unit, lab.unit_names))


def _given(lab: Lab, document: Document) -> Iterator[Problem]:
    """What its user gives: settings that a unit has, and secrets that go when the lab goes."""
    for name in lab.settings:
        if lab_settings.default(lab, name) is None:
            message = f"{name}: no unit has {lab_settings.place(name)}"
            yield document.problem(["settings", name], message, "add one, with the default, to the unit that uses it")
    for name, secret in lab.secrets.items():
        if not any(secret.key == key or secret.key.startswith(f"{key}/") for key in lab.keys):
            message = f"{secret.key}: not one of the lab's keys, so that it would stay when the lab is undeployed"
            yield document.problem(["secrets", name, "key"], message, "list it, or a folder above it, in keys:")
