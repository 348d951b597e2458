"""Backups of real machines: what was lost is back, by count and checksum, and what is gone for good leaves etcd."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from coreos_lab.clients import etcd
from tests.e2e.calls import NAME, NODES, STATE, Result, comes_to, lab, node_of, start, until
from tests.e2e.conftest import make_whole, undeploy_others

Lab = Callable[..., Result]
RECORD = STATE / "clusters" / NAME / "restore.json"
FILES = {
    "lab.yaml": """\
title: Notes
summary: Lines in a file.
units: [notes.service]
keys: [/notes]
folders: [/var/lib/notes]
backups:
  lines:
    unit: notes.service
    dump: cat /var/lib/notes/lines
    restore: tee -a /var/lib/notes/lines
""",
    "notes.service": """\
[Service]
ExecStartPre=/bin/sh -c 'mkdir -p /var/lib/notes && touch /var/lib/notes/lines'
ExecStart=/bin/sleep infinity
""",
    "checks/test_notes.py": """\
def test_the_unit_runs(fleet):
    assert fleet.where("notes.service"), "notes.service runs nowhere"
""",
}
NOTES = 500


@pytest.fixture(scope="module")
def notes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A backup of a cluster on which a lab has notes, and a key in etcd; the lab is there."""
    folder = tmp_path_factory.mktemp("labs") / "notes"
    for name, text in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    make_whole()
    undeploy_others()
    lab("deploy", str(folder))
    on_its_node(f"seq {NOTES} | sudo tee /var/lib/notes/lines")
    lab("etcdctl", "set", "/notes/count", str(NOTES))
    lab("etcdctl", "set", "/notes/soon", "gone", "--ttl", "30")
    backup = tmp_path_factory.mktemp("backups") / "one"
    made = lab("backup", "--output", str(backup), "--json").json
    assert made["data"][0]["items"] == NOTES
    yield backup
    lab("heal", code=None)
    lab("undeploy", "notes", code=None)
    lab("etcdctl", "rm", "--recursive", "/notes", code=None)


def on_its_node(command: str) -> str:
    return lab("ssh", node_of("notes.service"), "--", command).out


def members() -> int:
    return len(lab("etcdctl", "member", "list").out.splitlines())


def fleet_said() -> str:
    """What the nodes' fleetd have written since they were started last."""
    mine = "_SYSTEMD_INVOCATION_ID=$(systemctl show --property=InvocationID --value fleet)"
    return "".join(lab("ssh", node, "--", f"sudo journalctl --output=cat {mine}").out for node in NODES)


def test_what_is_there_is_not_replaced_unasked(notes: Path) -> None:
    assert "is not empty: notes is deployed" in lab("restore", str(notes), code=4).err


def test_all_of_it_is_back(notes: Path) -> None:
    lab("undeploy", "notes")
    done = lab("restore", str(notes))
    assert f"{NOTES} items of notes/lines" in done.out
    assert on_its_node("sort -n /var/lib/notes/lines | uniq | wc -l").strip() == str(NOTES)
    assert lab("etcdctl", "get", "/notes/count").out.strip() == str(NOTES)
    comes_to(members, 3)
    said = fleet_said()
    assert "Engine leadership acquired" in said
    assert "Unscheduled Job(notes.service)" not in said, "its machine was missing when fleet looked first"


def test_a_restore_that_is_killed_goes_on(notes: Path) -> None:
    lab("etcdctl", "set", "/notes/count", "0")
    addresses = [node["address"] for node in lab("status", "--json").json["nodes"]]
    running = start("restore", str(notes), "--replace")
    until(lambda: RECORD.exists() or running.poll() is not None, interval=0.01)
    until(lambda: not all(map(etcd.answers, addresses)))  # it is stopped on all nodes, or some of them
    assert running.poll() is None, running.communicate()
    running.kill()
    running.wait()
    if not json.loads(RECORD.read_text())["etcd"]:
        assert "is being restored from" in lab("up", code=4).err
    lab("restore", str(notes), "--replace")
    assert not RECORD.exists()
    assert lab("etcdctl", "get", "/notes/count").out.strip() == str(NOTES)
    comes_to(members, 3)


def test_without_a_majority_a_backup_may_be_stale(notes: Path, tmp_path: Path) -> None:
    place = node_of("notes.service")
    others = [name for name in NODES if name != place]
    try:
        for other in others:
            lab("break", other)
        assert "etcd has no majority" in lab("backup", "--output", str(tmp_path / "a"), code=4).err
        assert (
            f"as {place} knows them, which may be stale"
            in lab("backup", "--stale", "--output", str(tmp_path / "b")).out
        )
        assert "none can be removed" in lab("reap-members", code=4).err
    finally:
        lab("heal")


def test_only_members_that_are_gone_for_good_are_removed(notes: Path) -> None:
    until(lambda: "none is removed" in lab("reap-members").out)
    lab("break", "core-03")
    assert "core-03 stays: is broken on purpose" in lab("reap-members").out
    lab("heal")
    lab("ssh", "core-03", "--", "sudo", "poweroff", code=None)
    until(lambda: lab("status", "--json").json["nodes"][2]["state"] != "running")
    assert "core-03 is no member any more: its machine is off" in lab("reap-members").out
    comes_to(members, 2)
    lab("up")
    comes_to(members, 3)
