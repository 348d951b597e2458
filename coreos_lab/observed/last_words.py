"""Why a node does not serve, in its own words: the end of its journal or console."""

from __future__ import annotations

from pathlib import Path

from coreos_lab import disk, run
from coreos_lab.model import Cluster, Node
from coreos_lab.providers.base import Provider

JOURNAL_LINES = 12
CLOUD_CONFIG = "user-cloudinit.service"


def last_words(cluster: Cluster, node: Node, provider: Provider, lines: int = JOURNAL_LINES) -> str:
    """The last warnings of a node's journal, read on the host also when the node is off; else its console's lines.

    Where applying the cloud-config has failed, coreos-cloudinit's own last messages, which say why.
    """
    for folder in provider.journal_folders(cluster, node):
        if run.which("journalctl"):
            found = _journal(folder, lines, "--priority=warning", "--output=short-iso")
            if f"{CLOUD_CONFIG}: Failed" in found:
                return _journal(folder, lines, f"--unit={CLOUD_CONFIG}", "--output=cat") or found
            if found:
                return found
    return disk.last_lines(provider.console(cluster, node), lines)


def _journal(folder: Path, lines: int, *selection: str) -> str:
    """The last lines of a journal on the host."""
    call = ["journalctl", "--directory", str(folder), f"--lines={lines}", "--no-pager", "--quiet", *selection]
    return run.run(call, check=False).stdout.strip()
