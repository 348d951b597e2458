"""What a node says of its update, asked over SSH, and the request to its update engine to look for one."""

from __future__ import annotations

from dataclasses import dataclass

from coreos_lab import hints
from coreos_lab.clients import ssh
from coreos_lab.errors import LabError
from coreos_lab.model import Cluster, Node

PATIENCE = 10.0  # seconds for a node's answer: a machine that is going down does not give one
ASK_PATIENCE = 30.0
OFF = "off"  # the strategy of a node without locksmithd
NEED_REBOOT = "UPDATE_STATUS_UPDATED_NEED_REBOOT"
# update.conf is read as the update engine reads it: without spaces around a line and quotes around a value.
# locksmithd's settings are those of its process: from update.conf, the cloud-config and drop-ins. Each value is echoed:
# locksmithd's file, and those that a reader writes, may have no end of the line.
LOOK = r"""
echo "version=$(sed -n 's/^IMAGE_VERSION=//p' /etc/os-release)"
echo "machine=$(cat /etc/machine-id)"
for name in GROUP SERVER; do
    echo "$name=$(sed -n "s/^[[:space:]]*$name=//p" /usr/share/coreos/update.conf /etc/coreos/update.conf | tail -n 1 |
        sed "s/[[:space:]]*\$//; s/^[\"']*//; s/[\"']*\$//")"
done
update_engine_client -status
pid=$(systemctl show --property MainPID --value locksmithd.service)
if [ "$pid" != 0 ]; then
    echo "locksmithd=$pid"
    tr '\0' '\n' <"/proc/$pid/environ" | grep -E '^(REBOOT_STRATEGY|LOCKSMITHD_GROUP|(LOCKSMITHD_)?REBOOT_WINDOW_.*)='
    echo "state=$(sed -n 's/^STATE=//p' /run/update-engine/coordinator.conf)"
    echo "said=$(journalctl --quiet --no-pager --boot --unit locksmithd.service _PID="$pid" --lines 1 --output cat \
        --grep 'Waiting for|Logins detected')"
fi
true
"""
# A locksmithd that waits for the lock or its window is started anew: it asks at once, not only when its wait is over;
# and where the server has taken the update back, it no longer reboots.
ASK = r"""
waiting() { update_engine_client -status | grep -q NEED_REBOOT; }
waiting && waited=1
update_engine_client -check_for_update || exit
[ -z "$waited" ] || grep -qs '^STATE=rebooting' /run/update-engine/coordinator.conf ||
    systemctl try-restart locksmithd.service
"""


@dataclass(frozen=True)
class Look:
    """What a node has said: its machine image, its update engine's state, and locksmithd's.

    `staged` is the image that waits for a reboot, "" for none. `strategy` is "off" where no locksmithd runs. `state` is
    locksmithd's own word for what it does, `said` its last message about waiting.
    """

    version: str
    machine: str = ""
    group: str = ""
    server: str = ""
    staged: str = ""
    strategy: str = OFF
    lock_group: str = ""
    window: str = ""
    state: str = ""
    said: str = ""


def parse(output: str) -> Look:
    """A node's answer; the last line of a name counts."""
    values = dict(line.split("=", 1) for line in output.splitlines() if "=" in line)
    waits = values.get("CURRENT_OP") == NEED_REBOOT
    start = values.get("LOCKSMITHD_REBOOT_WINDOW_START") or values.get("REBOOT_WINDOW_START", "")
    length = values.get("LOCKSMITHD_REBOOT_WINDOW_LENGTH") or values.get("REBOOT_WINDOW_LENGTH", "")
    return Look(
        version=values.get("version", ""),
        machine=values.get("machine", ""),
        group=values.get("GROUP", ""),
        server=values.get("SERVER", ""),
        staged=values.get("NEW_VERSION", "") if waits else "",
        strategy=values.get("REBOOT_STRATEGY", "reboot") if "locksmithd" in values else OFF,
        lock_group=values.get("LOCKSMITHD_GROUP", ""),
        window=f"{start} for {length}" if start else "",
        state=values.get("state", ""),
        said=values.get("said", ""),
    )


def look(cluster: Cluster, node: Node) -> Look | None:
    """Asks a node; None where it does not answer."""
    done = ssh.ask(cluster, node, ["sudo", "sh", "-c", LOOK], timeout=PATIENCE)
    return parse(done.stdout) if done is not None and done.returncode == 0 else None


def ask(cluster: Cluster, node: Node) -> str:
    """Has a node's update engine look for an update now; returns why there is none, "" where it has installed one.

    LabError with the engine's own words where it cannot.
    """
    done = ssh.answer(cluster, node, ["sudo", "sh", "-c", ASK], timeout=ASK_PATIENCE)
    said = (done.stdout.strip() or done.stderr.strip()).splitlines() or [""]
    if done.returncode != 0:
        raise LabError(
            f"{node.name}: its update engine cannot update: {' '.join(done.stderr.split())}",
            f"look at it: {hints.lab('ssh', node.name, '--', 'journalctl', '-u', 'update-engine')}",
        )
    return said[0].removeprefix("No update: ").rstrip(".") if said[0].startswith("No update: ") else ""
