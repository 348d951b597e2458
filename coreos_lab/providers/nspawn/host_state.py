"""What there is on the host that may belong to a cluster, asked of the kernel and not of our records.

What could not be read is part of the answer.
"""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path

from coreos_lab import mounts, run, settings
from coreos_lab.errors import LabError
from coreos_lab.mounts import Mount
from coreos_lab.providers.nspawn import cgroup, disks, host_settings

# What the kernel says of a process that is gone, or is a zombie and has nothing any more.
GONE = (errno.ENOENT, errno.ESRCH, errno.EINVAL)
LISTENS = "0A"  # TCP's state in /proc/net/tcp


@dataclass(frozen=True)
class Process:
    """A process of the host: its arguments, and its cgroups as /proc/PID/cgroup has them."""

    pid: int
    arguments: tuple[str, ...]
    cgroups: tuple[str, ...]


@dataclass(frozen=True)
class Interface:
    """An interface of the host with its alias and addresses."""

    name: str
    alias: str = ""
    addresses: tuple[str, ...] = ()


@dataclass
class Host:
    """The state of the host. `unseen` lists what could not be read, and why."""

    loops: list[disks.Loop] = field(default_factory=list)
    mounts: dict[int, list[Mount]] = field(default_factory=dict)  # by one process of each mount namespace: what it sees
    interfaces: list[Interface] = field(default_factory=list)
    routes: list[tuple[str, str]] = field(default_factory=list)  # network and interface
    rules: list[str] = field(default_factory=list)  # nftables' and iptables', a line each
    settings: list[str] = field(default_factory=list)  # those that have the value that we set
    cgroups: list[Path] = field(default_factory=list)  # one of each cluster in each hierarchy
    processes: list[Process] = field(default_factory=list)
    units: list[str] = field(default_factory=list)
    listening: list[tuple[str, int]] = field(default_factory=list)
    sockets: list[str] = field(default_factory=list)  # unix sockets that have a path
    unseen: list[str] = field(default_factory=list)


def look() -> Host:
    """Reads the state of the host, as far as that is possible."""
    host = Host()

    def part(what: str, read: Callable[[], None]) -> None:
        try:
            read()
        except LabError as error:
            host.unseen.append(f"{what}: {error.message}")
        except (OSError, ValueError, KeyError) as error:
            host.unseen.append(f"{what}: {error}")

    part("loop devices", lambda: host.loops.extend(disks.loops()))
    part("processes", lambda: _read_processes(host))
    part("interfaces and addresses", lambda: host.interfaces.extend(parse_interfaces(_ip("link"), _ip("address"))))
    part("routes", lambda: host.routes.extend(parse_routes(_ip("route"))))
    part("nftables", lambda: host.rules.extend(run.run(["nft", "list", "ruleset"]).stdout.splitlines()))
    part("iptables", lambda: host.rules.extend(_legacy_rules()))
    part("settings", lambda: host.settings.extend(host_settings.still_changed()))
    part("cgroups", lambda: host.cgroups.extend(cgroup.clusters()))
    if run.systemd_is_init():
        part("units", lambda: host.units.extend(_units()))
    part("listening sockets", lambda: host.listening.extend(parse_listening(_text("/proc/net/tcp"))))
    part("unix sockets", lambda: host.sockets.extend(parse_sockets(_text("/proc/net/unix"))))
    part(
        "SSH connections", lambda: host.sockets.extend(str(path) for path in settings.run_dir().glob("coreos-lab-*/*"))
    )
    return host


def _text(path: str) -> str:
    return Path(path).read_text(encoding="utf-8", errors="surrogateescape")


def _ip(what: str) -> str:
    table = ("table", "all") if what == "route" else ()
    return run.run(["ip", "-json", *(("-4",) if what == "route" else ()), what, "show", *table]).stdout


def _read_processes(host: Host) -> None:
    """Processes, and the mounts of each mount namespace once. A process that ends meanwhile is left out."""
    namespaces: set[str] = set()
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        pid = int(entry.name)
        try:
            arguments = os.fsdecode((entry / "cmdline").read_bytes()).rstrip("\0").split("\0")
            if arguments == [""]:
                continue  # a kernel thread, or a zombie
            groups = (entry / "cgroup").read_text(encoding="utf-8", errors="surrogateescape").splitlines()
            host.processes.append(Process(pid, tuple(arguments), tuple(line.split(":", 2)[2] for line in groups)))
            namespace = _namespace(entry)
            if namespace not in namespaces:
                host.mounts[pid] = mounts.read(entry.name)
                namespaces.add(namespace)
        except OSError as error:
            if error.errno not in GONE:
                host.unseen.append(f"process {pid}: {error.strerror}")


def _namespace(process: Path) -> str:
    """Identifies a process's mount namespace; one that we may not look at counts as a namespace of its own."""
    try:
        return os.readlink(process / "ns/mnt")  # noqa: PTH115 - its text is the answer
    except PermissionError:  # the process has a capability that we do not have
        return process.name


def parse_interfaces(links: str, addresses: str) -> list[Interface]:
    """Reads `ip -json link show`, which has the aliases, and `ip -json address show`."""
    held = {
        raw["ifname"]: tuple(address["local"] for address in raw.get("addr_info", []) if "local" in address)
        for raw in json.loads(addresses or "[]")
        if "ifname" in raw
    }
    return [
        Interface(raw["ifname"], raw.get("ifalias", ""), held.get(raw["ifname"], ()))
        for raw in json.loads(links or "[]")
    ]


def parse_routes(text: str) -> list[tuple[str, str]]:
    """Reads `ip -json -4 route show table all`."""
    return [(raw.get("dst", ""), raw["dev"]) for raw in json.loads(text or "[]") if "dev" in raw]


def parse_listening(text: str) -> list[tuple[str, int]]:
    """Reads /proc/net/tcp: the addresses and ports of listening sockets."""
    listening = []
    for line in text.splitlines()[1:]:
        _number, local, _remote, state, *_rest = line.split()
        if state == LISTENS:
            address, port = local.split(":")
            listening.append((str(ip_address(bytes.fromhex(address)[::-1])), int(port, 16)))
    return listening


def parse_sockets(text: str) -> list[str]:
    """Reads /proc/net/unix: the paths of sockets that have one."""
    words = (line.split(maxsplit=7) for line in text.splitlines()[1:])
    return [line[7] for line in words if len(line) > 7 and line[7].startswith("/")]  # noqa: PLR2004


def _legacy_rules() -> list[str]:
    """The rules of iptables' legacy tables, if the kernel lists any: nft does not show those."""
    rules: list[str] = []
    with suppress(FileNotFoundError):
        for table in _text("/proc/net/ip_tables_names").split():
            program = "iptables-legacy" if run.which("iptables-legacy") else "iptables"
            rules += run.run([program, "--wait", "--table", table, "--list-rules"]).stdout.splitlines()
    return rules


def _units() -> list[str]:
    call = ["systemctl", "list-units", "--all", "--full", "--plain", "--no-legend", "coreos-lab-*"]
    return [line.split()[0] for line in run.run(call).stdout.splitlines() if line.split()]
