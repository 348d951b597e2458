"""Plans of clouds: each has its place, credentials of its own, and is for its owner alone."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from coreos_lab.errors import UsageError
from coreos_lab.records import clouds, state_folders
from coreos_lab.records.clouds import CloudFolder
from coreos_lab.records.formats import OtherVersionError


def test_clouds_have_ports_networks_and_credentials_of_their_own() -> None:
    one, two = clouds.make("one", "us-west-2", signed=True), clouds.make("two", "eu-west-1", signed=False)
    assert (one.port, two.port) == (5820, 5821)
    assert (one.public_subnet, two.host_address) == ("198.18.0.0/24", "198.18.1.1")
    assert one.access_key != two.access_key
    assert one.secret_key != two.secret_key
    assert clouds.names() == ["one", "two"]
    assert clouds.load("two") == two


def test_a_place_is_free_again() -> None:
    clouds.make("one", "us-west-2", signed=True)
    clouds.make("two", "us-west-2", signed=True)
    CloudFolder("one").plan.unlink()
    assert clouds.make("three", "us-west-2", signed=True).index == 0


def test_a_cloud_that_is_destroyed_while_another_is_planned_takes_no_place(monkeypatch: pytest.MonkeyPatch) -> None:
    """The other one's command holds its own lock, not that of planning."""
    clouds.make("one", "us-west-2", signed=True)
    listed = [*state_folders.clouds(), CloudFolder("gone").plan]
    monkeypatch.setattr(state_folders, "clouds", lambda: listed)
    assert clouds.make("two", "us-west-2", signed=True).index == 1


def test_a_plan_that_goes_while_somebody_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Path, "exists", lambda _path: True)
    assert clouds.load("one") is None


def test_a_plan_has_secrets_and_so_is_its_owner_s_alone() -> None:
    clouds.make("one", "us-west-2", signed=True)
    assert stat.S_IMODE(CloudFolder("one").plan.stat().st_mode) == 0o600
    assert stat.S_IMODE(CloudFolder("one").path.stat().st_mode) == 0o700


def test_a_cloud_that_is_not_there_is_named_with_those_that_are() -> None:
    clouds.make("one", "us-west-2", signed=True)
    with pytest.raises(UsageError, match=r"two: no such cloud \(there is: one\)"):
        clouds.require("two")


def test_a_plan_of_a_newer_lab_is_refused_and_keeps_its_place() -> None:
    clouds.make("one", "us-west-2", signed=True)
    path = CloudFolder("one").plan
    path.write_text(json.dumps({**json.loads(path.read_text()), "version": 2}))
    with pytest.raises(OtherVersionError, match="version 2"):
        clouds.load("one")
    assert clouds.make("two", "us-west-2", signed=True).index == 1
