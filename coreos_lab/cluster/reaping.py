"""Members of etcd that are gone for good: etcd 2 keeps them until somebody removes them, and counts their votes."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from urllib.parse import urlsplit

from coreos_lab import events, hints, wait
from coreos_lab.clients import etcd
from coreos_lab.clients.etcd import Etcd, Member
from coreos_lab.clients.http import CannotCheckError
from coreos_lab.cluster import leaving, members
from coreos_lab.errors import LabError
from coreos_lab.model import NodeState
from coreos_lab.observed import node_states
from coreos_lab.observed.observation import Observation

GONE = {NodeState.ABSENT: "its machine is gone", NodeState.STOPPED: "its machine is off"}
PATIENCE = 10.0  # seconds that a member is given to come back: machines boot, and members are elected
DEADLINE = 30.0  # seconds for etcd to let a member go, and for the others to be healthy without it


@dataclass(frozen=True)
class Found:
    """A member that does not answer: its node's name or its URL, and `why` it is removed, or else is not."""

    member: Member
    name: str
    why: str
    goes: bool


def found(now: Observation, there: Sequence[Member], healthy: Collection[str]) -> list[Found]:
    """The members that do not answer, with what becomes of each; `healthy` are the peer URLs of those that do.

    One whose machine runs, or is off by a fault on record, may come back with its data: it stays.
    """
    faults = {fault.node: fault.kind.value for fault in now.faults}
    result = []
    for member in there:
        if set(member.peer_urls) & set(healthy):
            continue
        node = next((node for node in now.cluster.nodes if node.peer_url in member.peer_urls), None)
        if node is None:
            name = member.name or ", ".join(member.peer_urls)
            result.append(Found(member, name, "no node of the cluster has its address", goes=True))
        elif node.name in faults:
            why = f"is broken on purpose ({faults[node.name]}): '{hints.lab('heal')}' brings it back"
            result.append(Found(member, node.name, why, goes=False))
        elif (state := now.state(node)) in GONE:
            result.append(Found(member, node.name, GONE[state], goes=True))
        else:
            why = f"its machine is {state.value}, so it may come back: '{hints.lab('up')}' puts it right"
            result.append(Found(member, node.name, why, goes=False))
    return result


def lasting(look: Callable[[], Observation]) -> tuple[Observation, list[Found]]:
    """Those that do not answer for PATIENCE seconds, and the cluster as it is then; none at once if all are healthy.

    `look` observes the cluster: a machine that is only off between two boots is no machine that is gone.
    UnknownError when no member tells who the members are; LabError when they have no majority.
    """
    now = look()
    there, healthy = now.members, _healthy(now)
    if there is None:
        raise CannotCheckError(f"{now.cluster.name}: no member of etcd answers, so who is gone is unknown")
    first = found(now, there, healthy)
    if not first:
        return now, []

    def back() -> bool:
        healthy.update(_healthy(now))
        return not found(now, there, healthy)

    with suppress(wait.DeadlineError):
        wait.until(back, deadline=wait.patiently(PATIENCE), interval=0.5, missing="")
    now = look()
    healthy = _healthy(now)
    if why := leaving.unsafe(there, healthy):
        raise LabError(
            f"{now.cluster.name}: {why}: none can be removed",
            f"'{hints.lab('heal')}' and '{hints.lab('up')}' start machines again; "
            f"'{hints.lab('restore', '--help')}' is the way from a backup",
        )
    gone = [each.member.id for each in first if each.goes]
    return now, [each if each.member.id in gone else _kept(each) for each in found(now, there, healthy)]


def _kept(each: Found) -> Found:
    """A member whose machine was there at the first look."""
    return (
        replace(each, why="its machine was there a moment ago, so it may come back", goes=False) if each.goes else each
    )


def remove(now: Observation, gone: Sequence[Found]) -> None:
    """Removes members, one at a time; each time, the others are healthy before the next one goes.

    etcd itself refuses what would cost its majority. Raises DeadlineError when it does not let one go.
    """
    for each in gone:
        well = _healthy(now)
        client = Etcd([node.address for node in now.running if node.peer_url in well])
        with events.step("etcd", each.name, "leaves"):
            deadline = wait.patiently(DEADLINE)
            missing = f"{each.name}: etcd does not let it go"
            members.remove(client, each.member.peer_urls, deadline=deadline, missing=missing)
            wait.until(
                lambda well=well: well <= _healthy(now),  # type: ignore[misc]
                deadline=deadline,
                interval=0.2,
                missing=f"etcd is not healthy without {each.name}",
            )


def _healthy(now: Observation) -> set[str]:
    """The peer URLs of the members that say that etcd is healthy, also of those that are no node of the cluster."""
    nodes = [node for node in now.running if node.member]
    asked = dict(zip((node.peer_url for node in nodes), node_states.addresses(nodes), strict=True))
    own = {node.peer_url for node in now.cluster.nodes}
    others = [url for member in now.members or () for url in member.peer_urls if url not in own]
    asked |= {url: host for url in others if (host := urlsplit(url).hostname)}
    if not asked:
        return set()
    with ThreadPoolExecutor(max_workers=len(asked)) as pool:
        well = list(pool.map(partial(etcd.is_healthy, timeout=1.0), asked.values()))
    return {url for url, healthy in zip(asked, well, strict=True) if healthy}
