"""Intrinsic functions: what a template's values are once its parameters and its other resources are known."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from coreos_lab.cloud import query
from coreos_lab.cloud.formation.errors import invalid

NO_VALUE = object()  # of Ref AWS::NoValue: the property is left out
PSEUDO = ("AccountId", "Region", "StackName", "StackId", "Partition", "URLSuffix", "NoValue")
PLACE = re.compile(r"\$\{([^!}][^}]*)\}")
LITERAL = re.compile(r"\$\{!([^}]*)\}")
LOGIC = ("Fn::Equals", "Fn::And", "Fn::Or", "Fn::Not", "Condition")


@dataclass(frozen=True)
class Scope:
    """What names mean: `ref`, `attribute` and `imported` raise RefusedError for what is not there."""

    ref: Callable[[str], Any]
    attribute: Callable[[str, str], Any]
    mappings: Mapping[str, Any]
    conditions: Mapping[str, Any]
    zones: tuple[str, ...]
    imported: Callable[[str], str]


def resolve(value: Any, scope: Scope) -> Any:
    """A value without functions."""
    if isinstance(value, list):
        return [found for each in value if (found := resolve(each, scope)) is not NO_VALUE]
    if not isinstance(value, dict):
        return value
    name = next(iter(value), "")
    if len(value) == 1 and (name in ("Ref", "Condition") or str(name).startswith("Fn::")):
        return _function(str(name), value[name], scope)
    resolved = {key: resolve(each, scope) for key, each in value.items()}
    return {key: each for key, each in resolved.items() if each is not NO_VALUE}


def _function(name: str, argument: Any, scope: Scope) -> Any:
    named: dict[str, Callable[[str], Any]] = {"Ref": scope.ref, "Fn::ImportValue": scope.imported}
    if name in named:
        return named[name](str(resolve(argument, scope)))
    if name == "Fn::GetAtt":
        resource, attribute = argument if isinstance(argument, list) else str(argument).split(".", 1)
        return scope.attribute(resource, resolve(attribute, scope))
    if name == "Fn::Sub":
        return _sub(argument, scope)
    if name == "Fn::If":
        condition, yes, no = _list(name, argument, 3)
        return resolve(yes if holds({"Condition": condition}, scope) else no, scope)
    if name in LOGIC:
        return holds({name: argument}, scope)
    return _of_text(name, resolve(argument, scope), scope)


def _of_text(name: str, argument: Any, scope: Scope) -> Any:
    """The functions whose arguments are plain by now."""
    if name == "Fn::Base64":
        return b64encode(str(argument).encode()).decode()
    if name == "Fn::GetAZs":
        return list(scope.zones)
    if name == "Fn::Join":
        separator, items = _list(name, argument, 2)
        _require_list(name, items)
        return str(separator).join(str(each) for each in items)
    if name == "Fn::Split":
        separator, text = _list(name, argument, 2)
        if not str(separator):
            raise invalid(f"Template error: {name} needs a delimiter")
        return str(text).split(str(separator))
    if name == "Fn::Select":
        index, items = _list(name, argument, 2)
        _require_list(name, items)
        if not query.is_number(index) or int(index) >= len(items):
            raise invalid(f"Template error: Fn::Select cannot select nonexistent value at index {index}")
        return items[int(index)]
    if name == "Fn::FindInMap":
        found: Any = scope.mappings
        for key in _list(name, argument, 3):
            if not isinstance(found, Mapping) or str(key) not in {str(each) for each in found}:
                raise invalid(f"Template error: Unable to get mapping for {'::'.join(map(str, argument))}")
            found = next(each for own, each in found.items() if str(own) == str(key))
        return found
    raise invalid(f"Template error: {name}: not part of this cloud")


def _require_list(name: str, items: Any) -> None:
    """RefusedError for what has turned out to be a text: its characters are not meant."""
    if not isinstance(items, list):
        raise invalid(f"Template error: {name} needs a list of items")


def _sub(argument: Any, scope: Scope) -> str:
    text, own = (argument, {}) if isinstance(argument, str) else _list("Fn::Sub", argument, 2)
    variables = {name: resolve(each, scope) for name, each in own.items()}

    def value(match: re.Match[str]) -> str:
        name = match[1].strip()
        if name in variables:
            return str(variables[name])
        if "." in name and not name.startswith("AWS::"):
            return str(scope.attribute(*name.split(".", 1)))
        return str(scope.ref(name))

    return LITERAL.sub(r"${\1}", PLACE.sub(value, str(text)))


def holds(condition: Any, scope: Scope) -> bool:
    """Whether a condition is true."""
    name, argument = next(iter(condition.items()))
    if name == "Condition":
        if argument not in scope.conditions:
            raise invalid(f"Template format error: Unresolved condition dependency {argument}")
        return holds(scope.conditions[argument], scope)
    if name == "Fn::Equals":
        left, right = (resolve(each, scope) for each in _list(name, argument, 2))
        return str(left) == str(right)
    if name in ("Fn::And", "Fn::Or"):
        parts = [holds(each, scope) for each in argument]
        return all(parts) if name == "Fn::And" else any(parts)
    if name == "Fn::Not":
        return not holds(_list(name, argument, 1)[0], scope)
    raise invalid(f"Template error: {name}: not a condition")


def _list(name: str, argument: Any, length: int) -> list[Any]:
    if not isinstance(argument, list) or len(argument) != length:
        raise invalid(f"Template error: {name} needs a list of {length}")
    return argument


def names_in(value: Any) -> Iterator[str]:
    """The names that Ref, Fn::GetAtt and Fn::Sub in a value are about."""
    if isinstance(value, list):
        for each in value:
            yield from names_in(each)
    elif isinstance(value, dict):
        for key, each in value.items():
            if key == "Ref":
                yield str(each)
            elif key == "Fn::GetAtt":
                yield each[0] if isinstance(each, list) else str(each).split(".")[0]
            elif key == "Fn::Sub":
                text, own = (each, {}) if isinstance(each, str) else (each[0], each[1])
                yield from (
                    name for found in PLACE.findall(str(text)) if (name := found.split(".")[0].strip()) not in own
                )
                yield from names_in(list(own.values()))
            else:
                yield from names_in(each)


def imports_in(value: Any) -> Iterator[Any]:
    """The arguments of Fn::ImportValue in a value: what the exports are called that it needs."""
    if isinstance(value, list):
        for each in value:
            yield from imports_in(each)
    elif isinstance(value, dict):
        for key, each in value.items():
            if key == "Fn::ImportValue":
                yield each
            else:
                yield from imports_in(each)
