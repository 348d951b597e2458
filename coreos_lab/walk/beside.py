"""Where a reader sees second terminals: in panes of tmux, or as lines between the others."""

from __future__ import annotations

import os
import sys
from typing import Protocol

from coreos_lab import run
from coreos_lab.walk.terminal import Terminal

SHARE = "30%"  # of the window, for a pane


class Beside(Protocol):
    """Shows second terminals."""

    def open(self, terminal: Terminal) -> None:
        """A terminal that was made just now."""

    def show(self) -> None:
        """Shows what came since the last call, where that needs doing."""

    def close(self) -> None:
        """Removes what was opened."""


class Panes:
    """A pane of the reader's tmux for each terminal."""

    def __init__(self) -> None:
        self._panes: list[str] = []

    def open(self, terminal: Terminal) -> None:
        call = ["tmux", "split-window", "-d", "-l", SHARE, "-P", "-F", "#{pane_id}"]
        show = ["tail", "-n", "+1", f"--pid={os.getpid()}", "-f", str(terminal.log)]  # the pane goes with this process
        made = run.run([*call, *show], check=False)
        if made.returncode == 0:
            self._panes.append(made.stdout.strip())

    def show(self) -> None:
        """tail shows it."""

    def close(self) -> None:
        for pane in self._panes:
            run.run(["tmux", "kill-pane", "-t", pane], check=False)
        self._panes.clear()


class Inline:
    """Lines with the terminal's name in front, printed while the reader's own command runs and before each prompt."""

    def __init__(self) -> None:
        self._seen: dict[Terminal, int] = {}

    def open(self, terminal: Terminal) -> None:
        self._seen[terminal] = terminal.size  # the reader has seen what an earlier session printed

    def show(self) -> None:
        for terminal, seen in self._seen.items():
            whole, end, _rest = terminal.printed(seen).rpartition(b"\n")
            if end:
                self._seen[terminal] = seen + len(whole) + 1
                lines = whole.decode(errors="replace").split("\n")
                sys.stdout.write("".join(f"{terminal.name} | {line}\r\n" for line in lines))
                sys.stdout.flush()

    def close(self) -> None:
        self.show()


def choose() -> Beside:
    """Panes within tmux, lines elsewhere."""
    return Panes() if os.environ.get("TMUX") and run.which("tmux") else Inline()
