"""Drift: how resources differ from what their stack made of them. Only properties that a template sets are compared."""

from __future__ import annotations

import json
from typing import Any

from coreos_lab.cloud.formation import comparing
from coreos_lab.cloud.formation.actual import READERS
from coreos_lab.cloud.formation.call import TAGS, Call, Values
from coreos_lab.cloud.formation.group_kinds import EGRESS, INGRESS
from coreos_lab.cloud.formation.patience import is_absence
from coreos_lab.cloud.formation.stack import Drift, Made, Stack
from coreos_lab.cloud.moments import now

UNCHECKED, SAME, CHANGED, GONE = "NOT_CHECKED", "IN_SYNC", "MODIFIED", "DELETED"
RULE = "AWS::EC2::SecurityGroupIngress"
# Lists whose order has no meaning, with what names an item; "" where it is the whole item.
SETS = {TAGS: "Key", "Policies": "PolicyName", INGRESS: "", EGRESS: ""}
SETS |= dict.fromkeys(("SecurityGroupIds", "VPCZoneIdentifier", "TargetGroupARNs", "LoadBalancerNames"), "")


def detect(stack: Stack, made: Made, call: Call) -> Drift:
    """Compares a resource with what it should be."""
    reader = READERS.get(made.type)
    if reader is None:
        return Drift(now(), UNCHECKED)
    try:
        found = reader(call, made.physical, made.properties)
    except Exception as error:
        if not is_absence(error):
            raise
        found = None
    if found is None:
        return Drift(now(), GONE, dict(made.properties))
    names = [name for name in made.properties if name in found]
    expected, actual = ({name: its[name] for name in names} for its in (made.properties, found))
    if INGRESS in actual:
        actual[INGRESS] = [each for each in actual[INGRESS] if _key(INGRESS, each) not in _of_others(stack, made)]
    differences = [each for name in names for each in _differences(name, expected[name], actual[name])]
    return Drift(now(), CHANGED if differences else SAME, expected, actual, differences)


def _of_others(stack: Stack, group: Made) -> list[str]:
    """The rules of a security group that the template has as resources of their own."""
    rules = [made.properties for made in stack.resources.values() if made.type == RULE]
    own = [each for each in rules if each.get("GroupId") == group.physical]
    return [_key(INGRESS, {key: value for key, value in each.items() if key != "GroupId"}) for each in own]


def _differences(name: str, expected: Any, actual: Any) -> list[dict[str, str]]:
    if name not in SETS or not isinstance(expected, list) or not isinstance(actual, list):
        same = comparing.plain(expected) == comparing.plain(actual)
        kind = "REMOVE" if actual is None else "NOT_EQUAL"
        return [] if same else [_difference(f"/{name}", expected, actual, kind)]
    before, after = ({_key(name, each): each for each in listed} for listed in (expected, actual))
    found = []
    for index, (key, each) in enumerate(before.items()):
        path = f"/{name}/{index}"
        if key not in after:
            found.append(_difference(path, each, None, "REMOVE"))
        elif comparing.plain(each) != comparing.plain(after[key]) and SETS[name]:
            found.append(_difference(path, each, after[key], "NOT_EQUAL"))
    fresh = [each for key, each in after.items() if key not in before]
    return [*found, *(_difference(f"/{name}/{len(before) + i}", None, each, "ADD") for i, each in enumerate(fresh))]


def _key(name: str, item: Any) -> str:
    """What an item of such a list is known by. Rules of all protocols have no ports, whatever a template says."""
    if SETS[name]:
        return str(item[SETS[name]])
    if isinstance(item, dict) and str(item.get("IpProtocol", "-1")) == "-1":
        item = {"IpProtocol": "-1", **{key: each for key, each in item.items() if key not in ("FromPort", "ToPort")}}
    return json.dumps(comparing.plain(item), sort_keys=True)


def _difference(path: str, expected: Any, actual: Any, kind: str) -> dict[str, str]:
    said = {"ExpectedValue": _text(expected), "ActualValue": _text(actual)}
    return {"PropertyPath": path, **said, "DifferenceType": kind}


def _text(value: Any) -> str:
    return "null" if value is None else value if isinstance(value, str) else json.dumps(value, default=str)


def of_stack(stack: Stack) -> str:
    """What is known of a whole stack's drift."""
    if not stack.detected:
        return UNCHECKED
    return "DRIFTED" if drifted(stack) else SAME


def drifted(stack: Stack) -> list[str]:
    """The resources that differ."""
    return [name for name, made in stack.resources.items() if made.drift and made.drift.status in (CHANGED, GONE)]


def information(made: Made) -> Values:
    """A resource's drift, as it is shown with the resource."""
    if made.drift is None:
        return {"StackResourceDriftStatus": UNCHECKED}
    return {"StackResourceDriftStatus": made.drift.status, "LastCheckTimestamp": made.drift.moment}


def shown(stack: Stack, name: str, made: Made) -> Values:
    """A resource's drift, whole."""
    found = made.drift or Drift(now(), UNCHECKED)
    return {
        "StackId": stack.id,
        "LogicalResourceId": name,
        "PhysicalResourceId": made.physical,
        "ResourceType": made.type,
        "ExpectedProperties": json.dumps(found.expected, default=str),
        "ActualProperties": json.dumps(found.actual, default=str) if found.status != GONE else "",
        "PropertyDifferences": found.differences,
        "StackResourceDriftStatus": found.status,
        "Timestamp": found.moment,
    }
