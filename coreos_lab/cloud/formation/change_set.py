"""A change set as it is kept with its stack."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

AVAILABLE, UNAVAILABLE, OBSOLETE = "AVAILABLE", "UNAVAILABLE", "OBSOLETE"
EXECUTING = "EXECUTE_IN_PROGRESS"
COMPLETE, FAILED = "CREATE_COMPLETE", "FAILED"
EMPTY = "The submitted information didn't contain changes. Submit different information to create a change set."


@dataclass
class ChangeSet:
    """What a stack is to become, and what that would change. `kind` is CREATE or UPDATE."""

    name: str
    id: str
    kind: str
    template: str
    parameters: dict[str, str]
    tags: dict[str, str]
    capabilities: list[str]
    created: str
    description: str = ""
    status: str = COMPLETE
    reason: str = ""
    execution: str = AVAILABLE
    changes: list[dict[str, Any]] = field(default_factory=list)
