"""The leader is whom more than half of the members name."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from coreos_lab.chaos import leaders
from coreos_lab.chaos.leaders import Leaders
from coreos_lab.model import Cluster
from tests.unit.clients.stub import serving

Stats = tuple[str, str, str]


@pytest.fixture
def asked(planned: Callable[..., Cluster], monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
    """Asks three members, in order; None stands for no answer. Returns who led after each of these rounds."""

    def rounds(*answers: list[Stats | None]) -> list[str]:
        members = planned().members
        watch = Leaders(members)
        for says in answers:
            by_address = dict(zip((node.address for node in members), says, strict=True))
            monkeypatch.setattr(leaders, "_stats", by_address.__getitem__)
            for node in members:
                watch._look(node.address)
        return [leader for _mono, _wall, leader in watch.changes]

    return rounds


def member(number: int, leader: int) -> Stats:
    return f"id{number}", f"core-0{number}", f"id{leader}" if leader else ""


def test_a_leader_that_dies_is_followed_by_another(asked: Callable[..., list[str]]) -> None:
    before = [member(1, 2), member(2, 2), member(3, 2)]
    alone = [member(1, 0), None, member(3, 0)]
    after = [member(1, 3), None, member(3, 3)]
    assert asked(before, before, alone, after) == ["core-02", "", "core-03"]
    assert asked([None, None, None], after) == ["", "core-03"]


def test_what_a_member_said_before_it_died_does_not_count(asked: Callable[..., list[str]]) -> None:
    """The last of three still names the leader that has died with the other one."""
    assert asked([member(1, 2), member(2, 2), member(3, 2)], [member(1, 2), None, None])[-2:] == ["core-02", ""]


def test_one_member_that_is_cut_off_names_nobody(asked: Callable[..., list[str]]) -> None:
    """It still believes in itself; the two others have a leader of their own."""
    assert asked([member(1, 1), member(2, 3), member(3, 3)])[-1] == "core-03"


def test_changes_are_written_down(planned: Callable[..., Cluster], tmp_path: Path) -> None:
    watch = Leaders(planned().members)
    watch.changes = [(1.0, 2.0, "core-01"), (3.0, 4.0, "")]
    watch.record(tmp_path / "leaders.jsonl")
    lines = [json.loads(line) for line in (tmp_path / "leaders.jsonl").read_text().splitlines()]
    assert lines == [{"mono": 1.0, "wall": 2.0, "leader": "core-01"}, {"mono": 3.0, "wall": 4.0, "leader": ""}]


def test_what_a_member_says_of_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    stats = {"id": "8a", "name": "core-01", "state": "StateLeader", "leaderInfo": {"leader": "8a", "uptime": "1m"}}
    with serving() as stub:
        monkeypatch.setattr(leaders, "CLIENT_PORT", int(stub.base.rpartition(":")[2]))
        for body, found in [
            (json.dumps(stats), ("8a", "core-01", "8a")),
            (json.dumps(stats | {"leaderInfo": {"leader": ""}}), ("8a", "core-01", "")),
            ("404 page not found", None),
            ("[]", None),
        ]:
            stub.answers["GET /v2/stats/self"] = (200, body)
            assert leaders._stats("127.0.0.1") == found
    assert leaders._stats("127.0.0.1") is None, "nobody is there any more"
