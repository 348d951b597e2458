"""What a request to CloudFormation says, part by part."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from coreos_lab.cloud.formation import parameters, stack_policy, template_url
from coreos_lab.cloud.formation.errors import invalid
from coreos_lab.cloud.formation.stack import Stack
from coreos_lab.cloud.formation.template import Template
from coreos_lab.cloud.sigv4 import RefusedError

Asked = Mapping[str, str]
NAME = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,127}")
LONGEST = 51200  # bytes of a template in a request: AWS's limit
ON_FAILURE = ("ROLLBACK", "DO_NOTHING", "DELETE")


def name(asked: Asked, key: str = "StackName") -> str:
    """A name that is given to something new."""
    found = asked.get(key, "")
    if not NAME.fullmatch(found):
        part = key[0].lower() + key[1:]
        raise invalid(f"1 validation error detected: Value '{found}' at '{part}' failed to satisfy constraint")
    return found


def body(asked: Asked, client: Callable[[str], Any], stack: Stack | None = None) -> str:
    """The template: of the request, of an object of S3, or the one that the stack has."""
    given = [key for key in ("TemplateBody", "TemplateURL") if key in asked]
    if asked.get("UsePreviousTemplate") == "true":
        if stack is None or given:
            raise invalid("UsePreviousTemplate needs a stack with a template, and no other one in the request")
        return stack.template
    if len(given) != 1:
        raise invalid("Either Template URL or Template Body must be specified.")
    if "TemplateURL" in asked:
        return template_url.read(asked["TemplateURL"], client)
    if len(asked["TemplateBody"].encode()) > LONGEST:
        raise invalid(f"1 validation error detected: templateBody: at most {LONGEST} bytes; more by TemplateURL")
    return asked["TemplateBody"]


def values(asked: Asked, template: Template, stack: Stack | None = None) -> dict[str, str]:
    """The parameters' values: those that are given, those that the stack has, and the template's defaults."""
    given, key = {}, "ParameterKey"
    for each, text in asked.items():
        if match := re.fullmatch(rf"(Parameters\.member\.\d+)\.{key}", each):
            value = asked.get(f"{match[1]}.ParameterValue")
            if asked.get(f"{match[1]}.UsePreviousValue") == "true":
                given[text] = _previous(text, value, stack)
            elif value is None:
                raise invalid(f"Parameters: {text}: ParameterValue is needed")
            else:
                given[text] = value
    return parameters.resolve(template.parameters, given)


def _previous(key: str, value: str | None, stack: Stack | None) -> str:
    begin = f"Invalid input for parameter key {key}. Cannot specify usePreviousValue as true "
    if value is not None:
        raise invalid(f"{begin}and have a parameter value")
    if stack is None or key not in stack.parameters:
        raise invalid(f"{begin}for a parameter key not in the previous template")
    return stack.parameters[key]


def tags(asked: Asked, before: Mapping[str, str]) -> dict[str, str]:
    """The stack's tags; those that it has where the request says nothing of tags."""
    found = {}
    for each, key in asked.items():
        if match := re.fullmatch(r"(Tags\.member\.\d+)\.Key", each):
            found[key] = asked.get(f"{match[1]}.Value", "")
    return found if found or "Tags" in asked else dict(before)


def capabilities(asked: Asked) -> list[str]:
    """What the caller says to know of."""
    return listed(asked, "Capabilities")


def require_capability(known: Iterable[str], types: Iterable[str]) -> None:
    """Whoever makes a stack that has roles must say that they know."""
    if any(each.startswith("AWS::IAM::") for each in types) and not {"CAPABILITY_IAM", "CAPABILITY_NAMED_IAM"} & {
        *known
    }:
        raise RefusedError("InsufficientCapabilitiesException", "Requires capabilities : [CAPABILITY_IAM]")


def policy(asked: Asked, key: str) -> str:
    """A stack policy, "" where the request has none."""
    return stack_policy.check(asked[key]) if asked.get(key) else ""


def on_failure(asked: Asked) -> str:
    """What is done with a stack that cannot be created."""
    chosen = asked.get("OnFailure", "DO_NOTHING" if asked.get("DisableRollback") == "true" else "ROLLBACK")
    if chosen not in ON_FAILURE:
        raise invalid(f"OnFailure {chosen}: must be one of {', '.join(ON_FAILURE)}")
    return chosen


def listed(asked: Asked, key: str) -> list[str]:
    """A list of texts."""
    return [value for each, value in asked.items() if each.startswith(f"{key}.member.")]
