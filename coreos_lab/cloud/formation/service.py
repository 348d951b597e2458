"""CloudFormation's API: what changes stacks. Each request is checked whole before anything is done."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from uuid import uuid4

from coreos_lab.cloud import query
from coreos_lab.cloud.formation import asked_for, existing, plan, shapes
from coreos_lab.cloud.formation import template as templates
from coreos_lab.cloud.formation.asked_for import Asked
from coreos_lab.cloud.formation.change_set import EXECUTING
from coreos_lab.cloud.formation.change_sets import ChangeSets
from coreos_lab.cloud.formation.changes import UNKNOWN, Found, Planner
from coreos_lab.cloud.formation.drifts import Drifts
from coreos_lab.cloud.formation.errors import invalid
from coreos_lab.cloud.formation.intrinsics import Scope
from coreos_lab.cloud.formation.reading import Reading
from coreos_lab.cloud.formation.signalling import Signals
from coreos_lab.cloud.formation.stack import GONE, Made, Stack, Stacks
from coreos_lab.cloud.formation.template import Template
from coreos_lab.cloud.formation.updating import READY, UPDATE, Updating
from coreos_lab.cloud.formation.worker import Worker
from coreos_lab.cloud.metadata import ACCOUNT
from coreos_lab.cloud.moments import now
from coreos_lab.cloud.sigv4 import RefusedError
from coreos_lab.model import Cloud

NAMESPACE = "http://cloudformation.amazonaws.com/doc/2010-05-15/"
NOTHING = "No updates are to be performed."


@dataclass
class Proposal:
    """What a stack is to become. `outputs`: they would change, too."""

    template: Template
    parameters: dict[str, str]
    tags: dict[str, str]
    changes: list[dict[str, Any]]
    outputs: bool


class Formation:
    """The stacks of one cloud. `client` returns boto3's client for a service, as any user of the API has one."""

    def __init__(
        self, cloud: Cloud, folder: Path, client: Callable[[str], Any], zones: Callable[[], tuple[str, ...]]
    ) -> None:
        self.cloud, self.zones = cloud, zones
        self.stacks = Stacks(folder)
        self.worker = Worker(self.stacks, client, self.scope)
        self.updating = Updating(self.worker)
        self.parts = (self, Reading(self), ChangeSets(self), Drifts(self), Signals(self))

    def resume(self) -> None:
        """Goes on after a restart: what was being made or updated is rolled back, what was being removed is removed."""
        for stack in self.stacks.all:
            if stack.status == "CREATE_IN_PROGRESS" and stack.doomed:
                stack.say("DELETE_IN_PROGRESS", "User Initiated")
            elif stack.status == "CREATE_IN_PROGRESS":
                stack.say("ROLLBACK_IN_PROGRESS", "The cloud's process ended while the stack was being created. ")
            if stack.status in ("ROLLBACK_IN_PROGRESS", "DELETE_IN_PROGRESS"):
                self.worker.begin(self.worker.delete, stack)
            self.updating.resume(stack)

    def call(self, action: str, asked: Asked) -> bytes:
        """Carries a request out; returns the answer's body."""
        name = query.method(action)
        part = next(each for each in self.parts if hasattr(each, name))
        return query.answer(action, NAMESPACE, getattr(part, name)(asked))

    def scope(self, wanted: Template, stack: Stack, made: Found | None = None) -> Scope:
        """What names mean in a template of a stack. `made` says what there is, if not what the stack has."""
        pseudo = {
            "AccountId": ACCOUNT,
            "Partition": "aws",
            "Region": self.cloud.region,
            "StackId": stack.id,
            "StackName": stack.name,
            "URLSuffix": "amazonaws.com",
        }

        def there(name: str) -> tuple[str, str, Mapping[str, str]] | None:
            found = stack.resources.get(name)
            return (found.type, found.physical, found.attributes) if found else None

        imported = self.worker.exports.value if made is None else self._imported
        return plan.scope(wanted, stack.parameters, pseudo, self.zones(), made or there, imported)

    def _imported(self, name: str) -> str:
        """An export's value for a plan, which does not fail where there is none."""
        try:
            return self.worker.exports.value(name)
        except RefusedError:
            return UNKNOWN

    def arn(self, kind: str, name: str) -> str:
        """A new ARN."""
        return f"arn:aws:cloudformation:{self.cloud.region}:{ACCOUNT}:{kind}/{name}/{uuid4()}"

    def propose(self, stack: Stack, asked: Asked, before: Stack | None) -> Proposal:
        """What a request would make of a stack; `before` is the stack whose previous values it may name."""
        template = templates.parse(asked_for.body(asked, self.worker.client, before))
        shapes.check(template)
        values, tags = asked_for.values(asked, template, before), asked_for.tags(asked, stack.tags)
        existing.check(template.parameters, values, self.worker.client)
        proposed = replace(stack, parameters=values, tags=tags)
        wanted = plan.wanted(template, self.scope(template, proposed))
        asked_for.require_capability(asked_for.capabilities(asked), (each.type for each in wanted.values()))
        other = [name for name, made in stack.resources.items() if name in wanted and wanted[name].type != made.type]
        if other:
            raise invalid(
                "Update of resource type is not permitted. The new template modifies resource type of the following "
                f"resources: [{', '.join(sorted(other))}]"
            )
        old = templates.parse(stack.template) if before is not None else template
        planner = Planner(proposed, stack, old, template, lambda made: self.scope(template, proposed, made), wanted)
        return Proposal(template, values, tags, planner.changes(), planner.outputs_differ())

    def _create_stack(self, asked: Asked) -> dict[str, Any]:
        name, token = asked_for.name(asked), asked.get("ClientRequestToken", "")
        with self.worker.lock:
            there = self.stacks.find(name)
            if there is not None and token and there.token == token:
                return {"StackId": there.id}
            if there is not None:
                raise RefusedError("AlreadyExistsException", f"Stack [{name}] already exists")
            stack = Stack(name, self.arn("stack", name), "", {}, now(), token=token)
            stack.on_failure = asked_for.on_failure(asked)
            stack.protected = asked.get("EnableTerminationProtection") == "true"
            stack.capabilities = asked_for.capabilities(asked)
            stack.policy = asked_for.policy(asked, "StackPolicyBody")
            proposal = self.propose(stack, asked, None)
            self.stacks.all.append(stack)
            self.begin_creation(stack, proposal.template, proposal.parameters, proposal.tags)
        return {"StackId": stack.id}

    def begin_creation(
        self, stack: Stack, template: Template, parameters: dict[str, str], tags: dict[str, str]
    ) -> None:
        """Begins to create a stack. The caller holds the lock."""
        stack.template, stack.parameters, stack.tags = template.text, parameters, tags
        wanted = plan.wanted(template, self.scope(template, stack))
        stack.resources = {name: Made(resource.type) for name, resource in wanted.items()}
        self.worker.work.say(stack, "CREATE_IN_PROGRESS", "User Initiated")
        self.worker.begin(lambda each: self.worker.create(each, template), stack)

    def _update_stack(self, asked: Asked) -> dict[str, Any]:
        with self.worker.lock:
            stack, token = self.require(asked), asked.get("ClientRequestToken", "")
            if token and stack.token == token:
                return {"StackId": stack.id}
            self.require_ready(stack)
            proposal = self.propose(stack, asked, stack)
            if not (proposal.changes or proposal.outputs or proposal.tags != stack.tags):
                raise invalid(NOTHING)
            stack.change_sets = [each for each in stack.change_sets if each.execution != EXECUTING]
            stack.policy = asked_for.policy(asked, "StackPolicyBody") or stack.policy
            stack.policy_of_update = asked_for.policy(asked, "StackPolicyDuringUpdateBody") or stack.policy
            stack.token, stack.capabilities = token, asked_for.capabilities(asked)
            self.updating.begin(stack, proposal.template, proposal.parameters, proposal.tags)
        return {"StackId": stack.id}

    def require_ready(self, stack: Stack) -> None:
        """RefusedError for a stack that cannot be updated as it is."""
        if stack.status not in READY:
            raise invalid(f"Stack:{stack.id} is in {stack.status} state and can not be updated.")

    def _cancel_update_stack(self, asked: Asked) -> dict[str, Any]:
        with self.worker.lock:
            stack = self.require(asked)
            if stack.status != UPDATE:
                raise invalid("CancelUpdateStack cannot be called from current stack status")
            self.worker.cancelled.add(stack.id)
        return {}

    def _continue_update_rollback(self, asked: Asked) -> dict[str, Any]:
        with self.worker.lock:
            stack, skipped = self.require(asked), asked_for.listed(asked, "ResourcesToSkip")
            if stack.status != "UPDATE_ROLLBACK_FAILED":
                raise invalid(f"Stack:{stack.id} is in {stack.status} state and can not continue update rollback.")
            failed = {name for name, made in stack.resources.items() if made.status == "UPDATE_FAILED"}
            if strange := sorted(set(skipped) - failed):
                raise invalid(f"ResourcesToSkip: {strange[0]}: only what failed to roll back can be skipped")
            stack.skipped = skipped
            self.updating.continue_rollback(stack)
        return {}

    def _delete_stack(self, asked: Asked) -> dict[str, Any]:
        with self.worker.lock:
            stack = self.stacks.find(asked.get("StackName", ""))
            if stack is None or stack.status in (GONE, "DELETE_IN_PROGRESS"):
                return {}
            if stack.protected:
                raise invalid(f"Stack [{stack.name}] cannot be deleted while TerminationProtection is enabled")
            if stack.status.startswith("UPDATE_") and stack.is_busy:
                raise invalid(f"Stack [{stack.id}] cannot be deleted while in status {stack.status}")
            retained = asked_for.listed(asked, "RetainResources")
            if retained and stack.status != "DELETE_FAILED":
                raise invalid("Invalid operation on stack: RetainResources is for a stack that is DELETE_FAILED")
            known = {*stack.resources, *(each.logical for each in stack.leaving)}
            if strange := sorted(set(retained) - known):
                raise invalid(f"RetainResources: {strange[0]}: not a resource of the stack")
            if stack.is_busy:  # it is deleted instead of what it is doing
                stack.doomed = True
                self.stacks.save(stack)
                return {}
            before, reason = stack.status, self.worker.exports.in_use(stack)
            stack.retained = retained
            self.worker.work.say(stack, "DELETE_IN_PROGRESS", "User Initiated")
            if reason:
                self.worker.work.say(stack, before, reason)
                return {}
        self.worker.begin(self.worker.delete, stack)
        return {}

    def _update_termination_protection(self, asked: Asked) -> dict[str, Any]:
        with self.worker.lock:
            stack = self.require(asked)
            stack.protected = asked.get("EnableTerminationProtection") == "true"
            self.stacks.save(stack)
        return {"StackId": stack.id}

    def _set_stack_policy(self, asked: Asked) -> dict[str, Any]:
        with self.worker.lock:
            stack = self.require(asked)
            if "StackPolicyBody" not in asked:
                raise invalid("StackPolicyBody is needed; StackPolicyURL is not part of this cloud")
            stack.policy = asked_for.policy(asked, "StackPolicyBody")
            self.stacks.save(stack)
        return {}

    def require(self, asked: Asked) -> Stack:
        """The stack of a request."""
        name = asked.get("StackName", "")
        stack = self.stacks.find(name)
        if stack is None:
            raise invalid(f"Stack with id {name} does not exist")
        return stack
