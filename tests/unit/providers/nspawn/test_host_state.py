"""Reading what there is on the host."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from coreos_lab import run, settings
from coreos_lab.providers.nspawn import host_settings, host_state
from coreos_lab.providers.nspawn.host_state import Interface


def test_kernel_tables_are_read() -> None:
    links = '[{"ifname":"lo"},{"ifname":"lab1","ifalias":"coreos-lab:big:0123"}]'
    addresses = '[{"ifname":"lo","addr_info":[{"local":"127.0.0.1"}]},{}]'
    assert host_state.parse_interfaces(links, addresses) == [
        Interface("lo", "", ("127.0.0.1",)),
        Interface("lab1", "coreos-lab:big:0123"),
    ]
    routes = '[{"dst":"fe80::/64","dev":"lab1"},{"dst":"10.0.0.0/8","nexthops":[{"dev":"a"},{"dev":"b"}]},{"dst":"x"}]'
    assert host_state.parse_routes(routes) == [("fe80::/64", "lab1"), ("10.0.0.0/8", "a"), ("10.0.0.0/8", "b")]


def test_what_another_cluster_removes_meanwhile_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """As the folder of its SSH connections, which `lab destroy` removes, or one in which `lab up` tries something."""
    theirs, kept = settings.run_dir() / "coreos-lab-0123", settings.run_dir() / "coreos-lab-4567" / "core-01"
    theirs.mkdir(parents=True)
    kept.parent.mkdir()
    kept.touch()
    is_listed = os.listdir

    def listdir(path: Path) -> list[str]:
        found = is_listed(path)
        if path == theirs.parent:
            theirs.rmdir()
        return found

    monkeypatch.setattr(os, "listdir", listdir)
    assert host_state._controls() == [str(kept)]


def test_what_cannot_be_looked_at_is_told_and_the_rest_is_still_read(monkeypatch: pytest.MonkeyPatch) -> None:
    def call(argv: list[str], **_options: object) -> run.Completed:
        if argv[0] == "nft":
            raise run.MissingProgramError("nft")
        return run.Completed(tuple(argv), 0, "", "")

    monkeypatch.setattr(run, "run", call)
    monkeypatch.setattr(host_settings, "still_changed", lambda: ["a.b"])
    host = host_state.look()
    assert "nftables: nft: program not found" in host.unseen
    assert host.settings == ["a.b"]
    assert host.processes
