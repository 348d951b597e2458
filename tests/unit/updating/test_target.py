"""What `lab update` does next."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from coreos_lab.errors import UsageError
from coreos_lab.model import Cluster, Offer
from coreos_lab.updating.target import Target, finished, target

ALL_OLD = {"core-01": "k", "core-02": "k", "core-03": "k"}


def following(image: str) -> str:
    return f"{image}+"


@pytest.fixture
def cluster(planned: Callable[..., Cluster]) -> Cluster:
    """A cluster that was never updated."""
    return replace(planned(), image="k")


def after(cluster: Cluster, has: dict[str, str], *, group: str = "", back: bool = False) -> Target:
    return target(cluster, has, following, group=group, back=back)


def over(begun: Target) -> Cluster:
    """The plan when all nodes of the update have it."""
    return finished(begun)


def all_have(image: str) -> dict[str, str]:
    return dict.fromkeys(ALL_OLD, image)


def test_updates_and_the_way_back(cluster: Cluster) -> None:
    first = after(cluster, ALL_OLD)
    assert (first.before, first.image, first.resumed) == ("k", "k+", False)
    assert first.cluster.offers == (Offer("", "k+", "k"),)
    assert first.cluster.image == "k+", "nodes that are added from now on are made with it"
    second = after(over(first), all_have("k+"))
    assert (second.before, second.image) == ("k+", "k++")
    back = after(over(second), all_have("k++"), back=True)
    assert (back.before, back.image, back.resumed) == ("k++", "k+", False)
    assert after(over(back), all_have("k+")).image == "k++"
    assert after(over(back), all_have("k+"), back=True).image == "k++", "back twice is forth"


def test_nodes_that_have_gone_on_by_themselves_are_not_updated_once_more(cluster: Cluster) -> None:
    begun = after(cluster, ALL_OLD)
    assert (after(begun.cluster, all_have("k+")).image, after(begun.cluster, all_have("k+")).resumed) == ("k+", True)
    assert after(over(begun), {**all_have("k+"), "core-03": "k"}).resumed, "one was off, and has the old one"


def test_what_was_begun_is_finished_first(cluster: Cluster) -> None:
    begun = after(cluster, ALL_OLD).cluster
    for has in (ALL_OLD, {**all_have("k+"), "core-03": "k"}):
        again = after(begun, has)
        assert (again.image, again.resumed, again.cluster) == ("k+", True, begun)
        back = after(begun, has, back=True)
        assert (back.image, back.resumed) == ("k", False), "the way back from halfway"
    for way in (False, True):
        going = after(back.cluster, has, back=way)
        assert (going.image, going.resumed) == ("k", True)


def test_back_without_an_update_is_refused(cluster: Cluster) -> None:
    with pytest.raises(UsageError, match="--back: cluster core has had no update"):
        after(cluster, ALL_OLD, back=True)
    with pytest.raises(UsageError, match="--back: group beta has had no update"):
        after(after(cluster, ALL_OLD).cluster, {"core-01": "k+"}, group="beta", back=True)


def test_a_group_goes_first_and_all_others_follow(cluster: Cluster) -> None:
    canary = after(cluster, {"core-01": "k"}, group="beta")
    assert (canary.image, canary.before) == ("k+", "k")
    assert canary.cluster.image == "k", "nodes that are added belong to no group yet"
    everybody = after(over(canary), {**ALL_OLD, "core-01": "k+"})
    assert (everybody.image, everybody.before) == ("k+", "k")
    assert everybody.cluster.offers == (Offer("", "k+", "k"),)


def test_a_group_alone_goes_back(cluster: Cluster) -> None:
    canary = over(after(cluster, {"core-01": "k"}, group="beta"))
    other = over(after(canary, {"core-02": "k"}, group="alpha"))
    back = after(other, {"core-01": "k+"}, group="beta", back=True)
    assert back.cluster.offers == (Offer("alpha", "k+", "k", done=True), Offer("beta", "k", "k+", back=True))
    assert after(canary, {"core-01": "k+"}, group="beta").image == "k++"


def test_a_group_that_is_ahead_does_not_go_back_to_what_all_had_before(cluster: Cluster) -> None:
    all_updated = over(after(cluster, ALL_OLD))
    ahead = over(after(all_updated, {"core-01": "k+"}, group="beta"))
    followed = after(ahead, {**all_have("k+"), "core-01": "k++"})
    assert (followed.image, followed.before, followed.resumed) == ("k++", "k+", False)
    assert after(ahead, {**all_have("k+"), "core-01": "k++", "core-03": "k"}).resumed, (
        "one was off, and has the old one"
    )
