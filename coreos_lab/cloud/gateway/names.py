"""Ids, ARNs and changes in API Gateway."""

from __future__ import annotations

import re
import secrets
import string

from coreos_lab.cloud.gateway.actions import invalid
from coreos_lab.cloud.json_api import Values
from coreos_lab.cloud.metadata import ACCOUNT

DIGITS = string.digits + string.ascii_lowercase
OF_FUNCTION = re.compile(
    rf"arn:aws:apigateway:[a-z0-9-]+:lambda:path/2015-03-31/functions/"
    rf"(arn:aws:lambda:[a-z0-9-]+:{ACCOUNT}:function:[a-zA-Z0-9-_]+(?::\$LATEST)?)/invocations"
)
TAGGED = re.compile(r"arn:aws:apigateway:[a-z0-9-]+::/restapis/([^/]+)(?:/stages/([^/]+))?")
HOST = re.compile(r"([a-z0-9]{10})\.execute-api\.([a-z0-9-]+)\.amazonaws\.com")


def new(length: int) -> str:
    """A new id."""
    return "".join(secrets.choice(DIGITS) for _ in range(length))


def function_of(uri: str) -> str | None:
    """The ARN of the function that an integration's URI stands for; None for any other URI."""
    found = OF_FUNCTION.fullmatch(uri)
    return found[1] if found else None


def tagged(arn: str) -> tuple[str, str]:
    """The id of the API that an ARN stands for, and the name of its stage, "" for the API itself."""
    found = TAGGED.fullmatch(arn)
    if found is None:
        raise invalid(f"Invalid ARN: {arn}: this cloud has tags of REST APIs and their stages")
    return found[1], found[2] or ""


def host(region: str, api: str) -> str:
    """The name under which an API answers."""
    return f"{api}.execute-api.{region}.amazonaws.com"


def source(region: str, api: str, stage: str, method: str, path: str) -> str:
    """The ARN for which a function is invoked, as a permission's SourceArn has it."""
    return f"arn:aws:execute-api:{region}:{ACCOUNT}:{api}/{stage}/{method}{path}"


def changes(asked: Values, known: tuple[str, ...], operations: tuple[str, ...] = ("replace",)) -> dict[str, str | None]:
    """The new values in a request with patchOperations, by their paths without the slash in front; None: to remove.

    RefusedError for a path that no pattern in `known` has, and for another operation.
    """
    found: dict[str, str | None] = {}
    for each in asked.get("patchOperations", []):
        if not isinstance(each, dict):
            raise invalid(f"Invalid patch operation: {each}")
        name = str(each.get("path", "")).removeprefix("/")
        if each.get("op") not in operations or not any(re.fullmatch(pattern, name) for pattern in known):
            raise invalid(f"Invalid patch path {each.get('path')} for {each.get('op')}: known: {', '.join(known)}")
        found[name] = str(each.get("value") or "") if each["op"] == "replace" else None
    return found
