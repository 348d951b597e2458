"""Clients of an etcd behind real ports, judged by the real judge: what is linearizable passes, what lies does not."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from coreos_lab.chaos.history import clients, registers
from coreos_lab.chaos.history.clients import Clients
from coreos_lab.chaos.history.history import judge as judged_by
from coreos_lab.chaos.history.judgement import Judgement, load
from coreos_lab.chaos.verdict import JUDGEMENT, OPERATIONS, PICTURE
from coreos_lab.model import Outcome
from tests.unit.chaos.history import doubles
from tests.unit.chaos.history.doubles import Member, Store, serving

Make = Callable[..., Judgement]


@pytest.fixture
def judged(tmp_path: Path, judge: Path, monkeypatch: pytest.MonkeyPatch) -> Make:
    """Has clients act on members until so many operations are on record, and judges their history."""
    monkeypatch.setattr(clients, "INTERVAL", 0.01)
    monkeypatch.setattr(clients, "PATIENCE", 10.0)  # a busy machine's answers may be late

    def make(*members: Member, least: int = 400, meanwhile: Callable[[], None] = lambda: None) -> Judgement:
        with serving(*members) as urls, Clients(urls, "/_coreos-lab/run", 60, tmp_path / OPERATIONS) as acting:
            end = time.monotonic() + 60
            while acting.recorded < least and time.monotonic() < end:
                time.sleep(0.01)
                meanwhile()
            for member in members:
                member.mute = member.broken = False
            acting.finish()
            acting.close()
        assert acting.troubles == []
        return judged_by(judge, tmp_path)

    return make


def recorded(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / OPERATIONS).read_text().splitlines()]


def three() -> tuple[Member, Member, Member]:
    store = Store()
    return Member(store), Member(store), Member(store)


def test_an_etcd_that_keeps_its_word(judged: Make, tmp_path: Path) -> None:
    found = judged(*three())
    assert found.outcome is Outcome.PASS
    assert (found.stale, found.pending, found.unjudged) == (0, 0, 0)
    history = recorded(tmp_path)
    assert found.operations == len(history) > 400
    assert {line["node"] for line in history} == {"core-01", "core-02", "core-03"}
    assert len({line["client"] for line in history}) == 7  # two of each member, and the one that reads at the end
    assert {line["op"] for line in history} == {"write", "cas", "read", "local read"}
    assert {line["outcome"] for line in history} == {"ok", "mismatch"}
    written = [line["value"] for line in history if line["op"] in ("write", "cas")]
    assert len(written) == len(set(written))
    assert "answered operations on" in found.words
    assert found.words.endswith(
        "are linearizable; none of " + str(found.local_reads) + " reads without quorum was stale"
    )
    assert load(tmp_path / JUDGEMENT) == found
    assert found.pictured
    assert "<svg" in (tmp_path / PICTURE).read_text()


def test_every_register_is_read_at_the_end(judged: Make, tmp_path: Path) -> None:
    judged(*three())
    last: dict[str, Any] = {line["register"]: line for line in recorded(tmp_path)}
    assert len(last) >= 3
    assert all(line["op"] == "read" and line["client"] == 6 for line in last.values())


def test_a_member_that_lies_about_quorum_reads(judged: Make) -> None:
    first, second, liar = three()
    liar.behind, liar.lies = 1, True
    found = judged(first, second, liar)
    assert found.outcome is Outcome.FAIL
    assert found.wrong
    assert "is not linearizable: core-0" in found.words


def test_a_member_that_forgets_what_it_acknowledged(judged: Make) -> None:
    first, second, liar = three()
    liar.forgets = True
    assert judged(first, second, liar).outcome is Outcome.FAIL


def test_a_member_that_invents_values(judged: Make) -> None:
    first, second, liar = three()
    liar.invents = True
    found = judged(first, second, liar)
    assert found.outcome is Outcome.FAIL
    (node,) = {each.node for each in found.wrong}
    assert node == "core-03"
    name = found.wrong[0].register
    assert f"core-03 answered a read of register {name} with made up, which nobody had written" in found.words
    assert found.pictured == name


def test_a_member_whose_own_copy_is_behind_is_a_finding(judged: Make) -> None:
    first, second, behind = three()
    behind.behind = 2
    found = judged(first, second, behind)
    assert found.outcome is Outcome.PASS
    assert found.stale > 0
    assert list(found.stale_by) == ["core-03"]
    assert found.oldest > 0
    assert f"{found.stale} of {found.local_reads} reads without quorum w" in found.words


def test_a_member_that_answers_with_a_megabyte_is_judged_all_the_same(
    judged: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doubles, "INVENTED", "x" * 600_000)
    first, second, liar = three()
    liar.invents = True
    assert judged(first, second, liar, least=100).outcome is Outcome.FAIL
    assert max(len(str(line["value"])) for line in recorded(tmp_path)) == 100


@pytest.mark.parametrize("trouble", ["mute", "broken"])
def test_what_has_no_answer_is_pending(
    judged: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trouble: str
) -> None:
    monkeypatch.setattr(clients, "PATIENCE", 0.2)
    first, second, silent = three()
    setattr(silent, trouble, True)
    found = judged(first, second, silent)
    assert found.outcome is Outcome.PASS
    unknown = [line for line in recorded(tmp_path) if line["outcome"] == "unknown"]
    changes = [line["node"] for line in unknown if line["op"] in ("write", "cas")]
    assert found.pending == len(changes)
    assert changes.count("core-03") <= 2, "a client without an answer only reads"
    assert "core-03" in {line["node"] for line in unknown}
    assert all(line["detail"] for line in unknown)


def test_a_member_that_is_off_was_never_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clients, "INTERVAL", 0.01)
    first, second, third = three()
    with serving(third) as gone:
        url = gone["core-01"]
    with serving(first, second) as urls, Clients({**urls, "core-03": url}, "/x", 60, tmp_path / OPERATIONS) as acting:
        while acting.recorded < 200:
            time.sleep(0.01)
        acting.close()
    off = [line for line in recorded(tmp_path) if line["node"] == "core-03"]
    assert off
    assert {line["outcome"] for line in off} == {"failed"}


def test_registers_are_not_read_any_more_once_nobody_answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clients, "INTERVAL", 0.01)
    monkeypatch.setattr(registers, "LENGTH", 20)
    with serving(*three()) as urls:
        acting = Clients(urls, "/x", 60, tmp_path / OPERATIONS)
        with acting:
            while acting.recorded < 200:
                time.sleep(0.01)
    acting.finish()
    acting.close()
    last = [line for line in recorded(tmp_path) if line["client"] == 6]
    assert [(line["node"], line["register"]) for line in last] == [(f"core-0{number}", "1") for number in (1, 2, 3)]


def test_too_few_operations_prove_nothing(judged: Make) -> None:
    found = judged(*three(), least=20)
    assert found.outcome is Outcome.UNKNOWN
    assert found.words.startswith("too few operations were answered: ")
