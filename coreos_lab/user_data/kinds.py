"""Which kind of config a text is: a cloud-config, a Container Linux Config (ct's YAML) or an Ignition config (JSON).

What is looked at here keeps whatever has no meaning from ct, which reads one document and follows each alias.
"""

from __future__ import annotations

import json
import re
from typing import Any, NoReturn

from coreos_lab.user_data import document
from coreos_lab.user_data.parsed import Problem, refuse

CLOUD_CONFIG, CONTAINER_LINUX, IGNITION = "cloud-config", "Container Linux Config", "Ignition config"
SECTIONS = "ignition, passwd, storage, systemd, networkd, etcd, flannel, docker, locksmith, update"
_SECTION = re.compile(rf"""^["']?({SECTIONS.replace(", ", "|")})["']?[ \t]*:""", re.MULTILINE)
_BUTANE = re.compile(r"""^["']?variant["']?[ \t]*:""", re.MULTILINE)


def kind(text: str) -> str:
    """The kind of a config. A cloud-config has its first line; what is none of them counts as one."""
    first = text.partition("\n")[0].rstrip()
    if first == document.HEADER or first.startswith("#!"):
        return CLOUD_CONFIG
    if text.lstrip().startswith("{"):
        return IGNITION
    return CONTAINER_LINUX if _SECTION.search(text) or _BUTANE.search(text) else CLOUD_CONFIG


def check(text: str, file: str) -> None:
    """Raises UsageError with file and line for what ct need not be asked about."""
    document.check_size(text, file)
    if kind(text) == IGNITION:
        _check_json(text, file)
        return
    if butane := _BUTANE.search(text):
        line = text.count("\n", 0, butane.start()) + 1
        _refuse(file, line, "variant: a Butane config, for Ignition 3", "write a Container Linux Config")
    root = document.compose(text, file)
    if root is None or root.id != "mapping":
        _refuse(file, 1, "a Container Linux Config is a mapping (key: value)", f"its keys are {SECTIONS}")
    waiting, seen = [root], 0
    while waiting:
        node = waiting.pop()
        seen += 1
        if seen > document.NODES_MAX:  # a short text of aliases may stand for billions
            _refuse(file, node.start_mark.line + 1, f"more than {document.NODES_MAX} values")
        if node.id == "mapping":
            waiting += [part for pair in node.value for part in pair]
        elif node.id == "sequence":
            waiting += node.value


def _check_json(text: str, file: str) -> None:
    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        keys = [key for key, _ in pairs]
        if double := next((key for key in keys if keys.count(key) > 1), ""):
            line = text.count("\n", 0, max(text.rfind(json.dumps(double)), 0)) + 1
            _refuse(file, line, f"{double[:60]}: given twice", "leave one of them")
        return dict(pairs)

    try:
        json.loads(text, object_pairs_hook=once)
    except json.JSONDecodeError as error:
        _refuse(file, error.lineno, f"not JSON: {error.msg}")
    except (RecursionError, ValueError):  # too many brackets, or digits
        _refuse(file, 1, "not JSON that a config can be: nested too deep, or a number that is too long")


def _refuse(file: str, line: int, message: str, remedy: str = "") -> NoReturn:
    problem = Problem(file, line, message, remedy)
    refuse([problem])
    raise AssertionError(problem)
