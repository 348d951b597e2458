"""A cloud-config as text, read into plain values that know their lines.

Values are read by the type that coreos-cloudinit wants for their key, as its YAML library does (version 1.1): what it
takes for text stays as it was typed (`proxy: on`, `permissions: 0644`), and `yes` is true for a flag.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from coreos_lab.spelling import closest, did_you_mean
from coreos_lab.user_data import keys, metadata
from coreos_lab.user_data.keys import FLAG, NUMBER, SHAPE, TEXT, WHOLE, Shape
from coreos_lab.user_data.parsed import Document, Path, Problem, refuse, shown

HEADER = "#cloud-config"
SIZE_MAX = 256 * 1024  # bytes: clouds take 16 to 64 KiB of user-data, and it is read at each boot
DEPTH_MAX = 20  # no key lies deeper than 7
LEVELS = {"MappingStartEvent": 1, "SequenceStartEvent": 1, "MappingEndEvent": -1, "SequenceEndEvent": -1}
NODES_MAX = 50_000  # YAML values, each alias counted as often as it stands for something
TRUE, FALSE = {"y", "yes", "true", "on"}, {"n", "no", "false", "off"}
NOTHING = {"", "~", "null"}
UNIT_NAME = re.compile(
    r"[A-Za-z0-9:_.\\@-]+\.(service|socket|device|mount|automount|swap|target|path|timer|slice|scope|network|netdev|link)"
)


def read(text: str, file: str, *, merged: bool = False) -> Document:
    """A cloud-config's values. Raises UsageError with file and line for what is none that coreos-cloudinit applies.

    `merged`: it is a node's own, in which several of a reader's may be, each as long as one may be.
    """
    if not merged:
        check_size(text, file)
    refuse(list(_of_the_file(text, file)))
    root = compose(text, file)
    reader = _Reader(file)
    data = reader.value(root, SHAPE, ()) if root is not None else {}
    refuse(reader.problems)
    document = Document(file, data or {}, reader.lines)
    refuse(list(entries(document)))
    return document


def check_size(text: str, file: str) -> None:
    """Raises UsageError for a text that is too long for a config of any kind."""
    size = len(text.encode("utf-8", "surrogatepass"))
    if size > SIZE_MAX:
        why = f"{size} bytes are too much for a cloud-config: {SIZE_MAX} at most"
        refuse([Problem(file, 1, why, "let a unit fetch what is big, or put it into a container image")])


def _of_the_file(text: str, file: str) -> Iterator[Problem]:
    first = text.partition("\n")[0]
    if first.startswith("#!"):
        yield Problem(file, 1, "a script, not a cloud-config", "let a unit run it: write_files and coreos: units:")
    elif first.rstrip() != HEADER:
        near = first.strip("\ufeff \t\r").replace(" ", "")
        found = "a byte order mark or a blank before it" if near == HEADER else f"{first[:40]!r} instead"
        yield Problem(file, 1, f"the first line must be {HEADER}: there is {found}", f"write {HEADER} there")


def compose(text: str, file: str) -> Any:
    """The tree of YAML nodes, which have lines and the text as typed; None for an empty document.

    Raises UsageError with file and line.
    """
    from ruamel.yaml import YAML
    from ruamel.yaml.error import MarkedYAMLError, YAMLError
    from ruamel.yaml.reader import ReaderError

    try:
        refuse([*_too_deep(YAML(typ="safe", pure=True).parse(text), file)])
        return YAML(typ="safe", pure=True).compose(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        tab = _tab(text, line)
        if tab:
            refuse([Problem(file, tab, "a tab indents this line", "YAML is indented with spaces alone")])
        problem = Problem(file, line, f"not YAML: {error.problem or error.context}")
    except ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        problem = Problem(file, line, f"not YAML: the character {error.character!r}", "remove it")
    except (YAMLError, ValueError, AttributeError, AssertionError) as error:  # the last three come of odd directives
        problem = Problem(file, 1, f"not YAML: {' '.join(str(error).split())[:200]}")
    refuse([problem])
    return None


def _too_deep(events: Any, file: str) -> Iterator[Problem]:
    """A value that is nested deeper than any key lies: composing hundreds of levels takes minutes."""
    depth = 0
    for event in events:
        depth += LEVELS.get(type(event).__name__, 0)
        if depth > DEPTH_MAX:
            yield Problem(file, event.start_mark.line + 1, f"nested deeper than {DEPTH_MAX} levels")
            return


def _tab(text: str, line: int) -> int:
    """The number of a line that a tab indents, at or right before `line`; 0 where there is none."""
    lines = text.split("\n")
    near = [number for number in (line, line - 1) if 1 <= number <= len(lines)]
    return next((number for number in near if re.match(r" *\t", lines[number - 1])), 0)


class _Reader:
    """Makes plain values of YAML nodes, and notes lines and problems."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.lines: dict[Path, int] = {}
        self.problems: list[Problem] = []
        self.nodes = 0

    def value(self, node: Any, shape: Shape, path: Path) -> Any:
        """The value of a node, None for one that is empty or wrong; `shape` is what its key takes."""
        self.lines.setdefault(path, node.start_mark.line + 1)
        self.nodes += 1
        if self.nodes > NODES_MAX:  # a short text of aliases may stand for billions
            refuse([Problem(self.file, self.lines[path], f"more than {NODES_MAX} values")])
        empty = node.id == "scalar" and node.style is None and node.value.lower() in NOTHING
        if empty:
            return None
        if isinstance(shape, dict):
            return self._mapping(node, shape, path) if node.id == "mapping" else self._wrong(node, shape, path)
        if isinstance(shape, list):
            return self._list(node, shape[0], path) if node.id == "sequence" else self._wrong(node, shape, path)
        return self._scalar(node, shape, path) if node.id == "scalar" else self._wrong(node, shape, path)

    def _wrong(self, node: Any, shape: Shape, path: Path) -> None:
        wanted = "a mapping (key: value)" if isinstance(shape, dict) else "a list" if isinstance(shape, list) else shape
        found = {"mapping": "a mapping", "sequence": "a list"}.get(node.id, f"{node.value[:40]!r}")
        self.problems.append(Problem(self.file, self.lines[path], f"{shown(path)}: {found}, and it takes {wanted}"))

    def _mapping(self, node: Any, shape: dict[str, Shape], path: Path) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            if key_node.id != "scalar":
                self.problems.append(Problem(self.file, line, f"{shown(path)}: a key that is no text"))
                continue
            key = str(key_node.value).replace("-", "_")
            here = (*path, key)
            if key not in shape:
                if path != ("coreos", "etcd"):
                    message = f"{key_node.value[:60]}: no key of {shown(path)}"
                    self.problems.append(Problem(self.file, line, message, _meant(key, shape)))
                continue
            if key in found:
                self.problems.append(Problem(self.file, line, f"{shown(here)}: given twice", "leave one of them"))
                continue
            self.lines[here] = line
            found[key] = self.value(value_node, shape[key], here)
        return {key: value for key, value in found.items() if value is not None}

    def _list(self, node: Any, shape: Shape, path: Path) -> list[Any]:
        values = []
        for number, each in enumerate(node.value):
            value = self.value(each, shape, (*path, number))
            if value is None:
                here = (*path, number)
                if not any(problem.line == self.lines[here] for problem in self.problems):
                    self.problems.append(Problem(self.file, self.lines[here], f"{shown(path)}: an empty entry"))
            values.append(value)
        return values

    def _scalar(self, node: Any, shape: Shape, path: Path) -> str | int | float | bool | None:
        text, plain = str(node.value), node.style is None
        if shape == TEXT:
            return text
        word = text.lower()
        if shape == FLAG and plain and word in TRUE | FALSE:
            return word in TRUE
        if shape == WHOLE and plain and re.fullmatch(r"[-+]?[0-9]{1,15}", text):
            return int(text)
        if shape == NUMBER and plain and re.fullmatch(r"[-+]?([0-9]{1,15}\.?[0-9]{0,15}|\.[0-9]{1,15})", text):
            return float(text)
        self._wrong(node, shape, path)
        return None


