"""Answers about running services: data, instances, ends, logs, one-off tasks."""

from __future__ import annotations

import re
from collections.abc import Iterator
from math import inf

from coreos_lab.definition import lab_settings
from coreos_lab.definition.checklist import paper
from coreos_lab.definition.checklist.paper import Answer, Paper, Place
from coreos_lab.definition.lab_map import Part
from coreos_lab.spelling import counted
from coreos_lab.units import command_lines, service_life
from coreos_lab.units.service_life import Life

_REDIRECTED = re.compile(r">>?\s*(/(?!dev/)[\w./%-]+)")
_FLEETS = {"start", "stop", "restart", "load", "unload", "destroy", "submit"}  # fleetctl's verbs that act on units
# Programs of an ExecStartPre= that are no task of their own.
_NO_TASKS = ("docker", "[", "test", "true", "echo", "exit", "fi", "done", "esac", "}")
_SOCKETS = re.compile(r"/(?:docker|fleet)\.sock\b")


def processes(lab: Paper) -> Iterator[Answer]:
    """Which services keep data, and where."""
    answers = []
    for part in lab.parts:
        for container in paper.containers(part):
            kept = [each for each in container.volumes if not _SOCKETS.search(each)]
            places = paper.at(part, [container.command.option])
            if kept:
                text = f"uses folders of its machine: {paper.listing(kept)}; what is there is not moved with it"
            else:
                text = "no folder of its machine: what it writes is lost with its container"
            answers.append(Answer(part.name, text, places))
        for option in [each for each in part.options if each.section == "Service" and each.name.startswith("Exec")]:
            for file in _REDIRECTED.findall(option.value):
                text = f"writes {file} on its machine ({option.name})"
                answers.append(Answer(part.name, text, paper.at(part, [option])))
    yield from paper.grouped(answers)
    for index, folder in enumerate(lab.lab.folders):
        text = "a folder on the machines that goes with the lab"
        yield Answer(folder, text, lab.listed("folders", index))


def concurrency(lab: Paper) -> Iterator[Answer]:
    """How many instances there are, what starts them again, and who else could start something."""
    answers = []
    for part in lab.parts:
        count = len(part.unit.started)
        many = "on every machine" if paper.is_global(part) else counted(count, "instance")
        if part.containers:
            detached = any(each.detached or each.command.value("restart") not in ("", "no") for each in part.containers)
            who = "Docker supervises it" if detached else "systemd supervises its container, in the foreground"
        elif part.unit.name.endswith(".service"):
            who = "systemd supervises its process on the machine"
        else:
            who = "an object of systemd's, which needs no supervision"
        answers.append(Answer(part.name, f"{many}; {who}", (*lab.entry(part), *paper.first_line(part))))
    yield from paper.grouped(answers)
    for part in lab.parts:
        calls = command_lines.calls(part.options, paper.unit(part))
        asked = [call.option for call in calls if call.program == "fleetctl" and _FLEETS.intersection(call.words[1:])]
        if asked:
            yield Answer(
                part.name, "starts or stops units through fleet, which chooses the machine", paper.at(part, asked)
            )
    for part in lab.parts:
        for container in part.containers:
            if any(_SOCKETS.search(volume) for volume in container.volumes):
                text = "has Docker's or fleet's socket: what it starts by it cannot be seen"
                yield Answer(part.name, text, paper.at(part, [container.command.option]), seen=False)


def disposability(lab: Paper) -> Iterator[Answer]:
    """What happens on an exit with 0, on a failure, and on a stop."""
    yield from paper.grouped(_ends(lab, part) for part in lab.parts)
    for part in lab.parts:
        bound = [other for other in lab.parts if part.unit.name in other.bound_to]
        for other in [each for each in bound if paper.options(each, "Unit", "BindsTo", "PartOf")]:
            wants = [o for o in paper.options(part, "Unit", "Wants", "Requires") if other.name.rstrip("@") in o.value]
            again = "and starts with it again (Wants=)" if wants else "and does not start with it again"
            stops = paper.options(other, "Unit", "BindsTo", "PartOf")
            text = f"{other.name} stops with it, {again}"
            yield Answer(part.name, text, (*paper.at(other, stops), *paper.at(part, wants)))


