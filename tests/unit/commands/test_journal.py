"""lab journal, for a unit that several nodes have."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from coreos_lab import run
from coreos_lab.commands import journal as command
from coreos_lab.errors import UnknownError
from coreos_lab.model import Cluster
from coreos_lab.observed import unit_places
from coreos_lab.records import store


@pytest.mark.parametrize("follow", [True, False])
def test_the_journal_of_a_node_that_is_not_reached_is_unknown_not_empty(
    follow: bool, planned: Callable[..., Cluster], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    cluster = planned()
    store.save(cluster)

    def stream(argv: list[str], *, on_line: Callable[[str], None], **_options: Any) -> run.Completed:
        if "core-02" in argv:
            return run.Completed(tuple(argv), 255, "", "")
        on_line("hello")
        return run.Completed(tuple(argv), 0, "", "")

    monkeypatch.setattr(command, "running_nodes", lambda cluster: list(cluster.nodes))
    monkeypatch.setattr(unit_places, "nodes_of", lambda nodes, _unit: nodes)
    monkeypatch.setattr(run, "stream", stream)
    with pytest.raises(UnknownError, match="core-02: not reached, so its journal is unknown"):
        command.journal("core", "a", lines=10, follow=follow, node=None)
    assert sorted(capsys.readouterr().out.splitlines()) == ["core-01: hello", "core-03: hello"]
