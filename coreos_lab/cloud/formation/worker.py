"""Creating, rolling back and deleting a stack."""

from __future__ import annotations

import threading
import traceback
from collections.abc import Callable, Iterable
from graphlib import CycleError, TopologicalSorter
from typing import Any

from coreos_lab.cloud.formation import plan
from coreos_lab.cloud.formation import template as templates
from coreos_lab.cloud.formation.exports import Exports
from coreos_lab.cloud.formation.intrinsics import Scope
from coreos_lab.cloud.formation.ordered import in_order
from coreos_lab.cloud.formation.patience import reason_of
from coreos_lab.cloud.formation.stack import GONE, Leaving, Stack, Stacks
from coreos_lab.cloud.formation.template import Template
from coreos_lab.cloud.formation.work import Work
from coreos_lab.cloud.moments import now

ROLLBACK = "ROLLBACK_IN_PROGRESS"


class Worker:
    """Works on stacks. `client` returns boto3's client for a service, `scope` what names mean for a stack."""

    def __init__(self, stacks: Stacks, client: Callable[[str], Any], scope: Callable[[Template, Stack], Scope]) -> None:
        self.stacks, self.client, self.scope = stacks, client, scope
        self.lock = threading.RLock()
        self.exports = Exports(stacks)
        self.work = Work(stacks, self.lock, client, scope)
        self.cancelled: set[str] = set()  # ids of stacks whose update is to be given up

    def begin(self, work: Callable[[Stack], None], stack: Stack) -> None:
        """Lets something go on while the request is answered."""

        def run() -> None:
            try:
                work(stack)
            except Exception as error:
                traceback.print_exc()
                reason = f"{type(error).__name__}: {error}"
                self.work.say(stack, stack.status.replace("IN_PROGRESS", "FAILED"), reason)

        threading.Thread(target=run, daemon=True, name=f"stack {stack.name}").start()

    def hold_imports(self, stack: Stack, template: Template, resources: Iterable[str]) -> str:
        """Records which exports a stack uses, so that they stay. Returns what is missing."""
        with self.lock:
            try:
                names = plan.imports(template, resources, self.scope(template, stack))
                for name in names:
                    self.exports.value(name)
            except Exception as error:
                return f"{reason_of(error)} "
            stack.imports = names
            self.stacks.save(stack)
        return ""

    def create(self, stack: Stack, template: Template) -> None:
        """Makes every resource as soon as those that it needs are there."""
        wanted = plan.wanted(template, self.scope(template, stack))
        failed = self.hold_imports(stack, template, wanted)
        if not failed:
            broken = in_order(
                plan.needs(wanted),
                lambda name: self.work.make(stack, template, name),
                lambda: stack.doomed,
            )
            if broken:
                failed = f"The following resource(s) failed to create: [{', '.join(broken)}]. "
        if not failed:
            failed = self._finish(stack, template)
        if failed or stack.doomed:
            self._give_up(stack, failed)

    def _finish(self, stack: Stack, template: Template) -> str:
        """Completes a stack, unless it is to be deleted; returns why it cannot be."""
        with self.lock:
            if stack.doomed:
                return ""
            try:
                outputs = plan.outputs(template, self.scope(template, stack))
                self.exports.check(stack, outputs)
            except Exception as error:
                return f"{reason_of(error)} "
            stack.outputs = outputs
            self.work.say(stack, "CREATE_COMPLETE")
        return ""

    def _give_up(self, stack: Stack, reason: str) -> None:
        with self.lock:  # whether it is to be deleted does not change meanwhile
            if stack.doomed:
                self.work.say(stack, "DELETE_IN_PROGRESS", "User Initiated")
            elif stack.on_failure == "DO_NOTHING":
                self.work.say(stack, "CREATE_FAILED", reason)
                return
            elif stack.on_failure == "DELETE":
                self.work.say(stack, "DELETE_IN_PROGRESS", reason)
            else:
                self.work.say(stack, ROLLBACK, f"{reason}Rollback requested by user.")
        self.delete(stack)

    def delete(self, stack: Stack) -> None:
        """Removes what there is of a stack, the last one first. What is to be kept is left alone."""
        broken = self.clean(stack, everything(stack))
        if broken:
            reason = f"The following resource(s) failed to delete: [{', '.join(broken)}]. "
            rolled_back = stack.status == ROLLBACK and not stack.doomed
            self.work.say(stack, "ROLLBACK_FAILED" if rolled_back else "DELETE_FAILED", reason)
        elif stack.status == ROLLBACK:
            with self.lock:
                stack.imports = []
                stack.say("ROLLBACK_COMPLETE")
                if stack.doomed:
                    stack.say("DELETE_IN_PROGRESS", "User Initiated")
                self.stacks.save(stack)
            if stack.doomed:
                self.delete(stack)
        else:
            with self.lock:
                stack.ended = now()
                self.work.say(stack, GONE)

    def clean(self, stack: Stack, listed: list[Leaving]) -> list[str]:
        """Deletes resources, what depends on others first. Returns the logical names of those that are still there."""
        broken = []
        for each in in_reverse(listed):
            if each.keep:
                self.work.note(stack, each.logical, each.made, "DELETE_SKIPPED")
            elif not self.work.remove(stack, each.logical, each.made, patient=not each.tried):
                broken.append(each.logical)
                each.tried = True
                continue
            with self.lock:
                if each in stack.leaving:
                    stack.leaving.remove(each)
                    self.stacks.save(stack)
        return broken


def in_reverse(listed: list[Leaving]) -> list[Leaving]:
    """Resources in the order of their deletion: what depends on others first.

    What earlier cleanups have left may depend on a resource that depends on it by now; then the last one goes first.
    """
    needs = {
        index: {other for other, one in enumerate(listed) if one.logical in each.needs and other != index}
        for index, each in enumerate(listed)
    }
    try:
        order = list(TopologicalSorter(needs).static_order())
    except CycleError:
        order = list(range(len(listed)))
    return [listed[index] for index in reversed(order)]


def everything(stack: Stack) -> list[Leaving]:
    """All that was made for a stack, also by updates that failed, with what its deletion does about each.

    A creation that is rolled back deletes what would only be kept once it is complete.
    """
    template = templates.parse(stack.template)
    known = {**(templates.parse(stack.before.template).resources if stack.before else {}), **template.resources}
    kept = ("Retain",) if stack.status == ROLLBACK else ("Retain", "RetainExceptOnCreate")

    def leaving(name: str, made: Any) -> Leaving:
        keep = known[name].deletion in kept or name in stack.retained
        return Leaving(name, made, sorted(plan.needs(known)[name]), keep)

    found = [leaving(name, made) for name, made in stack.resources.items() if made.status not in ("", GONE)]
    for each in stack.leaving:
        each.keep = each.keep or each.logical in stack.retained
        each.tried = False  # what depends on it goes with the stack
        found.append(each)
    there = {each.made.physical for each in found}
    for name, made in stack.before.resources.items() if stack.before else ():
        if made.physical not in there and made.status != GONE:
            found.append(leaving(name, made))
    return found
