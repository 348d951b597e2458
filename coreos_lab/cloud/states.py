"""EC2's states of an instance, by their numbers."""

from __future__ import annotations

PENDING, RUNNING, SHUTTING_DOWN, ENDED, STOPPING, STOPPED = 0, 16, 32, 48, 64, 80
NAMES = {
    PENDING: "pending",
    RUNNING: "running",
    SHUTTING_DOWN: "shutting-down",
    ENDED: "terminated",
    STOPPING: "stopping",
    STOPPED: "stopped",
}
