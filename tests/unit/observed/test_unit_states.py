"""What systemd prints of units, and what its journal remembers of those that it has forgotten."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from coreos_lab import run
from coreos_lab.model import Cluster
from coreos_lab.observed.unit_states import STARTED, STARTING, STOPPING, NodeUnit, look, parse, remembered


def shown(**values: str) -> str:
    return "".join(f"{name}={value}\n" for name, value in values.items())


def test_a_file_of_fleets_is_told_with_its_hash_and_its_time() -> None:
    files = "aa11  web@1.service\0bb22  b.service\0\0001795654700.946678 web@1.service\0001795654701.00 b.service\0\0"
    web = shown(LoadState="loaded", ActiveState="active", SubState="running", InvocationID="i1", Type="simple", Job="")
    other = shown(LoadState="not-found", ActiveState="inactive", SubState="dead", InvocationID="", Job="17")
    found = parse(f"{files}{web}\n{other}", ["web@1.service", "b.service"])
    assert found["web@1.service"] == NodeUnit(
        "web@1.service", "loaded", "active", "running", "simple", "i1", "aa11", "1795654700.946678"
    )
    assert found["b.service"].job
    assert (found["b.service"].hash, found["b.service"].up) == ("bb22", False)


def test_a_node_without_any_file_of_fleets() -> None:
    found = parse("\0\0" + shown(LoadState="not-found", ActiveState="inactive"), ["a.service"])
    assert (found["a.service"].hash, found["a.service"].load) == ("", "not-found")


def test_a_file_that_comes_or_goes_meanwhile() -> None:
    came = parse("\0001.0 a.service\0\0" + shown(ActiveState="inactive"), ["a.service"])["a.service"]
    assert (came.hash, came.loaded_at) == ("", "1.0")
    went = parse("aa  a.service\0\0\0" + shown(ActiveState="inactive"), ["a.service"])["a.service"]
    assert (went.hash, went.loaded_at) == ("aa", "")


def test_a_run_that_began_before_its_file_was_written_is_told() -> None:
    def former(began: str, written: str = "1795719422.098254 a.service\0") -> bool:
        return parse(f"\0{written}\0" + shown(InactiveExitTimestamp=began), ["a.service"])["a.service"].former

    assert former("Thu 2026-11-26 18:57:02.098253 UTC")
    assert not former("Thu 2026-11-26 18:57:02.098254 UTC")
    assert not former(""), "it never ran"
    assert not former("Thu 2026-11-26 18:57:02.098253 UTC", written=""), "no file of fleet's"


def test_what_was_stopped_is_told_from_what_has_ended() -> None:
    def unit(**values: str) -> NodeUnit:
        return parse("\0\0" + shown(ActiveState="inactive", **values), ["a.service"])["a.service"]

    assert unit(ExecMainExitTimestampMonotonic="2000", ActiveExitTimestampMonotonic="1000").stopped
    assert not unit(ExecMainExitTimestampMonotonic="1000", ActiveExitTimestampMonotonic="1001").stopped
    assert not unit(ExecMainExitTimestampMonotonic="1000", ActiveExitTimestampMonotonic="0").stopped, "a oneshot"
    assert not unit().stopped


def test_a_condition_counts_when_it_was_asked() -> None:
    def skipped(**values: str) -> bool:
        return parse("\0\0" + shown(ConditionResult="no", **values), ["a.service"])["a.service"].skipped

    assert skipped(ConditionTimestampMonotonic="5")
    assert not skipped(ConditionTimestampMonotonic="0")


def entry(message: str, invocation: str = "") -> str:
    return json.dumps({"MESSAGE_ID": message, "INVOCATION_ID": invocation})


def test_the_journal_knows_the_last_run() -> None:
    unit = NodeUnit("once.service", active="inactive", type="oneshot")
    assert remembered(unit, "") == unit
    ran = remembered(unit, "\n".join([entry(STARTING, "i1"), entry(STARTED, "i1"), json.dumps({"MESSAGE": "x"})]))
    assert (ran.invocation, ran.stopped) == ("i1", False)
    stopped = remembered(unit, "\n".join([entry(STARTING, "i1"), entry(STOPPING, "i1")]))
    assert stopped.stopped
    assert not remembered(unit, "\n".join([entry(STOPPING, "i1"), entry(STARTED, "i2")])).stopped


def test_the_journal_knows_that_a_condition_kept_the_unit_from_starting() -> None:
    unit = NodeUnit("web.service", active="inactive", type="simple")
    skipped = remembered(unit, entry(STARTED, ""))
    assert (skipped.invocation, skipped.skipped) == ("", True)
    assert not remembered(unit, "\n".join([entry(STARTED, ""), entry(STARTED, "i1")])).skipped, "it holds since"
    later = remembered(unit, "\n".join([entry(STARTED, "i1"), entry(STOPPING, "i1"), entry(STARTED, "")]))
    assert (later.invocation, later.skipped, later.stopped) == ("i1", True, True)


FORGOTTEN = "aa  job.service\0\0001.0 job.service\0\0" + shown(
    LoadState="loaded", ActiveState="inactive", Type="oneshot"
)


@pytest.mark.parametrize(("code", "text"), [(255, ""), (255, '{"MESSAGE_ID": "39f5'), (1, ""), (None, "")])
def test_a_node_whose_journal_cannot_be_read_has_not_answered(
    code: int | None, text: str, planned: Callable[..., Cluster], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a unit that has done its work would pass for one that nobody has started, and be started again."""

    def on_node(argv: list[str], **_options: object) -> run.Completed:
        if "journalctl" not in argv[-1]:
            return run.Completed(tuple(argv), 0, FORGOTTEN, "")
        if code is None:
            raise run.CommandError(run.Completed(tuple(argv), 124, "", "no end within 30 s"))
        return run.Completed(tuple(argv), code, text, "")

    monkeypatch.setattr(run, "run", on_node)
    cluster = planned()
    assert look(cluster, cluster.nodes, ["job.service"]) == {}


def test_a_node_that_hangs_is_one_that_does_not_answer(
    planned: Callable[..., Cluster], monkeypatch: pytest.MonkeyPatch
) -> None:
    def on_node(argv: list[str], **_options: object) -> run.Completed:
        if "core-02" in argv:
            raise run.CommandError(run.Completed(tuple(argv), 124, "", "no end within 30 s"))
        return run.Completed(tuple(argv), 0, "\0\0" + shown(ActiveState="active"), "")

    monkeypatch.setattr(run, "run", on_node)
    cluster = planned()
    assert sorted(look(cluster, cluster.nodes, ["a.service"])) == ["core-01", "core-03"]
