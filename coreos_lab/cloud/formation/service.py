"""CloudFormation's API: what a request asks for, and the answer to it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from uuid import uuid4

from coreos_lab.cloud import query
from coreos_lab.cloud.formation import existing, parameters, plan, template
from coreos_lab.cloud.formation.errors import invalid
from coreos_lab.cloud.formation.intrinsics import Scope
from coreos_lab.cloud.formation.stack import GONE, IN_PROGRESS, Made, Stack, Stacks, now
from coreos_lab.cloud.formation.template import Template
from coreos_lab.cloud.formation.worker import Worker
from coreos_lab.cloud.metadata import ACCOUNT
from coreos_lab.cloud.sigv4 import RefusedError
from coreos_lab.model import Cloud

NAMESPACE = "http://cloudformation.amazonaws.com/doc/2010-05-15/"
NAME = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,127}")
ON_FAILURE = ("ROLLBACK", "DO_NOTHING", "DELETE")
Parameters = Mapping[str, str]


class Formation:
    """The stacks of one cloud. `client` returns boto3's client for a service, as any user of the API has one."""

    def __init__(
        self, cloud: Cloud, folder: Path, client: Callable[[str], Any], zones: Callable[[], tuple[str, ...]]
    ) -> None:
        self.cloud, self.zones = cloud, zones
        self.stacks = Stacks(folder)
        self.worker = Worker(self.stacks, client, self._scope)

    def resume(self) -> None:
        """Goes on after a restart: what was being made is rolled back, what was being removed is removed."""
        for stack in self.stacks.all:
            if stack.status == "CREATE_IN_PROGRESS":
                stack.say("ROLLBACK_IN_PROGRESS", "The cloud's process ended while the stack was being created. ")
            if stack.status in IN_PROGRESS:
                self.worker.begin(self.worker.delete, stack)

    def call(self, action: str, asked: Parameters) -> bytes:
        """Carries a request out; returns the answer's body."""
        return query.answer(action, NAMESPACE, getattr(self, query.method(action))(asked))

    def _scope(self, wanted: Template, stack: Stack) -> Scope:
        pseudo = {
            "AccountId": ACCOUNT,
            "Partition": "aws",
            "Region": self.cloud.region,
            "StackId": stack.id,
            "StackName": stack.name,
            "URLSuffix": "amazonaws.com",
        }

        def made(name: str) -> tuple[str, str, Mapping[str, str]] | None:
            found = stack.resources.get(name)
            return (found.type, found.physical, found.attributes) if found else None

        return plan.scope(wanted, stack.parameters, pseudo, self.zones(), made)

    def _create_stack(self, asked: Parameters) -> dict[str, Any]:
        name, token = asked.get("StackName", ""), asked.get("ClientRequestToken", "")
        if not NAME.fullmatch(name):
            raise invalid(f"1 validation error detected: Value '{name}' at 'stackName' failed to satisfy constraint")
        with self.worker.lock:
            there = self.stacks.find(name)
            if there is not None and token and there.token == token:
                return {"StackId": there.id}
            if there is not None:
                raise RefusedError("AlreadyExistsException", f"Stack [{name}] already exists")
            wanted = template.parse(_body(asked))
            given = _listed(asked, "Parameters", "ParameterKey", "ParameterValue")
            values = parameters.resolve(wanted.parameters, given)
            existing.check(wanted.parameters, values, self.worker.client)
            arn = f"arn:aws:cloudformation:{self.cloud.region}:{ACCOUNT}:stack/{name}/{uuid4()}"
            tags = _listed(asked, "Tags", "Key", "Value")
            stack = Stack(name, arn, wanted.text, values, now(), tags, on_failure=_on_failure(asked), token=token)
            resources = plan.wanted(wanted, self._scope(wanted, stack))
            _require_capability(asked, [each.type for each in resources.values()])
            stack.resources = {each: Made(resource.type) for each, resource in resources.items()}
            stack.say("CREATE_IN_PROGRESS", "User Initiated")
            self.stacks.all.append(stack)
            self.stacks.save(stack)
        self.worker.begin(lambda each: self.worker.create(each, wanted), stack)
        return {"StackId": arn}

    def _delete_stack(self, asked: Parameters) -> dict[str, Any]:
        with self.worker.lock:
            stack = self.stacks.find(asked.get("StackName", ""))
            if stack is None or stack.status in (GONE, "DELETE_IN_PROGRESS"):
                return {}
            if stack.status in IN_PROGRESS:  # it is deleted instead of what it is doing
                self.worker.cancelled.add(stack.id)
                return {}
            stack.say("DELETE_IN_PROGRESS", "User Initiated")
            self.stacks.save(stack)
        self.worker.begin(self.worker.delete, stack)
        return {}

    def _describe_stacks(self, asked: Parameters) -> dict[str, Any]:
        if "StackName" in asked:
            found = [self._require(asked)]
        else:
            found = [stack for stack in self.stacks.all if stack.status != GONE]
        return {"Stacks": [self._shown(stack) for stack in found]}

    def _shown(self, stack: Stack) -> dict[str, Any]:
        shown = parameters.shown(template.parse(stack.template).parameters, stack.parameters)
        return {
            "StackId": stack.id,
            "StackName": stack.name,
            "Description": template.parse(stack.template).description,
            "Parameters": [{"ParameterKey": key, "ParameterValue": value} for key, value in shown.items()],
            "CreationTime": stack.created,
            "DeletionTime": stack.ended,
            "StackStatus": stack.status,
            "StackStatusReason": stack.reason,
            "DisableRollback": str(stack.on_failure == "DO_NOTHING").lower(),
            "Outputs": stack.outputs,
            "Tags": [{"Key": key, "Value": value} for key, value in stack.tags.items()],
        }

    def _describe_stack_events(self, asked: Parameters) -> dict[str, Any]:
        stack = self._require(asked)
        return {
            "StackEvents": [
                {
                    "StackId": stack.id,
                    "EventId": each.id,
                    "StackName": stack.name,
                    "LogicalResourceId": each.logical,
                    "PhysicalResourceId": each.physical,
                    "ResourceType": each.type,
                    "Timestamp": each.moment,
                    "ResourceStatus": each.status,
                    "ResourceStatusReason": each.reason,
                }
                for each in reversed(stack.events)
            ]
        }

    def _describe_stack_resources(self, asked: Parameters) -> dict[str, Any]:
        stack = self._require(asked)
        wanted = asked.get("LogicalResourceId")
        rows = [_row(stack, name, each) for name, each in stack.resources.items() if wanted in (None, name)]
        return {"StackResources": [{"StackName": stack.name, "StackId": stack.id, **row} for row in rows]}

    def _list_stack_resources(self, asked: Parameters) -> dict[str, Any]:
        stack = self._require(asked)
        return {"StackResourceSummaries": [_row(stack, name, each, "Last") for name, each in stack.resources.items()]}

    def _list_stacks(self, asked: Parameters) -> dict[str, Any]:
        wanted = [value for key, value in asked.items() if key.startswith("StackStatusFilter.member.")]
        shown = [self._shown(stack) for stack in reversed(self.stacks.all) if not wanted or stack.status in wanted]
        parts = ("StackId", "StackName", "CreationTime", "DeletionTime", "StackStatus", "StackStatusReason")
        return {"StackSummaries": [{part: each[part] for part in parts} for each in shown]}

    def _get_template(self, asked: Parameters) -> dict[str, Any]:
        return {"TemplateBody": self._require(asked).template, "StagesAvailable": ["Original"]}

    def _validate_template(self, asked: Parameters) -> dict[str, Any]:
        wanted = template.parse(_body(asked))
        nowhere = Stack("", "", "", dict.fromkeys(wanted.parameters, ""), "")
        plan.wanted(wanted, self._scope(wanted, nowhere))
        return {
            "Description": wanted.description,
            "Parameters": [
                {
                    "ParameterKey": name,
                    "DefaultValue": str(rules["Default"]) if "Default" in rules else "",
                    "NoEcho": str(rules.get("NoEcho", False)).lower(),
                    "Description": rules.get("Description", ""),
                }
                for name, rules in wanted.parameters.items()
            ],
        }

    def _require(self, asked: Parameters) -> Stack:
        name = asked.get("StackName", "")
        stack = self.stacks.find(name)
        if stack is None:
            raise invalid(f"Stack with id {name} does not exist")
        return stack


