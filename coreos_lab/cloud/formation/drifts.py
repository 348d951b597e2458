"""CloudFormation's API: detecting drift, which is done when the request for it is answered."""

from __future__ import annotations

from typing import Any, Protocol

from coreos_lab.cloud.formation import asked_for, drift, shown
from coreos_lab.cloud.formation.asked_for import Asked
from coreos_lab.cloud.formation.errors import invalid
from coreos_lab.cloud.formation.stack import Stack, Stacks
from coreos_lab.cloud.formation.updating import READY
from coreos_lab.cloud.formation.worker import Worker
from coreos_lab.cloud.moments import now

Values = dict[str, Any]


class Owner(Protocol):
    """The stacks of a cloud."""

    stacks: Stacks
    worker: Worker

    def require(self, asked: Asked) -> Stack: ...


class Drifts:
    """Detects and shows drift. A detection's id is that of its stack, as only the last one is kept."""

    def __init__(self, owner: Owner) -> None:
        self.owner = owner

    def _detect_stack_drift(self, asked: Asked) -> Values:
        stack, wanted = self._settled(asked), asked_for.listed(asked, "LogicalResourceIds")
        for name in list(stack.resources):
            if not wanted or name in wanted:
                self._detect(stack, name)
        with self.owner.worker.lock:
            stack.detected = now()
            self.owner.stacks.save(stack)
        return {"StackDriftDetectionId": stack.id.rpartition("/")[2]}

    def _detect_stack_resource_drift(self, asked: Asked) -> Values:
        stack, name = self._settled(asked), asked.get("LogicalResourceId", "")
        if name not in stack.resources:
            raise invalid(f"Resource {name} does not exist for stack {stack.name}")
        self._detect(stack, name)
        return {"StackResourceDrift": drift.shown(stack, name, stack.resources[name])}

    def _settled(self, asked: Asked) -> Stack:
        stack = self.owner.require(asked)
        if stack.status not in (*READY, "UPDATE_ROLLBACK_FAILED"):
            raise invalid(f"Drift detection cannot be performed on stack [{stack.id}] while in {stack.status} state.")
        return stack

    def _detect(self, stack: Stack, name: str) -> None:
        """Asks the API without the lock, as that takes a while."""
        made = stack.resources[name]
        found = drift.detect(stack, made, self.owner.worker.work.call(stack, name, made))
        with self.owner.worker.lock:
            made.drift = found
            self.owner.stacks.save(stack)

    def _describe_stack_drift_detection_status(self, asked: Asked) -> Values:
        name = asked.get("StackDriftDetectionId", "")
        for stack in self.owner.stacks.there():
            if stack.detected and stack.id.endswith(f"/{name}"):
                return {
                    "StackId": stack.id,
                    "StackDriftDetectionId": name,
                    "StackDriftStatus": drift.of_stack(stack),
                    "DetectionStatus": "DETECTION_COMPLETE",
                    "DriftedStackResourceCount": len(drift.drifted(stack)),
                    "Timestamp": stack.detected,
                }
        raise invalid(f"Drift detection with id {name} does not exist")

    def _describe_stack_resource_drifts(self, asked: Asked) -> Values:
        stack, wanted = self.owner.require(asked), asked_for.listed(asked, "StackResourceDriftStatusFilters")
        rows = [drift.shown(stack, name, made) for name, made in shown.begun(stack).items() if made.drift]
        return {"StackResourceDrifts": [row for row in rows if not wanted or row["StackResourceDriftStatus"] in wanted]}
