"""A cloud-config that is being translated from an Ignition config, with the lines of what it comes from."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from coreos_lab.user_data.parsed import Document, Path, Problem, shown


@dataclass
class Draft:
    """What has been translated, and what could not be.

    `lines` has the source's line of each of its keys: "storage/files/0/path". `snake` says that keys are written with
    "_", as in a Container Linux Config. A cloud-config has no groups, directories and links: `script` has the lines of
    a shell script that makes them, `groups` the groups' names. `starts` are the units that start after all else.
    `own` are the units and files that are ours.
    """

    file: str
    lines: dict[str, int]
    snake: bool
    data: dict[str, Any] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    script: list[str] = field(default_factory=list)
    groups: list[str] = field(default_factory=list)
    starts: list[str] = field(default_factory=list)
    own: set[str] = field(default_factory=set)
    _places: dict[Path, int] = field(default_factory=dict)
    _names: dict[Path, str] = field(default_factory=dict)
    _files: dict[str, Path] = field(default_factory=dict)

    def refuse(self, source: Path, message: str, remedy: str = "leave it out") -> None:
        """Notes what a node cannot do, by the name of the key and its line."""
        self.problems.append(Problem(self.file, self._line(source), f"{self._name(source)}: {message}", remedy))

    def note(self, place: Path, source: Path) -> None:
        """Notes where a place of the cloud-config comes from."""
        self._places[place], self._names[place] = self._line(source), self._name(source)

    def append(self, key: str, entry: dict[str, Any], source: Path) -> None:
        """Adds an entry to a list of the cloud-config, with the line of each of its keys."""
        entries = self.data.setdefault(key, [])
        self.note((key,), source[:-1])
        self.note((key, len(entries)), source)
        for name in entry:
            self.note((key, len(entries), name), (*source, name))
        entries.append(entry)

    def unit(self, name: str, source: Path) -> tuple[Path, dict[str, Any]]:
        """The entry of a unit, which several sections may add to, and its place."""
        units = self.data.setdefault("coreos", {}).setdefault("units", [])
        for number, unit in enumerate(units):
            if unit["name"] == name:
                return ("coreos", "units", number), unit
        self.note(place := ("coreos", "units", len(units)), source)
        self.note((*place, "name"), (*source, "name"))
        units.append({"name": name})
        return place, units[-1]

    def drop_in(self, unit: str, name: str, content: str, source: Path, unit_source: Path) -> None:
        """Adds a drop-in of a unit."""
        place, entry = self.unit(unit, unit_source)
        drop_ins = entry.setdefault("drop_ins", [])
        self.note((*place, "drop_ins"), source)
        self.note((*place, "drop_ins", len(drop_ins)), source)
        drop_ins.append({"name": name, "content": content})

    def setting(self, service: str, key: str, value: object, source: Path) -> None:
        """Sets a key of a service's section below coreos:."""
        self.data.setdefault("coreos", {}).setdefault(service, {})[key] = value
        self.note(("coreos", service, key), source)

    def makes(self, path: str, source: Path) -> None:
        """Notes that something of that path comes to be without `write_files`."""
        place: Path = ("made", len(self._files))
        self.note(place, source)
        self._files[path] = place

    def document(self) -> Document:
        """The finished cloud-config."""
        return Document(self.file, self.data, self._places, self._names, self._files, frozenset(self.own))

    def _line(self, source: Path) -> int:
        for end in range(len(source), 0, -1):
            found = self.lines.get("/".join(self._written(part) for part in source[:end]))
            if found:
                return found
        return 1

    def _name(self, source: Path) -> str:
        return shown(tuple(part if isinstance(part, int) else self._written(part) for part in source))

    def _written(self, part: str | int) -> str:
        """A key of Ignition as its author wrote it: sshAuthorizedKeys is ssh_authorized_keys in ct's YAML."""
        if isinstance(part, int) or not self.snake:
            return str(part)
        return re.sub(r"(?<=[a-z])[A-Z]", lambda match: f"_{match[0].lower()}", part)
