"""Settings of the host that clusters need for as long as there are any."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from coreos_lab import events, settings
from coreos_lab.providers.nspawn import host_settings

Setting = Callable[..., str]


@pytest.fixture
def setting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Setting:
    """A host with two settings: reads one of them, or sets it."""
    root = tmp_path / "sys"
    root.mkdir()
    monkeypatch.setattr(host_settings, "ROOT", root)

    def get(name: str, value: str = "") -> str:
        if value:
            (root / name).write_text(f"{value}\n")
        return (root / name).read_text().strip()

    get("instances", "128")
    get("forward", "0")
    return get


LEAST = {"instances": 8192, "forward": 1, "nosuch": 5}


def test_what_is_too_low_is_raised_and_given_back(setting: Setting) -> None:
    host_settings.require(LEAST)
    assert (setting("instances"), setting("forward")) == ("8192", "1")
    assert host_settings.still_changed() == ["instances", "forward"]
    host_settings.require(LEAST)  # another cluster
    host_settings.give_back()
    assert (setting("instances"), setting("forward")) == ("128", "0")
    assert not host_settings.record().exists()
    assert host_settings.still_changed() == []


def test_what_is_given_back_while_somebody_looks_is_not_changed_any_more(
    setting: Setting, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`lab destroy` of one cluster looks, without the lock, while that of the last one removes the record."""
    host_settings.require(LEAST)
    host_settings.give_back()
    monkeypatch.setattr(Path, "exists", lambda _path: True)
    assert host_settings.still_changed() == []
    assert setting("forward") == "0"


def test_what_is_enough_is_never_touched(setting: Setting) -> None:
    setting("instances", "65536")
    host_settings.require({"instances": 8192})
    assert not host_settings.record().exists()
    host_settings.give_back()
    assert setting("instances") == "65536"


def test_the_record_is_there_before_the_change(setting: Setting, monkeypatch: pytest.MonkeyPatch) -> None:
    def killed(_name: str, _value: int) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(host_settings, "_set", killed)
        host_settings.require(LEAST)
    assert host_settings.known()["instances"] == host_settings.Change(128, 8192)
    host_settings.give_back()
    assert (setting("instances"), setting("forward")) == ("128", "0"), "nothing had been changed yet"


def test_what_was_killed_half_way_is_finished_and_still_given_back(setting: Setting) -> None:
    host_settings.require(LEAST)
    setting("forward", "0")  # as if the kill had come between the two
    host_settings.require(LEAST)
    host_settings.give_back()
    assert (setting("instances"), setting("forward")) == ("128", "0")


def test_what_somebody_else_has_set_meanwhile_stays_theirs(setting: Setting) -> None:
    host_settings.require(LEAST)
    setting("instances", "4000")
    host_settings.give_back()
    assert setting("instances") == "4000"
    assert setting("forward") == "0"


def test_a_record_of_another_start_of_the_host_is_none(setting: Setting, monkeypatch: pytest.MonkeyPatch) -> None:
    host_settings.require(LEAST)
    monkeypatch.setattr(settings, "host_boot", lambda: "another")
    setting("instances", "128")
    host_settings.require(LEAST)
    assert host_settings.known() == {"instances": host_settings.Change(128, 8192)}


def test_a_setting_that_cannot_be_set_is_told_and_stops_nobody(setting: Setting, tmp_path: Path) -> None:
    (tmp_path / "sys" / "closed").mkdir()

    notes: list[events.Event] = []
    with events.listening(notes.append), pytest.MonkeyPatch.context() as patched:
        patched.setattr(host_settings, "_current", lambda _names: {"closed": 1, "instances": 128})
        host_settings.require({"closed": 2, "instances": 8192})
    assert setting("instances") == "8192"
    assert [event.message for event in notes] == [
        "closed: cannot be set: Is a directory; set it yourself: sysctl closed=2"
    ]
