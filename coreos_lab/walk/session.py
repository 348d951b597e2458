"""The terminals of a walk, and what is set up in them: the cluster, its addresses, and the programs to reach it."""

from __future__ import annotations

import os
import shlex
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from coreos_lab import disk, settings
from coreos_lab.clients import agent
from coreos_lab.definition.page.steps import HOST, Block
from coreos_lab.records import store
from coreos_lab.walk.terminal import Terminal

MAIN = ".main"  # no page can name a second terminal so
EXPAND = 10.0  # seconds to replace variables in a text
# Programs that a page's commands find first, each with the words that it becomes.
PROGRAMS = {"lab": settings.PROGRAM, "fleetctl": ("lab", "fleetctl"), "etcdctl": ("lab", "etcdctl")}


class Session:
    """The shells of one walk over the cluster `name`: the main terminal, and second terminals by their names.

    `state` and `device` are those of the main terminal, see Terminal.
    """

    def __init__(self, name: str, folder: Path, begin: Path, *, state: str = "", device: str = "") -> None:
        self.cluster, self._begin = name, begin
        self.folder = folder
        self._write_programs()
        self._env = {
            "LAB_NAME": name,
            "LAB_SSH_CONFIG": str(store.ClusterFolder(name).ssh_config),  # the walk may make the cluster
            "PATH": f"{folder / 'bin'}:{agent.PATH}:{os.environ.get('PATH', os.defpath)}",
            "PYTHONPATH": settings.PACKAGES,
        }
        self.main = self._terminal(MAIN, state, device)
        self.others: dict[str, Terminal] = {}
        self.on_other: Callable[[Terminal], None] = lambda _terminal: None  # called with each second terminal
        self._hidden: dict[str, Terminal] = {}

    def command(self, block: Block, text: str) -> str:
        """A block's command as the host's shell runs it, with the nodes' addresses as they are planned now."""
        there = store.load(self.cluster)
        exports = [f"export {node.variable}={node.address}" for node in there.nodes] if there else []
        if block.on != HOST:
            text = shlex.join(["lab", "ssh", block.on, "--", text])
        return "\n".join([*exports, text])

    def expand(self, text: str) -> str:
        """A text with the main terminal's variables in it replaced; as it is, where its shell cannot do that."""
        file = self.folder / "expanded"  # a file, because on a terminal device somebody would have to read the output
        file.unlink(missing_ok=True)  # the text before would be taken for this one
        self.main.run(self.command(Block((), 0), f'printf %s "{text}" > {shlex.quote(str(file))}'), EXPAND)
        return file.read_text(encoding="utf-8", errors="replace") if file.exists() else text

    def other(self, name: str, shown: str = "") -> Terminal:
        """A second terminal; made when it is first used. `shown` is what it had printed in an earlier session."""
        if name not in self.others:
            self.others[name] = self._terminal(name)
            self.others[name].log.write_text(shown, encoding="utf-8")
            self.on_other(self.others[name])
        return self.others[name]

    def hidden(self, name: str) -> Terminal:
        """A terminal that no page names, in the state that the main one has now. It replaces an earlier one."""
        if name in self._hidden:
            self._hidden[name].end()
        self._hidden[name] = self._terminal(name, self.main.state())
        return self._hidden[name]

    def end(self) -> None:
        """Ends all terminals, and what runs in them."""
        for terminal in [*self.others.values(), *self._hidden.values(), self.main]:
            terminal.end()

    def _terminal(self, name: str, state: str = "", device: str = "") -> Terminal:
        return Terminal(self.folder, name, self._env, self._begin, state=state, device=device)

    def _write_programs(self) -> None:
        folder = self.folder / "bin"
        folder.mkdir()
        for name, words in PROGRAMS.items():
            disk.write_atomic(folder / name, f'#!/bin/sh\nexec {shlex.join(words)} "$@"\n', 0o755)


@contextmanager
def session(name: str, begin: Path, *, state: str = "", device: str = "") -> Iterator[Session]:
    """A session whose terminals and files are gone when the block ends. Its terminals begin in the folder `begin`.

    `state` is that of the main terminal in an earlier session, see Terminal.state.
    """
    folder = Path(tempfile.mkdtemp(prefix="lab-walk-"))
    try:
        made = Session(name, folder, begin, state=state, device=device)
        try:
            yield made
        finally:
            made.end()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
