"""The values of a template's parameters, checked by the rules that it sets for them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from coreos_lab.cloud.formation.errors import invalid

TYPES = ("String", "Number", "CommaDelimitedList", "List<Number>")
EXISTING = ("KeyPair::KeyName", "Image::Id", "SecurityGroup::Id", "Subnet::Id", "VPC::Id")  # whose values must be there
KNOWN = {"Type", "Default", "Description", "NoEcho", "AllowedValues", "AllowedPattern", "ConstraintDescription"}
KNOWN |= {"MinLength", "MaxLength", "MinValue", "MaxValue"}
HIDDEN = "****"


def resolve(declared: Mapping[str, Any], given: Mapping[str, str]) -> dict[str, str]:
    """Every parameter's value as a text. RefusedError names the parameter and the rule that is broken."""
    if unknown := sorted(set(given) - set(declared)):
        raise invalid(f"Parameters: [{', '.join(unknown)}] do not exist in the template")
    values = {
        name: str(given.get(name, rules.get("Default"))) for name, rules in declared.items() if _has(name, rules, given)
    }
    if missing := sorted(set(declared) - set(values)):
        raise invalid(f"Parameters: [{', '.join(missing)}] must have values")
    for name, value in values.items():
        _check(name, declared[name], value)
    return values


def check(declared: Mapping[str, Any]) -> None:
    """RefusedError for a parameter that is not declared as it must be."""
    for name, rules in declared.items():
        _has(name, rules, {})


def _has(name: str, rules: Any, given: Mapping[str, str]) -> bool:
    if not isinstance(rules, dict) or "Type" not in rules:
        raise invalid(f"Template format error: Every Parameters object must contain a Type member. ({name})")
    if unknown := sorted(set(rules) - KNOWN):
        raise invalid(f"Invalid template parameter property '{unknown[0]}' ({name})")
    kind = rules["Type"]
    if kind not in TYPES and single(kind) not in EXISTING:
        raise invalid(f"Template format error: Unrecognized parameter type: {kind}")
    return name in given or "Default" in rules


def single(kind: str) -> str:
    """The type of what must be there, of one or of a list's items, without AWS::EC2:: before it."""
    return str(kind).removeprefix("List<").removesuffix(">").removeprefix("AWS::EC2::")


def _check(name: str, rules: Mapping[str, Any], value: str) -> None:
    kind = rules["Type"]
    items = split(kind, value)
    if kind in ("Number", "List<Number>"):
        for each in items:
            number = _number(name, each)
            if not float(rules.get("MinValue", "-inf")) <= number <= float(rules.get("MaxValue", "inf")):
                raise _broken(name, rules, f"must be from {rules.get('MinValue')} to {rules.get('MaxValue')}")
    else:
        if not int(rules.get("MinLength", 0)) <= len(value) <= int(rules.get("MaxLength", len(value))):
            least, most = rules.get("MinLength", 0), rules.get("MaxLength", "any number of")
            raise _broken(name, rules, f"must have {least} to {most} characters")
        if "AllowedPattern" in rules and not re.fullmatch(str(rules["AllowedPattern"]), value):
            raise _broken(name, rules, f"must match pattern {rules['AllowedPattern']}")
    allowed = [str(each) for each in rules.get("AllowedValues", [])]
    if allowed and not set(items) <= set(allowed):
        raise _broken(name, rules, f"must be one of {', '.join(allowed)}")


def _number(name: str, text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise invalid(f"Parameter '{name}' must be a number.") from None


def _broken(name: str, rules: Mapping[str, Any], rule: str) -> Exception:
    why = rules.get("ConstraintDescription", rule)
    return invalid(f"Parameter '{name}' failed to satisfy constraint: {why}")


def split(kind: str, value: str) -> list[str]:
    """The items of a list's value; a text is the only one of its own."""
    return [each.strip() for each in value.split(",")] if kind.startswith(("List<", "Comma")) else [value]


def value(declared: Mapping[str, Any], values: Mapping[str, str], name: str) -> str | list[str]:
    """What Ref of a parameter is."""
    kind = str(declared[name]["Type"])
    return split(kind, values[name]) if kind.startswith(("List<", "Comma")) else values[name]


def shown(declared: Mapping[str, Any], values: Mapping[str, str]) -> dict[str, str]:
    """The values as they may be shown."""
    return {
        name: HIDDEN if str(declared[name].get("NoEcho", "")).lower() == "true" else text
        for name, text in values.items()
    }
