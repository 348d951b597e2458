"""What lab check prints besides its results."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from coreos_lab.commands import check as command
from coreos_lab.definition import catalog
from coreos_lab.model import CheckResult, Cluster, Lab, NodeState, Outcome
from coreos_lab.observed import node_states
from coreos_lab.records import deployed, store


def test_a_folder_that_has_changed_since_it_was_deployed_is_reported(
    planned: Callable[..., Cluster],
    made_lab: Callable[..., Lab],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    """Its checks run all the same, against what is deployed."""
    cluster, lab = planned(), made_lab("mine", "a.service")
    store.save(cluster)
    (tmp_path / "a.service").write_text("[Service]\nExecStart=/bin/sleep 1d\n")
    deployed.begin(cluster, lab, {"rate": "4"})
    deployed.record(cluster, lab)
    monkeypatch.setattr(catalog, "load", lambda _folder: lab)
    monkeypatch.setattr(
        node_states,
        "of",
        lambda cluster, _provider: dict.fromkeys((node.name for node in cluster.nodes), NodeState.RUNNING),
    )
    monkeypatch.setattr(command, "run_checks", lambda *_args, **_options: [CheckResult("ok", Outcome.PASS)])
    command.check("core", None, junit=None, as_json=False)
    assert "has changed" not in capsys.readouterr().err

    (tmp_path / "a.service").write_text("[Service]\nExecStart=/bin/sleep 2d\n")
    command.check("core", None, junit=None, as_json=False)
    output = capsys.readouterr()
    assert "mine: its folder has changed since it was deployed on core; 'lab deploy " in output.err
    assert " --set rate=4' deploys what it is now" in output.err, "it keeps what was set"
    assert "ok" in output.out
