"""The `lab` commands that messages print: where the code makes them, and how a test runs each.

Commands that differ only in values have one shape: `scale *` stands for `lab scale 3` and `lab scale 5`, and `...` for
any number of words. A new shape needs an execution here; tests/unit/test_hints.py compares.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import coreos_lab

SOURCES = Path(coreos_lab.__file__).parent


@dataclass(frozen=True)
class Execution:
    """How a printed command is run.

    `words` take the place of the shape's, `shows` is a part of what is printed then, `before` a command that brings
    about what the printed one is for. LAB stands for the folder of a lab with a Global unit own.service and a page,
    FILE for a cloud-config, CLUSTER for the cluster's name. `codes` are the exit codes that are right.
    """

    words: str
    shows: str = ""
    stdin: str = ""
    before: str = ""
    codes: tuple[int, ...] = (0,)


# On a plan without machines: these read files alone.
ON_PAPER = {
    "... --help": Execution("up --help", "Bring a cluster up"),
    "restore --help": Execution("restore --help", "A backup's folder"),
    "labs": Execution("labs", "ch4-ceph"),
    "show *": Execution("show ch4-flannel", "flannel"),
    "show ch3": Execution("show ch3", "helloworld"),
    "lint *": Execution("lint ch2", "ch2: 0 findings"),
    "checklist *": Execution("checklist ch2", "nginx.service"),
    "faults": Execution("faults", "clock-skew"),
    "list": Execution("list", "other"),
    "snapshot list": Execution("snapshot list", "No snapshots"),
}
# On a cluster of three nodes, in this order.
ON_THREE_NODES = {
    "deploy * ...": Execution("deploy LAB --set beat=2", "own"),
    "deploy * ... --deadline *": Execution("deploy LAB --deadline 2m", "own"),
    "check *": Execution("check own", "ok   ok"),
    "status": Execution("status", "own.service"),
    "doctor": Execution("doctor"),
    "journal *": Execution("journal own.service", "beat 1"),
    "journal * ...": Execution("journal own.service --node core-03", "beat 1"),
    "ssh *": Execution("ssh core-02", "core-02", stdin="hostname\n"),
    "ssh ... * ...": Execution("ssh --name CLUSTER core-01 -- hostname", "core-01"),
    "ssh * -- systemctl": Execution("ssh core-01 -- systemctl", "fleet.service"),
    "ssh * -- systemctl status docker": Execution("ssh core-01 -- systemctl status docker", "active (running)"),
    "ssh * -- systemctl status fleet": Execution("ssh core-01 -- systemctl status fleet", "active (running)"),
    "ssh * -- journalctl -u fleet": Execution("ssh core-01 -- journalctl -u fleet"),
    "ssh * -- journalctl -u update-engine": Execution("ssh core-01 -- journalctl -u update-engine"),
    "ssh * -- docker * rm *": Execution(
        "ssh core-01 -- docker volume rm own", "own", before="ssh core-01 -- docker volume create own"
    ),
    "ssh * -- locksmithctl ... ...": Execution("ssh core-01 -- locksmithctl set-max 1", "Max: 1"),
    "ssh * -- sudo systemctl restart ...": Execution("ssh core-01 -- sudo systemctl restart locksmithd"),
    "etcdctl ls --recursive": Execution("etcdctl ls --recursive"),
    "etcdctl member list": Execution("etcdctl member list", "name=core-03"),
    "break ...": Execution("break core-03 --fault pause --for 1s", "core-03"),
    "break * --fault * --verify": Execution("break core-02 --fault pause --verify", "PASS"),
    "verdict": Execution("verdict", "PASS"),
    "report": Execution("report", "report: "),
    "break *": Execution("break core-03", "core-03 is broken"),
    "heal": Execution("heal", "Healed: core-03"),
    "snapshot save clean": Execution("snapshot save clean", "clean"),
    "snapshot save *": Execution("snapshot save own", "own"),
    "snapshot restore *": Execution("snapshot restore own", "own"),
    "snapshot delete *": Execution("snapshot delete own", "own is removed"),
    "walk *": Execution("walk LAB", "To go on:", stdin=":stop\n"),
    "walk * --from 1": Execution("walk LAB --from 1", "To go on:", stdin=":stop\n"),
    "walk * --test --from *": Execution("walk LAB --test --from 1", "ok  "),
    "walk * --test": Execution("walk LAB --test", "ok  "),
    "walk * --test ...": Execution("walk LAB --test --from 1", "ok  "),
    "walk * --reset": Execution("walk LAB --reset", "To go on:", stdin=":stop\n"),
    "undeploy *": Execution("undeploy own", "own"),
    "scale *": Execution("scale 3", "has 3 nodes"),
    "up": Execution("up", "runs already"),
    "up --apply": Execution("up --apply"),
    "up --nodes *": Execution("up --nodes 3"),
    "up ... --disks *": Execution("up --disks 1"),
}
# On a cluster of one node that is planned by the first of these and removed by the last.
ON_ONE_NODE = {
    "discovery new --size *": Execution("discovery new --size 1", "http://"),
    "discovery new": Execution("discovery new", "http://"),
    "up --no-userns": Execution("up --no-userns", "1 node up"),
    "up --cloud-config *": Execution("up --cloud-config FILE", "core-01"),
    "up ... --apply": Execution("up --cloud-config=FILE --apply"),
    "ssh * -- sudo locksmithctl reboot": Execution(
        "ssh core-01 -- sudo locksmithctl reboot",
        codes=(0, 255),  # the machine may end the connection before the command's code is sent
    ),
    "up ...": Execution("up --nodes 1 --agent-ttl 5s", "core-01", before="destroy"),
    "destroy": Execution("destroy", "nothing is left over"),
}
# What takes too long to be done twice: the file of the test that runs it, and the words of its call.
ELSEWHERE = {
    "deploy ch3": ("e2e/test_break.py", "deploy ch3"),
    "break * --verify": ("e2e/test_report.py", "break core-02 --verify"),
    "update": ("e2e/test_update.py", "update"),
    "update ...": ("e2e/test_update_groups.py", "update --group beta"),
    "update --back": ("e2e/test_update.py", "update --back"),
    "storm --for 10m": ("e2e/test_storm.py", "storm ..."),
    "storm ... ... ... ... ...": ("e2e/test_storm.py", "storm ..."),
    "replay *": ("e2e/test_storm.py", "replay *"),
    "replay * ...": ("e2e/test_storm.py", "replay * --shrunk"),
    "replay * --shrunk": ("e2e/test_storm.py", "replay * --shrunk"),
    "backup": ("e2e/test_backup.py", "backup --output"),
    "backup --stale": ("e2e/test_backup.py", "backup --stale"),
    "restore *": ("e2e/test_backup.py", "restore *"),
    "restore * --replace": ("e2e/test_backup.py", "restore * --replace"),
    "reap-members": ("e2e/test_backup.py", "reap-members"),
    "console": ("e2e/test_console.py", "console"),
    "console --port *": ("e2e/test_console.py", "console --port"),
    "webhook add *": ("e2e/test_ch9.py", "webhook add"),
    "webhook remove *": ("e2e/test_ch9.py", "webhook remove"),
    "cloud publish *": ("e2e/test_cloud.py", "cloud publish"),
    "cloud webhook add *": ("e2e/test_cloud.py", "cloud webhook add"),
    "cloud webhook remove *": ("e2e/test_cloud.py", "cloud webhook remove"),
    "cloud up": ("e2e/test_cloud.py", "cloud up"),
    "cloud env": ("e2e/test_cloud.py", "cloud env"),
    "cloud destroy": ("e2e/test_cloud.py", "cloud destroy"),
    "up --provider vagrant": ("vagrant/test_libvirt.py", "up --provider vagrant"),
    "up --provider vagrant --name *": ("vagrant/test_libvirt.py", "up --provider vagrant"),
}


def made() -> Iterator[tuple[str, list[str]]]:
    """Where each call of hints.lab is, and its words: `*` for a value of run time, `...` for any number of them."""
    for path in sorted(SOURCES.rglob("*.py")):
        for call, words in calls(path, "hints.lab"):
            yield f"{path.relative_to(SOURCES)}:{call.lineno}", words


def calls(path: Path, *functions: str) -> Iterator[tuple[ast.Call, list[str]]]:
    """The calls of these functions in a file, with their words."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and (not functions or ast.unparse(node.func) in functions):
            yield node, [_word(argument) for argument in node.args]


def _word(argument: ast.expr) -> str:
    if isinstance(argument, ast.Starred):
        return "..."
    return str(argument.value) if isinstance(argument, ast.Constant) else "*"


def fits(shape: str, words: list[str]) -> bool:
    """Whether a command has a shape."""
    parts = {"*": r"\S+ ", "...": r"(\S+ )*"}
    pattern = "".join(parts.get(word, re.escape(f"{word} ")) for word in shape.split())
    return re.fullmatch(pattern, "".join(f"{word} " for word in words)) is not None
