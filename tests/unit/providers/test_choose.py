"""Which providers there are."""

from __future__ import annotations

import pytest

from coreos_lab.errors import UsageError
from coreos_lab.providers.choose import provider


def test_an_unknown_provider_lists_the_known() -> None:
    with pytest.raises(UsageError, match=r"--provider x: no such provider .there is: nspawn"):
        provider("x")
