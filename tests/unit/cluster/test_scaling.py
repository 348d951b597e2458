"""Who may leave, in which order, and what becomes of the units: with a provider of paper and an etcd of lists."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from coreos_lab.clients import etcd, ssh
from coreos_lab.clients.etcd import Member
from coreos_lab.clients.fleet import Machine, Unit, UnitState
from coreos_lab.clients.http import CannotCheckError
from coreos_lab.cluster import leaving, lifecycle, running_units, scaling, work
from coreos_lab.commands import scale as command
from coreos_lab.errors import LabError, UsageError
from coreos_lab.model import Cluster, FaultKind, Node, NodeState
from coreos_lab.node_plans import check_count, grown, shrunk
from coreos_lab.observed import membership, unit_states
from coreos_lab.observed.observation import Observation
from coreos_lab.observed.unit_states import NodeUnit
from coreos_lab.providers import cables
from coreos_lab.providers.base import ZonedProvider
from coreos_lab.records import fault_journal, store
from coreos_lab.wait import DeadlineError
from tests.unit.cluster.listed import members
from tests.unit.paper import stands_for

Planned = Callable[..., Cluster]
PAPER: Any = None  # a provider that nothing is asked of
ONE, TWO = Machine("aaa", "172.17.8.101", {}), Machine("bbb", "172.17.8.102", {})


def unit(name: str, machine: str = "", **options: str) -> Unit:
    found = tuple(("X-Fleet", option, value) for option, value in options.items())
    return Unit(name, "launched", "launched", machine, found)


def active(name: str, machine: str) -> UnitState:
    return UnitState(name, machine, "loaded", "active", "running")


def test_the_highest_numbers_leave_and_new_ones_join(planned: Planned) -> None:
    cluster = planned(nodes=4)
    assert [node.name for node in shrunk(cluster, 2).leaving] == ["core-03", "core-04"]
    assert shrunk(cluster, 4) == cluster
    assert shrunk(cluster, 9) == cluster
    bigger = grown(cluster, 7)
    assert [(node.name, node.joins, node.member) for node in bigger.nodes[4:]] == [
        ("core-05", True, True),
        ("core-06", True, False),
        ("core-07", True, False),
    ]
    assert not any(node.joins for node in bigger.nodes[:4])
    assert grown(cluster, 3) == cluster


def test_who_is_leaving_does_not_come_back(planned: Planned) -> None:
    assert [node.name for node in shrunk(shrunk(planned(), 1), 3).leaving] == ["core-02", "core-03"]


def test_who_joins_and_who_leaves_is_kept_on_disk(planned: Planned) -> None:
    cluster = shrunk(grown(planned(), 5), 4)
    store.save(cluster)
    assert store.load("core") == cluster


@pytest.mark.parametrize("count", [-1, 0, 100])
def test_a_number_that_no_cluster_has(count: int) -> None:
    with pytest.raises(UsageError, match=f"scale {count}: must be from 1 to 99"):
        check_count(count)


@pytest.mark.parametrize(
    ("nodes", "healthy", "says"),
    [
        (3, 3, ""),
        (3, 2, ""),
        (3, 1, "etcd has no majority: 1 of its 3 members are healthy"),
        (5, 3, ""),
        (5, 2, "etcd has no majority: 2 of its 5 members are healthy"),
        (2, 1, "etcd has no majority: 1 of its 2 members are healthy"),
        (1, 1, ""),
    ],
)
def test_a_change_needs_a_majority(planned: Planned, nodes: int, healthy: int, says: str) -> None:
    all_nodes = planned(nodes=nodes).nodes
    why = leaving.unsafe(members(*all_nodes), {node.peer_url for node in all_nodes[:healthy]})
    assert why.startswith(says)
    assert bool(why) == bool(says)


def test_a_member_that_never_started_counts(planned: Planned) -> None:
    one = planned(nodes=1).nodes[0]
    announced = Member("x", "", ("http://172.17.8.102:2380",))
    assert leaving.unsafe([*members(one), announced], {one.peer_url})


def test_units_that_run_elsewhere_are_not_waited_for() -> None:
    units = [unit("a.service", "aaa"), unit("b.service", "bbb")]
    up = {"a.service", "b.service"}
    assert running_units.waiting(["a.service", "b.service"], units, up, [ONE, TWO], {}) == running_units.Waiting((), {})
    left = running_units.waiting(["a.service", "b.service"], units, up, [ONE], {})
    assert left == running_units.Waiting(("b.service",), {}), "what runs on a machine that goes still has to move"


def test_units_that_no_machine_can_run_are_named_with_the_reason() -> None:
    units = [unit("w@1.service", "aaa", Conflicts="w@*.service"), unit("w@2.service", "", Conflicts="w@*.service")]
    found = running_units.waiting(["w@1.service", "w@2.service"], units, {"w@1.service"}, [ONE], {})
    assert found.late == ()
    assert "w@2.service: no machine can run it: Conflicts=w@*.service" in found.stranded["w@2.service"]


def test_a_follower_waits_for_its_peer_and_is_stranded_with_it() -> None:
    kick = unit("kick.service", "", MachineOf="web.service")
    after = unit("after.service", "", MachineOf="kick.service")
    names = ["web.service", "kick.service", "after.service"]
    found = running_units.waiting(names, [unit("web.service"), kick, after], set(), [ONE], {})
    assert (found.late, found.stranded) == (("after.service", "kick.service", "web.service"), {})
    found = running_units.waiting(
        names, [unit("web.service", "", MachineMetadata="gpu=yes"), kick, after], set(), [ONE], {}
    )
    assert found.late == ()
    assert sorted(found.stranded) == sorted(names)


def test_a_unit_that_is_starting_is_waited_for() -> None:
    assert running_units.waiting(["a.service"], [unit("a.service", "aaa")], set(), [ONE], {}).late == ("a.service",)


class Paper:
    """A cluster on paper: machines, etcd's members and fleet's machines; it notes what was done, and the plan then."""

    name = "paper"
    boot_deadline = 0.3
    boots_at_once: int | None = None
    own_clocks = False

    def __init__(self, cluster: Cluster) -> None:
        self.states = {node.name: NodeState.RUNNING for node in cluster.nodes}
        self.members = members(*(node for node in cluster.nodes if node.member))
        self.done: list[str] = []
        self.refuse = 0

    def state(self, _cluster: Cluster, node: Node) -> NodeState:
        return self.states.get(node.name, NodeState.ABSENT)

    def destroy(self, _cluster: Cluster, nodes: list[Node]) -> None:
        (node,) = nodes
        planned = store.load("core")
        assert planned is not None
        assert node.name in [each.name for each in planned.leaving], "on record before it is done"
        self.done.append(f"destroy {node.name}")
        self.states.pop(node.name, None)


@pytest.fixture(autouse=True)
def tables(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The tables of faults that are in the kernel."""
    found: list[str] = []
    monkeypatch.setattr(cables, "cuts", lambda _network: list(found))
    monkeypatch.setattr(cables, "mend", found.remove)
    return found


