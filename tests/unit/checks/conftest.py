"""Fixtures for tests of checks."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.checks.checked import Checked


@pytest.fixture
def checked(tmp_path: Path) -> Checked:
    return Checked(tmp_path)
