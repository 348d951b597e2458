"""Updating a stack: what has changed is updated or replaced, then what is not needed any more is deleted.

Until that deletion the stack can go back to what it was before, as `Stack.before` has it. So an update that fails, that
is cancelled, or that the end of the cloud's process has interrupted, is rolled back.
"""

from __future__ import annotations

from copy import deepcopy
from graphlib import TopologicalSorter

from coreos_lab.cloud.formation import plan, stack_policy
from coreos_lab.cloud.formation import template as templates
from coreos_lab.cloud.formation.change_set import AVAILABLE, OBSOLETE
from coreos_lab.cloud.formation.errors import invalid
from coreos_lab.cloud.formation.ordered import in_order
from coreos_lab.cloud.formation.patience import reason_of
from coreos_lab.cloud.formation.stack import Leaving, Stack, Version
from coreos_lab.cloud.formation.template import Resource, Template
from coreos_lab.cloud.formation.worker import Worker
from coreos_lab.cloud.moments import now

UPDATE, CLEANUP = "UPDATE_IN_PROGRESS", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"
ROLLBACK, ROLLED_BACK = "UPDATE_ROLLBACK_IN_PROGRESS", "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS"
READY = ("CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE")
LEFT_OVER = "One or more resources could not be deleted."


class Updating:
    """Updates stacks by a worker."""

    def __init__(self, worker: Worker) -> None:
        self.worker, self.work, self.lock = worker, worker.work, worker.lock

    def begin(self, stack: Stack, template: Template, parameters: dict[str, str], tags: dict[str, str]) -> None:
        """Begins an update. The caller holds the lock."""
        made = deepcopy(stack.resources)
        stack.before = Version(stack.template, stack.parameters, stack.tags, made, stack.imports)
        stack.template, stack.parameters, stack.tags, stack.updated = template.text, parameters, tags, now()
        stack.detected = ""
        for each in stack.change_sets:
            if each.execution == AVAILABLE:
                each.execution = OBSOLETE
        self.worker.cancelled.discard(stack.id)
        self.work.say(stack, UPDATE, "User Initiated")
        self.worker.begin(lambda each: self.update(each, template), stack)

    def resume(self, stack: Stack) -> None:
        """Goes on with what the end of the process has interrupted."""
        if stack.status == UPDATE:
            self.work.say(stack, ROLLBACK, "The cloud's process ended while the stack was being updated. ")
        if stack.status == ROLLBACK:
            self.worker.begin(self.roll_back, stack)
        elif stack.status in (CLEANUP, ROLLED_BACK):
            self.worker.begin(self.clean_up, stack)

    def continue_rollback(self, stack: Stack) -> None:
        """Tries again to roll back. The caller holds the lock."""
        self.work.say(stack, ROLLBACK, "User Initiated")
        self.worker.begin(self.roll_back, stack)

    def update(self, stack: Stack, template: Template) -> None:
        """Updates what has changed, as soon as the resources that it needs are updated."""
        wanted = plan.wanted(template, self.worker.scope(template, stack))
        failed = self.worker.hold_imports(stack, template, wanted)
        if not failed:
            broken = in_order(
                plan.needs(wanted),
                lambda name: self.work.bring(stack, template, name),
                lambda: stack.id in self.worker.cancelled,
            )
            if broken:
                verb = "create" if any(stack.resources[name].status == "CREATE_FAILED" for name in broken) else "update"
                failed = f"The following resource(s) failed to {verb}: [{', '.join(broken)}]. "
        failed = failed or self._complete(stack, template, wanted)
        if failed:
            self.work.say(stack, ROLLBACK, failed)
            self.roll_back(stack)
        else:
            self.clean_up(stack)

    def _complete(self, stack: Stack, template: Template, wanted: dict[str, Resource]) -> str:
        """Makes an update final, so that only the cleanup is left; returns why it cannot be."""
        with self.lock:
            assert stack.before is not None  # noqa: S101 - begin has set it
            if stack.id in self.worker.cancelled:
                return "User Initiated"
            try:
                outputs = plan.outputs(template, self.worker.scope(template, stack))
                self.worker.exports.check(stack, outputs)
                for name in [each for each in stack.before.resources if each not in wanted]:
                    self._require_deletion(stack, name)
            except Exception as error:
                return reason_of(error)
            known = templates.parse(stack.before.template).resources
            needs = plan.needs(known)
            for name, old in stack.before.resources.items():
                if name not in wanted:
                    keep = known[name].deletion != "Delete"
                    stack.leaving.append(Leaving(name, stack.resources.pop(name), sorted(needs[name]), keep))
                elif stack.resources[name].seed != old.seed:
                    keep = template.resources[name].replacement == "Retain"
                    stack.leaving.append(Leaving(name, old, sorted(needs[name]), keep))
            stack.outputs, stack.before = outputs, None
            self.work.say(stack, CLEANUP)
        return ""

    def _require_deletion(self, stack: Stack, name: str) -> None:
        made = stack.resources[name]
        if reason := stack_policy.denial(stack.policy_of_update, stack_policy.DELETE, name, made.type):
            raise invalid(reason)

    def roll_back(self, stack: Stack) -> None:
        """Makes every resource what it was before the update."""
        before = stack.before
        assert before is not None  # noqa: S101 - begin has set it
        old, new = templates.parse(before.template), templates.parse(stack.template)
        needs = {name: each & set(before.resources) for name, each in plan.needs(old.resources).items()}
        order = TopologicalSorter({name: needs[name] for name in before.resources})
        depends = plan.needs(new.resources)
        broken = []
        for name in order.static_order():
            own, skip = sorted(depends.get(name, ())), name in stack.skipped
            try:
                self.work.restore(stack, name, before.resources[name], own, skip=skip)
            except Exception:  # the resource's record says what failed
                broken.append(name)
        if broken:
            reason = f"The following resource(s) failed to update: [{', '.join(broken)}]. "
            self.work.say(stack, "UPDATE_ROLLBACK_FAILED", reason)
            return
        with self.lock:
            for name in [each for each in stack.resources if each not in before.resources]:
                keep = new.resources[name].deletion == "Retain"
                stack.leaving.append(Leaving(name, stack.resources.pop(name), sorted(depends[name]), keep))
            stack.template, stack.parameters, stack.tags = before.template, before.parameters, before.tags
            stack.imports, stack.before, stack.skipped = before.imports, None, []
            self.work.say(stack, ROLLED_BACK)
        self.clean_up(stack)

    def clean_up(self, stack: Stack) -> None:
        """Deletes what the stack does not need any more. What cannot be deleted fails neither update nor rollback."""
        broken = self.worker.clean(stack, list(stack.leaving))
        end = stack.status.replace("_CLEANUP_IN_PROGRESS", "")
        self.work.say(stack, end, LEFT_OVER if broken else "")
