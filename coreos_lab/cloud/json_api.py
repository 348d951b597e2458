"""AWS's JSON protocols: what a request asks for, and the answer to it.

CloudWatch Logs names its action in a header (awsJson 1.1); Lambda and API Gateway are told apart by method and path
(restJson1). Values are checked by the tables of each service, so nothing that was asked for is passed over in silence.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from coreos_lab.cloud.s3.answer import Reply
from coreos_lab.cloud.sigv4 import RefusedError, Request

TARGET = "x-amz-target"
TYPE = "application/x-amz-json-1.1"
LARGEST = 2**63 - 1
Values = dict[str, Any]
# How a value of a type is called in an error.
KINDS: dict[type, str] = {str: "a string", int: "a number", bool: "a boolean", list: "a list", dict: "a map"}


@dataclass(frozen=True)
class Action:
    """An action's parameters with their types: those that must be there, and those that may."""

    needed: Mapping[str, type] = field(default_factory=dict)
    others: Mapping[str, type] = field(default_factory=dict)


@dataclass(frozen=True)
class Asked:
    """A request. `permission` is IAM's name for what it asks for; `body` is what came, where that is no JSON."""

    action: str
    permission: str
    values: Values
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


def action_of(request: Request) -> str:
    """The action that a header names, "" for none."""
    return request.headers.get(TARGET, "").rpartition(".")[2]


def loads(data: bytes) -> Any:
    """What JSON says. ValueError for what is none, also for half a character and for more brackets than can be read."""
    try:
        found = json.loads(data)
        json.dumps(found, ensure_ascii=False).encode()
    except RecursionError:
        raise ValueError("too many brackets in each other") from None
    return found


def read(request: Request) -> Values:
    """A request's body as values, without those that are null. RefusedError for what is no JSON object."""
    if not request.body.strip():
        return {}
    try:
        found = loads(request.body)
    except ValueError as error:
        raise RefusedError("SerializationException", f"the body is no JSON: {error}") from None
    if not isinstance(found, dict):
        raise RefusedError("SerializationException", "the body must be a JSON object")
    return {name: value for name, value in found.items() if value is not None}


def require(name: str, values: Mapping[str, Any], action: Action, code: str) -> None:
    """RefusedError for a parameter that is not known, that is missing (with `code`), or that has another type."""
    known = {**action.needed, **action.others}
    if unknown := sorted(set(values) - set(known)):
        raise RefusedError("UnsupportedOperation", f"{name}: {unknown[0]}: not part of this cloud (see docs/cloud.md)")
    if missing := sorted(set(action.needed) - set(values)):
        raise invalid(code, missing[0], None, "Member must not be null")
    for each, value in values.items():
        kind = known[each]
        fits = isinstance(value, kind)
        if kind is int:
            fits = isinstance(value, int) and not isinstance(value, bool) and abs(value) <= LARGEST
        if not fits:
            raise RefusedError("SerializationException", f"{name}: {each}: {KINDS[kind]} is expected")


def invalid(code: str, name: str, value: Any, constraint: str) -> RefusedError:
    """The error for a value, in AWS's words."""
    said = "null" if value is None else f"'{value}'"
    return RefusedError(
        code, f"1 validation error detected: Value {said} at '{name}' failed to satisfy constraint: {constraint}"
    )


def reply(
    values: Mapping[str, Any] | None = None, status: int = 200, headers: Mapping[str, str] | None = None
) -> Reply:
    """An answer. Without values it has no body."""
    own = {"Content-Type": TYPE, "x-amzn-RequestId": str(uuid4())}
    return Reply(status, {**own, **(headers or {})}, [json.dumps(values).encode()] if values is not None else [])


def error(code: str, message: str) -> bytes:
    """The body of an error."""
    return json.dumps({"__type": code, "message": message}).encode()