def _meant(key: str, here: dict[str, Shape]) -> str:
    """A remedy for an unknown key: where it belongs, or the key that is most like it."""
    places = {"the top": keys.SHAPE, "coreos": keys.COREOS, "coreos: etcd2": keys.ETCD2, "coreos: fleet": keys.FLEET}
    places |= {"coreos: update": keys.COREOS["update"], "an entry of coreos: units": keys.UNIT}  # type: ignore[dict-item]
    if not closest(key, here, cutoff=0.75):
        for place, shape in places.items():
            if key in shape and shape is not here:
                return f"it belongs under {place}" if place != "the top" else "it belongs at the top, not indented"
    return did_you_mean(key, sorted(here))


def entries(document: Document) -> Iterator[Problem]:
    """What coreos-cloudinit would skip, or stop at with half of the cloud-config applied."""
    coreos = document.data.get("coreos", {})
    lists: list[tuple[Path, str, list[Any]]] = [
        (("coreos", "units"), "name", coreos.get("units", [])),
        (("users",), "name", document.data.get("users", [])),
        (("write_files",), "path", document.data.get("write_files", [])),
    ]
    for number, unit in enumerate(coreos.get("units", [])):
        lists.append((("coreos", "units", number, "drop_ins"), "name", unit.get("drop_ins", [])))
    for path, key, listed in lists:
        seen: set[str] = set()
        for number, entry in enumerate(listed):
            here, name = (*path, number), entry.get(key, "")
            if not name:
                yield document.problem(here, f"{document.shown(here)}: no {key}", f"add {key}:")
            elif name in seen:
                yield document.problem(here, f"{document.shown(path)}: {name} is there twice", "make one of both")
            seen.add(name)
    for number, unit in enumerate(coreos.get("units", [])):
        if unit.get("name") and not UNIT_NAME.fullmatch(unit["name"]):
            where = ("coreos", "units", number, "name")
            yield document.problem(where, f"{unit['name'][:60]}: no name of a unit", "systemd wants NAME.service")
    pairs = coreos.get("fleet", {}).get("metadata", "")
    if pairs and (why := metadata.wrong(pairs)):
        yield document.problem(("coreos", "fleet", "metadata"), f"metadata: {why}", "write it as disk=ssd,role=db")
    if document.data.get("manage_etc_hosts", "localhost") != "localhost":
        yield document.problem(("manage_etc_hosts",), "manage_etc_hosts: must be localhost", "no other value is known")
