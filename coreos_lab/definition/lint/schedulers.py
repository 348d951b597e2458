"""Rules about a second scheduler: what starts, stops or places services without fleet, which then cannot see them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from coreos_lab.definition import node_units
from coreos_lab.definition.lint import dockerfiles
from coreos_lab.definition.lint.subject import Remark, Subject
from coreos_lab.model import Lab
from coreos_lab.units import command_lines, docker_line, fleet_rules, unit_names
from coreos_lab.units.command_lines import Call
from coreos_lab.units.option import Option

# systemctl's verbs that start or end units.
_ACTS = (
    *("start", "stop", "restart", "try-restart", "condrestart", "reload-or-restart", "try-reload-or-restart"),
    *("kill", "isolate", "enable", "disable", "mask", "unmask", "link"),
)
_CLOCKS = ("cron", "crond", "anacron", "atd", "at", "batch", "crontab", "fcron", "dcron", "supercronic")
_GROUPS = ("compose", "stack", "service", "swarm")  # docker's verbs for containers that Docker starts by itself
_STARTS = {"up", "start", "restart", "run", "scale", "deploy", "create", "update", "init", "join"}  # the verbs of those
_WAITS = {"--scope", "--wait", "--pipe", "-P", "--pty", "-t", "--shell", "-S"}  # systemd-run's, which end with it
_REMOTE = re.compile(rf"\bsystemctl\s(?:.*\s)?(?:{'|'.join(_ACTS)})\s|\bdocker\s(?:.*\s)?(?:run|start)\s", re.DOTALL)
_TAKES_VALUE = ("-H", "--host", "-M", "--machine", "-t", "--type", "-s", "--signal", "--job-mode", "-n", "--lines")
_REMEDY = "let fleet do it: 'fleetctl start' and 'fleetctl stop', a unit of its own with [X-Fleet], a timer unit"


@dataclass(frozen=True)
class _Around:
    """What is around a command: names of its own unit, of the lab's units, and of other units' containers."""

    own: frozenset[str]
    units: frozenset[str]
    containers: Mapping[str, str]  # the container's name -> the unit that runs it


def second_scheduler(subject: Subject) -> Iterator[Remark]:
    """Concurrency: fleet alone starts, stops and places services. fleetctl is the way to ask it."""
    own = subject.part
    mine = {container.name for container in own.containers}
    containers = {
        container.name: part.unit.name
        for part in subject.parts
        for container in part.containers
        if part is not own and container.name and container.name not in mine
    }
    around = _Around(frozenset({subject.unit, own.unit.name}), _units(subject.lab), containers)
    for call in command_lines.calls(own.options, subject.unit):
        for why in _acts(around, call.words):
            yield Remark(call.option.line, why, _REMEDY)


def script(lab: Lab, text: str) -> Iterator[Remark]:
    """The same for a shell script of a container image."""
    around = _Around(frozenset(), _units(lab), {})
    lines = list(enumerate(text.splitlines(), 1))
    for words in command_lines.within(["sh", "-c", text], {}):
        for why in _acts(around, words):
            line = next((at for at, each in lines if all(word in each for word in words[:2])), 1)
            yield Remark(line, why, _REMEDY)


def _units(lab: Lab) -> frozenset[str]:
    return frozenset({*lab.unit_names, *(each.name for each in lab.units)})


def _acts(around: _Around, words: Sequence[str]) -> Iterator[str]:
    """What a command does that is fleet's to do, one sentence for each."""
    program = words[0].rpartition("/")[2]
    if program == "systemctl":
        for unit in _acted_on(words):
            if _is_fleets(around, unit):
                yield f"systemctl acts on {unit} of this machine, whatever fleet wants it to do, and wherever it runs"
    elif program == "systemd-run":
        if not _WAITS & set(words):
            yield "systemd-run starts a service that fleet does not have: it is lost with its machine, and not moved"
    elif program == "ssh" or (program == "fleetctl" and "ssh" in words[1:]):
        if _REMOTE.search(" ".join(words[1:])):
            yield "starts or stops something on a machine that it has chosen itself"
    elif program in _CLOCKS:
        yield f"{program} starts programs by a clock that fleet does not see"
    elif program in ("docker", "docker-compose"):
        yield from _containers(around, words)


