"""Units that need not run all the time."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from coreos_lab.deploy.irregular import triggered
from coreos_lab.model import Lab


def test_what_a_timer_a_socket_or_a_path_starts(made_lab: Callable[..., Lab], tmp_path: Path) -> None:
    lab = made_lab("mine", "a.timer", "b.timer", "c.socket", "d.path", "e.service")
    for name, text in (
        ("a.timer", "[Timer]\nOnActiveSec=1h\n"),
        ("b.timer", "[Timer]\nOnActiveSec=1h\nUnit=job.service\n"),
        ("c.socket", "[Socket]\nListenStream=1\nService=c-worker.service\n"),
        ("d.path", "[Path]\nPathExists=/x\n"),
        ("e.service", "[Service]\nExecStart=/bin/true\n"),
    ):
        (tmp_path / name).write_text(text)
    assert triggered(lab) == {"a.service", "job.service", "c-worker.service", "d.service"}
