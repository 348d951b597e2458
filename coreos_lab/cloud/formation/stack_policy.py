"""Stack policies: which resources of a stack an update may modify, replace or delete.

A stack without a policy allows everything. With one, a statement has to allow a change, and none may deny it.
"""

from __future__ import annotations

from typing import Any

from coreos_lab.cloud.formation.errors import invalid
from coreos_lab.cloud.policy import matches, statements, texts

MODIFY, REPLACE, DELETE = "Update:Modify", "Update:Replace", "Update:Delete"
ACTIONS = (MODIFY, REPLACE, DELETE, "Update:*")
PARTS = {"Effect", "Action", "NotAction", "Principal", "Resource", "NotResource", "Condition"}
ALLOW, DENY = "Allow", "Deny"
LOGICAL = "LogicalResourceId/"
CONDITIONS = ("StringEquals", "StringLike")
Statement = dict[str, Any]


def check(document: str) -> str:
    """The policy itself. RefusedError for one that is none, or that this cloud would not keep to."""
    for statement in statements(document, _wrong):
        if unknown := sorted(set(statement) - PARTS):
            raise _wrong(f"{unknown[0]}: not part of this cloud")
        if statement.get("Effect") not in (ALLOW, DENY):
            raise _wrong("a statement needs an Effect, Allow or Deny")
        if statement.get("Principal") != "*":
            raise _wrong("a statement needs the Principal *")
        _one_of(statement, "Action", lambda text: text in ACTIONS)
        _one_of(statement, "Resource", lambda text: text == "*" or text.startswith(LOGICAL))
        for operator, condition in statement.get("Condition", {}).items():
            if operator not in CONDITIONS or set(condition) != {"ResourceType"}:
                raise _wrong(f"Condition {operator}: this cloud has {' and '.join(CONDITIONS)} of ResourceType")
    return document


def _one_of(statement: Statement, part: str, is_right: Any) -> None:
    named = [key for key in (part, f"Not{part}") if key in statement]
    if len(named) != 1:
        raise _wrong(f"a statement needs {part} or Not{part}")
    for text in texts(statement[named[0]]):
        if not is_right(text):
            raise _wrong(f"{named[0]} {text}: unknown")


def _wrong(message: str) -> Exception:
    return invalid(f"Error validating stack policy: {message}")


def denial(document: str, action: str, name: str, type_: str) -> str:
    """Why an update may not do something to a resource, "" where it may."""
    if not document:
        return ""
    about = [
        (number, each["Effect"])
        for number, each in enumerate(statements(document, _wrong), 1)
        if _covers(each, action, name, type_)
    ]
    denying = [number for number, effect in about if effect == DENY]
    if not denying and about:
        return ""
    which = f"Statement [#{denying[0]}]" if denying else "No statement"
    does = "does not allow" if denying else "allows"
    return f"Action denied by stack policy: {which} {does} [{action}] for resource [{LOGICAL}{name}]"


def _covers(statement: Statement, action: str, name: str, type_: str) -> bool:
    actions = statement.get("Action", statement.get("NotAction"))
    by_action = any(each in (action, "Update:*") for each in texts(actions)) == ("Action" in statement)
    resources = statement.get("Resource", statement.get("NotResource"))
    by_name = any(matches(each, f"{LOGICAL}{name}") for each in texts(resources)) == ("Resource" in statement)
    by_type = all(
        any(matches(each, type_) if operator == "StringLike" else each == type_ for each in texts(its["ResourceType"]))
        for operator, its in statement.get("Condition", {}).items()
    )
    return by_action and by_name and by_type