def _row(stack: Stack, name: str, made: Made, last: str = "") -> dict[str, str]:
    return {
        "LogicalResourceId": name,
        "PhysicalResourceId": made.physical,
        "ResourceType": made.type,
        "LastUpdatedTimestamp" if last else "Timestamp": made.changed or stack.created,
        "ResourceStatus": made.status,
        "ResourceStatusReason": made.reason,
    }


def _body(asked: Parameters) -> str:
    if "TemplateBody" not in asked:
        raise invalid("TemplateBody is needed; TemplateURL is not part of this cloud")
    return asked["TemplateBody"]


def _require_capability(asked: Parameters, types: list[str]) -> None:
    """Whoever creates a stack that makes roles must say that they know."""
    said = {value for key, value in asked.items() if key.startswith("Capabilities.member.")}
    if any(each.startswith("AWS::IAM::") for each in types) and not said & {"CAPABILITY_IAM", "CAPABILITY_NAMED_IAM"}:
        raise RefusedError("InsufficientCapabilitiesException", "Requires capabilities : [CAPABILITY_IAM]")


def _on_failure(asked: Parameters) -> str:
    chosen = asked.get("OnFailure", "DO_NOTHING" if asked.get("DisableRollback") == "true" else "ROLLBACK")
    if chosen not in ON_FAILURE:
        raise invalid(f"OnFailure {chosen}: must be one of {', '.join(ON_FAILURE)}")
    return chosen


def _listed(asked: Parameters, name: str, key: str, value: str) -> dict[str, str]:
    """A list of pairs in AWS's query protocol: NAME.member.N.KEY and NAME.member.N.VALUE."""
    found = {}
    for each, text in asked.items():
        if match := re.fullmatch(rf"({name}\.member\.\d+)\.{key}", each):
            if f"{match[1]}.{value}" not in asked:
                raise invalid(f"{name}: {text}: {value} is needed")
            found[text] = asked[f"{match[1]}.{value}"]
    return found
