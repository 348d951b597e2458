"""Conditions that providers share."""

from __future__ import annotations

from pathlib import Path

import pytest

from coreos_lab.errors import LabError
from coreos_lab.providers import conditions


def test_clusters_do_without_the_extra_for_clouds(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from coreos_lab.cloud import clients

    monkeypatch.setattr(conditions, "find_spec", lambda name: None if name == "moto" else object())
    monkeypatch.setattr(conditions, "aws_cli", lambda: tmp_path / "aws")
    finding = conditions.clouds()
    assert finding.ok
    assert finding.message == "not for now: moto, awscli missing: pip install 'coreos-lab[cloud]'"
    with pytest.raises(LabError, match="moto, awscli: not installed, and clouds need it"):
        clients.require_extra()
    (tmp_path / "aws").touch()
    monkeypatch.setattr(conditions, "find_spec", lambda _name: object())
    monkeypatch.setattr("coreos_lab.run.which", lambda program: tmp_path / program)
    assert conditions.clouds().message == "installed"
    monkeypatch.setattr("coreos_lab.run.which", lambda _program: None)
    assert conditions.clouds().message == "installed, but load balancers need haproxy: apt-get install haproxy"
    clients.require_extra()


def test_clusters_do_without_the_console(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(conditions, "console_page", lambda: tmp_path / "build")
    monkeypatch.setattr(conditions, "find_spec", lambda name: None if name == "uvicorn" else object())
    assert conditions.console().ok
    assert conditions.console().message == "not for now: uvicorn missing: pip install 'coreos-lab[console]'"
    monkeypatch.setattr(conditions, "find_spec", lambda _name: object())
    assert conditions.console().message == "not for now: its page is not built: scripts/build-console.sh"
    (tmp_path / "build").mkdir()
    (tmp_path / "build/main.js").touch()
    monkeypatch.setattr("coreos_lab.run.which", lambda _program: None)
    assert conditions.console().message == "installed, but labs' maps need Graphviz: apt-get install graphviz"
    monkeypatch.setattr("coreos_lab.run.which", lambda program: tmp_path / program)
    assert conditions.console().message == "installed"
