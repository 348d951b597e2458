"""A lab that runs must stay running, with the text that was submitted."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from coreos_lab.clients.fleet import Unit
from coreos_lab.deploy import rollout, submitted
from coreos_lab.deploy.rollout import Rollout
from coreos_lab.errors import LabError
from coreos_lab.model import Cluster, Lab
from coreos_lab.observed import node_states
from coreos_lab.observed.standing import Standing
from coreos_lab.observed.unit_places import Wanted

Asked = Callable[..., Rollout]


@pytest.fixture
def asked(
    planned: Callable[..., Cluster],
    made_lab: Callable[..., Lab],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> Asked:
    """asked(desired=..., text=...): the rollout of a.service, of which fleet says this."""
    cluster = planned()
    monkeypatch.setattr(node_states, "require_running", lambda cluster, _provider: list(cluster.nodes))
    monkeypatch.setattr(rollout, "STEADY", 0.0)
    made_lab("mine", "a.service")
    (tmp_path / "a.service").write_text("[Service]\nExecStart=/bin/true\n")
    lab = submitted.units(made_lab("mine", "a.service"), {}, {}, tmp_path / "units")
    digest = submitted.digest(lab.units[0].path)

    def make(*, desired: str = "launched", text: str = digest) -> Rollout:
        made = Rollout(cluster, None, lab)  # type: ignore[arg-type]
        unit = Unit("a.service", desired, "", "", ((submitted.SECTION, submitted.DIGEST, text),))
        monkeypatch.setattr(made, "_look", lambda: (Wanted((), ()), [unit], []))
        return made

    return make


def test_a_unit_that_fleet_was_told_to_stop_is_waited_for(asked: Asked) -> None:
    """A sidekick that restarts a unit through fleet stops it first."""
    assert asked().lasted()
    assert not asked(desired="loaded").lasted()


def test_a_unit_that_stays_stopped_is_named(asked: Asked) -> None:
    asked().wait(1.0)
    with pytest.raises(LabError, match=r"^a\.service: fleet was told not to run it any more"):
        asked(desired="loaded").wait(0.01)


def test_a_unit_that_was_replaced_is_an_error_at_once(asked: Asked) -> None:
    with pytest.raises(LabError, match=r"^a\.service: fleet no longer holds what was submitted"):
        asked(text="another").lasted()


def test_units_that_do_not_run_everywhere_are_late(
    planned: Callable[..., Cluster], made_lab: Callable[..., Lab], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(node_states, "require_running", lambda cluster, _provider: list(cluster.nodes))
    for name in "abc":
        (tmp_path / f"{name}.service").write_text("[Service]\nExecStart=/bin/true\n")
    lab = made_lab("mine", "a.service", "b.service", "c.service")
    made = Rollout(planned(), None, lab)  # type: ignore[arg-type]
    assert made.late == [], "nothing was looked at"
    made._picture.standings = {
        ("c.service", "core-02"): Standing.COMING,
        ("c.service", "core-01"): Standing.FAILED,
        ("b.service", "core-01"): Standing.UP,
        ("a.service", "core-03"): Standing.FAILED,
        ("a.service", "core-01"): Standing.UP,
    }
    assert made.late == ["a.service", "c.service"]
