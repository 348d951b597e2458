"""Who needs whom in a lab, read from its units and from the programs in its container images.

What a program asks etcd for is found by the keys that are written in it; one that is put together while it runs, or a
service that is reached by another way than etcd, is not seen.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from coreos_lab import unit_file
from coreos_lab.model import Lab, LabUnit
from coreos_lab.unit_file import Option

BINDING = ("BindsTo", "Requires", "Requisite", "PartOf")
_RUN = re.compile(r"\bdocker run\b(?P<rest>.*)", re.DOTALL)
# Options of docker run that take a value of their own, as far as units are written with them.
_WITH_VALUE = re.compile(
    r"\s(?:-[ehmpuvw]|--(?:name|hostname|net|network|volume|mount|publish|env|env-file|user|workdir|memory|cpus|pid|ipc"
    r"|ulimit|device|cap-add|security-opt|restart|log-driver|add-host|link|entrypoint|label|shm-size|uts))(?:[ =])"
    r"(?:\"[^\"]*\"|'[^']*'|\$\$\([^)]*\)|\S+)"
)
_ETCDCTL = re.compile(
    r"etcdctl\s+(?:--?[\w-]+(?:[ =]\S+)?\s+)*?(?P<verb>set|mk|update|rm|get|ls|watch|exec-watch|mkdir|setdir)\s+"
    r"(?:--?[\w-]+(?:[ =]\d+)?\s+)*(?P<key>/[\w./@%{}$-]*)"
)
_CALL = re.compile(
    r"\b(?P<verb>\w+)\s*(?:\(|\s)\s*(?:\w+,\s*)?[\"'`]?(?P<key>/(?:services|config|feed|[a-z-]+-config)[\w/${}.-]*)"
)
_CONSTANT = re.compile(r"(?P<name>[A-Z][A-Z_]+)\s*=\s*[\"'`](?P<key>/[a-z][\w/-]*)[\"'`]")
WRITES = ("set", "mk", "update", "rm", "mkdir", "setdir", "set_once", "forget", "delete", "remove")
SOURCES = (".js", ".mjs", ".py", ".sh", ".rb", ".go", "")


@dataclass(frozen=True)
class Use:
    """A unit's use of a key in etcd: `written`, or read."""

    key: str
    written: bool
    where: str  # the file that says so


@dataclass(frozen=True)
class Part:
    """One unit of a lab with what can be read of it."""

    unit: LabUnit
    options: tuple[Option, ...]
    image: str  # of its container, "" where it runs none
    bound_to: tuple[str, ...]  # file names of other units of the lab that it is nothing without
    ports: tuple[int, ...]
    keys: tuple[Use, ...]

    @property
    def name(self) -> str:
        """The unit's name without its ending: `web@`."""
        return self.unit.name.rpartition(".")[0]

    @property
    def is_sidekick(self) -> bool:
        """Whether it only serves the unit that it is bound to, and runs no container of its own."""
        return bool(self.bound_to) and not self.image


@dataclass(frozen=True)
class Need:
    """One service needs another: `by` is the key through which it finds it, or the option that says so."""

    who: str
    whom: str
    by: str


def parts(lab: Lab) -> list[Part]:
    """A lab's units, each with what can be read of it, in their order."""
    names = {unit.name for unit in lab.units}
    return [_part(lab, unit, names) for unit in lab.units]


def _part(lab: Lab, unit: LabUnit, names: set[str]) -> Part:
    options, _mistakes = unit_file.parse(unit.path.read_text(encoding="utf-8"))
    commands = [option for option in options if option.section == "Service" and option.name.startswith("Exec")]
    image = next((found for option in commands if (found := image_of(option.value))), "")
    said = [
        option.value
        for option in options
        if (option.section == "Unit" and option.name in BINDING) or option.name == "MachineOf"
    ]
    bound = {_generic(name) for value in said for name in value.split()} & names - {unit.name}
    keys = [Use(key, verb in WRITES, unit.path.name) for option in commands for verb, key in _asked(option.value)]
    if image in lab.containers:
        keys += _in_programs(lab.containers[image], " ".join(option.value for option in commands), lab.keys)
    ordered = tuple(each.name for each in lab.units if each.name in bound)
    ports = tuple(unit_file.published_ports(options))
    return Part(unit, tuple(options), image, ordered, ports, tuple(dict.fromkeys(keys)))