@pytest.fixture
def paper(planned: Planned, monkeypatch: pytest.MonkeyPatch) -> Any:
    provider = Paper(planned(nodes=7))

    class FakeEtcd:
        def __init__(self, _addresses: object) -> None: ...

        def members(self) -> list[Member]:
            return list(provider.members)

        def remove_member(self, which: str) -> None:
            if provider.refuse:
                provider.refuse -= 1
                raise CannotCheckError("etcd: nobody answers", details="HTTP 500: unhealthy cluster")
            provider.done.append(f"remove {which}")
            provider.members = [member for member in provider.members if member.id != which]

    def healthy(address: str, **_options: object) -> bool:
        name = f"core-0{int(address.rpartition('.')[2]) - 100}"
        return provider.states.get(name) is NodeState.RUNNING

    def drain(_cluster: Cluster, node: Node, _provider: object) -> bool:
        provider.done.append(f"drain {node.name}")
        return True

    def units(_cluster: Cluster, _wanted: object) -> dict[str, str]:
        provider.done.append("units")
        return {}

    monkeypatch.setattr(leaving, "Etcd", FakeEtcd)
    monkeypatch.setattr(etcd, "is_healthy", healthy)
    monkeypatch.setattr(leaving, "leave_fleet", drain)
    monkeypatch.setattr(running_units, "wanted", lambda _cluster: set())
    monkeypatch.setattr(running_units, "wait_for", units)
    monkeypatch.setattr(leaving, "SETTLE", 0.05)
    monkeypatch.setattr(ssh, "forget", lambda *_: None)
    return provider


