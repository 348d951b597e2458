"""Instance refresh: replaces a group's instances a few at a time, so that enough of them serve meanwhile.

What a refresh has left to do is on record with its group, so it goes on after a restart of the cloud's process.
Source: AWS's "How an instance refresh works".
"""

from __future__ import annotations

from math import ceil

from coreos_lab.cloud.scaling.group import SERVICE, Group, Member


def step(group: Group, failed: set[str], moment: float) -> list[Member]:
    """Takes the next step of a group's refresh, and returns the members that are to be replaced now.

    `failed` are the instances that a load balancer calls unhealthy, `moment` is the time.
    """
    one = group.refresh
    if one is None:
        return []
    serving = [each for each in group.members if each.state == SERVICE and each.healthy and each.instance not in failed]
    one.old = [name for name in one.old if any(each.instance == name for each in group.members)]
    ready = [each for each in serving if each.instance in one.old or moment - each.serving >= one.warmup]
    settled = len(group.members) == len(ready) == group.desired
    if one.status == "Cancelling":
        if len(group.members) == len(serving):
            one.end("Cancelled")
        return []
    one.status = "InProgress"
    if not one.old:
        if settled:
            one.end("Successful")
        return []
    room = len(ready) - ceil(group.desired * one.least / 100)
    if settled:  # the percentage never stops a refresh altogether
        room = max(room, 1)
    return [each for each in ready if each.instance in one.old][: max(room, 0)]
