"""What an update would change, as far as that is known before: for change sets, and to refuse an empty update."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from graphlib import TopologicalSorter
from typing import Any

from coreos_lab.cloud.formation import comparing, intrinsics, plan, tags
from coreos_lab.cloud.formation.call import TAGS
from coreos_lab.cloud.formation.intrinsics import Scope
from coreos_lab.cloud.formation.kinds import KINDS
from coreos_lab.cloud.formation.stack import Stack
from coreos_lab.cloud.formation.template import Resource, Template
from coreos_lab.cloud.sigv4 import RefusedError

UNKNOWN = "{{changeSet:KNOWN_AFTER_APPLY}}"  # stands for what is only known once the update has made it
ATTRIBUTES = {"Metadata": "metadata", "DeletionPolicy": "deletion", "UpdateReplacePolicy": "replacement"}
Found = Callable[[str], tuple[str, str, Mapping[str, str]] | None]
Values = dict[str, Any]


@dataclass
class Planner:
    """`old` is the template that the stack has; `stack` has the values that are proposed, and what was made so far.

    `scope` makes a scope of a function that says what a resource is called and what attributes it has. `wanted` are
    the resources whose condition holds. `uncertain` has those whose attributes, or all of which, may change.
    """

    stack: Stack
    before: Stack
    old: Template
    new: Template
    scope: Callable[[Found], Scope]
    wanted: Mapping[str, Resource]
    uncertain: dict[str, str] = field(default_factory=dict)

    def changes(self) -> list[Values]:
        """A change for each resource that is added, modified or removed."""
        found = []
        for name in TopologicalSorter(plan.needs(self.wanted)).static_order():
            made = self.stack.resources.get(name)
            if made is None:
                self.uncertain[name] = "all"
                found.append(_change("Add", name, "", self.wanted[name].type))
            elif change := self._modification(self.wanted[name]):
                found.append(change)
        template = self.old.resources
        for name, made in self.stack.resources.items():
            if name not in self.wanted:
                kept = template[name].deletion != "Delete"
                policy = {"PolicyAction": "Retain" if kept else "Delete"}
                found.append(_change("Remove", name, made.physical, made.type, **policy))
        return found

    def outputs_differ(self) -> bool:
        """Whether the stack's outputs would change. What is not known yet does."""
        try:
            return plan.outputs(self.new, self.scope(self._made)) != self.stack.outputs
        except RefusedError:  # a function of a value that is not known yet
            return True

    def _made(self, name: str) -> tuple[str, str, Mapping[str, str]] | None:
        if name not in self.wanted:
            return None
        made, type_ = self.stack.resources.get(name), self.new.resources[name].type
        kind = KINDS[type_]
        if made is None or self.uncertain.get(name) == "all":
            return type_, UNKNOWN, dict.fromkeys(kind.attributes, UNKNOWN)
        if name in self.uncertain:
            return type_, made.physical, {**made.attributes, **dict.fromkeys(kind.volatile, UNKNOWN)}
        return type_, made.physical, made.attributes

    def _properties(self, resource: Resource) -> Values:
        """A resource's properties, where UNKNOWN stands for what cannot be said yet."""
        scope, kind = self.scope(self._made), KINDS[resource.type]
        its: Values = {}
        for name, raw in resource.properties.items():
            try:
                value = intrinsics.resolve(raw, scope)
            except RefusedError:  # a function of a value that is not known yet
                value = UNKNOWN
            if value is not intrinsics.NO_VALUE:
                its[name] = value
        if TAGS in kind.properties:
            its = tags.with_those_of_stack(its, self.stack.tags, propagated=kind.propagates)
        return its

    def _modification(self, resource: Resource) -> Values | None:
        made, kind = self.stack.resources[resource.name], KINDS[resource.type]
        its, before = self._properties(resource), self.old.resources.get(resource.name, resource)
        names = comparing.changed(made.properties, its)
        details, sure, maybe = [], False, False
        for name in names:
            unknown = UNKNOWN in json.dumps(its.get(name), default=str)
            new = comparing.replaces(kind, name, made.properties.get(name), its.get(name))
            sure, maybe = sure or (new and not unknown), maybe or (new and unknown)
            details += self._details(resource, before, name, unknown=unknown, recreation="Always" if new else "Never")
        scope = sorted({"Tags" if name == TAGS else "Properties" for name in names})
        for attribute, part in ATTRIBUTES.items():
            if getattr(before, part) != getattr(resource, part):
                scope.append(attribute)
                details.append(_detail(attribute, "", "Never", "Static", "DirectModification", ""))
        if not scope:
            return None
        if sure or maybe:
            self.uncertain[resource.name] = "all"
        elif kind.volatile and names:
            self.uncertain[resource.name] = "attributes"
        replaced = {"PolicyAction": f"ReplaceAnd{resource.replacement}"} if sure else {}
        return _change(
            "Modify",
            resource.name,
            made.physical,
            made.type,
            **replaced,
            Replacement="True" if sure else "Conditional" if maybe else "False",
            Scope=scope,
            Details=details,
        )

    def _details(
        self, resource: Resource, before: Resource, name: str, *, unknown: bool, recreation: str
    ) -> list[Values]:
        """Why a property changes: parameters, other resources, or the template's own text."""
        raw, attribute = resource.properties.get(name), "Tags" if name == TAGS else "Properties"
        of = "" if name == TAGS else name
        found = []
        for used in sorted(set(intrinsics.names_in(raw))):
            if used in self.new.parameters and self.stack.parameters[used] != self.before.parameters.get(used):
                found.append(_detail(attribute, of, recreation, "Static", "ParameterReference", used))
            elif used in self.uncertain and unknown:
                source = "ResourceReference" if self.uncertain[used] == "all" else "ResourceAttribute"
                found.append(_detail(attribute, of, recreation, "Dynamic", source, used))
        if not found or raw != before.properties.get(name):
            evaluation = "Dynamic" if unknown else "Static"
            found.append(_detail(attribute, of, recreation, evaluation, "DirectModification", ""))
        return found


def _change(action: str, name: str, physical: str, type_: str, **more: Any) -> Values:
    said = {"Action": action, "LogicalResourceId": name, "PhysicalResourceId": physical, "ResourceType": type_}
    policy = {"PolicyAction": more.pop("PolicyAction")} if "PolicyAction" in more else {}
    return {"Type": "Resource", "ResourceChange": {**policy, **said, "Scope": [], "Details": [], **more}}


def _detail(attribute: str, name: str, recreation: str, evaluation: str, source: str, cause: str) -> Values:
    target = {"Attribute": attribute, "Name": name, "RequiresRecreation": recreation}
    return {"Target": target, "Evaluation": evaluation, "ChangeSource": source, "CausingEntity": cause}
