"""Making, rolling back and deleting a stack, step by step: each is on record before it is done."""

from __future__ import annotations

import threading
import time
import traceback
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from graphlib import TopologicalSorter
from typing import Any

from coreos_lab.cloud.formation import intrinsics, plan
from coreos_lab.cloud.formation.call import Call
from coreos_lab.cloud.formation.errors import invalid
from coreos_lab.cloud.formation.intrinsics import Scope
from coreos_lab.cloud.formation.kinds import KINDS
from coreos_lab.cloud.formation.stack import Stack, Stacks, now
from coreos_lab.cloud.formation.template import Template
from coreos_lab.cloud.sigv4 import RefusedError

AT_ONCE = 8  # resources that are made at the same time
PATIENCE = 120.0  # seconds for an instance to run or to end, and for what depends on a resource to go
POLL = 0.2


class Worker:
    """Works on stacks. `client` returns boto3's client for a service, `scope` what names mean for a stack."""

    def __init__(self, stacks: Stacks, client: Callable[[str], Any], scope: Callable[[Template, Stack], Scope]) -> None:
        self.stacks, self.client, self.scope = stacks, client, scope
        self.lock = threading.RLock()
        self.cancelled: set[str] = set()  # ids of stacks that are to be deleted when their present work is over

    def begin(self, work: Callable[[Stack], None], stack: Stack) -> None:
        """Lets something go on while the request is answered."""

        def run() -> None:
            try:
                work(stack)
            except Exception as error:
                traceback.print_exc()
                with self.lock:
                    stack.say(stack.status.replace("IN_PROGRESS", "FAILED"), f"{type(error).__name__}: {error}")
                    self.stacks.save(stack)

        threading.Thread(target=run, daemon=True, name=f"stack {stack.name}").start()

    def create(self, stack: Stack, template: Template) -> None:
        """Makes every resource as soon as those that it needs are there."""
        scope = self.scope(template, stack)
        wanted = plan.wanted(template, scope)
        order = TopologicalSorter(plan.needs(wanted))
        order.prepare()
        failed = ""
        with ThreadPoolExecutor(AT_ONCE) as pool:
            running: dict[Future[None], str] = {}
            while order.is_active():
                for name in order.get_ready() if not failed else ():
                    running[pool.submit(self._make, stack, template, name)] = name
                if not running:
                    break
                for done in wait(running, return_when=FIRST_COMPLETED).done:
                    name = running.pop(done)
                    if error := done.exception():
                        failed = failed or f"The following resource(s) failed to create: [{name}]. "
                        self._say_of(stack, name, "CREATE_FAILED", reason_of(error))
                    else:
                        order.done(name)
                if stack.id in self.cancelled:
                    failed = failed or "Stack creation was cancelled by a deletion. "
        if not failed:
            self._finish(stack, template)
        if failed or stack.id in self.cancelled:
            self._give_up(stack, failed)

    def _give_up(self, stack: Stack, reason: str) -> None:
        if stack.id in self.cancelled:
            self._say(stack, "DELETE_IN_PROGRESS", "User Initiated")
            self.delete(stack)
        elif stack.on_failure == "DO_NOTHING":
            self._say(stack, "CREATE_FAILED", reason)
        elif stack.on_failure == "DELETE":
            self._say(stack, "DELETE_IN_PROGRESS", reason)
            self.delete(stack)
        else:
            self._say(stack, "ROLLBACK_IN_PROGRESS", f"{reason}Rollback requested by user.")
            self.delete(stack)

    def _make(self, stack: Stack, template: Template, name: str) -> None:
        resource = template.resources[name]
        with self.lock:
            properties = intrinsics.resolve(resource.properties, self.scope(template, stack))
            stack.resources[name].properties = properties
        self._say_of(stack, name, "CREATE_IN_PROGRESS")
        physical, attributes = KINDS[resource.type].make(self._call(stack, name), properties)
        with self.lock:
            made = stack.resources[name]
            made.physical, made.attributes = physical, attributes
        self._say_of(stack, name, "CREATE_COMPLETE")

    def _call(self, stack: Stack, name: str) -> Call:
        tags = {"stack-name": stack.name, "stack-id": stack.id, "logical-id": name}
        return Call(self.client, tuple((f"aws:cloudformation:{key}", value) for key, value in tags.items()), _until)

    def _finish(self, stack: Stack, template: Template) -> None:
        scope = self.scope(template, stack)
        outputs = []
        for key, output in template.outputs.items():
            condition = output.get("Condition")
            if condition and not intrinsics.holds({"Condition": condition}, scope):
                continue
            value = str(intrinsics.resolve(output["Value"], scope))
            note = {"Description": str(output["Description"])} if "Description" in output else {}
            outputs.append({"OutputKey": key, "OutputValue": value, **note})
        with self.lock:
            stack.outputs = outputs
        self._say(stack, "CREATE_COMPLETE")

    def delete(self, stack: Stack) -> None:
        """Removes what there is of a stack, the last one first. What is to be kept is left alone."""
        from coreos_lab.cloud.formation import template as templates

        template = templates.parse(stack.template)
        there = [name for name, made in stack.resources.items() if made.status and made.status != "DELETE_COMPLETE"]
        needs = plan.needs({name: template.resources[name] for name in there})
        broken = []
        for name in reversed(list(TopologicalSorter(needs).static_order())):
            if template.resources[name].kept:
                self._say_of(stack, name, "DELETE_SKIPPED")
                continue
            if not self._remove(stack, name):
                broken.append(name)
        if broken:
            reason = f"The following resource(s) failed to delete: [{', '.join(broken)}]. "
            self._say(stack, "ROLLBACK_FAILED" if stack.status == "ROLLBACK_IN_PROGRESS" else "DELETE_FAILED", reason)
        elif stack.status == "ROLLBACK_IN_PROGRESS":
            self._say(stack, "ROLLBACK_COMPLETE")
            if stack.id in self.cancelled:
                self._say(stack, "DELETE_IN_PROGRESS", "User Initiated")
                self.delete(stack)
        else:
            with self.lock:
                stack.ended = now()
            self._say(stack, "DELETE_COMPLETE")

    def _remove(self, stack: Stack, name: str) -> bool:
        """Removes one resource; returns whether it is gone. One that was never made is gone."""
        made = stack.resources[name]
        kind, call = KINDS[made.type], self._call(stack, name)
        physical = made.physical or (_find(call, kind.resource) if kind.resource else "")
        self._say_of(stack, name, "DELETE_IN_PROGRESS")
        if physical or not kind.resource:
            error = _try(lambda: kind.delete(call, physical, made.properties))
            if error:
                self._say_of(stack, name, "DELETE_FAILED", error)
                return False
        self._say_of(stack, name, "DELETE_COMPLETE")
        return True

    def _say(self, stack: Stack, status: str, reason: str = "") -> None:
        with self.lock:
            stack.say(status, reason)
            self.stacks.save(stack)

    def _say_of(self, stack: Stack, name: str, status: str, reason: str = "") -> None:
        with self.lock:
            stack.say_of(name, status, reason)
            self.stacks.save(stack)


