"""What must hold between the parts of a lab: its files, its units and what lab.yaml promises of them."""

from __future__ import annotations

from coreos_lab import lab_settings, unit_file
from coreos_lab.lab_file import Document, Problem
from coreos_lab.model import ETCD_PROBE, Lab, LabUnit
from coreos_lab.unit_file import Option, did_you_mean

Options = dict[str, list[Option]]  # of every unit file that could be read, by the unit's name


def problems(lab: Lab, document: Document) -> list[Problem]:
    """Everything that keeps a lab, which fits the schema, from being deployed as it is meant."""
    found: list[Problem] = []
    options: Options = {}
    for index, unit in enumerate(lab.units):
        found += _unit_entry(lab, document, index, unit)
        if unit.path.is_file():
            options[unit.name], mistakes = unit_file.check(unit.name, unit.path.read_text(encoding="utf-8"))
            found += [Problem(unit.path, m.line, m.message, m.remedy) for m in mistakes]
    found += _containers(lab, document)
    if not found:  # what follows reads the units together, which says little while one of them is broken
        found += [*_companions(lab, options), *_ports(lab, options), *_promises(lab, document)]
    return found


def _unit_entry(lab: Lab, document: Document, index: int, unit: LabUnit) -> list[Problem]:
    def problem(message: str, remedy: str) -> list[Problem]:
        return [document.problem(["units", index], message, remedy)]

    if wrong := unit_file.check_name(unit.name):
        return problem(f"{unit.name}: {wrong}", "rename the file")
    if not unit.path.is_file():
        there = sorted(str(path.relative_to(lab.folder)) for path in lab.folder.glob("units/*"))
        wanted = str(unit.path.relative_to(lab.folder))
        return problem(f"{wanted}: no such file", did_you_mean(wanted, there) if there else "write it")
    template = "@." in unit.name
    if template and not unit.instances:
        return problem(f"{unit.name}: a template without instances", "say which to start: instances: [1]")
    if unit.instances and not template:
        return problem(f"{unit.name}: has instances but is no template", "a template's name ends in @.service")
    earlier = {name for other in lab.units[:index] for name in (other.name, *other.started)}
    if again := [name for name in (unit.name, *unit.started) if name in earlier]:
        return problem(f"{again[0]}: is there twice", "name it once")
    return []


def _containers(lab: Lab, document: Document) -> list[Problem]:
    found = []
    for name, folder in lab.containers.items():
        where = str(document.data["containers"][name])
        if not folder.is_dir():
            found.append(document.problem(["containers", name], f"{where}: no such folder", "name one beside lab.yaml"))
        elif not (folder / "Dockerfile").is_file():
            remedy = "write one there: it says how the container image is built"
            found.append(document.problem(["containers", name], f"{where}: no Dockerfile in it", remedy))
    return found


def _companions(lab: Lab, options: Options) -> list[Problem]:
    """MachineOf and BindsTo: sidekicks must name units that exist, start after them and stay beside them."""
    found = []
    started: list[str] = []
    for unit in lab.units:
        for name in unit.started:
            peers = [
                (option, unit_file.resolve(option.value, name))
                for option in options[unit.name]
                if (option.section, option.name) == ("X-Fleet", "MachineOf")
            ]
            for option, peer in peers:
                if peer not in lab.unit_names:
                    message = f"MachineOf={peer}: the lab starts no such unit (for {name})"
                    found.append(Problem(unit.path, option.line, message, did_you_mean(peer, lab.unit_names)))
                elif peer not in started:
                    message = f"MachineOf={peer}: that unit is started after {name}"
                    found.append(Problem(unit.path, option.line, message, "list it first in lab.yaml"))
            found += _bound(lab, unit, name, options[unit.name], {peer for _option, peer in peers})
            started.append(name)
    return list(dict.fromkeys(found))


def _bound(lab: Lab, unit: LabUnit, name: str, options: list[Option], peers: set[str]) -> list[Problem]:
    """systemd knows the units of its own machine only, so what binds to another of fleet's must be beside it."""
    return [
        Problem(
            unit.path,
            option.line,
            f"BindsTo={other}: fleet may put the two on different machines",
            f"add MachineOf={other} to [X-Fleet]",
        )
        for option in options
        if (option.section, option.name) == ("Unit", "BindsTo")
        for other in unit_file.resolve(option.value, name).split()
        if other in lab.unit_names and other not in peers
    ]


def _ports(lab: Lab, options: Options) -> list[Problem]:
    found = []
    holders: dict[int, list[tuple[str, LabUnit]]] = {}
    for unit in lab.units:
        for port, line in unit_file.published_ports(options[unit.name]).items():
            if port not in lab.ports:
                remedy = f"add {port} to ports: in lab.yaml, so that two labs cannot both take it"
                found.append(Problem(unit.path, line, f"publishes port {port}, which lab.yaml does not name", remedy))
            for name in unit.started:
                for other, other_unit in holders.get(port, []):
                    if not _apart(name, options[unit.name], other, options[other_unit.name]):
                        message = f"{name} and {other} would both take port {port} of a machine they share"
                        remedy = f"add Conflicts={other} to [X-Fleet], with * for any instance"
                        found.append(Problem(unit.path, line, message, remedy))
                holders.setdefault(port, []).append((name, unit))
    return found


def _apart(one: str, options: list[Option], other: str, other_options: list[Option]) -> bool:
    return unit_file.conflicts(options, one, other) or unit_file.conflicts(other_options, other, one)


def _promises(lab: Lab, document: Document) -> list[Problem]:
    """Probes, objectives and the target of `lab break` speak of units, ports and probes that there are."""
    found = []
    for probe in lab.probes:
        if probe.unit not in lab.unit_names:
            message = f"{probe.unit}: the lab starts no such unit"
            found.append(
                document.problem(["probes", probe.name, "unit"], message, did_you_mean(probe.unit, lab.unit_names))
            )
        if probe.port not in lab.ports:
            message = f"{probe.port}: not one of the lab's ports"
            found.append(
                document.problem(["probes", probe.name, "port"], message, "add it to ports: or ask another port")
            )
        if probe.name == ETCD_PROBE:
            message = f"{probe.name}: is measured in any case, by writes to etcd"
            found.append(document.problem(["probes", probe.name], message, "give the lab's own probe another name"))
    for name in lab.settings:
        if lab_settings.default(lab, name) is None:
            message = f"{name}: no unit has {lab_settings.variable(name)} in an Environment= line"
            found.append(document.problem(["settings", name], message, "write it there, with its default"))
    known = [*(probe.name for probe in lab.probes), ETCD_PROBE]
    found += [
        document.problem(
            ["objectives", name],
            f"{name}: no such probe",
            did_you_mean(name, known),
        )
        for name in lab.objectives
        if name not in known
    ]
    unit = lab.target.removeprefix("unit:")
    if lab.target.startswith("unit:") and unit not in lab.unit_names:
        message = f"break: {unit}: the lab starts no such unit"
        found.append(document.problem(["break"], message, did_you_mean(unit, lab.unit_names)))
    return found
