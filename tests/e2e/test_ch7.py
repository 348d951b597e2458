"""ch7 on real machines: nothing is lost that was acknowledged; without the conductor, the verdict is fail."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.e2e.calls import NODES, Result, checks_pass, comes_to, has_ended, lab, node_of, until
from tests.e2e.conftest import make_whole, undeploy_others

Lab = Callable[..., Result]
# So short that the workers write, are refused and rest several times while something is broken.
WINDOW = "window=20s"
# Each Redis of a member is emptied and knows nobody any more: a copy cannot be flushed, but is emptied by the reset.
BLANK = "for p in 8091 8092 8093; do redis-cli -p $p flushall; redis-cli -p $p cluster reset hard; done"
MOMENTS = 10
KEY = "/services/couchbase/1"
SIDEKICK = "couchbase-sidekick@1.service"
# On a busy host a start may take longer than what is left of the key's 8 s. Nobody minds that it is renewed for longer,
# and a sidekick that stands still does not renew it for less again.
RESTART = (
    f"sudo systemctl kill --signal=STOP {SIDEKICK} && etcdctl update --ttl 600 {KEY} $(etcdctl get {KEY})"
    f" && sudo systemctl restart {SIDEKICK}"
)
STARTED_AT = "docker inspect --format '{{.State.StartedAt}}' web-1"


@pytest.fixture(scope="module")
def stack() -> Iterator[Lab]:
    """A three-node cluster with ch7 on it."""
    make_whole()
    undeploy_others("ch7")
    lab("deploy", "ch7", "--set", WINDOW, "--deadline", "10m")
    yield lab
    lab("heal", code=None)
    lab("undeploy", "ch7")


@pytest.mark.rounds  # `make test-walks` shows it, too
def test_the_conductors_machine_dies_while_workers_write(stack: Lab) -> None:
    verdict = stack("break", "unit:conductor.service", "--verify", "--json").json
    assert verdict["outcome"] == "pass", verdict
    assert 0 < verdict["outages"]["ch7/store"] < 45


def test_without_the_conductor_the_verdict_is_fail(stack: Lab) -> None:
    """The store fails over by itself; but nothing creates new replicas, and nothing adds the machine again."""
    place = node_of("conductor.service")
    victim = next(node for node in NODES if node != place)
    checks_pass("ch7")
    stack("fleetctl", "stop", "conductor.service")
    try:
        until(lambda: has_ended(place, "conductor.service"))  # fleetctl does not wait for that, and it would repair
        # A shard that needs a second vote gets it a minute after the first one, which comes after half a minute.
        verdict = stack("break", victim, "--verify", "--deadline", "120s", "--json", code=1).json
    finally:
        stack("fleetctl", "start", "conductor.service")
        checks_pass("ch7")
    assert verdict["outcome"] == "fail"
    failed = failed_checks(verdict)
    # A shard may be left without a replica, and then acknowledges no write: neither a session's nor a page's.
    assert not failed["recovery while broken"] & {"all data is served", "no acknowledged data is lost"}
    assert "each machine serves its share" in failed["steady state after"]


def failed_checks(verdict: dict[str, Any]) -> dict[str, set[str]]:
    """The names of the checks that failed, by phase."""
    return {
        phase["name"]: {check["name"] for check in phase["checks"] if check["outcome"] == "fail"}
        for phase in verdict["phases"]
    }


def test_a_sidekick_that_is_started_again_costs_nothing(stack: Lab) -> None:
    """Its key stays, so no worker and no web server is started again, and no shard changes its machine."""
    before = owners(stack)
    started = stack("ssh", node_of("web@1.service"), "--", STARTED_AT).out
    stack("ssh", node_of("couchbase@1.service"), "--", RESTART)
    until(lambda: time_to_live(stack) <= 8)  # it renews its key again
    time.sleep(12)  # longer than that lasts
    assert owners(stack) == before
    assert stack("ssh", node_of("web@1.service"), "--", STARTED_AT).out == started


def test_the_conductor_follows_its_configuration(stack: Lab) -> None:
    """A changed value is applied to every Redis node; a deleted one ends the conductor with code 5."""
    stack("etcdctl", "set", "/config/couchbase/ram", "64")
    comes_to(lambda: memory_limit(stack), 64 * 2**20 // 3)
    stack("etcdctl", "rm", "/config/couchbase/ram")
    comes_to(lambda: memory_limit(stack), 500 * 2**20 // 3)
    assert "status=5" in stack("journal", "conductor.service", "--lines", "1000").out


def memory_limit(stack: Lab) -> int:
    """The memory limit of a Redis node, in bytes."""
    command = "docker exec couchbase-1 redis-cli -p 8092 config get maxmemory"
    return int(stack("ssh", node_of("couchbase@1.service"), "--", command).out.split()[-1])


def time_to_live(stack: Lab) -> int:
    """How many seconds the key of the store's first member has left."""
    shown = stack("etcdctl", "-o", "extended", "get", KEY).out
    return int(next(line.split()[1] for line in shown.splitlines() if line.startswith("TTL:")))


def owners(stack: Lab) -> set[str]:
    """The places of the nodes that serve shards, as a member knows them."""
    nodes = stack(
        "ssh", node_of("couchbase@1.service"), "--", "docker exec couchbase-1 redis-cli -p 8091 cluster nodes"
    )
    return {line.split()[1] for line in nodes.out.splitlines() if "master" in line and len(line.split()) > 8}


@pytest.mark.rounds
def test_a_conductor_that_is_killed_while_it_makes_the_store(stack: Lab) -> None:
    workers = [f"worker@{number}.service" for number in range(1, 7)]
    stack("fleetctl", "stop", *workers)  # without a store they would only end and be started again
    for _ in range(MOMENTS):
        stack("fleetctl", "stop", "conductor.service")
        for node in NODES:
            member = "docker exec $(docker ps --format '{{.Names}}' --filter name=^couchbase-)"
            stack("ssh", node, "--", f"{member} sh -c '{BLANK}'")
        stack("fleetctl", "start", "conductor.service")
        place = node_of("conductor.service")
        time.sleep(random.uniform(0, 4))  # noqa: S311 - no secret
        stack("ssh", place, "--", "docker kill conductor", code=None)
        until(lambda: "slots:16384" in formed(stack))


def formed(stack: Lab) -> str:
    """What a member says of the store, in a few words."""
    node = node_of("couchbase@1.service")
    asked = "docker exec couchbase-1 redis-cli -p 8091 cluster"
    told = stack("ssh", node, "--", f"{asked} info; {asked} nodes", code=None).out
    copies = sum(" slave " in line for line in told.splitlines())
    slots = next((line.split(":")[1].strip() for line in told.splitlines() if "slots_ok" in line), "0")
    return f"slots:{slots}" if copies >= 3 else f"copies:{copies}"
