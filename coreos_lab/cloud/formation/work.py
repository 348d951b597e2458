"""The work on single resources of a stack: each step is on record before it is done, so that it can be undone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from functools import partial
from secrets import token_hex
from threading import RLock
from typing import Any

from coreos_lab.cloud.formation import comparing, intrinsics, signals, stack_policy, tags
from coreos_lab.cloud.formation.call import TAGS, Attributes, Call, Kind, code_of
from coreos_lab.cloud.formation.errors import invalid
from coreos_lab.cloud.formation.intrinsics import Scope
from coreos_lab.cloud.formation.kinds import KINDS
from coreos_lab.cloud.formation.patience import PATIENCE, find, reason_of, until, without
from coreos_lab.cloud.formation.stack import Leaving, Made, Stack, Stacks
from coreos_lab.cloud.formation.template import Template

EXISTS = ("AlreadyExists", "AlreadyAssociated", "AlreadyOwned", "Duplicate", "AlreadyAttached")
REPLACES = "Requested update requires the creation of a new physical resource; hence creating one."
REFUSED = ("UPDATE_IN_PROGRESS", "UPDATE_FAILED")  # of a resource to which nothing was done


class Work:
    """`client` returns boto3's client for a service, `scope` what names mean for a stack."""

    def __init__(
        self,
        stacks: Stacks,
        lock: RLock,
        client: Callable[[str], Any],
        scope: Callable[[Template, Stack], Scope],
    ) -> None:
        self.stacks, self.lock, self.client, self.scope = stacks, lock, client, scope

    def properties(self, stack: Stack, template: Template, name: str) -> dict[str, Any]:
        """A resource's properties without functions, with the stack's tags."""
        resource = template.resources[name]
        kind = KINDS[resource.type]
        its: dict[str, Any] = intrinsics.resolve(resource.properties, self.scope(template, stack))
        if TAGS not in kind.properties:
            return its
        return tags.with_those_of_stack(its, stack.tags, propagated=kind.propagates)

    def make(self, stack: Stack, template: Template, name: str) -> None:
        """Creates a resource."""
        made = stack.resources[name]
        made.absent = True  # until its properties are known
        with self._told(stack, name, "CREATE_FAILED"), self.lock:
            made.properties = self.properties(stack, template, name)
            made.policy = self._resolved(stack, template, template.resources[name].update or {})
            stack.signals.pop(name, None)
        made.absent = False
        self.say_of(stack, name, "CREATE_IN_PROGRESS")
        self._create(stack, template, name, "CREATE")

    def bring(self, stack: Stack, template: Template, name: str) -> None:
        """Makes a resource what the template says: creates, updates or replaces it, or leaves it alone."""
        made = stack.resources.get(name)
        if made is None:
            with self.lock:
                stack.resources[name] = Made(template.resources[name].type)
            self.make(stack, template, name)
            return
        with self._told(stack, name, "UPDATE_FAILED"), self.lock:
            its = self.properties(stack, template, name)
            made.policy = self._resolved(stack, template, template.resources[name].update or {})
        kind = KINDS[made.type]
        if not comparing.changed(made.properties, its):
            return
        replaced = comparing.is_replaced(kind, made.properties, its)
        with self._told(stack, name, "UPDATE_FAILED"):
            action = stack_policy.REPLACE if replaced else stack_policy.MODIFY
            if reason := stack_policy.denial(stack.policy_of_update, action, name, made.type):
                raise invalid(reason)
        if replaced:
            self._replace(stack, template, name, its)
        else:
            self._update(stack, name, kind, its)

    def _resolved(self, stack: Stack, template: Template, policy: dict[str, Any]) -> dict[str, Any]:
        """A policy of a resource without functions."""
        found: dict[str, Any] = intrinsics.resolve(policy, self.scope(template, stack))
        return found

    def _replace(self, stack: Stack, template: Template, name: str, its: dict[str, Any]) -> None:
        """The old resource stays until the cleanup."""
        kind = KINDS[stack.resources[name].type]
        with self._told(stack, name, "UPDATE_FAILED"), self.lock:
            old = stack.resources[name]
            if kind.name in its and its[kind.name] == old.properties.get(kind.name):
                why = "CloudFormation cannot update a stack when a custom-named resource requires replacing."
                raise invalid(f"{why} Rename {its[kind.name]} and update the stack again.")
            stack.signals.pop(name, None)
            self.say_of(stack, name, "UPDATE_IN_PROGRESS", REPLACES)
            fresh = Made(old.type, properties=its, seed=token_hex(6), policy=old.policy)
            stack.resources[name] = fresh
            self.say_of(stack, name, "UPDATE_IN_PROGRESS", "Resource creation Initiated")
        self._create(stack, template, name, "UPDATE")

    def _create(self, stack: Stack, template: Template, name: str, verb: str) -> None:
        made = stack.resources[name]
        with self._told(stack, name, f"{verb}_FAILED"):
            wanted = signals.awaited(self._resolved(stack, template, template.resources[name].creation or {}))
            call = self.call(stack, name, made)
            made_of = KINDS[made.type].make(call, deepcopy(made.properties))
            if wanted.count:
                made.physical = made_of[0]
                signals.await_them(call.signals, wanted, call.wait)
        with self.lock:
            made.physical, made.attributes = made_of
            self.say_of(stack, name, f"{verb}_COMPLETE")

    def _update(self, stack: Stack, name: str, kind: Kind, its: dict[str, Any]) -> None:
        made = stack.resources[name]
        with self.lock:
            old, made.properties = made.properties, its
            self.say_of(stack, name, "UPDATE_IN_PROGRESS")
        with self._told(stack, name, "UPDATE_FAILED"):
            found = kind.update(self.call(stack, name, made), made.physical, deepcopy(old), deepcopy(its))
        self._updated(stack, name, made.attributes, found)

    def _updated(self, stack: Stack, name: str, before: Attributes, found: tuple[str, Attributes]) -> None:
        with self.lock:
            made = stack.resources[name]
            made.physical, made.attributes, made.drift = found[0], {**before, **found[1]}, None
            self.say_of(stack, name, "UPDATE_COMPLETE")

    def restore(self, stack: Stack, name: str, old: Made, needs: list[str], *, skip: bool) -> None:
        """Makes a resource what it was before the update. What replaced it is left to the cleanup.

        `needs` are the names that the replacement depends on. `skip`: the resource is taken to be what it was.
        """
        made = stack.resources[name]
        if made.seed != old.seed:
            with self.lock:
                stack.leaving.append(Leaving(name, made, needs))
                stack.resources[name] = deepcopy(old)
                self.say_of(stack, name, "UPDATE_COMPLETE")
        elif comparing.changed(made.properties, old.properties):
            self.say_of(stack, name, "UPDATE_IN_PROGRESS")
            made.policy = old.policy
            found: tuple[str, Attributes] = (made.physical, {})
            with self._told(stack, name, "UPDATE_FAILED"):
                before, after = deepcopy(made.properties), deepcopy(old.properties)
                if not skip:
                    found = KINDS[made.type].update(self.call(stack, name, made), made.physical, before, after)
            made.properties = deepcopy(old.properties)
            self._updated(stack, name, old.attributes, found)
        elif made.status in REFUSED:
            self.say_of(stack, name, "UPDATE_COMPLETE")

    def remove(self, stack: Stack, logical: str, made: Made, *, patient: bool) -> bool:
        """Deletes a resource; returns whether it is gone. One that was never made is gone.

        `patient`: waits for what still depends on it to go.
        """
        kind, call = KINDS[made.type], self.call(stack, logical, made)
        self.note(stack, logical, made, "DELETE_IN_PROGRESS")
        try:
            ids = self._ids(stack, made, kind, call)
        except Exception as error:
            self.note(stack, logical, made, "DELETE_FAILED", reason_of(error))
            return False
        for physical in ids:
            delete = partial(kind.delete, call, physical, deepcopy(made.properties))
            reason = without(delete, PATIENCE if patient else 0.0)
            if reason:
                self.note(stack, logical, made, "DELETE_FAILED", reason)
                return False
        self.note(stack, logical, made, "DELETE_COMPLETE")
        return True

    def _ids(self, stack: Stack, made: Made, kind: Kind, call: Call) -> list[str]:
        """The ids that a resource has or may have; "" where its kind finds it by its name or its properties."""
        if made.physical:
            return [made.physical]
        if kind.resource:
            return find(call, kind.resource, stack.known())
        return [] if made.absent else [""]

    def call(self, stack: Stack, logical: str, made: Made) -> Call:
        """What a kind needs to work on a resource."""
        own = {"stack-name": stack.name, "stack-id": stack.id, "logical-id": logical}
        tags = tuple((f"aws:cloudformation:{key}", value) for key, value in own.items())
        return Call(self.client, tags, until, made.seed, lambda: dict(stack.signals.get(logical, {})), made.policy)

    def say(self, stack: Stack, status: str, reason: str = "") -> None:
        """Records a stack's own state."""
        with self.lock:
            stack.say(status, reason)
            self.stacks.save(stack)

    def say_of(self, stack: Stack, name: str, status: str, reason: str = "") -> None:
        """Records the state of a stack's resource."""
        self.note(stack, name, stack.resources[name], status, reason)

    def note(self, stack: Stack, logical: str, made: Made, status: str, reason: str = "") -> None:
        """Records the state of a resource, which need not be the one that has the logical name now."""
        with self.lock:
            stack.note(logical, made, status, reason)
            self.stacks.save(stack)

    @contextmanager
    def _told(self, stack: Stack, name: str, status: str) -> Iterator[None]:
        """Records why the block failed."""
        try:
            yield
        except Exception as error:
            made = stack.resources[name]
            made.absent |= not made.physical and any(each in code_of(error) for each in EXISTS)
            self.say_of(stack, name, status, reason_of(error))
            raise
