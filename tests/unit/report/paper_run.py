"""A run's record as `lab break --verify` writes it, of machines of paper: core-02 loses its power for some seconds."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from coreos_lab.chaos import verdict as verdicts
from coreos_lab.chaos.journals import Line
from coreos_lab.chaos.probes import Sample, record
from coreos_lab.chaos.verdict import JOURNALS, LEADERS, PROBES, UNITS, Phase, Verdict
from coreos_lab.events import Event
from coreos_lab.model import ETCD_PROBE, CheckResult, Outcome, QualifiedName
from coreos_lab.records import about
from coreos_lab.records.about import About
from coreos_lab.records.runs import EVENTS

WALL = 1_790_000_000.0  # 2026-09-21 14:13:20 UTC
MONO = 5000.0
FRONT, ETCD = QualifiedName("ch3", "front"), QualifiedName("ch3", ETCD_PROBE)
PASS, FAIL = Outcome.PASS, Outcome.FAIL
CHECKS = ("front", "three_hellos", "proxy_follows_etcd", "sidekicks_announce", "one_proxy", "keys_expire", "no_restart")


@dataclass(frozen=True)
class Run:
    """What happened when, in seconds since the beginning."""

    seconds: float = 60.0
    fault: float = 4.0
    back: float = 13.2  # the front answers again
    repair: float = 31.0
    outcome: Outcome = PASS
    front_limit: float = 60.0

    @property
    def recovered(self) -> float:
        """When the checks pass again."""
        return self.back + 1.4


def write(folder: Path, run: Run = Run()) -> Path:
    """Writes the whole record."""
    folder.mkdir(parents=True, exist_ok=True)
    about.save(description(), folder)
    verdicts.save(verdict(run), folder)
    record(folder / PROBES, samples(run).values())
    lines(folder / EVENTS, (json.loads(event.as_json()) for event in events(run)))
    lines(folder / UNITS, units(run))
    lines(folder / LEADERS, leaders(run))
    lines(folder / JOURNALS, (asdict(line) for line in journals(run)))
    return folder


def lines(path: Path, objects: Any) -> None:
    """Writes a record of one object a line."""
    with path.open("w", encoding="utf-8") as out:
        out.writelines(json.dumps(each) + "\n" for each in objects)


def description() -> About:
    """What the run is about."""
    return About(
        "break",
        "kill of core-02",
        "lab break core-02 --fault kill --verify --deadline 90s",
        judged=True,
        mono=MONO,
        wall=WALL,
        lab="1.4.0 (commit 0123456789ab)",
        host={"kernel": "6.1.0", "processors": "2 (x86_64)", "system": "Debian GNU/Linux 12", "memory": "7.8 GiB"},
        cluster={
            "name": "core",
            "provider": "nspawn",
            "nodes": "3, of which 3 are members of etcd",
            "agent-ttl": "10s",
        },
        nodes=("core-01", "core-02", "core-03"),
        labs={"ch3": "4f6e1c9f2a7be310"},
        programs={"node": "core-01", "etcd": "3.5.35", "fleet": "1.0.0"},
    )


def verdict(run: Run) -> Verdict:
    """What was proved."""
    good = tuple(CheckResult(name, PASS, "", 0.21, "ch3") for name in CHECKS)
    bad = (CheckResult("front", FAIL, "http://172.17.8.101: HTTP 502, expected 200", 15.2, "ch3"), *good[1:])
    recovery = bad if run.outcome is FAIL else good
    said = "ch3: front: http://172.17.8.101: HTTP 502, expected 200" if run.outcome is FAIL else "7 checks pass"

    def phase(name: str, begin: float, end: float, evidence: str, **more: Any) -> Phase:
        more = {"outcome": PASS, "checks": (), **more}
        return Phase(name, seconds=end - begin, evidence=evidence, began=MONO + begin, **more)

    phases = [
        phase("steady state before", 0.3, 3.6, "7 checks pass", checks=good),
        phase("effect", run.fault, run.fault + 0.04, "core-02: kill, seen from outside"),
        phase("noticed", run.fault + 0.1, run.fault + 9.1, "fleet no longer lists core-02"),
        phase("recovery while broken", run.fault + 9.1, run.recovered + 4, said, checks=recovery, outcome=run.outcome),
        phase("repair", run.repair, run.repair + 7.5, "core-02 serves again"),
        phase("steady state after", run.repair + 7.6, run.seconds - 3, "7 checks pass", checks=good),
        phase("writes", run.seconds - 3, run.seconds - 2.9, "all 281 acknowledged writes are there"),
        phase("objectives", run.seconds - 2.9, run.seconds - 2.9, "ch3/front down for 9.2 s at most"),
    ]
    outages = verdicts.outages_of(sample for its in samples(run).values() for sample in its)
    found = Verdict(
        run.outcome,
        "core",
        ("core-02",),
        "kill",
        ("ch3",),
        tuple(phases),
        outages,
        {FRONT: run.front_limit, ETCD: 15.0},
    )
    return verdicts.judged_by(found, outages)


def samples(run: Run) -> dict[str, list[Sample]]:
    """What the probes, the writes and the reads measured."""
    dice = random.Random(7)  # noqa: S311 - no secret
    found: dict[str, list[Sample]] = {}

    def measure(lab: str, probe: str, every: float, typical: float, down: tuple[float, float], says: str) -> None:
        at = 0.2
        while at < run.seconds - 2:
            ok = not down[0] <= at < down[1]
            took = typical * dice.lognormvariate(0, 0.5) * (4 if run.fault < at < run.back + 3 else 1)
            detail = "172.17.8.101" if ok else says
            found.setdefault(probe, []).append(
                Sample(lab, probe, MONO + at, WALL + at, ok, detail, took if ok else 0.5)
            )
            at += every if ok else max(every, 0.5)

    measure("ch3", "front", 0.1, 0.004, (run.fault, run.back), "172.17.8.103: timed out")
    measure("", ETCD_PROBE, 0.2, 0.009, (run.fault, run.fault + 0.9), "etcd: no node answers")
    for number in (1, 2, 3):
        off = (run.fault, run.repair + 4) if number == 2 else (0.0, 0.0)
        measure("", f"reads core-0{number}", 0.25, 0.002, off, "[Errno 113] No route to host")
    return found


def events(run: Run) -> Iterator[Event]:
    """What the command did."""

    def step(name: str, begin: float, end: float, subject: str = "", message: str = "") -> Iterator[Event]:
        yield Event("start", name, subject, message, MONO + begin, WALL + begin)
        yield Event("end", name, subject, message, MONO + end, WALL + end, end - begin)

    yield from step("verify", 0.3, 3.6, message="steady state before")
    yield from step("fault", run.fault, run.fault + 0.04, "core-02", "kill")
    yield from step("verify", run.fault + 0.1, run.fault + 9.1, message="fleet notices that core-02 is gone")
    yield from step("verify", run.fault + 9.1, run.recovered + 4, message="recovery while broken")
    yield from step("heal", run.repair, run.repair + 7.5, message="core-02 (kill)")
    yield from step("verify", run.repair + 7.6, run.seconds - 3, message="steady state after")


def units(run: Run) -> Iterator[dict[str, Any]]:
    """Where units ran."""
    stay = {"helloworld@1.service": "core-01", "helloworld@3.service": "core-03"}
    moved = ("helloworld@2.service", "helloworld-sidekick@2.service", "helloworld-nginx.service")

    def at(seconds: float, **places: tuple[str, str]) -> dict[str, Any]:
        states = {name: (node, "active", "running") for name, node in stay.items()}
        states |= dict.fromkeys(moved[: 3 if "proxy" not in places else 2], (*places["moved"], "running"))
        if "proxy" in places:
            states[moved[2]] = (*places["proxy"], "start-pre")
        return {
            "mono": MONO + seconds,
            "wall": WALL + seconds,
            "units": {name: [state] for name, state in states.items()},
        }

    yield at(0.4, moved=("core-02", "active"))
    yield at(run.back - 1, moved=("core-03", "activating"), proxy=("core-01", "activating"))
    back = at(run.back, moved=("core-03", "active"), proxy=("core-01", "active"))
    yield back
    gone = {name: state for name, state in back["units"].items() if name != "helloworld@3.service"}
    yield {**back, "mono": MONO + run.repair, "units": gone}
    yield {**back, "mono": MONO + run.repair + 2}


def leaders(run: Run) -> Iterator[dict[str, Any]]:
    """Who led etcd."""
    for at, leader in ((0.1, "core-02"), (run.fault + 0.4, ""), (run.fault + 0.9, "core-03")):
        yield {"mono": MONO + at, "wall": WALL + at, "leader": leader}


def journals(run: Run) -> Iterator[Line]:
    """What the nodes logged around the effect and the repair."""
    said = [
        ("core-01", "etcd2.service", 6, "lost the TCP streaming connection with peer 8a1d3f (stream MsgApp v2 reader)"),
        ("core-03", "etcd2.service", 4, "raft.node: 91bc3c398fb3c146 lost leader 8a1d3f at term 4"),
        ("core-03", "etcd2.service", 6, "raft.node: 91bc3c398fb3c146 elected leader 91bc3c398fb3c146 at term 5"),
        ("core-01", "fleet.service", 3, "Failed fetching Units from Registry: client: etcd cluster is unavailable"),
        ("core-01", "helloworld-nginx.service", 6, "Starting the proxy: 3 servers"),
    ]
    for moment, at in (("effect", run.fault), ("repair", run.repair)):
        for number, (node, unit, priority, text) in enumerate(said * 6):
            yield Line(moment, WALL + at, WALL + at + number * 0.17, node, unit, priority, text)
        yield Line(
            moment, WALL + at, WALL + at - 2, "core-02", "", 4, "more than 250 messages: the last 250 were recorded"
        )
