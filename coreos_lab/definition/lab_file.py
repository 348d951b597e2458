"""lab.yaml as it is written: its values, their lines, and what its schema says about them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from coreos_lab.disk import shown, text
from coreos_lab.errors import UsageError
from coreos_lab.spelling import closest, did_you_mean

if TYPE_CHECKING:
    from jsonschema.exceptions import ValidationError

SCHEMA = Path(__file__).with_name("lab.schema.json")

_KINDS = {
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "null": "nothing",
    "boolean": "true or false",
    "array": "a list",
    "object": "a mapping (name: value)",
}


@dataclass(frozen=True)
class Problem:
    """Something wrong in one of a lab's files: where, what, and the remedy."""

    file: Path
    line: int
    message: str
    remedy: str = ""

    def __str__(self) -> str:
        return f"{shown(self.file)}:{self.line}: {self.message}"


@dataclass(frozen=True)
class Document:
    """A lab.yaml that was read. `data` are ruamel.yaml's values, which have their lines."""

    path: Path
    data: Any

    def line(self, *keys: str | int) -> int:
        """The line, from 1, of the value that the keys lead to, or of its nearest parent that has a line."""
        node, line = self.data, 1
        for key in keys:
            try:
                line = node.lc.item(key)[0] + 1 if isinstance(key, int) else node.lc.key(key)[0] + 1
                node = node[key]
            except (AttributeError, KeyError, IndexError, TypeError):
                break
        return line

    def problem(self, keys: Iterable[str | int], message: str, remedy: str = "") -> Problem:
        """A problem with the value that the keys lead to."""
        return Problem(self.path, self.line(*keys), message, remedy)


def refuse(problems: list[Problem]) -> None:
    """Raises a UsageError for the first problem, with the others as its details; returns when there are none."""
    if not problems:
        return
    others = [f"{problem}{f' ({problem.remedy})' if problem.remedy else ''}" for problem in problems[1:]]
    raise UsageError(str(problems[0]), problems[0].remedy, "\n".join(others))


def read(path: Path) -> Document:
    """Reads a lab.yaml. Raises UsageError with file and line where it is not YAML."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import MarkedYAMLError, YAMLError

    try:
        data = YAML(typ="rt", pure=True).load(text(path))
    except MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        message = (error.problem or "not YAML").partition("\n")[0]
        raise UsageError(f"{shown(path)}:{line}: {message}", "correct the YAML there") from None
    except UsageError:
        raise
    except (YAMLError, ArithmeticError, AssertionError, LookupError, RecursionError, TypeError, ValueError) as error:
        # Besides its own errors, the parser lets through those of the types that it makes: dates, numbers, mappings.
        message = " ".join(str(error).split()) or type(error).__name__
        raise UsageError(f"{shown(path)}:1: not YAML: {message}", "write it as plain YAML in UTF-8") from None
    document = Document(path, data)
    refuse(list(_foreign(document, data, ())))
    return document


def _foreign(document: Document, value: Any, keys: tuple[str | int, ...]) -> Iterator[Problem]:
    """What YAML has and a JSON schema does not: tags, dates, bytes, sets, keys that are not text."""
    quoted = "put it in quotes to make it text"
    if isinstance(value, dict):
        for key, inner in value.items():
            if isinstance(key, str):
                yield from _foreign(document, inner, (*keys, key))
            else:
                yield document.problem([*keys, key], f"{key}: a key that is not text", quoted)
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from _foreign(document, inner, (*keys, number))
    elif not (value is None or isinstance(value, (str, int, float))):
        name = _name(list(keys)) or document.path.name
        yield document.problem(keys, f"{name}: neither text nor a number, a list or a mapping", quoted)


def schema_problems(document: Document, schema_file: Path = SCHEMA) -> list[Problem]:
    """A document's problems by a schema, in the order of its lines."""
    from jsonschema.validators import Draft202012Validator

    schema = json.loads(schema_file.read_text(encoding="utf-8"))
    errors = Draft202012Validator(schema).iter_errors(document.data)
    # A set: the validator reports each missing key by itself, and each report becomes a problem for all of them.
    problems = {problem for error in errors for problem in _in_words(document, error)}
    return sorted(problems, key=lambda problem: (problem.line, problem.message))


def _in_words(document: Document, error: ValidationError) -> list[Problem]:
    """A validation error in plain words; the schema's descriptions are the remedies."""
    keys = list(error.absolute_path)
    name = _name(keys) or document.path.name
    instance: Any = error.instance
    demand: Any = error.validator_value
    schema = error.schema if isinstance(error.schema, dict) else {}
    remedy = f"write {schema['description']}" if "description" in schema else ""
    match error.validator:
        case "additionalProperties":
            allowed = list(schema["properties"])
            return [
                document.problem([*keys, key], f"{key}: no such key{_within(keys)}", did_you_mean(str(key), allowed))
                for key in instance
                if key not in allowed
            ]
        case "required":
            return [
                document.problem(
                    keys, f"{key}: missing{_within(keys)}", f"add it: {schema['properties'][key]['description']}"
                )
                for key in demand
                # A misspelt key is reported as such, which is enough.
                if key not in instance and not closest(key, set(instance) - set(schema["properties"]))
            ]
        case "type":
            wanted = " or ".join(_KINDS[kind] for kind in ([demand] if isinstance(demand, str) else demand))
            given = "empty" if instance is None else repr(_plain(instance))
            return [document.problem(keys, f"{name}: must be {wanted}, not {given}", remedy)]
        case "uniqueItems":
            items = _plain(instance)
            again = next(i for i, item in enumerate(items) if item in items[:i])
            return [document.problem([*keys, again], f"{name}: {items[again]} is listed twice", "list it once")]
        case _ if "propertyNames" in error.absolute_schema_path:
            return [document.problem([*keys, str(instance)], f"{instance}: not a valid name here", remedy)]
        case _:
            wrong = "is empty" if instance in ("", []) else f"{_plain(instance)!r} is not valid"
            return [document.problem(keys, f"{name}: {wrong}", remedy)]


def _name(keys: list[str | int]) -> str:
    """The nearest key with a name: `ports` for the second of ports, "" for the file itself."""
    return next((str(key) for key in reversed(keys) if isinstance(key, str)), "")


def _within(keys: list[str | int]) -> str:
    return f" in {name}" if (name := _name(keys)) else ""


def _plain(value: Any) -> Any:
    """ruamel.yaml's values without its notes on how they are written."""
    if isinstance(value, dict):
        return {_plain(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return str(value) if isinstance(value, str) else value
