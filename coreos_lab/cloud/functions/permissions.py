"""A function's own policy: which services and accounts may invoke it, besides those whose role says so."""

from __future__ import annotations

import json
import re

from coreos_lab.cloud import policy
from coreos_lab.cloud.functions import shown
from coreos_lab.cloud.functions.actions import MISSING, invalid
from coreos_lab.cloud.functions.kept import Function
from coreos_lab.cloud.json_api import Values
from coreos_lab.cloud.json_api import invalid as wrong
from coreos_lab.cloud.metadata import ACCOUNT
from coreos_lab.cloud.sigv4 import RefusedError

INVOKE = "lambda:InvokeFunction"
SERVICE = r"[a-z0-9.-]+\.amazonaws\.com"


def add(function: Function, asked: Values) -> Values:
    """Adds a statement. RefusedError for one that is there, or that would not be kept to."""
    name = asked["StatementId"]
    if not re.fullmatch(r"[a-zA-Z0-9-_]{1,100}", name):
        raise wrong(MISSING, "statementId", name, "Member must satisfy regular expression pattern: ([a-zA-Z0-9-_]+)")
    if name in function.policy:
        raise RefusedError(
            "ResourceConflictException",
            f"The statement id ({name}) provided already exists. Please provide a new statement id, or remove the "
            "existing statement.",
        )
    if not re.fullmatch(r"lambda:[*]|lambda:[a-zA-Z]+|[*]", asked["Action"]):
        raise wrong(
            MISSING, "action", asked["Action"], "Member must satisfy pattern: (lambda:[*]|lambda:[a-zA-Z]+|[*])"
        )
    statement: Values = {
        "Sid": name,
        "Effect": "Allow",
        "Principal": _principal(asked["Principal"]),
        "Action": asked["Action"],
        "Resource": function.arn,
    }
    conditions: Values = {}
    if "SourceArn" in asked:
        conditions["ArnLike"] = {"AWS:SourceArn": asked["SourceArn"]}
    if "SourceAccount" in asked:
        conditions["StringEquals"] = {"AWS:SourceAccount": asked["SourceAccount"]}
    if conditions:
        statement["Condition"] = conditions
    function.policy[name] = statement
    return {"Statement": json.dumps(statement)}


def _principal(given: str) -> Values | str:
    if given == "*":
        return given
    if re.fullmatch(SERVICE, given):
        return {"Service": given}
    if given == ACCOUNT or given.startswith(f"arn:aws:iam::{ACCOUNT}:"):
        return {"AWS": given if given.startswith("arn:") else f"arn:aws:iam::{ACCOUNT}:root"}
    raise invalid("The provided principal was invalid. Please check the principal and try again.")


def document(function: Function) -> Values:
    """The policy, as the API returns it. RefusedError where there is none."""
    if not function.policy:
        raise missing()
    return {"Policy": shown.policy(function), "RevisionId": function.revision}


def remove(function: Function, name: str) -> None:
    """Removes a statement."""
    if function.policy.pop(name, None) is None:
        raise RefusedError("ResourceNotFoundException", f"Statement {name} is not found in resource policy.")


def missing() -> RefusedError:
    """The error where there is no policy."""
    return RefusedError("ResourceNotFoundException", "The resource you requested does not exist.")


def allows_service(function: Function, service: str, source: str) -> bool:
    """Whether a service may invoke a function for something of its own, whose ARN is `source`."""
    return any(_covers(each, service, source) for each in function.policy.values())


def _covers(statement: Values, service: str, source: str) -> bool:
    principal, conditions = statement["Principal"], statement.get("Condition", {})
    who = principal == "*" or principal.get("Service") == service
    pattern = conditions.get("ArnLike", {}).get("AWS:SourceArn", "*")
    account = conditions.get("StringEquals", {}).get("AWS:SourceAccount", ACCOUNT)
    what = policy.matches(statement["Action"].lower(), INVOKE.lower())
    return who and what and policy.matches(pattern, source) and account == ACCOUNT
