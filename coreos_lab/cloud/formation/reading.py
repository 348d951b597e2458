"""CloudFormation's API: what only reads."""

from __future__ import annotations

import json
from typing import Any, Protocol

from coreos_lab.cloud.formation import asked_for, parameters, plan, shapes, shown
from coreos_lab.cloud.formation import template as templates
from coreos_lab.cloud.formation.asked_for import Asked
from coreos_lab.cloud.formation.errors import invalid
from coreos_lab.cloud.formation.intrinsics import Scope
from coreos_lab.cloud.formation.stack import GONE, Stack, Stacks
from coreos_lab.cloud.formation.template import Template
from coreos_lab.cloud.formation.worker import Worker

Values = dict[str, Any]


class Owner(Protocol):
    """The stacks of a cloud."""

    stacks: Stacks
    worker: Worker

    def scope(self, wanted: Template, stack: Stack) -> Scope: ...

    def require(self, asked: Asked) -> Stack: ...


class Reading:
    """Describes and lists stacks, and what belongs to them."""

    def __init__(self, owner: Owner) -> None:
        self.owner = owner

    def _describe_stacks(self, asked: Asked) -> Values:
        if "StackName" in asked:
            found = [self.owner.require(asked)]
        else:
            found = [stack for stack in self.owner.stacks.all if stack.status != GONE]
        return {"Stacks": [shown.stack(stack) for stack in found]}

    def _list_stacks(self, asked: Asked) -> Values:
        wanted = asked_for.listed(asked, "StackStatusFilter")
        found = [stack for stack in reversed(self.owner.stacks.all) if not wanted or stack.status in wanted]
        return {"StackSummaries": [shown.summary(stack) for stack in found]}

    def _describe_stack_events(self, asked: Asked) -> Values:
        return {"StackEvents": shown.events(self.owner.require(asked))}

    def _describe_stack_resource(self, asked: Asked) -> Values:
        stack, name = self.owner.require(asked), asked.get("LogicalResourceId", "")
        made = shown.begun(stack).get(name)
        if made is None:
            raise invalid(f"Resource {name} does not exist for stack {stack.name}")
        template = templates.parse(stack.template).resources
        metadata = template[name].metadata if name in template else None
        more = {"Metadata": json.dumps(metadata, default=str)} if metadata else {}
        row = shown.resource(stack, name, made, "LastUpdatedTimestamp")
        return {"StackResourceDetail": {"StackName": stack.name, "StackId": stack.id, **row, **more}}

    def _describe_stack_resources(self, asked: Asked) -> Values:
        wanted, physical = asked.get("LogicalResourceId"), asked.get("PhysicalResourceId")
        stack = self._with(physical) if physical else self.owner.require(asked)
        rows = [
            shown.resource(stack, name, made, "Timestamp")
            for name, made in shown.begun(stack).items()
            if wanted in (None, name)
        ]
        return {"StackResources": [{"StackName": stack.name, "StackId": stack.id, **row} for row in rows]}

    def _with(self, physical: str) -> Stack:
        """The stack that a resource belongs to."""
        for stack in self.owner.stacks.there():
            if any(made.physical == physical for made in stack.resources.values()):
                return stack
        raise invalid(f"Stack for {physical} does not exist")

    def _list_stack_resources(self, asked: Asked) -> Values:
        stack = self.owner.require(asked)
        rows = [shown.resource(stack, name, made, "LastUpdatedTimestamp") for name, made in shown.begun(stack).items()]
        return {"StackResourceSummaries": rows}

    def _get_template(self, asked: Asked) -> Values:
        return {"TemplateBody": self.owner.require(asked).template, "StagesAvailable": ["Original"]}

    def _get_stack_policy(self, asked: Asked) -> Values:
        return {"StackPolicyBody": self.owner.require(asked).policy}

    def _get_template_summary(self, asked: Asked) -> Values:
        text = (
            self.owner.require(asked).template
            if "StackName" in asked
            else asked_for.body(asked, self.owner.worker.client)
        )
        template = self._checked(text)
        return {
            "Description": template.description,
            "Parameters": shown.declared(template),
            "ResourceTypes": sorted({each.type for each in template.resources.values()}),
            **shown.needed(template),
        }

    def _validate_template(self, asked: Asked) -> Values:
        template = self._checked(asked_for.body(asked, self.owner.worker.client))
        rows = shown.declared(template)
        parts = ("ParameterKey", "DefaultValue", "NoEcho", "Description")
        listed = [{part: row[part] for part in parts if part in row} for row in rows]
        return {"Description": template.description, "Parameters": listed, **shown.needed(template)}

    def _checked(self, text: str) -> Template:
        """A template with nothing wrong in it, whatever its parameters are."""
        template = templates.parse(text)
        shapes.check(template)
        parameters.check(template.parameters)
        nowhere = Stack("", "", "", dict.fromkeys(template.parameters, ""), "")
        plan.wanted(template, self.owner.scope(template, nowhere))
        return template

    def _list_exports(self, _asked: Asked) -> Values:
        with self.owner.worker.lock:
            rows = [
                {"ExportingStackId": stack.id, "Name": name, "Value": value}
                for stack, name, value in self.owner.worker.exports.all()
            ]
        return {"Exports": rows}

    def _list_imports(self, asked: Asked) -> Values:
        name = asked.get("ExportName", "")
        with self.owner.worker.lock:
            self.owner.worker.exports.value(name)
            users = self.owner.worker.exports.importers(name)
        if not users:
            raise invalid(f"Export '{name}' is not imported by any stack.")
        return {"Imports": users}
