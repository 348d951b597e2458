"""Rules about a unit as a service: what starts and ends it, and its relations to other units."""

from __future__ import annotations

import re
from collections.abc import Iterator

from coreos_lab import spelling
from coreos_lab.definition import lab_map, node_units
from coreos_lab.definition.lint.subject import Remark, Subject
from coreos_lab.units import command_lines, fleet_rules, systemd_values, unit_names

MANY = 3  # services of its own lab that a service may need directly before that is questioned
# systemd's options that name other units: without a unit of the first kind this one does not start.
_NEEDS = ("Requires", "BindsTo", "Requisite")
_MENTIONS = ("Wants", "After", "Before", "PartOf")


def restart(subject: Subject) -> Iterator[Remark]:
    """Disposability: a service that ends is started again."""
    if not subject.part.image or any(option.value == "oneshot" for option in subject.options("Service", "Type")):
        return
    restarts = subject.options("Service", "Restart")
    if not restarts or restarts[-1].value == "no":
        line = subject.options("Service", "ExecStart")[0].line
        yield Remark(
            line, "nothing starts it again when it ends on a healthy machine", "add Restart=always to [Service]"
        )


def patience(subject: Subject) -> Iterator[Remark]:
    """Disposability: a pull that systemd interrupts never ends."""
    if subject.options("Service", "TimeoutStartSec", "TimeoutSec"):
        return
    pulls = [command.option for command in subject.docker("ExecStartPre") if command.verb == "pull"]
    for option in dict.fromkeys(pulls):
        why = "a first pull may take longer than systemd waits (90 s)"
        yield Remark(option.line, why, "add TimeoutStartSec=0 to [Service]")


def sidekick(subject: Subject) -> Iterator[Remark]:
    """A sidekick stops with its unit, and runs beside it."""
    stem = re.fullmatch(r"(.+?)[-_](?:sidekick|announce|discovery|presence|register)(@?)", subject.part.name)
    if not stem:
        return
    main = next((part for part in subject.parts if part.unit.name == f"{stem[1]}{stem[2]}.service"), None)
    if main is None:
        return
    name = main.unit.name
    instance = name.replace("@.", "@%i.")
    bound = [command_lines.specified(each.value, subject.unit).split() for each in subject.options("Unit", "BindsTo")]
    if name not in {unit_names.file_of(word) for words in bound for word in words}:
        yield Remark(1, f"does not stop with {name}", f"add BindsTo={instance} and After={instance} to [Unit]")
    if fleet_rules.is_global(main.options) and not fleet_rules.is_global(subject.part.options):
        yield Remark(1, f"runs on one machine, and {name} on every", "add Global=true to [X-Fleet]")
    elif not fleet_rules.are_together(subject.part.options, subject.unit, main.options, main.unit.started[0]):
        yield Remark(1, f"may run on another machine than {name}", f"add MachineOf={instance} to [X-Fleet]")


def many_needs(subject: Subject) -> Iterator[Remark]:
    """A service that needs many others fails with each of them."""
    name = subject.part.name
    needed = [need.needed for need in lab_map.needs(subject.parts) if need.service == name and need.needed != "etcd"]
    if len(needed) >= MANY:
        yield Remark(
            1,
            f"needs {len(needed)} services directly ({', '.join(needed)}): it fails when one of them does",
            "handle the loss of each by itself, or put one service in between",
        )


def no_such_unit(subject: Subject) -> Iterator[Remark]:
    """A name that systemd on the machine has no unit for."""
    image_units = node_units.known()
    if image_units is None:
        return
    there = image_units | set(subject.lab.unit_names)
    for option in subject.options("Unit", *_NEEDS, *_MENTIONS):
        for word in command_lines.split(command_lines.specified(option.value, subject.unit)):
            if not node_units.has(there, word.text):
                effect = "this one never starts" if option.name in _NEEDS else f"{option.name}= has no effect"
                close = spelling.closest(word.text, there, cutoff=0.8)
                yield Remark(
                    option.line,
                    f"{word.text}: neither the lab nor a machine has such a unit: {effect}",
                    f"did you mean {close}?" if close else "remove it, or deploy the lab that has the unit first",
                )


def old_name(subject: Subject) -> Iterator[Remark]:
    """An option of [X-Fleet] that has a new name."""
    for word in fleet_rules.words(subject.part.options):
        old = word.option.name
        if old in fleet_rules.OLD_NAMES:
            why = f"{old}= is a name from fleet's first releases"
            if old == "X-ConditionMachineBootID":
                why += ", and fleet compares its value with machine IDs now: no machine matches"
            yield Remark(word.option.line, why, f"write {word.name}=")


def ignored_value(subject: Subject) -> Iterator[Remark]:
    """A value that systemd does not know: it goes on as if the line were not there."""
    for option in subject.part.options:
        if takes := systemd_values.ignored(option):
            yield Remark(option.line, f"{option.name}={option.value}: systemd ignores this value", f"it takes {takes}")
