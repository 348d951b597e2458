"""A unit's docker commands, and the containers that they make: images, names, ports and volumes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from coreos_lab.units import command_lines, docker_options
from coreos_lab.units.command_lines import Call
from coreos_lab.units.option import Option

_GROUPS = ("container", "image")  # `docker container run` is `docker run`
# --publish [ADDRESS:]HOST:INSIDE, without the protocol
_PUBLISHED = re.compile(r"(?:(?P<address>\[[^\]]*\]|[^:\[\]]*):)?(?P<host>[^:]*):(?P<inside>[^:]+)")


@dataclass(frozen=True)
class Command:
    """One docker command: its verb, its options' values by their long names, and the words that are not options."""

    verb: str
    values: dict[str, list[str]]  # an option that takes no value has "true" or "false"
    words: tuple[str, ...]
    unknown: tuple[str, ...]  # options that docker does not have
    option: Option

    def value(self, name: str) -> str:
        """The last value of an option, "" where it is not given."""
        return self.values.get(name, [""])[-1]

    def is_on(self, name: str) -> bool:
        """Whether an option that takes no value is given, and not switched off by =false."""
        return self.value(name).lower() in ("true", "1", "t")


@dataclass(frozen=True)
class Port:
    """A port of the machine that a container publishes. `address` is "" for all addresses of the machine."""

    number: int
    protocol: str = "tcp"
    address: str = ""

    def clashes(self, other: Port) -> bool:
        """Whether two containers on one machine cannot have both."""
        anywhere = ("", "0.0.0.0", "::")  # noqa: S104 - compared, not bound
        same = self.address == other.address or self.address in anywhere or other.address in anywhere
        return same and (self.number, self.protocol) == (other.number, other.protocol)


@dataclass(frozen=True)
class Container:
    """A container that a unit makes. Variables that only the machine has stay in its texts: ${NAME}.

    `detached`: docker supervises it, not systemd. `removed`: docker removes it when it ends (--rm).
    """

    name: str
    image: str
    detached: bool
    removed: bool
    host_network: bool
    ports: tuple[Port, ...]
    volumes: tuple[str, ...]
    command: Command


def commands(options: Sequence[Option], unit: str, *names: str) -> list[Command]:
    """The docker commands of a unit in their order; with `names`, only those of these options (ExecStart ...)."""
    return [parse(call) for call in command_lines.calls(options, unit, *names) if call.program == "docker"]


def parse(call: Call) -> Command:
    """A docker command from its words, the program first."""
    _values, words, unknown = docker_options.split(call.words[1:], docker_options.GLOBAL)
    if words and words[0] in _GROUPS:
        words = words[1:]
    if not words:
        return Command("", {}, (), tuple(unknown), call.option)
    verb = words[0]
    flags = docker_options.COMMANDS.get(verb)
    if flags is None:  # nobody asks for the options of other verbs
        return Command(verb, {}, tuple(word for word in words[1:] if not word.startswith("-")), (), call.option)
    values, rest, more = docker_options.split(words[1:], flags)
    return Command(verb, values, tuple(rest), (*unknown, *more), call.option)


def containers(options: Sequence[Option], unit: str) -> list[Container]:
    """The containers that a unit makes, by `docker run` or `docker create`, in the order of its commands."""
    return [_container(command) for command in commands(options, unit) if command.verb in ("run", "create")]


def kept(options: Sequence[Option], unit: str) -> tuple[list[str], list[str]]:
    """The names of the volumes and of the networks that a unit makes in docker, which outlive its containers."""
    volumes: list[str] = []
    networks: list[str] = []
    for command in commands(options, unit):
        if command.words[:1] == ("create",) and command.verb in ("volume", "network"):
            (volumes if command.verb == "volume" else networks).append(command.words[-1])
        elif command.verb in ("run", "create"):
            volumes += [name for each in command.values.get("volume", []) if (name := each.partition(":")[0]) != each]
            mounts = [_fields(each) for each in command.values.get("mount", [])]
            volumes += [
                each.get("source") or each.get("src", "") for each in mounts if each.get("type", "volume") == "volume"
            ]
    # A path is a folder of the machine.
    return [name for name in volumes if name and "/" not in name], networks


def _fields(mount: str) -> dict[str, str]:
    """The fields of a --mount, such as type=volume,source=data,target=/data."""
    return {name: value for name, _equals, value in (part.partition("=") for part in mount.split(","))}


def _container(command: Command) -> Container:
    network = command.value("network")
    return Container(
        name=command.value("name"),
        image=command.words[0] if command.words else "",
        detached=command.is_on("detach"),
        removed=command.is_on("rm"),
        host_network=network == "host",
        # docker discards what is published on the host's network
        ports=() if network == "host" else tuple(ports(command.values.get("publish", []))),
        volumes=(*command.values.get("volume", []), *command.values.get("mount", [])),
        command=command,
    )


def ports(published: Iterable[str]) -> list[Port]:
    """The machine's ports that --publish takes, ranges port by port; none where docker or the machine chooses."""
    taken = []
    for each in published:
        rest, slash, protocol = each.rpartition("/")
        if not slash:
            rest, protocol = each, "tcp"
        if "=" in rest:  # not a form of docker run
            continue
        parts = _PUBLISHED.fullmatch(rest)
        numbers = re.fullmatch(r"(\d+)(?:-(\d+))?", parts["host"]) if parts else None
        if parts and numbers:
            first, last = int(numbers[1]), int(numbers[2] or numbers[1])
            if first < last and "-" not in parts["inside"]:
                last = first  # docker takes one of the range: the first that is free
            address = (parts["address"] or "").strip("[]")
            taken += [Port(number, protocol.lower(), address) for number in range(first, min(last, 65535) + 1)]
    return taken


def image_name(reference: str) -> str:
    """The name that a lab uses for a container image: without Docker Hub's address, the tag `latest` and the digest."""
    name = reference.partition("@")[0]
    for address in ("docker.io/", "index.docker.io/", "library/"):
        name = name.removeprefix(address)
    return name.removesuffix(":latest")


def is_known(text: str) -> bool:
    """Whether a text is complete: nothing in it is a variable of the machine or of a script."""
    return bool(text) and not re.search(r"[$`]", text)