def _acted_on(words: Sequence[str]) -> list[str]:
    """The units that a systemctl command starts or ends."""
    rest: list[str] = []
    ahead = list(words[1:])
    while ahead:
        word = ahead.pop(0)
        if word in _TAKES_VALUE:
            del ahead[:1]
        elif not word.startswith("-"):
            rest.append(word)
    return [unit_names.full(word) for word in rest[1:]] if rest and rest[0] in _ACTS else []


def _is_fleets(around: _Around, unit: str) -> bool:
    """Whether a unit is another one of the lab, or one that neither the lab nor the machine image has."""
    if unit in around.own:
        return False
    if unit in around.units or unit_names.file_of(unit) in around.units:
        return True
    if "*" in unit or "?" in unit:
        return any(fleet_rules.matches(unit, name) for name in around.units - around.own)
    image_units = node_units.known()
    return image_units is not None and docker_line.is_known(unit) and not node_units.has(image_units, unit)


def _containers(around: _Around, words: Sequence[str]) -> Iterator[str]:
    """Containers of other machines or of other units, and groups of containers."""
    command = docker_line.parse(Call(tuple(words), Option("Service", "", "", 0)))
    if (command.verb in _GROUPS or "docker-compose" in words[0]) and _STARTS.intersection(words[1:]):
        yield "Docker starts and restarts these containers: neither systemd nor fleet sees one of them end"
        return
    host = _docker_host(words)
    if host and not re.match(r"unix:|fd:|tcp://(?:127\.|localhost\b|\[::1\])", host):
        yield f"uses the Docker of {host}: it places containers on a machine that it has chosen itself"
    signal = command.value("signal").upper().removeprefix("SIG")
    ends = command.verb in ("start", "restart", "stop") or (command.verb == "kill" and signal in ("", "KILL", "TERM"))
    for word in command.words if ends else ():
        if unit := around.containers.get(word):
            yield f"docker {command.verb} {word}: that is the container of {unit}, which systemd supervises"


def _docker_host(words: Sequence[str]) -> str:
    """The value of docker's -H or --host, "" without one."""
    for at, word in enumerate(words[1:], 1):
        if word in ("-H", "--host"):
            return words[at + 1] if at + 1 < len(words) else ""
        if word.startswith(("--host=", "-H=")):
            return word.partition("=")[2]
        if not word.startswith("-"):
            return ""
    return ""


def clock(_lab: Lab, text: str) -> Iterator[Remark]:
    """Concurrency: a container has no clock of its own that starts programs."""
    for number, instruction in dockerfiles.instructions(text):
        for command in re.split(r"&&|\|\||;", instruction):
            installs = re.search(r"\b(?:apt-get|apt|apk|yum|dnf|microdnf)\b.*\b(?:install|add)\b", command, re.DOTALL)
            starts = re.match(r"\s*(?:CMD|ENTRYPOINT)\b", command, re.IGNORECASE) or "service cron" in command
            # As a word `at` is too common: it counts as a package alone.
            names = [name for name in (*_CLOCKS, "cronie", "bcron") if installs or name not in ("at", "batch")]
            word = re.compile(rf"(?:^|[\s\"'/])({'|'.join(names)})(?=[\s\"',]|$)")
            if (installs or starts) and (named := word.search(command)):
                lines = enumerate(text.splitlines()[number - 1 :], number)
                line = next((at for at, each in lines if named[1] in word.findall(each)), number)
                why = f"{named[1]} in the container starts programs by a clock that neither systemd nor fleet sees"
                yield Remark(line, why, "write a timer unit, or a unit with Restart=always and RestartSec=")
