"""Policies of roles: what one may say here, and whether it allows an action.

A statement is about actions; its resource is `*`, or, for S3, what the ARNs of buckets and objects match. One that is
about other resources, or has conditions, is refused when it is written, since it would not be kept to.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from typing import Any

from coreos_lab.cloud.sigv4 import RefusedError

PARTS = {"Sid", "Effect", "Action", "Resource"}
EFFECTS = ("Allow", "Deny")
S3 = ("s3:", "arn:aws:s3:::")  # how S3's actions and the names of its resources begin


def check(document: str) -> None:
    """RefusedError for a policy that is none, or that this cloud would not keep to."""
    for statement in statements(document):
        if unknown := sorted(set(statement) - PARTS):
            raise malformed(f"{unknown[0]}: not part of this cloud")
        actions, resources = texts(statement.get("Action")), texts(statement.get("Resource"))
        if statement.get("Effect") not in EFFECTS or not actions:
            raise malformed("a statement needs an Effect (Allow or Deny) and an Action")
        of_s3 = all(each.lower().startswith(S3[0]) for each in actions)
        if not resources or not all(each == "*" or (of_s3 and each.startswith(S3[1])) for each in resources):
            raise malformed(f"Resource {statement.get('Resource')}: this cloud knows *, and S3's with S3's actions")


def malformed(message: str) -> RefusedError:
    """The error for a policy."""
    return RefusedError("MalformedPolicyDocument", message)


def allows(documents: Iterable[str], action: str, resource: str = "*") -> bool:
    """Whether policies allow an action, such as ec2:CreateRoute: one has to, and none may deny it."""
    found = effects(documents, action, resource)
    return "Allow" in found and "Deny" not in found


def effects(documents: Iterable[str], action: str, resource: str) -> set[str]:
    """What policies say of an action: Allow, Deny, both or nothing."""
    listed = (statement for document in documents for statement in statements(document))
    return {str(each["Effect"]) for each in listed if covers(each, action, resource)}


def covers(statement: dict[str, Any], action: str, resource: str) -> bool:
    """Whether a statement is about an action with a resource."""
    by_action = any(matches(each.lower(), action.lower()) for each in texts(statement["Action"]))
    return by_action and any(matches(each, resource) for each in texts(statement["Resource"]))


def trusts(document: str, service: str) -> bool:
    """Whether a role's trust policy lets a service, such as ec2.amazonaws.com, take the role: as with any policy."""
    found = {str(each.get("Effect")) for each in statements(document) if _is_about(each, service)}
    return "Allow" in found and "Deny" not in found


def _is_about(statement: dict[str, Any], service: str) -> bool:
    """Whether a statement of a trust policy is about a service that takes the role."""
    principal = statement.get("Principal")
    named = texts(principal.get("Service") if isinstance(principal, dict) else principal)
    by_action = any(matches(each.lower(), "sts:assumerole") for each in texts(statement.get("Action")))
    return by_action and any(each in ("*", service) for each in named)


def matches(pattern: str, text: str) -> bool:
    """IAM's patterns: `*` stands for any text, `?` for one character."""
    first, *rest = [re.escape(part).replace(r"\?", ".") for part in pattern.split("*")]
    # Each part is looked for once, where it comes first: with several `.*` it would be tried at all places.
    middle = "".join(f"(?>.*?{part})" for part in rest[:-1] if part)
    expression = f"{first}{middle}.*{rest[-1]}" if rest else first
    return re.fullmatch(expression, text, re.DOTALL) is not None


def statements(document: str, wrong: Callable[[str], Exception] = malformed) -> list[dict[str, Any]]:
    """A policy's statements. For a text that is no policy, raises the error that `wrong` makes of a message."""
    try:
        found = json.loads(document)["Statement"]
    except (ValueError, KeyError, TypeError):
        raise wrong("not a policy: it has no Statement") from None
    listed = found if isinstance(found, list) else [found]
    if not all(isinstance(each, dict) for each in listed):
        raise wrong("a statement must be an object")
    return listed


def texts(value: Any) -> list[str]:
    """One text, or several."""
    return [str(each) for each in (value if isinstance(value, list) else [value]) if each]