def _try(delete: Callable[[], None]) -> str:
    """Why a resource cannot be deleted, "" once it is gone. What still depends on it may go meanwhile."""
    end = time.monotonic() + PATIENCE
    while True:
        try:
            delete()
        except Exception as error:
            code = getattr(error, "response", {}).get("Error", {}).get("Code", "")
            if code.startswith("NoSuch") or code.endswith("NotAttached") or "NotFound" in code:
                return ""
            if code != "DependencyViolation" or time.monotonic() > end:
                return reason_of(error)
            time.sleep(POLL)
        else:
            return ""


def _find(call: Call, kind: str) -> str:
    """The id of a resource whose making was interrupted, by its tags; "" where nothing was made."""
    wanted = dict(call.tags)
    listed = call.ec2.describe_tags(Filters=[{"Name": "resource-type", "Values": [kind]}])["Tags"]
    tags: dict[str, dict[str, str]] = {}
    for each in listed:
        tags.setdefault(each["ResourceId"], {})[each["Key"]] = each["Value"]
    return next((name for name, own in tags.items() if wanted.items() <= own.items()), "")


def _until(true: Callable[[], bool], missing: str) -> None:
    end = time.monotonic() + PATIENCE
    while not true():
        if time.monotonic() > end:
            raise invalid(f"{missing} within {PATIENCE:g} s")
        time.sleep(POLL)


def reason_of(error: BaseException) -> str:
    """An error in one line, as an event has it."""
    if isinstance(error, RefusedError):
        return error.message
    said = getattr(error, "response", {}).get("Error", {})
    return f"{said['Message']} ({said['Code']})" if said else f"{type(error).__name__}: {error}"
