"""Who may do what with a bucket: the policies of the role that asks, and the bucket's own."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from coreos_lab.cloud import policy
from coreos_lab.cloud.metadata import ACCOUNT
from coreos_lab.cloud.sigv4 import RefusedError

ACCOUNT_ARN = f"arn:aws:iam::{ACCOUNT}:root"
PARTS = {"Sid", "Effect", "Principal", "Action", "Resource"}
SECTIONS = {"Version", "Id", "Statement"}
ABOUT_POLICY = ("s3:GetBucketPolicy", "s3:PutBucketPolicy", "s3:DeleteBucketPolicy")
LONGEST = 20 * 1024  # bytes of a policy: AWS's limit


@dataclass(frozen=True)
class Asker:
    """Who asks. The account's own user has no `role` and may do everything that no policy denies."""

    arn: str = ACCOUNT_ARN
    role: str = ""
    policies: tuple[str, ...] = ()


def arn(bucket: str, key: str = "") -> str:
    """What AWS calls a bucket, or an object in it."""
    return f"arn:aws:s3:::{bucket}/{key}" if key else f"arn:aws:s3:::{bucket}"


def allows(asker: Asker, bucket_policy: str, action: str, resource: str) -> bool:
    """Whether somebody may do something: the role's policies or the bucket's must allow it, and none may deny it."""
    effects = policy.effects(asker.policies, action, resource) if asker.role else {"Allow"}
    if not asker.role and action in ABOUT_POLICY:
        return True  # so that the owner cannot shut themselves out
    for statement in json.loads(bucket_policy)["Statement"] if bucket_policy else ():
        if _is_about(statement, asker) and policy.covers(statement, action, resource):
            effects.add(statement["Effect"])
    return "Allow" in effects and "Deny" not in effects


def _is_about(statement: dict[str, Any], asker: Asker) -> bool:
    """Whether a statement is about somebody.

    A denial for the account is one for its roles. A permission for the account leaves its roles to their own policies.
    """
    own = {asker.arn, asker.role or ACCOUNT_ARN, "*"}
    if statement["Effect"] == "Deny" or not asker.role:
        own |= {ACCOUNT_ARN, ACCOUNT}
    return bool(own & set(_principals(statement)))


def _principals(statement: dict[str, Any]) -> list[str]:
    said = statement.get("Principal")
    if isinstance(said, dict):
        if set(said) != {"AWS"}:
            raise _malformed(f"Principal {said}: not part of this cloud, which knows AWS alone")
        said = said["AWS"]
    return policy.texts(said)


def check(document: bytes, bucket: str, is_role: Callable[[str], bool]) -> str:
    """A bucket's policy as it is stored. RefusedError for one that is none, or that this cloud would not keep to."""
    text = document.decode("utf-8", "replace")
    if len(document) > LONGEST:
        raise RefusedError("PolicyTooLarge", f"a policy has {LONGEST} bytes at most")
    try:
        whole = json.loads(text)
        statements = policy.statements(text)
    except (ValueError, RefusedError):
        raise _malformed("This policy contains invalid Json, or has no Statement") from None
    if unknown := sorted(set(whole) - SECTIONS):
        raise _malformed(f"unknown field {unknown[0]}")
    for each in statements:
        _check(each, bucket, is_role)
    return json.dumps({**whole, "Statement": statements})


def _check(statement: dict[str, Any], bucket: str, is_role: Callable[[str], bool]) -> None:
    if unknown := sorted(set(statement) - PARTS):
        raise _malformed(f"{unknown[0]}: not part of this cloud")
    if statement.get("Effect") not in policy.EFFECTS:
        raise _malformed("Invalid effect: it is Allow or Deny")
    _require(
        policy.texts(statement.get("Action")), lambda each: each == "*" or each.lower().startswith("s3:"), "action"
    )
    own = arn(bucket)
    resources = policy.texts(statement.get("Resource"))
    _require(resources, lambda each: each == own or each.startswith(f"{own}/"), "resource")
    principals = _principals(statement)
    _require(principals, lambda each: each in ("*", ACCOUNT, ACCOUNT_ARN) or is_role(each), "principal")
    if "*" in principals and statement["Effect"] == "Allow":
        raise RefusedError(
            "AccessDenied",
            "public policies are blocked by the BlockPublicPolicy setting, which every bucket of this cloud has",
        )


def _require(values: Iterable[str], holds: Callable[[str], bool], what: str) -> None:
    """RefusedError unless there are values, and each is as it must be."""
    listed = list(values)
    wrong = [each for each in listed if not holds(each)]
    if wrong or not listed:
        raise _malformed(f"Policy has invalid {what}: {wrong[0] if wrong else 'none'}")


def _malformed(message: str) -> RefusedError:
    return RefusedError("MalformedPolicy", message)
