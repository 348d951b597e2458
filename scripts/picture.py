#!/usr/bin/env python3
"""picture.py FILE.svg COMMAND...: runs a command in a terminal of its own and draws what is on the screen at its end.

The pictures in the documentation are made with it, so that they show what the command really prints.
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
    """One call of tmux; returns what it printed."""
    return subprocess.run(["tmux", *arguments], capture_output=True, text=True, check=True).stdout


def screen(command: str) -> str:
    """What a terminal shows after the command, with its colours as escape sequences."""
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
    # Fonts would come from the net: whoever looks at it has a monospaced one.
    drawn = re.sub(r"@font-face \{.*?\n\s*\}|<!--.*?-->", "", drawn, flags=re.DOTALL)
    Path(sys.argv[1]).write_text(drawn, encoding="utf-8")


if __name__ == "__main__":
    main()
