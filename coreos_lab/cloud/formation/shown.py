"""Stacks, their resources and events as the API shows them."""

from __future__ import annotations

from typing import Any

from coreos_lab.cloud.formation import drift, parameters
from coreos_lab.cloud.formation import template as templates
from coreos_lab.cloud.formation.stack import Made, Stack
from coreos_lab.cloud.formation.template import Template

Values = dict[str, Any]
SUMMARY = (
    *("StackId", "StackName", "CreationTime", "LastUpdatedTime", "DeletionTime", "StackStatus"),
    *("StackStatusReason", "DriftInformation"),
)
CAPABILITY = "The following resource(s) require capabilities: [{}]"


def stack(one: Stack) -> Values:
    """A stack as describe-stacks has it."""
    template = templates.parse(one.template)
    return {
        "StackId": one.id,
        "StackName": one.name,
        "Description": template.description,
        "Parameters": pairs(parameters.shown(template.parameters, one.parameters)),
        "CreationTime": one.created,
        "LastUpdatedTime": one.updated,
        "DeletionTime": one.ended,
        "StackStatus": one.status,
        "StackStatusReason": one.reason,
        "DisableRollback": one.on_failure == "DO_NOTHING",
        "Capabilities": one.capabilities,
        "EnableTerminationProtection": one.protected,
        "Outputs": one.outputs,
        "Tags": [{"Key": key, "Value": value} for key, value in one.tags.items()],
        "DriftInformation": {"StackDriftStatus": drift.of_stack(one), "LastCheckTimestamp": one.detected},
    }


def pairs(values: dict[str, str]) -> list[dict[str, str]]:
    """Parameters with their values."""
    return [{"ParameterKey": key, "ParameterValue": value} for key, value in values.items()]


def summary(one: Stack) -> Values:
    """A stack as list-stacks has it."""
    whole = stack(one)
    return {part: whole[part] for part in SUMMARY}


def events(one: Stack) -> list[Values]:
    """What has happened, the last first."""
    return [
        {
            "StackId": one.id,
            "EventId": each.id,
            "StackName": one.name,
            "LogicalResourceId": each.logical,
            "PhysicalResourceId": each.physical,
            "ResourceType": each.type,
            "Timestamp": each.moment,
            "ResourceStatus": each.status,
            "ResourceStatusReason": each.reason,
        }
        for each in reversed(one.events)
    ]


def resource(one: Stack, name: str, made: Made, moment: str) -> Values:
    """A resource. `moment` is what the API calls the time of its last change, which depends on the action."""
    return {
        "LogicalResourceId": name,
        "PhysicalResourceId": made.physical,
        "ResourceType": made.type,
        moment: made.changed or one.created,
        "ResourceStatus": made.status,
        "ResourceStatusReason": made.reason,
        "DriftInformation": drift.information(made),
    }


def begun(one: Stack) -> dict[str, Made]:
    """The resources on which work has begun."""
    return {name: made for name, made in one.resources.items() if made.status}


def declared(template: Template) -> list[Values]:
    """The parameters of a template, with their rules."""
    rows = []
    for name, rules in template.parameters.items():
        default = {"DefaultValue": str(rules["Default"])} if "Default" in rules else {}
        limits = {"AllowedValues": [str(each) for each in rules["AllowedValues"]]} if "AllowedValues" in rules else {}
        row = {
            "ParameterKey": name,
            **default,
            "ParameterType": str(rules.get("Type", "String")),
            "NoEcho": str(rules.get("NoEcho", False)).lower() == "true",
            "Description": str(rules.get("Description", "")),
        }
        rows.append({**row, "ParameterConstraints": limits} if limits else row)
    return rows


def needed(template: Template) -> Values:
    """The capabilities that a template needs, and for what."""
    roles = sorted({each.type for each in template.resources.values() if each.type.startswith("AWS::IAM::")})
    if not roles:
        return {"Capabilities": []}
    return {"Capabilities": ["CAPABILITY_IAM"], "CapabilitiesReason": CAPABILITY.format(", ".join(roles))}
