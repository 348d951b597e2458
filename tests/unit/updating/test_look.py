"""What a node's answer means."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from coreos_lab import run
from coreos_lab.clients import ssh
from coreos_lab.errors import LabError
from coreos_lab.model import Cluster
from coreos_lab.updating import look
from coreos_lab.updating.look import Look, parse

WAITS = """version=1111
machine=abc
GROUP=beta
SERVER=http://update.lab:5810/v1/update/
LAST_CHECKED_TIME=1790000000
PROGRESS=1.000000
CURRENT_OP=UPDATE_STATUS_UPDATED_NEED_REBOOT
NEW_VERSION=1111-2
NEW_SIZE=0
locksmithd=77
REBOOT_STRATEGY=etcd-lock
LOCKSMITHD_GROUP=workers
REBOOT_WINDOW_START=Thu 04:00
REBOOT_WINDOW_LENGTH=1h
state=running
said=Waiting for 3h0m0s to reboot.
"""


def test_a_node_that_waits_says_for_what() -> None:
    assert parse(WAITS) == Look(
        version="1111",
        machine="abc",
        group="beta",
        server="http://update.lab:5810/v1/update/",
        staged="1111-2",
        strategy="etcd-lock",
        lock_group="workers",
        window="Thu 04:00 for 1h",
        state="running",
        said="Waiting for 3h0m0s to reboot.",
    )


@pytest.mark.parametrize(
    ("line", "group"),
    [("GROUP=beta", "beta"), ('GROUP="beta"', "beta"), ("  GROUP='beta' ", "beta"), ("#GROUP=beta", "stable")],
)
def test_update_conf_is_read_as_the_update_engine_reads_it(line: str, group: str, tmp_path: Path) -> None:
    for folder, text in (("usr/share/coreos", "GROUP=stable\nSERVER=http://update.lab/"), ("etc/coreos", f"{line}\n")):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "update.conf").write_text(text)
    program = re.sub(r" (?=/(?:usr/share|etc)/coreos/)", f" {tmp_path}", look.LOOK.partition("update_engine_client")[0])
    found = parse(subprocess.run(["sh", "-c", program], capture_output=True, text=True, check=True).stdout)
    assert (found.group, found.server) == (group, "http://update.lab/")


def test_nothing_is_staged_before_it_is_installed() -> None:
    for operation in ("IDLE", "CHECKING_FOR_UPDATE", "DOWNLOADING"):
        assert parse(WAITS.replace("UPDATED_NEED_REBOOT", operation)).staged == ""


def test_without_locksmithd_nobody_reboots() -> None:
    assert parse(WAITS.replace("locksmithd=77\n", "")).strategy == "off"
    assert parse(WAITS.replace("REBOOT_STRATEGY=etcd-lock\n", "")).strategy == "reboot", "locksmithd's own default"
    assert parse("version=1\nGROUP=a\nGROUP=b\n").group == "b"


@pytest.fixture
def asked(planned: Callable[..., Cluster], monkeypatch: pytest.MonkeyPatch) -> Callable[[int, str, str], str]:
    """What `ask` makes of a node's exit code, output and errors."""

    def make(code: int, out: str, err: str) -> str:
        monkeypatch.setattr(ssh, "answer", lambda *_args, **_more: run.Completed((), code, out, err))
        cluster = planned()
        return look.ask(cluster, cluster.nodes[1])

    return make


def test_what_an_update_engine_answers(asked: Callable[[int, str, str], str]) -> None:
    assert asked(0, "Update succeeded -- reboot needed.\n", "") == ""
    assert asked(0, "No update: the server has nothing else.\n", "") == "the server has nothing else"
    with pytest.raises(LabError, match="core-02: its update engine cannot update: no answer from the update server"):
        asked(1, "", "no answer from the\nupdate server\n")


@pytest.mark.parametrize(("code", "none"), [(0, False), (255, True), (1, True)])
def test_a_node_that_does_not_answer_is_unknown(
    planned: Callable[..., Cluster], monkeypatch: pytest.MonkeyPatch, code: int, *, none: bool
) -> None:
    done = None if code == 255 else run.Completed((), code, WAITS, "")
    monkeypatch.setattr(ssh, "ask", lambda *_args, **_more: done)
    cluster = planned()
    assert (look.look(cluster, cluster.nodes[0]) is None) is none
