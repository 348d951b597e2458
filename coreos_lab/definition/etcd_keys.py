"""The keys in etcd that units and the programs of container images use, read from their files.

They are found by what is written there: a key that a program puts together while it runs is not found.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from coreos_lab.units import etcdctl_line, unit_file
from coreos_lab.units.option import Option

_CALL = re.compile(
    r"\b(?P<verb>\w+)\s*(?:\(|\s)\s*(?:\w+,\s*)?[\"'`]?(?P<key>/(?:services|config|feed|[a-z-]+-config)[\w/${}.-]*)"
)
_CONSTANT = re.compile(r"(?P<name>[A-Z][A-Z_]+)\s*=\s*[\"'`](?P<key>/[a-z][\w/-]*)[\"'`]")
_NUMBER = re.compile(r"\b(?P<name>[A-Z][A-Z_]+)\s*=\s*(?P<number>\d+)\b")
_TTL = re.compile(r"\bttl\b\s*[:=]\s*(?P<seconds>\w+)")
# `Lock` and `OwnKey` are the web stack's classes for keys that one program alone writes.
WRITES = (*etcdctl_line.SETS, *etcdctl_line.REMOVES, "set_once", "forget", "delete", "remove", "Lock", "OwnKey")
REMOVES = (*etcdctl_line.REMOVES, "forget", "delete", "remove")
NO_PROGRAMS = ("node_modules", "build", "test", "tests")  # folders beside a Dockerfile
_SHELL = (".sh", "")  # of SOURCES: a call has no parentheses
SOURCES = (".js", ".mjs", ".py", ".sh", ".rb", ".go", "")


@dataclass(frozen=True)
class Use:
    """A use of a key in etcd: `written` (which includes that it is removed), or read; and the line that has it.

    `ttl` is what follows `ttl` there: seconds, or a name that the program gives a value; "" without one.
    """

    key: str  # the folder that all instances share
    written: bool
    path: Path
    line: int
    verb: str
    ttl: str = ""
    option: str = ""  # of the unit: ExecStart ...; "" in a program

    @property
    def removed(self) -> bool:
        """Whether the key is taken away."""
        return self.verb in REMOVES


def folder_of(key: str) -> str:
    """The part of a key that all instances share: the folder before the first specifier or variable."""
    fixed = re.split(r"[%$@]", key, maxsplit=1)[0]
    if fixed != key:
        fixed = fixed.rpartition("/")[0]
    return fixed.rstrip("/.") or "/"


def covers(read: str, written: str) -> bool:
    """Whether one who reads a key sees what is written to another: the same key, one below it, or its folder."""
    below = written.startswith(f"{read.rstrip('/')}/")
    return read == written or below or (written != "/" and read.startswith(f"{written}/"))


def in_unit(path: Path, text: str, options: Sequence[Option]) -> Iterator[Use]:
    """The keys that a unit's commands give etcdctl."""
    for command in etcdctl_line.commands(options, path.name):
        if command.key.startswith("/"):
            line = unit_file.line_of(text, command.option, f" {command.verb} ", command.key)
            ttl = str(command.ttl or "")
            written = command.verb in WRITES
            yield Use(folder_of(command.key), written, path, line, command.verb, ttl, command.option.name)


def in_programs(folder: Path, command: str, listed: Sequence[str]) -> list[Use]:
    """The keys in the programs of a container image: in those that the command names, in all where it names none."""
    files = list(programs(folder))
    words = set(re.findall(r"[\w-]+", command))
    named = [path for path in files if path.stem in words and path.suffix] or files
    return [use for path in named if path.name != "Dockerfile" for use in _in_program(path, listed)]


def _in_program(path: Path, listed: Sequence[str]) -> Iterator[Use]:
    text = path.read_text(encoding="utf-8", errors="replace")
    constants = {match["name"]: match["key"] for match in _CONSTANT.finditer(text)}
    numbers = {match["name"]: match["number"] for match in _NUMBER.finditer(text)}
    for number, line in enumerate(text.splitlines(), 1):
        ttl = match["seconds"] if (match := _TTL.search(line)) else ""
        ttl = numbers.get(ttl, ttl)
        if not constants:  # then the keys that lab.yaml lists, in whatever call they are
            for key in listed:
                if re.search(rf"=[\"']?{key}\b", line):
                    yield Use(key, False, path, number, "")
        if line.lstrip().startswith(("#", "//", "*", "/*")):
            continue
        for call in _CALL.finditer(line):
            if path.suffix not in _SHELL and "(" not in call[0]:
                continue  # a word before a path in a message
            yield Use(folder_of(call["key"]), call["verb"] in WRITES, path, number, call["verb"], ttl)
        for name, key in constants.items():
            if (used := re.search(rf"\b(\w+)\(\s*(?:\w+,\s*)?`?\$?{{?{name}\b", line)) is not None:
                yield Use(folder_of(key), used[1] in WRITES, path, number, used[1], ttl)


def programs(folder: Path) -> Iterator[Path]:
    """The source files of a container image and of its folders, without tests and installed npm packages."""
    for path in sorted(folder.iterdir()):
        if path.is_dir() and path.name not in NO_PROGRAMS:
            yield from programs(path)
        elif path.is_file() and path.suffix in SOURCES:
            yield path
