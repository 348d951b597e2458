#!/usr/bin/env python3
"""picture.py FILE.svg COMMAND...: runs a command in a terminal of its own and draws the final screen as SVG.

The documentation's pictures are made with it, so they show the real output.
"""

from __future__ import annotations

import io
import re
import shlex
import subprocess
import sys
import time
from pathlib import Path

from rich.console import Console
from rich.text import Text

WIDTH, HEIGHT = 118, 45
SESSION = "lab-picture"


def tmux(*arguments: str) -> str:
    """Runs tmux; returns its output."""
    return subprocess.run(["tmux", *arguments], capture_output=True, text=True, check=True).stdout


def screen(command: str) -> str:
    """The terminal's content after the command, with colours as escape sequences."""
    done = "PICTURE-IS-DONE"
    size = ["-x", str(WIDTH), "-y", str(HEIGHT)]
    tmux("new-session", "-d", "-s", SESSION, *size, f"sh -c {shlex.quote(f'{command}; echo {done}; sleep 60')}")
    try:
        while done not in (seen := tmux("capture-pane", "-e", "-p", "-t", SESSION)):
            time.sleep(0.2)
    finally:
        subprocess.run(["tmux", "kill-session", "-t", SESSION], capture_output=True, check=False)
    return seen.partition(done)[0].rstrip()


def main() -> None:
    """Draws one picture."""
    if len(sys.argv) < 3:  # noqa: PLR2004 - a file and a command
        sys.exit("usage: picture.py FILE.svg COMMAND...")
    command = shlex.join(sys.argv[2:])
    console = Console(record=True, width=WIDTH, file=io.StringIO(), force_terminal=True)
    console.print(Text.assemble(("$ ", "bold green"), command))
    console.print(Text.from_ansi(screen(command)))
    drawn = console.export_svg(title="lab")
    # Remove web fonts, which would be downloaded: every viewer has a monospaced font.
    drawn = re.sub(r"@font-face \{.*?\n\s*\}|<!--.*?-->", "", drawn, flags=re.DOTALL)
    Path(sys.argv[1]).write_text(drawn, encoding="utf-8")


if __name__ == "__main__":
    main()
