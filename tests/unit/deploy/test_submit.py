"""Units are submitted until fleet holds them."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from coreos_lab import run
from coreos_lab.clients.fleet import Unit
from coreos_lab.deploy import submit, submitted
from coreos_lab.deploy.submit import other_than, replaced, stopped
from coreos_lab.model import Cluster, Lab

Planned = Callable[..., Cluster]


def test_what_fleet_holds_is_compared_with_what_is_submitted(made_lab: Callable[..., Lab], tmp_path: Path) -> None:
    lab = made_lab("mine", "web@1.service", "b.service")
    (tmp_path / "web@.service").write_text("[Service]\nExecStart=/bin/true\n")
    (tmp_path / "b.service").write_text("[Service]\nExecStart=/bin/true\n")
    lab = submitted.units(lab, {}, {}, tmp_path / "units")

    def held(name: str, path: Path, desired: str = "launched") -> Unit:
        return Unit(name, desired, "", "", (("X-Lab", "Digest", submitted.digest(path)),))

    web, b = held("web@1.service", lab.units[0].path), held("b.service", lab.units[1].path)
    assert other_than(lab, []) == ["web@1.service", "b.service"], "a template that fleet lacks is no matter"
    assert other_than(lab, [web, b]) == []
    resting = [web, replace(b, desired="loaded")]
    assert other_than(lab, resting) == stopped(lab, resting) == ["b.service"]
    assert replaced(lab, resting) == [], "its text is the one that was submitted"
    assert other_than(lab, [web, replace(b, options=())]) == ["b.service"]
    template = Unit("web@.service", "inactive", "", "", ())
    assert other_than(lab, [web, b, template]) == ["web@.service"]


def submitted_to(monkeypatch: pytest.MonkeyPatch, answers: dict[str, str]) -> list[str]:
    """Where units were handed in when the fleetd of some addresses refuses with these words."""
    addresses: list[str] = []

    def fleetctl(argv: list[object], **_options: object) -> run.Completed:
        endpoint = str(argv[1])
        addresses.append(endpoint.removeprefix("--endpoint=http://").partition(":")[0])
        trouble = answers.get(addresses[-1])
        if trouble:
            raise run.CommandError(run.Completed(("fleetctl",), 1, "", trouble))
        return run.Completed(("fleetctl",), 0, "", "")

    monkeypatch.setattr(submit, "ensure_userland", lambda: Path("userland"))
    monkeypatch.setattr(run, "run", fleetctl)
    monkeypatch.setattr(time, "sleep", lambda _seconds: None)
    return addresses


AWAY = "Error creating units: googleapi: Error 503: fleet server unable to communicate with etcd"


BUSY = 'Error creating units: googleapi: got HTTP response code 500 with body: {"error":{"code":500,"message":""}}'


@pytest.mark.parametrize("trouble", [AWAY, BUSY, "googleapi: Error 500: etcd cluster is unavailable"])
def test_units_go_to_the_next_fleetd_when_one_is_away(
    monkeypatch: pytest.MonkeyPatch, planned: Planned, trouble: str
) -> None:
    addresses = submitted_to(monkeypatch, {"172.17.8.101": trouble})
    submit.fleetctl(planned().nodes, ["start", "web.service"])
    assert addresses == ["172.17.8.101", "172.17.8.102"]


def test_what_fleet_refuses_for_good_is_not_asked_again(monkeypatch: pytest.MonkeyPatch, planned: Planned) -> None:
    addresses = submitted_to(monkeypatch, {"172.17.8.101": "googleapi: Error 409: conflicts with an existing unit"})
    with pytest.raises(run.CommandError):
        submit.fleetctl(planned().nodes, ["start", "web.service"])
    assert addresses == ["172.17.8.101"]


def test_no_fleetd_at_all_is_told_as_it_said_it(monkeypatch: pytest.MonkeyPatch, planned: Planned) -> None:
    addresses = submitted_to(monkeypatch, {node.address: AWAY for node in planned().nodes})
    monkeypatch.setattr(submit, "SUBMIT_DEADLINE", 0.0)
    with pytest.raises(run.CommandError) as refused:
        submit.fleetctl(planned().nodes, ["start", "web.service"])
    assert "unable to communicate with etcd" in refused.value.details
    assert addresses == ["172.17.8.101"]