def _ends(lab: Paper, part: Part) -> Answer:
    life = service_life.of(part.options)
    names = ("Type", "Restart", "RestartSec", "TimeoutStopSec", "TimeoutSec", "RemainAfterExit", "SuccessExitStatus")
    written = [option for option in part.options if option.section == "Service" and option.name in names]
    written += paper.options(part, "Unit", "StartLimitIntervalSec", "StartLimitBurst")
    places = paper.at(part, written) or paper.first_line(part)
    if not part.unit.name.endswith(".service"):
        return Answer(part.name, "no service: an object of systemd's, which has no exit code", places)
    text = f"exit 0: {_after_success(life)}; an error: {_after_failure(life)}"
    if part.unit.intermittent:
        text += "; it ends by intent (intermittent)"
    if life.restart != "no" and life.gives_up:
        limit = f"{life.burst} starts in {paper.seconds(life.interval)}"
        text += f"; a service that ends at once reaches {limit}, and systemd gives up"
    if life.kind != "oneshot":
        stop = "for as long as it takes" if life.stop_limit == inf else f"{paper.seconds(life.stop_limit)} at most"
        text += f"; a stop waits {stop}"
    if part.unit.intermittent:
        places += lab.listed("units", [each.name for each in lab.parts].index(part.name), "intermittent")
    return Answer(part.name, text, places)


def _after_success(life: Life) -> str:
    if life.again_after_success:
        return f"started again after {paper.seconds(life.delay)}"
    if life.kind == "oneshot":
        return "done, and counts as running" if life.remains else "done"
    return "counts as running" if life.remains else "stays down until it is started by hand or deployed again"


def _after_failure(life: Life) -> str:
    if life.again_after_failure:
        return "the same" if life.again_after_success else f"started again after {paper.seconds(life.delay)}"
    if life.restart not in ("no", "on-success"):
        return f"started again only on what Restart={life.restart} names"
    return "stays failed" if life.kind == "oneshot" or life.again_after_success else "the same, as failed"


def parity(lab: Paper) -> Iterator[Answer]:
    """What differs between deployments of this lab."""
    for name in lab.lab.settings:
        value = lab_settings.default(lab.lab, name)
        yield Answer(name, f"--set {name}=... chooses it; {value} without that", lab.listed("settings", name))
    for name, secret in lab.lab.secrets.items():
        yield Answer(
            name, f"--secret {name}=FILE gives it, and etcd has it as {secret.key}", lab.listed("secrets", name)
        )
    if not lab.lab.settings and not lab.lab.secrets:
        yield Answer("settings", "none: each deployment is the same", (Place(lab.document.path, 0),))


def logs(lab: Paper) -> Iterator[Answer]:
    """Where each unit's output goes."""
    answers = []
    for part in [each for each in lab.parts if each.unit.name.endswith(".service")]:
        elsewhere = paper.options(part, "Service", "StandardOutput", "StandardError")
        drivers = [each for each in part.containers if each.command.value("log-driver")]
        if elsewhere:
            text = f"{paper.listing(f'{option.name}={option.value}' for option in elsewhere)}"
            answers.append(Answer(part.name, text, paper.at(part, elsewhere)))
        elif drivers:
            names = paper.listing(each.command.value("log-driver") for each in drivers)
            text = f"Docker's log driver {names}, besides the journal of docker run's own output"
            answers.append(Answer(part.name, text, paper.at(part, [each.command.option for each in drivers])))
        else:
            text = "standard output goes to the journal of its machine"
            answers.append(Answer(part.name, text, paper.first_line(part)))
    yield from paper.grouped(answers)


def admin(lab: Paper) -> Iterator[Answer]:
    """Units that end when their task is done, and tasks that a service does before or after its start."""
    answers = []
    for part in lab.parts:
        kind = paper.options(part, "Service", "Type")
        if kind and kind[-1].value == "oneshot":
            answers.append(Answer(part.name, "a task that ends: Type=oneshot", paper.at(part, kind)))
        calls = command_lines.calls(part.options, paper.unit(part), "ExecStartPre")
        before = [call.option for call in calls if call.program not in _NO_TASKS]
        if before:
            answers.append(Answer(part.name, "a task before each start: ExecStartPre=", paper.at(part, before)))
        after = paper.options(part, "Service", "ExecStartPost")
        if after:
            answers.append(Answer(part.name, "a task after each start: ExecStartPost=", paper.at(part, after)))
    yield from paper.grouped(answers or [Answer("tasks", "none is seen", seen=False)])
