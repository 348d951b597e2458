"""The runtimes that functions may ask for, and what runs them here: the host's Node or Python, whatever its version."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

NODE, PYTHON = "node", "python3"
NODES = (*(f"nodejs{each}" for each in ("4.3", "6.10", "8.10")), *(f"nodejs{each}.x" for each in range(10, 26, 2)))
PYTHONS = tuple(f"python3.{each}" for each in range(6, 15))
PATH = "/usr/local/bin:/usr/bin:/bin"  # of a function's process, which sees nothing else of the host
HERE = Path(__file__).parent


@dataclass(frozen=True)
class Runtime:
    """What runs a function: a program of the host, and our loop between the Runtime API and the handler.

    `inline` is the name of the file that code in a template becomes.
    """

    program: str
    loop: Path
    inline: str

    def command(self, memory: int) -> list[str]:
        """The program as it is started. `memory` in MiB: Node is told, since it would take the host's for its own."""
        limits = [f"--max-old-space-size={memory * 9 // 10}"] if self.program == NODE else []
        return [self.program, *limits, f"/var/runtime/{self.loop.name}"]

    def missing(self) -> str:
        """Why it cannot run here, "" if it can."""
        package = {NODE: "nodejs", PYTHON: "python3"}[self.program]
        found = shutil.which(self.program, path=PATH)
        return "" if found else f"needs {self.program} on this machine: apt-get install {package}"


OF_NODE = Runtime(NODE, HERE / "loop.js", "index.js")
OF_PYTHON = Runtime(PYTHON, HERE / "loop.py", "index.py")
RUNTIMES = {**dict.fromkeys(NODES, OF_NODE), **dict.fromkeys(PYTHONS, OF_PYTHON)}
