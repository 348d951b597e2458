"""Vagrant, through python-vagrant: its output goes to a log, and the failing part of it into our error."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from coreos_lab import environment, run
from coreos_lab.errors import LabError


class Vagrant:
    """One folder with a Vagrantfile."""

    def __init__(self, folder: Path, log_file: Path) -> None:
        self._folder = folder
        self._log = log_file

    def up(self, hypervisor: str, names: Sequence[str]) -> None:
        """Makes or starts machines, several at a time where the hypervisor allows; provisions those that are new."""
        self._call("up", lambda tool: tool.up(provider=hypervisor, vm_name=any_of(names)))

    def destroy(self, names: Sequence[str]) -> None:
        """Removes machines."""
        self._call("destroy", lambda tool: tool.destroy(vm_name=any_of(names)))

    def boxes(self) -> list[str]:
        """The names of the boxes that Vagrant has."""
        names: list[str] = []
        self._call("box list", lambda tool: names.extend(box.name for box in tool.box_list()))
        return names

    def add_box(self, name: str, file: Path) -> None:
        """Gives Vagrant a box."""
        self._call("box add", lambda tool: tool.box_add(name, str(file), force=True))

    def _call(self, what: str, act: Callable[[Any], object]) -> None:
        self._log.parent.mkdir(parents=True, exist_ok=True)
        self._folder.mkdir(parents=True, exist_ok=True)
        before = self._log.stat().st_size if self._log.exists() else 0
        tool = _mortal()(root=str(self._folder), out_cm=self._output, err_cm=self._output, env=_environment())
        try:
            act(tool)
        except run.LibraryCallError as error:
            tail = "\n".join(failing_part(self._log.read_bytes()[before:].decode(errors="replace")))
            raise LabError(
                f"vagrant {what}: exit code {error.returncode}", f"the whole output is in {self._log}", tail
            ) from None
        except RuntimeError:  # python-vagrant raises it where vagrant is not installed
            raise run.MissingProgramError("vagrant") from None

    @contextmanager
    def _output(self) -> Iterator[IO[bytes]]:
        with self._log.open("ab") as out:
            yield out


def _mortal() -> Any:
    """python-vagrant's class, whose `vagrant` is killed when this process ends: it would hold its machines' locks.

    The next command makes the machines again that were not finished.
    """
    import vagrant

    library: Any = vagrant.Vagrant  # it has no types

    class Mortal(library):  # type: ignore[misc]
        def _make_vagrant_command(self, args: list[str | None]) -> list[str]:
            return ["setpriv", "--pdeathsig", "KILL", "--", *super()._make_vagrant_command(args)]

    return Mortal


def _environment() -> dict[str, str]:
    """Our environment with the user's proxy: Vagrant may have to download a box."""
    return environment.ours(os.environ, outside=True)


def any_of(names: Sequence[str]) -> str:
    """Several machines as one argument of Vagrant: a pattern between slashes."""
    return names[0] if len(names) == 1 else f"/^({'|'.join(names)})$/"


def failing_part(text: str) -> list[str]:
    """The lines of Vagrant's output that say what went wrong, without its progress and Ruby's stack trace."""
    text = re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", text)  # it draws progress bars, also without a terminal
    lines = [line.rstrip() for line in text.splitlines() if line.strip()]
    progress = [number for number, line in enumerate(lines) if line.startswith(("==> ", "Bringing machine"))]
    rest = lines[progress[-1] + 1 :] if progress else lines
    rest = [
        re.sub(r"^/\S+:\d+:in `[^']*': ", "", line) for line in rest
    ]  # the prefix of an error that Ruby prints itself
    plain = [line for line in rest if not re.match(r"(\s+from /|/\S+:\d+:in `|    core-\d+: )", line)]
    return (plain or lines)[-run.TAIL :]
