"""The units' states as the nodes' systemd has them: newer than fleet's, and with what identifies a unit's run."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from coreos_lab.errors import UnknownError
from coreos_lab.model import Cluster, Node

# fleet writes units there; the SHA-1 of a file is the hash that fleet knows the unit by.
FOLDER = "/run/fleet/units"
PROPERTIES = (
    "LoadState",
    "ActiveState",
    "SubState",
    "Type",
    "InvocationID",
    "NRestarts",
    "Job",
    "ConditionResult",
    "ConditionTimestampMonotonic",
    "ExecMainExitTimestampMonotonic",
    "ActiveExitTimestampMonotonic",
    "InactiveExitTimestamp",
)
TIME = "%a %Y-%m-%d %H:%M:%S.%f %Z"  # what `systemctl show --timestamp=us+utc` prints
# Each answer ends with an empty one: between any two, fleet may write or remove a file.
LOOK = f"""
cd {FOLDER} 2>/dev/null && sha1sum --zero -- "$@" 2>/dev/null
printf '\\0'
cd {FOLDER} 2>/dev/null && stat --printf='%.6Y %n\\0' -- "$@" 2>/dev/null
printf '\\0'
exec systemctl show --timestamp=us+utc --property={",".join(PROPERTIES)} -- "$@"
"""
# systemd's own identifiers of what it writes into the journal (systemd/sd-messages.h).
STARTED = "39f53479d3a045ac8e11786248231fbf"
STARTING = "7d4958e842da4a758f6c1cdc7b36dcc5"
STOPPING = "de5b426a63be47a7b6ac3eaac82e2f6f"
UP = ("active", "reloading", "refreshing")


@dataclass(frozen=True)
class NodeUnit:
    """A unit on a node: its states in systemd's words, its file (by fleet's hash) and its run (invocation).

    `loaded_at` is when fleet wrote the file, in seconds since the epoch by the node's clock, "" where it wrote none.
    `restarts` counts how often systemd has restarted it by itself since it was last started.
    `stopped`: a service that is not active was stopped; otherwise it ended by itself.
    `former`: its last run began before fleet wrote its present file, so that it is the run of another one.
    """

    name: str
    load: str = ""
    active: str = ""
    sub: str = ""
    type: str = ""
    invocation: str = ""
    hash: str = ""
    loaded_at: str = ""
    restarts: int = 0
    job: bool = False
    skipped: bool = False
    stopped: bool = False
    former: bool = False

    @property
    def up(self) -> bool:
        """Whether it is active, whatever that means for its type: a timer that waits, a mount that is mounted."""
        return self.active in UP


Look = dict[str, dict[str, NodeUnit]]  # node's name -> unit's name -> what its systemd says


def look(cluster: Cluster, nodes: Collection[Node], names: Sequence[str]) -> Look:
    """The units of these names as each of the nodes has them; a node that does not answer is left out."""
    if not nodes or not names:
        return {}

    def ask(node: Node) -> dict[str, NodeUnit] | None:
        found = _states(cluster, node, names) or {}
        units = {name: each for name, unit in found.items() if (each := _from_journal(cluster, node, unit))}
        return units if set(units) == set(names) else None

    with ThreadPoolExecutor(max_workers=len(nodes)) as pool:
        looks = zip(nodes, pool.map(ask, nodes), strict=True)
        return {node.name: found for node, found in looks if found is not None}


def _states(cluster: Cluster, node: Node, names: Sequence[str]) -> dict[str, NodeUnit] | None:
    from coreos_lab.clients import ssh  # fleet alone is asked where it knows all

    done = ssh.ask(cluster, node, ["sh", "-c", LOOK, "sh", *names])
    return parse(done.stdout, names) if done and done.returncode == 0 else None


def missing(cluster: Cluster, nodes: Sequence[Node], names: Sequence[str]) -> list[str]:
    """The names of which no node's systemd has a unit. UnknownError when a node does not answer."""
    left = list(names)
    for node in nodes:  # one after the other: usually the first has them all
        if not left:
            break
        found = look(cluster, [node], left).get(node.name)
        if found is None:
            raise UnknownError(f"{node.name}: its systemd could not be asked for {', '.join(left)}")
        left = [name for name in left if found[name].load == "not-found"]
    return left


