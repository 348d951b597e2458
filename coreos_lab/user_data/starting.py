"""Units that coreos-cloudinit must not wait for, because they wait for coreos-cloudinit.

It starts one unit after the other, and waits for each. Docker is ordered after the cloud-config, so that it finds the
overlay network; a unit that is ordered after Docker would never start, nor would all that comes after it.
"""

from __future__ import annotations

from typing import Any

from coreos_lab.units import systemd_grammar, unit_file

AFTER_ALL = {"docker.service", "user-cloudinit.service", "multi-user.target", "default.target"}
COMMANDS = ("start", "restart", "try-restart", "reload-or-restart", "reload-or-try-restart")
NAME = "lab-start.service"
UNIT = """[Unit]
Description=Start of units that are ordered after the cloud-config
[Service]
Type=oneshot
{calls}
"""

Units = list[dict[str, Any]]


def without_waiting(units: Units) -> Units:
    """The units of a cloud-config. Those that wait for its end are started by a unit of the lab, without waiting."""
    waiting = set(AFTER_ALL)
    while more := {unit["name"] for unit in units if unit["name"] not in waiting and _after(unit) & waiting}:
        waiting |= more
    late = [unit for unit in units if unit["name"] in waiting and unit.get("command") in COMMANDS]
    if not late:
        return units
    left = [{k: v for k, v in unit.items() if k != "command"} if unit in late else unit for unit in units]
    starts = [(unit["command"], unit["name"].replace("\\", "\\\\")) for unit in late]
    calls = [f"ExecStart=/usr/bin/systemctl --no-block {command} {name}" for command, name in starts]
    return [*left, {"name": NAME, "content": UNIT.format(calls="\n".join(calls)), "command": "start"}]


def _after(unit: dict[str, Any]) -> set[str]:
    texts = [unit.get("content", ""), *(drop_in.get("content", "") for drop_in in unit.get("drop_ins", []))]
    options = [option for text in texts for option in systemd_grammar.parse(text).options]
    return {name for value in unit_file.values(options, "Unit", "After") for name in value.split()}