def on_record(cluster: Cluster) -> Cluster:
    store.save(cluster)
    return cluster


def test_units_first_then_the_vote_then_the_machine(planned: Planned, paper: Any) -> None:
    left, stranded = scaling.shrink(on_record(shrunk(planned(nodes=7), 4)), paper)
    assert sorted(paper.done[:3]) == ["drain core-05", "drain core-06", "drain core-07"]
    assert paper.done[3:] == [
        "units",
        "destroy core-07",
        "destroy core-06",
        "remove id-core-05",
        "destroy core-05",
    ]
    assert (left, stranded) == (planned(nodes=4), {})
    assert store.load("core") == left


def test_the_dead_go_first_and_their_faults_with_them(planned: Planned, paper: Any) -> None:
    cluster = on_record(shrunk(planned(nodes=5), 3))
    paper.states["core-04"] = NodeState.STOPPED
    fault_journal.record(cluster, FaultKind.KILL, "core-04")
    scaling.shrink(cluster, paper)
    assert [line for line in paper.done if "destroy" in line] == ["destroy core-04", "destroy core-05"]
    assert fault_journal.open_faults(cluster) == []


def test_the_next_machine_in_its_place_has_a_whole_cable(planned: Planned, paper: Any, tables: list[str]) -> None:
    """The rules name the cable, which has the same name then, and only the journal knows whose they are."""
    cluster = on_record(shrunk(planned(nodes=4), 3))
    fault = fault_journal.record(cluster, FaultKind.ISOLATE, "core-04")
    tables += [cables.table(cluster.network, fault.id), "of another fault"]
    scaling.shrink(cluster, paper)
    assert tables == ["of another fault"]


def test_a_zone_does_not_stay_closed_for_a_node_that_has_left(planned: Planned, paper: Any) -> None:
    @stands_for(ZonedProvider)
    class Zoned(Paper):
        def __getattr__(self, name: str) -> Any:
            return lambda _cluster, *words: self.done.append(f"{name} {' '.join(words)}")

    cluster = on_record(shrunk(planned(nodes=4), 3))
    fault_journal.record(cluster, FaultKind.ZONE, "core-04", before="i-4 us-west-2a")
    zoned = Zoned(cluster)
    zoned.states, zoned.members, zoned.done = paper.states, paper.members, paper.done
    scaling.shrink(cluster, zoned)  # type: ignore[arg-type]
    assert "open_zone us-west-2a" in paper.done
    assert fault_journal.open_faults(cluster) == []


def test_etcds_own_no_is_heeded_and_asked_again(planned: Planned, paper: Any) -> None:
    paper.refuse = 2
    scaling.shrink(on_record(shrunk(planned(), 2)), paper)
    assert paper.done[-2:] == ["remove id-core-03", "destroy core-03"]


def test_what_was_begun_is_finished(planned: Planned, paper: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lifecycle, "bring_up", lambda _c, _p: lifecycle.Brought())
    paper.members = [member for member in paper.members if member.name != "core-03"]  # killed after that
    assert scaling.finish(on_record(shrunk(planned(), 2)), paper) == planned(nodes=2)
    assert not any(line.startswith("remove") for line in paper.done)
    assert scaling.finish(planned(), paper) == planned()


