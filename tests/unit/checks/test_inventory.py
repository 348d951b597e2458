"""The nodes that checks run against."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from coreos_lab.checks.inventory import read_inventory
from coreos_lab.clients.http import CannotCheckError


def test_no_node_runs(tmp_path: Path) -> None:
    path = tmp_path / "inventory.json"
    path.write_text(json.dumps({"cluster": "core", "ssh_config": "", "nodes": []}), encoding="utf-8")
    with pytest.raises(CannotCheckError, match="none of its nodes runs"):
        _ = read_inventory(path).running
