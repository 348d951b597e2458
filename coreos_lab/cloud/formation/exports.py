"""Exports: outputs of one stack that others import. One that is in use stays as it is."""

from __future__ import annotations

from collections.abc import Iterable

from coreos_lab.cloud.formation.errors import invalid
from coreos_lab.cloud.formation.stack import Stack, Stacks

LEAVING = "DELETE_IN_PROGRESS"


class Exports:
    """The exports of all stacks of a cloud. Whoever asks and then acts holds the stacks' lock."""

    def __init__(self, stacks: Stacks) -> None:
        self.stacks = stacks

    def all(self) -> list[tuple[Stack, str, str]]:
        """Each export with its stack, its name and its value."""
        return [
            (stack, output["ExportName"], output["OutputValue"])
            for stack in self.stacks.there()
            if stack.status != LEAVING
            for output in stack.outputs
            if "ExportName" in output
        ]

    def value(self, name: str) -> str:
        """An export's value. RefusedError where there is none of that name."""
        for _stack, there, value in self.all():
            if there == name:
                return value
        raise invalid(f"No export named {name} found.")

    def importers(self, name: str) -> list[str]:
        """The names of the stacks that use an export."""
        return [
            stack.name
            for stack in self.stacks.there()
            if name in stack.imports or (stack.before is not None and name in stack.before.imports)
        ]

    def in_use(self, stack: Stack) -> str:
        """Why a stack cannot be deleted, "" where nobody needs its exports."""
        return next((why for name in _of(stack.outputs) if (why := self._use(name, "deleted"))), "")

    def check(self, stack: Stack, outputs: Iterable[dict[str, str]]) -> None:
        """RefusedError where a stack's new outputs take an export from another stack that uses it, or a name twice."""
        before, after = _of(stack.outputs), _of(outputs)
        for owner, name, _value in self.all():
            if name in after and owner is not stack:
                raise invalid(f"Export with name {name} is already exported by stack {owner.name}.")
        for name, value in before.items():
            if after.get(name) != value and (why := self._use(name, "updated" if name in after else "deleted")):
                raise invalid(why)

    def _use(self, name: str, change: str) -> str:
        users = self.importers(name)
        return f"Export {name} cannot be {change} as it is in use by {' and '.join(users)}" if users else ""


def _of(outputs: Iterable[dict[str, str]]) -> dict[str, str]:
    found: dict[str, str] = {}
    for each in outputs:
        if (name := each.get("ExportName")) is not None:
            if name in found:
                raise invalid(f"Export with name {name} is exported twice by this stack.")
            found[name] = each["OutputValue"]
    return found
