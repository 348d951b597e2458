"""Policies of roles: what one may say here, and whether it allows an action.

A statement is about actions; its resource is `*`. One that is about certain resources, or has conditions, is refused
when it is written, since it would not be kept to.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from fnmatch import fnmatchcase
from typing import Any

from coreos_lab.cloud.sigv4 import RefusedError

PARTS = {"Sid", "Effect", "Action", "Resource"}
EFFECTS = ("Allow", "Deny")


def check(document: str) -> None:
    """RefusedError for a policy that is none, or that this cloud would not keep to."""
    for statement in _statements(document):
        if unknown := sorted(set(statement) - PARTS):
            raise malformed(f"{unknown[0]}: not part of this cloud")
        if statement.get("Effect") not in EFFECTS or not _texts(statement.get("Action")):
            raise malformed("a statement needs an Effect (Allow or Deny) and an Action")
        if _texts(statement.get("Resource")) != ["*"]:
            raise malformed(f"Resource {statement.get('Resource')}: this cloud knows * alone")


def malformed(message: str) -> RefusedError:
    """The error for a policy."""
    return RefusedError("MalformedPolicyDocument", message)


def allows(documents: Iterable[str], action: str) -> bool:
    """Whether policies allow an action, such as ec2:CreateRoute: one has to, and none may deny it."""
    effects = {
        statement["Effect"]
        for document in documents
        for statement in _statements(document)
        if any(fnmatchcase(action.lower(), pattern.lower()) for pattern in _texts(statement["Action"]))
    }
    return "Allow" in effects and "Deny" not in effects


def _statements(document: str) -> list[dict[str, Any]]:
    try:
        found = json.loads(document)["Statement"]
    except (ValueError, KeyError, TypeError):
        raise malformed("not a policy: it has no Statement") from None
    listed = found if isinstance(found, list) else [found]
    if not all(isinstance(each, dict) for each in listed):
        raise malformed("a statement must be an object")
    return listed


def _texts(value: Any) -> list[str]:
    return [str(each) for each in (value if isinstance(value, list) else [value]) if each]
