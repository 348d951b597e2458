"""Probes against a real server on loopback."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from coreos_lab import wait
from coreos_lab.chaos import probes
from coreos_lab.chaos.probes import Prober, Sample, longest_outage, record
from coreos_lab.model import Lab, LabProbe, QualifiedName
from tests.unit.clients.stub import Stub, serving

FRONT, BACK = QualifiedName("mine", "front"), QualifiedName("mine", "back")
GOOD = (200, "<h1>hello world</h1>")


@pytest.fixture
def stub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stub]:
    monkeypatch.setattr(probes, "INTERVAL", 0.01)
    with serving() as one:
        yield one


def probe_of(stub: Stub, **more: str) -> LabProbe:
    return LabProbe("front", "x.service", int(stub.base.rpartition(":")[2]), **more)


def lab_of(*probes: LabProbe, name: str = "mine") -> Lab:
    return Lab(name, name, name, Path(name), (), {}, probes=probes)


def wait_for(prober: Prober, ok: bool) -> None:
    """Until another question was answered well, or not."""
    began = len(prober.samples[FRONT])
    wait.until(
        lambda: any(sample.ok is ok for sample in prober.samples[FRONT][began:]), deadline=20, missing=f"no {ok}"
    )


def test_an_outage_is_measured_and_written_down(stub: Stub, tmp_path: Path) -> None:
    stub.answers["GET /"] = GOOD
    log = tmp_path / "run" / "probes.jsonl"
    with Prober([lab_of(probe_of(stub, expect="hello world"))], ["127.0.0.1"]) as prober:
        wait_for(prober, True)
        assert prober.outages() == {FRONT: 0.0}
        stub.answers["GET /"] = (502, "bad gateway")
        wait_for(prober, False)
        stub.answers["GET /"] = GOOD
        wait_for(prober, True)
    taken = prober.samples[FRONT]
    bad = [sample for sample in taken if not sample.ok]
    back = next(sample for sample in taken if sample.ok and sample.mono > bad[-1].mono)
    assert prober.outages() == {FRONT: back.mono - bad[0].mono}
    assert bad[0].detail == "127.0.0.1: HTTP 502"
    assert all(sample.seconds is not None and 0 < sample.seconds < 20 for sample in taken)
    record(log, prober.samples.values())
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert [line["ok"] for line in lines] == [sample.ok for sample in taken]
    assert {(line["lab"], line["probe"]) for line in lines} == {("mine", "front")}


def test_a_wrong_page_is_no_answer(stub: Stub, tmp_path: Path) -> None:
    stub.answers["GET /"] = (200, "It works!")
    with Prober([lab_of(probe_of(stub, expect="hello world"))], ["127.0.0.1"]) as prober:
        wait_for(prober, False)
    assert not any(sample.ok for sample in prober.samples[FRONT])


def test_the_path_is_asked_for(stub: Stub, tmp_path: Path) -> None:
    stub.answers["GET /status?x=1"] = (200, "")
    with Prober([lab_of(probe_of(stub, path="/status?x=1"))], ["127.0.0.1"]) as prober:
        wait_for(prober, True)
    assert {request for request, _body in stub.requests} == {"GET /status?x=1"}


def test_any_node_may_serve_it(stub: Stub, tmp_path: Path) -> None:
    """Only the last of these has a server."""
    stub.answers["GET /"] = GOOD
    with Prober([lab_of(probe_of(stub))], ["127.0.0.2", "127.0.0.3", "127.0.0.1"]) as prober:
        wait_for(prober, True)
    assert all(sample.ok and sample.detail == "127.0.0.1" for sample in prober.samples[FRONT])


def test_nobody_there_is_an_outage_that_lasts(stub: Stub, tmp_path: Path) -> None:
    with Prober([lab_of(probe_of(stub))], ["127.0.0.2"]) as prober:
        for _ in range(3):
            wait_for(prober, False)
    taken = prober.samples[FRONT]
    assert prober.outages()[FRONT] == taken[-1].mono - taken[0].mono > 0
    assert taken[0].detail.startswith("127.0.0.2: ")


def test_each_probe_is_measured_by_itself(stub: Stub, tmp_path: Path) -> None:
    stub.answers["GET /"] = GOOD
    well = probe_of(stub)
    ill = LabProbe("back", "y.service", well.port, "/missing")
    with Prober([lab_of(well, ill)], ["127.0.0.1"]) as prober:
        for _ in range(3):
            wait_for(prober, True)
        wait.until(lambda: len(prober.samples[BACK]) > 2, deadline=20, missing="no sample")
    assert prober.outages()[FRONT] == 0.0
    assert prober.outages()[BACK] > 0.0
    record(tmp_path / "p", prober.samples.values())
    assert len((tmp_path / "p").read_text().splitlines()) == sum(map(len, prober.samples.values()))


def test_two_labs_may_give_a_probe_the_same_name(stub: Stub) -> None:
    stub.answers["GET /"] = GOOD
    well = probe_of(stub)
    ill = LabProbe("front", "y.service", well.port, "/missing")
    with Prober([lab_of(well), lab_of(ill, name="yours")], ["127.0.0.1"]) as prober:
        for _ in range(3):
            wait_for(prober, True)
        theirs = prober.samples[QualifiedName("yours", "front")]
        wait.until(lambda: len(theirs) > 2, deadline=20, missing="no sample")
    assert not any(sample.ok for sample in theirs)
    assert prober.outages()[FRONT] == 0.0


def test_without_probes_there_is_nothing_to_ask(tmp_path: Path) -> None:
    with Prober([], ["127.0.0.1"]) as prober:
        pass
    assert prober.outages() == {}


def sampled(pattern: str) -> list[Sample]:
    return [Sample("ch3", "front", mono=i, wall=i, ok=mark == "+") for i, mark in enumerate(pattern)]


@pytest.mark.parametrize(
    ("pattern", "seconds"), [("", 0), ("+++", 0), ("+-+", 1), ("+--+-+", 2), ("---+", 3), ("+--", 1), ("--+---+", 3)]
)
def test_the_longest_outage(pattern: str, seconds: float) -> None:
    assert longest_outage(sampled(pattern)) == seconds
