"""A cluster of virtual machines."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from coreos_lab.model import Cluster
from tests.unit.providers.vagrant.paper_machines import OURS


@pytest.fixture
def vms(planned: Callable[..., Cluster]) -> Cluster:
    return replace(planned(), provider="vagrant", box=OURS)