def parse(text: str, names: Sequence[str]) -> dict[str, NodeUnit]:
    """What LOOK prints."""
    files, _end, shown = text.rpartition("\0")
    records = files.split("\0")
    middle = records.index("")
    hashes = {name: digest for digest, _spaces, name in (each.partition("  ") for each in records[:middle])}
    loaded = {name: when for when, _space, name in (each.partition(" ") for each in records[middle + 1 :])}
    found = {}
    for name, block in zip(names, shown.strip("\n").split("\n\n"), strict=True):
        values = dict(line.split("=", 1) for line in block.splitlines() if "=" in line)
        found[name] = _unit(name, values, hashes.get(name, ""), loaded.get(name, ""))
    return found


def _unit(name: str, values: dict[str, str], digest: str, loaded_at: str) -> NodeUnit:
    # A stop leaves the active state before the process ends; a process that ends by itself ends before that.
    ended, left = (int(values.get(f"{what}TimestampMonotonic") or 0) for what in ("ExecMainExit", "ActiveExit"))
    began = _seconds(values.get("InactiveExitTimestamp", ""))
    return NodeUnit(
        name,
        load=values.get("LoadState", ""),
        active=values.get("ActiveState", ""),
        sub=values.get("SubState", ""),
        type=values.get("Type", ""),
        invocation=values.get("InvocationID", ""),
        hash=digest,
        loaded_at=loaded_at,
        restarts=int(values.get("NRestarts") or 0),
        job=bool(values.get("Job")),
        skipped=values.get("ConditionResult") == "no" and int(values.get("ConditionTimestampMonotonic") or 0) > 0,
        stopped=0 < left < ended,
        former=bool(began and loaded_at) and began < float(loaded_at),
    )


def _seconds(text: str) -> float:
    """A time of systemd's in seconds since the epoch; 0 for one that never came."""
    return datetime.strptime(text, TIME).replace(tzinfo=UTC).timestamp() if text else 0.0


def _from_journal(cluster: Cluster, node: Node, unit: NodeUnit) -> NodeUnit | None:
    """systemd forgets a unit that has ended well, or was skipped because of a condition in its file.

    Then the journal says whether it ran since fleet loaded it.

    None when the journal could not be read: a unit of which nothing is known must not pass for one that never ran.
    """
    ended = unit.loaded_at and unit.active == "inactive" and not unit.job and unit.name.endswith(".service")
    if not ended or unit.invocation:
        return unit
    call = ["journalctl", "--quiet", "--no-pager", "--output=json", f"--since=@{unit.loaded_at}"]
    call += ["--output-fields=MESSAGE_ID,INVOCATION_ID", "_PID=1", f"UNIT={unit.name}"]
    from coreos_lab.clients import ssh

    done = ssh.ask(cluster, node, call)
    if done is None or done.returncode != 0:
        return None
    then = remembered(unit, done.stdout)
    if then == unit:
        return unit
    again = (_states(cluster, node, [unit.name]) or {}).get(unit.name)
    return then if again == unit else again  # it may have started between the two answers


def remembered(unit: NodeUnit, journal: str) -> NodeUnit:
    """The unit with its last run, from systemd's messages in the journal (lines of JSON)."""
    for line in journal.splitlines():
        entry = json.loads(line)
        message, invocation = entry.get("MESSAGE_ID"), entry.get("INVOCATION_ID", "")
        if message in (STARTING, STARTED) and invocation:
            unit = replace(unit, invocation=invocation, stopped=False, skipped=False)
        elif message == STARTED:  # a start that a condition of the file turned into nothing has no invocation
            unit = replace(unit, skipped=True)
        elif message == STOPPING:
            unit = replace(unit, stopped=True)
    return unit