def test_a_fault_on_a_node_that_stays_is_refused(planned: Planned, paper: Any) -> None:
    cluster = on_record(shrunk(planned(), 2))
    fault_journal.record(cluster, FaultKind.PAUSE, "core-01")
    with pytest.raises(LabError, match=r"core-01: is broken .pause.") as refused:
        scaling.shrink(cluster, paper)
    assert refused.value.hint == "run 'lab heal' first"
    assert paper.done == []


def test_a_node_that_stays_and_is_off_is_refused(planned: Planned, paper: Any) -> None:
    paper.states["core-02"] = NodeState.STOPPED
    with pytest.raises(LabError, match="core-02: is stopped"):
        scaling.shrink(on_record(shrunk(planned(), 2)), paper)
    assert paper.done == []


def test_no_majority_is_refused(planned: Planned, paper: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    paper.states["core-02"] = paper.states["core-03"] = NodeState.STOPPED
    paper.members = members(*planned().nodes)
    monkeypatch.setattr(etcd, "is_healthy", lambda _address, **_options: False)
    with pytest.raises(LabError, match="core: etcd has no majority: 0 of its 3 members are healthy"):
        scaling.shrink(on_record(shrunk(planned(), 1)), paper)
    assert paper.done == []


def test_a_member_that_stays_and_is_ill_is_named(planned: Planned, paper: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    paper.members = members(*planned().nodes)
    monkeypatch.setattr(etcd, "is_healthy", lambda address, **_options: not address.endswith("102"))
    with pytest.raises(DeadlineError, match="etcd is not healthy on core-02"):
        scaling.shrink(on_record(shrunk(planned(), 2)), paper)
    assert paper.done == []


def test_a_node_on_its_way_out_is_not_made_again(planned: Planned) -> None:
    cluster = shrunk(planned(nodes=5), 3)
    off = dict.fromkeys([node.name for node in cluster.nodes], NodeState.STOPPED)
    assert [node.name for node in work.work_for(Observation(cluster, off)).touched] == [
        "core-01",
        "core-02",
        "core-03",
    ]
    few = shrunk(planned(), 1)
    off = {"core-01": NodeState.STOPPED, "core-02": NodeState.STOPPED, "core-03": NodeState.ABSENT}
    assert [node.name for node in work.work_for(Observation(few, off)).touched] == ["core-01", "core-02"], (
        "etcd needs its vote to let it go"
    )


def test_members_that_come_later_are_announced(planned: Planned, monkeypatch: pytest.MonkeyPatch) -> None:
    cluster = grown(planned(), 7)
    before = {node.name: NodeState.ABSENT if node.joins else NodeState.RUNNING for node in cluster.nodes}
    assert [node.name for node in work.work_for(Observation(cluster, before)).joining] == ["core-04", "core-05"]
    fresh = planned()
    assert work.work_for(Observation(fresh, dict.fromkeys(before, NodeState.ABSENT))).joining == ()
    one_lost = {"core-01": NodeState.RUNNING, "core-02": NodeState.RUNNING, "core-03": NodeState.ABSENT}
    for listed, late in ((members(*fresh.nodes), ["core-03"]), (None, [])):  # None: no first majority yet
        monkeypatch.setattr(membership, "listed", lambda _nodes, listed=listed: listed)
        assert [node.name for node in work.work_for(Observation(fresh, one_lost)).joining] == late


def test_a_unit_that_was_broken_before_is_nobodys_loss(planned: Planned, monkeypatch: pytest.MonkeyPatch) -> None:
    class Listed:
        def __init__(self, _addresses: object) -> None: ...

        def machines(self) -> list[Machine]:
            return [ONE, TWO]

        def units(self) -> list[Unit]:
            off = Unit("off.service", "inactive", "inactive", "", ())
            return [unit("good.service", "aaa"), unit("bad.service", "aaa"), unit("all.service", Global="true"), off]

        def states(self) -> list[UnitState]:
            bad = UnitState("bad.service", "aaa", "loaded", "failed", "failed")
            return [active("good.service", "aaa"), active("all.service", "bbb"), bad]

    monkeypatch.setattr(running_units, "Fleet", Listed)
    assert running_units.wanted(planned()) == {"good.service", "all.service"}


def test_a_global_unit_is_waited_for_on_every_machine(planned: Planned, monkeypatch: pytest.MonkeyPatch) -> None:
    everywhere = unit("all.service", Global="true")
    up = NodeUnit("all.service", "loaded", "active", "running", invocation="i1", hash=everywhere.hash)
    seen: list[dict[str, NodeUnit]] = [{"core-01": up}, {"core-01": up, "core-02": replace(up, active="activating")}]
    looks: list[list[str]] = []

    class Listed:
        def __init__(self, _addresses: object) -> None: ...

        def machines(self) -> list[Machine]:
            return [ONE, TWO]

        def units(self) -> list[Unit]:
            return [everywhere]

        def states(self) -> list[UnitState]:
            return [active("all.service", "aaa")]

    def look(_cluster: Cluster, nodes: list[Node], _names: list[str]) -> dict[str, dict[str, NodeUnit]]:
        looks.append([node.name for node in nodes])
        there = seen.pop(0) if seen else {"core-01": up, "core-02": up}
        return {name: {"all.service": found} for name, found in there.items()}

    monkeypatch.setattr(running_units, "Fleet", Listed)
    monkeypatch.setattr(unit_states, "look", look)
    assert running_units.wait_for(planned(), {"all.service"}) == {}
    assert looks == [["core-01", "core-02"]] * 3
    lacking = unit("all.service", Global="true", MachineMetadata="gpu=yes")
    found = running_units.waiting(["all.service"], [lacking], set(), [ONE, TWO], {})
    assert list(found.stranded) == ["all.service"], "no machine has what it needs"


@pytest.fixture
def same(planned: Planned, monkeypatch: pytest.MonkeyPatch) -> Cluster:
    """A cluster that has the number of nodes that is asked for; etcd lists two of its three members."""
    cluster = planned()
    monkeypatch.setattr(scaling, "observe", lambda of, _provider: Seen(of, members(*cluster.nodes[:2])))
    monkeypatch.setattr(running_units, "wanted", lambda _cluster: {})
    monkeypatch.setattr(running_units, "wait_for", lambda *_args: {})
    monkeypatch.setattr(
        lifecycle, "bring_up", lambda _c, _p: lifecycle.Brought(mended=("core-03 is a member of etcd again",))
    )
    return cluster


class Seen(Observation):
    """All nodes run; the faults are those on record, and etcd lists some members."""

    def __init__(self, cluster: Cluster, listed: list[Member] | None) -> None:
        states = {node.name: NodeState.RUNNING for node in cluster.nodes}
        super().__init__(cluster, states, tuple(fault_journal.open_faults(cluster)))
        self.__dict__["members"] = listed


def test_a_removed_member_is_mended_at_the_same_size(same: Cluster) -> None:
    assert scaling.converge(same, PAPER, 3) == (same, {}, ("core-03 is a member of etcd again",))


def test_a_removed_member_beside_a_fault_is_refused(same: Cluster) -> None:
    fault_journal.record(same, FaultKind.KILL, "core-01")
    with pytest.raises(LabError, match=r"core-01: is broken \(kill\)") as refused:
        scaling.converge(same, PAPER, 3)
    assert "lab heal" in refused.value.hint


def test_what_is_broken_on_purpose_stays_so_at_the_same_size(
    same: Cluster, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Also where the broken node is the one that etcd does not list: lose-data may have done that."""
    fault_journal.record(same, FaultKind.KILL, "core-03")
    assert scaling.converge(same, PAPER, 3) == (same, {}, ())
    store.save(same)
    monkeypatch.setattr(command, "choose", lambda _name: PAPER)
    command.scale("core", 3, as_json=False)
    out = capsys.readouterr().out
    assert out == "Cluster core has 3 nodes.\nBroken on purpose: core-03 (kill). 'lab heal' undoes that.\n"