def image_of(command: str) -> str:
    """The container image that a command runs, "" where it runs none."""
    found = _RUN.search(command)
    if not found:
        return ""
    rest = _WITH_VALUE.sub(" ", " " + found["rest"])
    return next((word.strip("'\"") for word in rest.split() if not word.startswith("-")), "")


def _generic(name: str) -> str:
    """The file that a unit's name comes from: `web@.service` of `web@1.service` and `web@%i.service`."""
    stem, _dot, kind = name.rpartition(".")
    prefix, at, _instance = stem.partition("@")
    return f"{prefix}{at}.{kind}"


def folder_of(key: str) -> str:
    """What a key has in common with those of other instances: the part before anything that differs."""
    fixed = re.split(r"[%$@]", key, maxsplit=1)[0]
    if fixed != key:
        fixed = fixed.rpartition("/")[0]
    return fixed.rstrip("/.") or "/"


def _asked(command: str) -> Iterator[tuple[str, str]]:
    for found in _ETCDCTL.finditer(command):
        yield found["verb"], folder_of(found["key"])
    # A shell function that stands for etcdctl.
    for verb, key in re.findall(r"\bask (set|get|ls|rm|watch) (/[\w./-]+)", command):
        yield verb, folder_of(key)


def _in_programs(folder: Path, command: str, known: Sequence[str]) -> list[Use]:
    """The keys in the programs of a container image: in those that the command names, or in all where it names none."""
    files = [path for path in sorted(folder.iterdir()) if path.is_file() and path.suffix in SOURCES]
    words = set(re.findall(r"[\w-]+", command))
    told = [path for path in files if path.stem in words and path.suffix] or files
    found = []
    for path in told:
        if path.name == "Dockerfile":
            continue
        text = path.read_text(encoding="utf-8", errors="replace")
        constants = {match["name"]: match["key"] for match in _CONSTANT.finditer(text)}
        if not constants:  # the lab's own keys, however they are asked for
            found += [Use(key, False, path.name) for key in known if re.search(rf"=[\"']?{key}\b", text)]
        for line in text.splitlines():
            for call in _CALL.finditer(line):
                found.append(Use(folder_of(call["key"]), call["verb"] in WRITES, path.name))
            for name, key in constants.items():
                if (used := re.search(rf"\b(\w+)\(\s*`?\$?{{?{name}\b", line)) is not None:
                    found.append(Use(folder_of(key), used[1] in WRITES, path.name))
    return found


def needs(found: list[Part]) -> list[Need]:
    """Which service needs which, and which needs etcd itself. A sidekick stands for the unit that it serves."""
    by_file = {part.unit.name: part for part in found}

    def served(part: Part) -> Part:
        return served(by_file[part.bound_to[0]]) if part.is_sidekick else part

    writers: dict[str, list[str]] = {}
    for part in found:
        for use in part.keys:
            if use.written:
                writers.setdefault(use.key, []).append(served(part).name)
    result: dict[tuple[str, str], Need] = {}

    def add(who: str, whom: str, by: str) -> None:
        if who != whom:
            result.setdefault((who, whom), Need(who, whom, by))

    for part in found:
        for other in part.bound_to:
            add(part.name, by_file[other].name, "bound")
        for use in part.keys:
            owners = [] if use.written or part.is_sidekick else _owners(use.key, writers)
            for owner in owners:
                add(part.name, owner, use.key)
            add(part.name, "etcd", use.key)
    return list(result.values())


def _owners(key: str, writers: dict[str, list[str]]) -> list[str]:
    """Who announces what is read: at that very key, or below it."""
    return [
        name for written, names in writers.items() if written == key or written.startswith(f"{key}/") for name in names
    ]
