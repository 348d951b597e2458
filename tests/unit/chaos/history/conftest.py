"""The real judge, built once."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from coreos_lab import settings
from coreos_lab.errors import LabError
from coreos_lab.machine_image.go_toolchain import find_go
from coreos_lab.machine_image.judge import JUDGE
from coreos_lab.machine_image.userland import build_command, build_environment


@pytest.fixture(scope="session")
def judge(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The program. Without Go, the tests that need it are skipped."""
    binary = tmp_path_factory.mktemp("judge") / JUDGE.name
    try:
        call = build_command(find_go(), JUDGE, binary)
        environment = {**os.environ, **build_environment(JUDGE)}
        folder = settings.data("userland") / JUDGE.folder
        subprocess.run(call, check=True, capture_output=True, env=environment, cwd=folder)
    except (LabError, subprocess.CalledProcessError) as error:
        if os.environ.get("LAB_TEST_WITH_GO"):
            raise
        pytest.skip(f"the judge cannot be built here: {error}")
    return binary
