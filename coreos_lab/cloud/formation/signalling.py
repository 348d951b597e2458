"""CloudFormation's API: takes the signals that a stack's resources wait for."""

from __future__ import annotations

from typing import Any, Protocol

from coreos_lab.cloud.formation.asked_for import Asked
from coreos_lab.cloud.formation.errors import invalid
from coreos_lab.cloud.formation.signals import FAILURE, SUCCESS
from coreos_lab.cloud.formation.stack import Stack, Stacks
from coreos_lab.cloud.formation.worker import Worker


class Owner(Protocol):
    """The stacks of a cloud."""

    stacks: Stacks
    worker: Worker

    def require(self, asked: Asked) -> Stack: ...


class Signals:
    """Takes signals."""

    def __init__(self, owner: Owner) -> None:
        self.owner = owner

    def _signal_resource(self, asked: Asked) -> dict[str, Any]:
        name, status, sender = (asked.get(key, "") for key in ("LogicalResourceId", "Status", "UniqueId"))
        if status not in (SUCCESS, FAILURE):
            raise invalid(f"Status {status}: must be one of {SUCCESS}, {FAILURE}")
        if not sender:
            raise invalid("UniqueId is needed")
        with self.owner.worker.lock:
            stack = self.owner.require(asked)
            if name not in stack.resources:
                raise invalid(f"Resource {name} does not exist for stack {stack.name}")
            if not stack.resources[name].status.endswith("_IN_PROGRESS"):
                raise invalid(f"Resource {name} is in {stack.resources[name].status} state and cannot be signaled")
            stack.signals.setdefault(name, {})[sender] = status
            self.owner.stacks.save(stack)
        return {}
