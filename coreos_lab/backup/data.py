"""The labs' own data, dumped and restored by the commands of their lab.yaml, on the node that runs their unit."""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from coreos_lab import events, hints, run, wait
from coreos_lab.backup import manifest
from coreos_lab.backup.manifest import DataPart
from coreos_lab.clients import ssh
from coreos_lab.errors import LabError
from coreos_lab.model import Cluster, Lab, LabBackup, Node

PLACE = 30.0  # seconds for a unit that is just being moved to run again
LONGEST = 600.0  # seconds for all of a lab's data
FORMED = 60.0  # seconds for a store that has just been started, or fails over, to serve
AGAIN = 1.0  # seconds between two attempts
# The lab's command is one argument of a shell on the node, so it may be a pipeline. Without pipefail, half a dump would
# pass for a whole one when the pipeline's first program fails.
SHELL = ("sudo", "bash", "-o", "pipefail", "-c")


def dump(cluster: Cluster, nodes: Sequence[Node], lab: Lab, backup: LabBackup, target: Path) -> DataPart:
    """Dumps data into a file, with its lines sorted. LabError where the command fails, or prints no whole lines."""
    name = f"{lab.name}/{backup.name}"
    node = _place(cluster, nodes, lab, backup)
    with events.step("data", name, f"dumped on {node.name}"):
        try:
            _transfer(ssh.command(cluster, node, [*SHELL, backup.dump]), target=target)
        except run.CommandError as failed:
            raise LabError(f"{name}: cannot be dumped: {failed.message}", details=failed.details) from None
    items = sort(target, name)
    return DataPart(lab.name, backup.name, items, manifest.described(target))


def sort(path: Path, name: str) -> int:
    """Sorts the lines of a dump, so that the same data is the same file; returns how many there are."""
    content = path.read_bytes()
    if content and not content.endswith(b"\n"):
        raise LabError(f"{name}: its dump ends within a line", "find out what cuts it off: the command is in lab.yaml")
    lines = sorted(_lines(content))
    path.write_bytes(b"".join(lines))
    return len(lines)


def _lines(content: bytes) -> list[bytes]:
    """Lines end with a line feed and nothing else: an item may have a carriage return, or bytes that are no UTF-8."""
    return [line + b"\n" for line in content.split(b"\n")[:-1]]


def restore(cluster: Cluster, nodes: Sequence[Node], lab: Lab, backup: LabBackup, source: Path) -> None:
    """Has a lab store what a dump has. May be repeated."""
    name = f"{lab.name}/{backup.name}"
    node = _place(cluster, nodes, lab, backup)
    with events.step("data", name, f"restored on {node.name}"):
        try:
            _transfer(ssh.command(cluster, node, [*SHELL, backup.restore]), source=source)
        except run.CommandError as failed:
            raise LabError(
                f"{name}: cannot be restored: {failed.message}", "repeat it: it goes on here", failed.details
            ) from None


def _transfer(call: Sequence[str | Path], *, source: Path | None = None, target: Path | None = None) -> None:
    """Carries out a lab's command, again for some time while it fails. CommandError of the last attempt.

    Its unit runs, but what that unit serves may still be forming or failing over, and refuses meanwhile.
    """
    end = time.monotonic() + wait.patiently(FORMED)
    while True:
        try:
            run.transfer(call, source=source, target=target, timeout=wait.patiently(LONGEST))
        except run.CommandError:
            if time.monotonic() >= end:
                raise
            wait.pause(AGAIN)
        else:
            return


def missing(source: Path, now: Path) -> tuple[int, list[str]]:
    """How many lines of a dump are in a later one, and those that are not. More may have been stored meanwhile."""
    wanted, there = _lines(source.read_bytes()), set(_lines(now.read_bytes()))
    lost = [line.decode("utf-8", "replace").removesuffix("\n") for line in wanted if line not in there]
    return len(wanted) - len(lost), lost


def _place(cluster: Cluster, nodes: Sequence[Node], lab: Lab, backup: LabBackup) -> Node:
    """The node on which a backup's unit is up, as the nodes' systemd has it: fleet may have no etcd to ask."""
    found: list[Node] = []

    def up() -> bool:
        nonlocal found
        asked = ("systemctl", "is-active", "--quiet", backup.unit)
        with ThreadPoolExecutor(max_workers=len(nodes)) as pool:
            answers = list(pool.map(lambda node: ssh.ask(cluster, node, asked), nodes))
        found = [node for node, done in zip(nodes, answers, strict=True) if done is not None and done.returncode == 0]
        return bool(found)

    try:
        wait.until(up, deadline=wait.patiently(PLACE), interval=0.3, missing="")
    except wait.DeadlineError:
        raise LabError(
            f"{lab.name}/{backup.name}: {backup.unit} runs on none of the nodes that answer, so the data is unknown",
            f"find out why: {hints.lab('journal', backup.unit)}",
        ) from None
    return found[0]
