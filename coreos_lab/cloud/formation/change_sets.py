"""CloudFormation's API: change sets, which show what an update or a creation would do, and do it later."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from coreos_lab.cloud.formation import asked_for, change_set, parameters, shown
from coreos_lab.cloud.formation import template as templates
from coreos_lab.cloud.formation.asked_for import Asked
from coreos_lab.cloud.formation.change_set import ChangeSet
from coreos_lab.cloud.formation.errors import invalid
from coreos_lab.cloud.formation.stack import REVIEW, Stack, Stacks
from coreos_lab.cloud.formation.template import Template
from coreos_lab.cloud.formation.updating import Updating
from coreos_lab.cloud.formation.worker import Worker
from coreos_lab.cloud.moments import now
from coreos_lab.cloud.sigv4 import RefusedError

CREATE, UPDATE = "CREATE", "UPDATE"
Values = dict[str, Any]


class Proposed(Protocol):
    """What a stack is to become."""

    template: Template
    parameters: dict[str, str]
    tags: dict[str, str]
    changes: list[Values]
    outputs: bool


class Owner(Protocol):
    """The stacks of a cloud."""

    stacks: Stacks
    worker: Worker
    updating: Updating

    def arn(self, kind: str, name: str) -> str: ...

    def require(self, asked: Asked) -> Stack: ...

    def require_ready(self, stack: Stack) -> None: ...

    def propose(self, stack: Stack, asked: Asked, before: Stack | None) -> Proposed: ...

    def begin_creation(
        self, stack: Stack, template: Template, parameters: dict[str, str], tags: dict[str, str]
    ) -> None: ...


class ChangeSets:
    """Creates, shows, executes and deletes change sets."""

    def __init__(self, owner: Owner) -> None:
        self.owner = owner

    def _create_change_set(self, asked: Asked) -> Values:
        name, kind = asked_for.name(asked, "ChangeSetName"), asked.get("ChangeSetType", UPDATE)
        if kind not in (CREATE, UPDATE):
            raise invalid(f"ChangeSetType {kind}: this cloud has {CREATE} and {UPDATE}")
        with self.owner.worker.lock:
            stack = self._new(asked) if kind == CREATE else self.owner.require(asked)
            if any(each.name == name for each in stack.change_sets):
                raise RefusedError("AlreadyExistsException", f"ChangeSet {name} already exists")
            if kind == UPDATE:
                self.owner.require_ready(stack)
            proposal = self.owner.propose(stack, asked, stack if kind == UPDATE else None)
            made = ChangeSet(
                name,
                self.owner.arn("changeSet", name),
                kind,
                proposal.template.text,
                proposal.parameters,
                proposal.tags,
                asked_for.capabilities(asked),
                now(),
                asked.get("Description", ""),
                changes=proposal.changes,
            )
            if not (proposal.changes or proposal.outputs or proposal.tags != stack.tags):
                made.status, made.reason, made.execution = change_set.FAILED, change_set.EMPTY, change_set.UNAVAILABLE
            if not stack.status:
                stack.template, stack.parameters, stack.tags = made.template, made.parameters, made.tags
                stack.say(REVIEW, "User Initiated")
                self.owner.stacks.all.append(stack)
            stack.change_sets.append(made)
            self.owner.stacks.save(stack)
        return {"Id": made.id, "StackId": stack.id}

    def _new(self, asked: Asked) -> Stack:
        """The stack that a change set is to create: one without resources, until then."""
        name = asked_for.name(asked)
        there = self.owner.stacks.find(name)
        if there is None:
            return Stack(name, self.owner.arn("stack", name), "", {}, now())
        if there.status != REVIEW:
            raise invalid(f"Stack [{name}] already exists and cannot be created again with the changeSet")
        return there

    def _describe_change_set(self, asked: Asked) -> Values:
        with self.owner.worker.lock:
            stack, found = self._find(asked)
            rules = templates.parse(found.template).parameters
            return {
                **_row(stack, found),
                "Parameters": shown.pairs(parameters.shown(rules, found.parameters)),
                "Capabilities": found.capabilities,
                "Tags": [{"Key": key, "Value": value} for key, value in found.tags.items()],
                "Changes": found.changes,
            }

    def _list_change_sets(self, asked: Asked) -> Values:
        with self.owner.worker.lock:
            stack = self.owner.require(asked)
            return {"Summaries": [_row(stack, each) for each in stack.change_sets]}

    def _execute_change_set(self, asked: Asked) -> Values:
        with self.owner.worker.lock:
            stack, found = self._find(asked)
            if found.execution != change_set.AVAILABLE:
                message = f"ChangeSet [{found.id}] cannot be executed in its current status of [{found.status}]"
                raise RefusedError("InvalidChangeSetStatus", message)
            template = templates.parse(found.template)
            if found.kind == UPDATE:
                self.owner.require_ready(stack)
                if asked.get("DisableRollback") == "true":
                    raise RefusedError("UnsupportedOperation", "DisableRollback of an update: not part of this cloud")
            stack.change_sets, stack.capabilities = [found], found.capabilities
            found.execution = change_set.EXECUTING
            if found.kind == CREATE:
                stack.on_failure = asked_for.on_failure(asked)
                self.owner.begin_creation(stack, template, found.parameters, found.tags)
            else:
                stack.policy_of_update = stack.policy
                self.owner.updating.begin(stack, template, found.parameters, found.tags)
        return {}

    def _delete_change_set(self, asked: Asked) -> Values:
        with self.owner.worker.lock:
            stack, found = self._find(asked)
            if found.execution == change_set.EXECUTING:
                message = f"ChangeSet [{found.id}] cannot be deleted in its current status of [{found.status}]"
                raise RefusedError("InvalidChangeSetStatus", message)
            stack.change_sets.remove(found)
            self.owner.stacks.save(stack)
        return {}

    def _find(self, asked: Mapping[str, str]) -> tuple[Stack, ChangeSet]:
        name = asked.get("ChangeSetName", "")
        stacks = [self.owner.require(asked)] if "StackName" in asked else self.owner.stacks.there()
        for stack in stacks:
            for each in stack.change_sets:
                if name == each.id or ("StackName" in asked and name == each.name):
                    return stack, each
        raise RefusedError("ChangeSetNotFound", f"ChangeSet [{name}] does not exist")


def _row(stack: Stack, one: ChangeSet) -> Values:
    return {
        "ChangeSetName": one.name,
        "ChangeSetId": one.id,
        "StackId": stack.id,
        "StackName": stack.name,
        "Description": one.description,
        "CreationTime": one.created,
        "Status": one.status,
        "StatusReason": one.reason,
        "ExecutionStatus": _execution(stack, one),
    }


def _execution(stack: Stack, one: ChangeSet) -> str:
    """How far the execution is: as far as the stack, which no other change set can have changed since."""
    if one.execution != change_set.EXECUTING or stack.is_busy:
        return one.execution
    return "EXECUTE_COMPLETE" if stack.status in ("CREATE_COMPLETE", "UPDATE_COMPLETE") else "EXECUTE_FAILED"
