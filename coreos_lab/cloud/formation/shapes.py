"""Whether the parts of a template have the shapes that they must have, before anything is made of them.

A template that was taken once is not looked at again: what a later version refuses could not be deleted.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from typing import Any

from coreos_lab.cloud.formation.errors import invalid
from coreos_lab.cloud.formation.intrinsics import LOGIC
from coreos_lab.cloud.formation.template import Template

FEWEST, MOST = 2, 10  # conditions in one Fn::And or Fn::Or
# A parameter's limits.
NUMBERS: dict[str, type] = {"MinLength": int, "MaxLength": int, "MinValue": float, "MaxValue": float}


def _anything(_argument: Any) -> bool:
    return True


def _text(argument: Any) -> bool:
    return isinstance(argument, str)


def _of(length: int) -> Callable[[Any], bool]:
    return lambda argument: isinstance(argument, list) and len(argument) == length


def _attribute(argument: Any) -> bool:
    return _of(2)(argument) and _text(argument[0]) and isinstance(argument[1], str | dict)


def _with_items(argument: Any) -> bool:
    return _of(2)(argument) and isinstance(argument[1], list | dict)


def _template_text(argument: Any) -> bool:
    return _text(argument) or (_of(2)(argument) and _text(argument[0]) and isinstance(argument[1], dict))


# What each function's argument is, and how that is said.
SHAPES: dict[str, tuple[Callable[[Any], bool], str]] = {
    "Ref": (_text, "the name of something"),
    "Condition": (_text, "the name of a condition"),
    "Fn::GetAtt": (_attribute, "the names of a resource and of an attribute"),
    "Fn::If": (lambda argument: _of(3)(argument) and _text(argument[0]), "a list of 3 that begins with a condition"),
    "Fn::Join": (_with_items, "a list of a delimiter and a list of items"),
    "Fn::Select": (_with_items, "a list of an index and a list of items"),
    "Fn::Split": (lambda argument: _of(2)(argument) and argument[0] != "", "a list of a delimiter and a text"),
    "Fn::Sub": (_template_text, "a text, or a list of a text and variables"),
    "Fn::FindInMap": (_of(3), "a list of 3"),
    "Fn::Equals": (_of(2), "a list of 2"),
}


def check(template: Template) -> None:
    """RefusedError names the first part that has another shape."""
    for name, rules in template.parameters.items():
        _check_parameter(str(name), rules)
    for name, condition in template.conditions.items():
        _check_condition(f"[/Conditions/{name}]", condition)
    _check_cycles(template.conditions)
    for name, its in template.resources.items():
        where = f"[/Resources/{name}]"
        parts = {"Properties": its.properties, "CreationPolicy": its.creation, "UpdatePolicy": its.update}
        for part, value in parts.items():
            if value is not None and not isinstance(value, dict):
                raise _wrong(where, f"{part} must be an object")
            _check_value(where, value)
        if not all(isinstance(each, str) for each in its.depends_on):
            raise _wrong(where, "DependsOn must be a text, or a list of texts")
    for name, output in template.outputs.items():
        where = f"[/Outputs/{name}]"
        if not isinstance(output.get("Condition", ""), str):
            raise _wrong(where, "Condition must be a text")
        _check_value(where, [output["Value"], output.get("Export")])


def _check_parameter(name: str, rules: Any) -> None:
    """What parameters.resolve takes for granted. It says itself what a parameter must have."""
    where, its = f"[/Parameters/{name}]", rules if isinstance(rules, dict) else {}
    for key, kind in NUMBERS.items():
        if key in its and not _is(kind, its[key]):
            raise _wrong(where, f"{key} must be a number")
    if not isinstance(its.get("AllowedValues", []), list):
        raise _wrong(where, "AllowedValues must be a list")
    if isinstance(its.get("Default"), dict | list):
        raise _wrong(where, "Default must be a text or a number")
    try:
        re.compile(str(its.get("AllowedPattern", "")))
    except re.error as error:
        raise _wrong(where, f"AllowedPattern: {error}") from None


def _is(kind: type, value: Any) -> bool:
    with suppress(TypeError, ValueError):
        kind(value)
        return True
    return False


def _check_value(where: str, value: Any) -> None:
    """Checks each function in a value."""
    if isinstance(value, list):
        for each in value:
            _check_value(where, each)
    elif isinstance(value, dict):
        name = str(next(iter(value), ""))
        if len(value) == 1 and (name in ("Ref", "Condition") or name.startswith("Fn::")):
            _check_function(where, name, value[name])
        else:
            for each in value.values():
                _check_value(where, each)


def _check_function(where: str, name: str, argument: Any) -> None:
    given = argument.split(".", 1) if name == "Fn::GetAtt" and isinstance(argument, str) else argument
    fits, needs = SHAPES.get(name, (_anything, ""))
    if not fits(given):
        raise _wrong(where, f"{name} needs {needs}")
    if name in LOGIC:
        _check_condition(where, {name: argument})
    elif name == "Fn::Sub" and isinstance(argument, list):
        for each in argument[1].values():  # a variable may be called Ref
            _check_value(where, each)
    else:
        _check_value(where, given)


def _check_condition(where: str, condition: Any) -> None:
    if not isinstance(condition, dict) or len(condition) != 1 or next(iter(condition)) not in LOGIC:
        raise _wrong(where, f"a condition is one of {', '.join(LOGIC)}")
    name, argument = next(iter(condition.items()))
    if name in ("Condition", "Fn::Equals"):
        fits, needs = SHAPES[name]
        if not fits(argument):
            raise _wrong(where, f"{name} needs {needs}")
        _check_value(where, argument)
        return
    least, most = (1, 1) if name == "Fn::Not" else (FEWEST, MOST)
    if not isinstance(argument, list) or not least <= len(argument) <= most:
        raise _wrong(where, f"{name} needs a list of {f'{least} to {most} conditions' if most > 1 else '1'}")
    for each in argument:
        _check_condition(where, each)


def _check_cycles(conditions: Mapping[str, Any]) -> None:
    """RefusedError for a condition that depends on itself."""
    for name in conditions:
        found, left = set[str](), list(_conditions_in(conditions[name]))
        while left:
            other = left.pop()
            if other == name:
                raise invalid(f"Template format error: Circular dependency in conditions: [{name}]")
            if other not in found and other in conditions:
                found.add(other)
                left += _conditions_in(conditions[other])


def _conditions_in(value: Any) -> Iterator[str]:
    if isinstance(value, list):
        for each in value:
            yield from _conditions_in(each)
    elif isinstance(value, dict):
        for key, each in value.items():
            if key == "Condition" and isinstance(each, str):
                yield each
            elif key == "Fn::If" and isinstance(each, list) and each and isinstance(each[0], str):
                yield each[0]
                yield from _conditions_in(each[1:])
            else:
                yield from _conditions_in(each)


def _wrong(where: str, message: str) -> Exception:
    return invalid(f"Template format error: {where} {message}")
