"""A template's text as plain values, and what is wrong with it before anything is made.

YAML is read by a safe loader, which knows the short forms of the intrinsic functions and no other tag.
"""

from __future__ import annotations

from dataclasses import dataclass
from io import StringIO
from typing import Any

from coreos_lab.cloud.formation.errors import invalid

LONGEST = 460_800  # bytes of a template: AWS's limit
SECTIONS = {"AWSTemplateFormatVersion", "Description", "Metadata", "Parameters", "Mappings", "Conditions"}
SECTIONS |= {"Resources", "Outputs"}
DELETION, REPLACEMENT = "DeletionPolicy", "UpdateReplacePolicy"
POLICIES = {DELETION: ("Delete", "Retain", "RetainExceptOnCreate"), REPLACEMENT: ("Delete", "Retain")}
CREATION, UPDATE = "CreationPolicy", "UpdatePolicy"
ATTRIBUTES = {"Type", "Properties", "DependsOn", "Condition", "Metadata", CREATION, UPDATE, *POLICIES}
OUTPUT = {"Value", "Description", "Condition", "Export"}
SHORT = ("Base64", "Sub", "Join", "Select", "Split", "FindInMap", "GetAZs", "If", "Equals", "And", "Or", "Not")
IMPORT = "ImportValue"
Values = dict[str, Any]


@dataclass(frozen=True)
class Resource:
    """One resource as the template says it.

    `deletion` is what happens to it when it leaves the stack, `replacement` when another one takes its place;
    `creation` and `update` are its CreationPolicy and its UpdatePolicy.
    """

    name: str
    type: str
    properties: Values
    depends_on: tuple[str, ...] = ()
    condition: str = ""
    deletion: str = "Delete"
    replacement: str = "Delete"
    metadata: Any = None
    creation: Values | None = None
    update: Values | None = None


@dataclass(frozen=True)
class Template:
    """A template's sections."""

    text: str
    description: str
    parameters: Values
    mappings: Values
    conditions: Values
    resources: dict[str, Resource]
    outputs: Values


def parse(text: str) -> Template:
    """RefusedError says what is wrong, with the line where the text is no YAML."""
    if len(text.encode()) > LONGEST:
        raise invalid(f"1 validation error detected: template: at most {LONGEST} bytes")
    data = _read(text)
    if not isinstance(data, dict):
        raise invalid("Template format error: unsupported structure.")
    if unknown := set(data) - SECTIONS:
        raise invalid(f"Invalid template property or properties {sorted(map(str, unknown))}")
    for section in SECTIONS - {"AWSTemplateFormatVersion", "Description", "Metadata"}:
        if not isinstance(data.get(section) or {}, dict):
            raise invalid(f"Template format error: {section} must be an object.")
    if not data.get("Resources"):
        raise invalid("Template format error: At least one Resources member must be defined.")
    for name, output in (data.get("Outputs") or {}).items():
        _check_output(name, output)
    return Template(
        text,
        str(data.get("Description") or ""),
        data.get("Parameters") or {},
        data.get("Mappings") or {},
        data.get("Conditions") or {},
        {name: _resource(name, raw) for name, raw in data["Resources"].items()},
        data.get("Outputs") or {},
    )


def _resource(name: str, raw: Any) -> Resource:
    if not isinstance(raw, dict) or not isinstance(raw.get("Type"), str):
        raise invalid(f"Template format error: [/Resources/{name}] Every Resources member must have a Type")
    if not str(name).isalnum():
        raise invalid(f"Template format error: Resource name {name} is non alphanumeric.")
    if unknown := set(raw) - ATTRIBUTES:
        raise invalid(f"[/Resources/{name}] not part of this cloud: {', '.join(sorted(map(str, unknown)))}")
    policies = {attribute: raw.get(attribute, "Delete") for attribute in POLICIES}
    for attribute, policy in policies.items():
        if policy not in POLICIES[attribute]:
            known = ", ".join(POLICIES[attribute])
            raise invalid(f"[/Resources/{name}/{attribute}] {policy}: must be one of {known}")
    depends = raw.get("DependsOn") or []
    return Resource(
        str(name),
        raw["Type"],
        raw.get("Properties") or {},
        tuple([depends] if isinstance(depends, str) else depends),
        str(raw.get("Condition") or ""),
        policies[DELETION],
        policies[REPLACEMENT],
        raw.get("Metadata"),
        raw.get(CREATION),
        raw.get(UPDATE),
    )


def _check_output(name: str, raw: Any) -> None:
    if not isinstance(raw, dict) or "Value" not in raw:
        raise invalid(f"Template format error: [/Outputs/{name}] Every Outputs member must contain a Value object")
    if unknown := set(raw) - OUTPUT:
        raise invalid(f"[/Outputs/{name}] not part of this cloud: {', '.join(sorted(map(str, unknown)))}")
    if "Export" in raw and (not isinstance(raw["Export"], dict) or set(raw["Export"]) != {"Name"}):
        raise invalid(f"Template format error: [/Outputs/{name}/Export] must have a Name, and nothing else")


def _read(text: str) -> Any:
    from ruamel.yaml import YAML
    from ruamel.yaml.constructor import SafeConstructor
    from ruamel.yaml.error import MarkedYAMLError, YAMLError
    from ruamel.yaml.nodes import MappingNode, ScalarNode, SequenceNode

    class Constructor(SafeConstructor):
        """A constructor of its own, as tags are added to the class."""

    def value(loader: Any, node: Any) -> Any:
        if isinstance(node, ScalarNode):
            return loader.construct_scalar(node)
        if isinstance(node, SequenceNode):
            return loader.construct_sequence(node, deep=True)
        assert isinstance(node, MappingNode)  # noqa: S101 - there are no others
        return loader.construct_mapping(node, deep=True)

    def attribute(loader: Any, node: Any) -> Values:
        found = value(loader, node)
        return {"Fn::GetAtt": found.split(".", 1) if isinstance(found, str) else found}

    for name in (*SHORT, IMPORT):
        Constructor.add_constructor(f"!{name}", lambda loader, node, name=name: {f"Fn::{name}": value(loader, node)})
    Constructor.add_constructor("!Ref", lambda loader, node: {"Ref": value(loader, node)})
    Constructor.add_constructor("!Condition", lambda loader, node: {"Condition": value(loader, node)})
    Constructor.add_constructor("!GetAtt", attribute)
    # AWS's own versions look like dates, and are texts.
    Constructor.add_constructor("tag:yaml.org,2002:timestamp", lambda loader, node: loader.construct_scalar(node))
    yaml = YAML(typ="safe", pure=True)
    yaml.Constructor = Constructor
    try:
        return yaml.load(StringIO(text))
    except MarkedYAMLError as error:
        mark = error.problem_mark
        where = f" (line {mark.line + 1}, column {mark.column + 1})" if mark else ""
        raise invalid(f"Template format error: YAML not well-formed.{where}: {error.problem}") from None
    except (YAMLError, RecursionError, ValueError) as error:  # such as a character that no YAML may have
        raise invalid(f"Template format error: YAML not well-formed: {str(error).splitlines()[0][:200]}") from None
