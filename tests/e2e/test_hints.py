"""Commands that are printed are pasted here into a shell, on a cluster that is not the default one."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from collections.abc import Mapping
from functools import partial
from pathlib import Path

import pytest

from coreos_lab import hints
from coreos_lab.hints import Call
from tests import printed as known
from tests.e2e.calls import ENTRY, LONGEST, NAME, Result, environment, lab, typed, until
from tests.printed import Execution


def printed(text: str) -> list[str]:
    """The commands of a text: between quotes, behind a colon, or on a line of their own."""
    return re.findall(r"(?:'|: |^ +)((?:LAB_STATE_DIR=\S+ )?lab [a-z].*?)(?:'|;|$)", text, re.M)


def paste(command: str, tmp_path: Path, *codes: int, stdin: str = "") -> Result:
    """Runs a command in a shell that has no LAB_ setting but the state's place, and `lab` on its path."""
    program = tmp_path / "lab"
    program.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -c {shlex.quote(ENTRY)} "$@"\n')
    program.chmod(0o755)
    env = environment()
    del env["LAB_NAME"]
    env["PATH"] = f"{tmp_path}:{env['PATH']}"
    done = subprocess.run(
        ["sh", "-c", command],
        capture_output=True,
        text=True,
        timeout=LONGEST,
        env=env,
        check=False,
        cwd=tmp_path,
        input=stdin,
    )
    assert done.returncode in (codes or (0,)), f"{command}: {done.returncode}\n{done.stdout}\n{done.stderr}"
    return Result(done.returncode, done.stdout, done.stderr)


@pytest.mark.usefixtures("cluster")
def test_what_is_printed_works_as_printed_on_a_cluster_of_another_name(tmp_path: Path) -> None:
    status, *_labs, ssh = printed(lab("up").out)
    assert f"Cluster {NAME} " in paste(status, tmp_path).out
    assert ssh == typed("ssh", "--name", NAME, "core-01")
    assert paste(f"{ssh} -- hostname", tmp_path).out.strip() == "core-01"

    look, heal = printed(lab("break", "core-03").out)
    assert "core-03 (kill)" in paste(look, tmp_path).out
    [again] = printed(lab("break", "core-03", code=4).err)
    assert again == heal
    assert "Healed: core-03 (kill)" in paste(heal, tmp_path).out

    [undo] = printed(lab("snapshot", "save", "printed").out)
    [remove] = printed(lab("snapshot", "save", "printed", code=2).err)
    assert undo == typed("snapshot", "restore", "printed", "--name", NAME)
    assert "printed is removed" in paste(remove, tmp_path).out


OTHER = f"{NAME[:19]}-next"
LOOKS = ("status", "journal ")  # what fleet and journals are asked for may come a moment later
LAB = {
    "lab.yaml": "title: Own\nsummary: A lab.\nunits: [units/own.service]\nsettings: {beat: A number.}\n",
    "units/own.service": """[Service]
Environment=BEAT=1
ExecStart=/bin/sh -c 'echo beat ${BEAT}; exec sleep 1000'
[X-Fleet]
Global=true
""",
    "checks/test_ok.py": "import pytest\n\n\n@pytest.mark.survives\ndef test_ok():\n    pass\n",
    "page.md": "# Own\n\n```console\n$ lab status\ncore-01 ...\n```\n",
}


def execute(executions: Mapping[str, Execution], name: str, tmp_path: Path) -> None:
    """Runs printed commands one after the other, as they are printed for a cluster."""
    for file, text in LAB.items():
        path = tmp_path / "own" / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    config = tmp_path / "own.yml"
    config.write_text("#cloud-config\nwrite_files:\n  - {path: /etc/own, content: own}\n")

    def command(line: str) -> str:
        places = {"LAB": str(tmp_path / "own"), "FILE": str(config), "CLUSTER": name}
        return hints.lab(*(re.sub("LAB|FILE|CLUSTER", lambda found: places[found[0]], word) for word in line.split()))

    def shows(how: Execution) -> bool:
        return how.shows in paste(command(how.words), tmp_path, *how.codes, stdin=how.stdin).out

    hints.about(Call(typed(), name=name))
    wrong = []
    for shape, how in executions.items():
        try:
            if how.before:
                paste(command(how.before), tmp_path)
            if how.words.startswith(LOOKS):
                until(partial(shows, how))
                continue
            done = paste(command(how.words), tmp_path, *how.codes, stdin=how.stdin)
            assert how.shows in done.out, done.out
        except AssertionError as error:
            wrong.append(f"{shape}: {error}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.usefixtures("cluster")
def test_every_command_that_is_printed_is_executed(tmp_path: Path) -> None:
    try:
        execute(known.ON_THREE_NODES, NAME, tmp_path)
    finally:
        lab("undeploy", "own", code=None)
        for snapshot in ("clean", "own", "walk-own"):
            lab("snapshot", "delete", snapshot, code=None)


def test_every_command_that_is_printed_about_a_clusters_beginning_and_end_is_executed(tmp_path: Path) -> None:
    lab("destroy", "--name", OTHER)
    try:
        execute(known.ON_ONE_NODE, OTHER, tmp_path)
    finally:
        lab("destroy", "--name", OTHER)


def test_what_is_printed_for_a_lab_that_needs_more_disks_leads_to_its_deployment(tmp_path: Path) -> None:
    folder = tmp_path / "wide"
    for file, text in LAB.items():
        path = folder / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{text}disks: 1\n" if file == "lab.yaml" else text)
    try:
        [make] = printed(lab("deploy", str(folder), "--name", OTHER, code=2).err)
        assert make == typed("up", "--name", OTHER)
        paste(f"{make} --nodes 1", tmp_path)
        [more] = printed(lab("deploy", str(folder), "--name", OTHER, code=2).err)
        assert more == typed("up", "--disks", "1", "--name", OTHER)
        paste(more, tmp_path)
        lab("deploy", str(folder), "--name", OTHER)
    finally:
        lab("destroy", "--name", OTHER)
