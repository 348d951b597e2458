"""Commands that are printed are pasted here into a shell, on a cluster that is not the default one."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.calls import ENTRY, NAME, Result, environment, lab, typed


def printed(text: str) -> list[str]:
    """The commands of a text: between quotes, behind a colon, or on a line of their own."""
    return re.findall(r"(?:'|: |^ +)((?:LAB_STATE_DIR=\S+ )?lab [a-z].*?)(?:'|;|$)", text, re.M)


def paste(command: str, tmp_path: Path, code: int = 0) -> Result:
    """Runs a command in a shell that has no LAB_ setting but the state's place, and `lab` on its path."""
    program = tmp_path / "lab"
    program.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -c {shlex.quote(ENTRY)} "$@"\n')
    program.chmod(0o755)
    env = environment()
    del env["LAB_NAME"]
    env["PATH"] = f"{tmp_path}:{env['PATH']}"
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, timeout=300, env=env, check=False)
    assert done.returncode == code, f"{command}: {done.returncode}\n{done.stdout}\n{done.stderr}"
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
