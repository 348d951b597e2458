"""Records of runs on paper."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.unit.report import paper_run
from tests.unit.report.paper_run import Run

NAME = "20260921-141320-break-core-02"


@pytest.fixture
def recorded(tmp_path: Path) -> Callable[..., Path]:
    """Writes the record of a run, and returns its folder."""

    def make(run: Run | None = None, name: str = NAME) -> Path:
        return paper_run.write(tmp_path / "runs" / name, run or Run())

    return make
