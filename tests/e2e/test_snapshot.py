"""Snapshots of real machines: back to a clean cluster, whatever was done to it, and whoever was killed on the way."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.e2e.calls import NAME, STATE, Result, again, checks_pass, comes_to, lab, start, until

Lab = Callable[..., Result]
FOLDER = STATE / "clusters" / NAME


@pytest.fixture
def clean(ch3: Lab) -> Iterator[Lab]:
    """Three nodes with ch3 on them, and a snapshot `clean` of that, which goes again."""
    ch3("snapshot", "save", "clean")
    yield ch3
    lab("heal", code=None)
    for each in lab("snapshot", "list", "--json").json:
        lab("snapshot", "delete", each["name"], code=None)


def on_disk(node: str) -> str:
    """The first letters on the extra disk of a node."""
    return lab("ssh", node, "--", "sudo", "head", "--bytes=5", "/dev/sdb").out.replace("\0", "")


def write_disk(node: str, text: str) -> None:
    lab("ssh", node, "--", "sh", "-c", f"printf {text} | sudo dd of=/dev/sdb conv=notrunc status=none")


def kill_when(path: Path, *argv: str) -> None:
    """Starts a command and kills it as soon as a file is there; on a busy host it may come to its end before that."""
    running = start(*argv)
    until(lambda: path.exists() or running.poll() is not None, interval=0.005)
    running.kill()
    running.wait()


def test_back_to_what_was_whatever_was_done(ch3: Lab) -> None:
    write_disk("core-01", "clean")
    made = ch3("snapshot", "save", "clean", "--json").json
    try:
        assert (made["nodes"], made["labs"]) == (3, ["ch3"])
        assert ch3("status", "--json").json["faults"] == []
        write_disk("core-01", "dirty")
        ch3("ssh", "core-01", "--", "sudo", "touch", "/etc/damage")
        ch3("etcdctl", "set", "/damage", "1")
        ch3("undeploy", "ch3")
        ch3("break", "core-02")
        checks = ch3("snapshot", "restore", "clean", "--json").json["checks"]
        assert {check["outcome"] for check in checks} == {"pass"}
        state = ch3("status", "--json").json
        assert (state["faults"], state["labs"]) == ([], ["ch3"])
        assert [node["state"] for node in state["nodes"]] == ["running"] * 3
        assert on_disk("core-01") == "clean"
        ch3("ssh", "core-01", "--", "test", "-e", "/etc/damage", code=1)
        ch3("etcdctl", "get", "/damage", code=4)
        checks_pass("ch3")
    finally:
        ch3("snapshot", "delete", "clean")
    assert "No snapshots" in ch3("snapshot", "list").out


def test_names_are_heeded(clean: Lab) -> None:
    rows = clean("snapshot", "list").out.splitlines()
    assert rows[0].split() == ["SNAPSHOT", "TIME", "SIZE", "NODES", "LABS"]
    assert rows[1].split()[0] == "clean"
    assert "has a snapshot of that name" in clean("snapshot", "save", "clean", code=2).err
    assert "Bad: not a snapshot's name" in clean("snapshot", "save", "Bad", code=2).err
    for verb in ("restore", "delete"):
        assert "nosuch: no such snapshot" in clean("snapshot", verb, "nosuch", code=2).err


@pytest.mark.rounds
def test_as_many_nodes_as_there_were(clean: Lab) -> None:
    clean("scale", "4")
    clean("snapshot", "save", "four")
    clean("snapshot", "restore", "clean")
    assert len(clean("status", "--json").json["nodes"]) == 3
    clean("snapshot", "restore", "four")
    comes_to(lambda: [node["etcd_healthy"] for node in clean("status", "--json").json["nodes"]], [True] * 4)
    clean("scale", "3")


def test_a_save_that_was_killed_leaves_nobody_standing_still(clean: Lab) -> None:
    def is_killed() -> bool:
        kill_when(FOLDER / "faults.jsonl", "snapshot", "save", "half")
        return clean("snapshot", "delete", "half", code=None).code == 2  # there is no such snapshot

    until(is_killed)
    clean("heal")
    state = clean("status", "--json").json
    assert state["faults"] == []
    assert [node["state"] for node in state["nodes"]] == ["running"] * 3
    clean("snapshot", "save", "half")
    assert not list((FOLDER / "snapshots").glob(".*"))
    checks_pass("ch3")


@pytest.mark.parametrize("then", [("up",), again(("heal",)), again(("snapshot", "restore", "clean"))])
def test_a_restore_that_was_killed_is_gone_on_with(clean: Lab, then: tuple[str, ...]) -> None:
    clean("undeploy", "ch3")

    def is_killed() -> bool:
        kill_when(FOLDER / "restoring", "snapshot", "restore", "clean")
        return (FOLDER / "restoring").exists()

    until(is_killed)
    assert "is being restored" in clean("snapshot", "save", "x", code=4).err
    clean(*then)
    state = clean("status", "--json").json
    assert [node["state"] for node in state["nodes"]] == ["running"] * 3
    assert state["labs"] == ["ch3"]
    checks_pass("ch3")
