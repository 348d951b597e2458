"""What an update brings to which nodes: pure values, decided before anything is done."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from coreos_lab import hints
from coreos_lab.errors import UsageError
from coreos_lab.model import Cluster, Offer


@dataclass(frozen=True)
class Target:
    """An update: `image` for the nodes of an update group, "" for all. `resumed`: it was begun before.

    `cluster` is the plan that makes the cluster's update server offer it.
    """

    image: str
    before: str
    group: str
    resumed: bool
    cluster: Cluster


def target(
    cluster: Cluster, has: Mapping[str, str], following: Callable[[str], str], *, group: str = "", back: bool = False
) -> Target:
    """What `lab update` does next.

    `has` is the machine image of each node of the group, by the node's name; `following` says which image comes after
    another. What was begun is finished first, also where the nodes have gone on by themselves. UsageError for a way
    back where there was no update.
    """
    offer = next((each for each in cluster.offers if each.group == group), None)
    general = next((each.image for each in cluster.offers if not each.group), cluster.image)
    # An offer to all takes the place of every other one, so a group that has one of its own is ahead, not behind.
    offered = {each.image for each in cluster.offers if group in ("", each.group)}
    unfinished = offer is not None and (not offer.done or not offered.issuperset(has.values()))
    if offer is not None and unfinished and (offer.back or not back):
        return _to(cluster, offer, resumed=True)
    if back:
        if offer is None:
            of = f"group {group}" if group else f"cluster {cluster.name}"
            raise UsageError(f"--back: {of} has had no update", f"make one: {hints.lab('update')}")
        return _to(cluster, Offer(group, offer.before, offer.image, back=True))
    if group:
        current = offer.image if offer else general
        return _to(cluster, Offer(group, following(current), current))
    ahead = [each.image for each in cluster.offers if each.group and each.image != general]
    return _to(cluster, Offer("", ahead[-1] if ahead else following(general), general))


def _to(cluster: Cluster, offer: Offer, *, resumed: bool = False) -> Target:
    """An offer to all takes the place of every other one."""
    others = [each for each in cluster.offers if offer.group and each.group != offer.group]
    planned = replace(cluster, offers=(*others, offer), image=cluster.image if offer.group else offer.image)
    return Target(offer.image, offer.before, offer.group, resumed, planned)


def finished(reached: Target) -> Cluster:
    """The plan once all nodes have what was offered to them."""
    offers = (replace(each, done=True) if each.group == reached.group else each for each in reached.cluster.offers)
    return replace(reached.cluster, offers=tuple(offers))
