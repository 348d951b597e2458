"""What there is on the host that may belong to a cluster, asked of the kernel and not of our records.

What could not be read is part of the answer.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from coreos_lab import disk, run, settings
from coreos_lab.errors import LabError
from coreos_lab.mounts import Mount
from coreos_lab.providers.nspawn import cgroup, disks, host_settings, host_sockets, mount_namespaces
from coreos_lab.providers.nspawn.host_sockets import Bound


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
    mounts: dict[str, list[Mount]] = field(default_factory=dict)  # by words that say where they were seen
    interfaces: list[Interface] = field(default_factory=list)
    routes: list[tuple[str, str]] = field(default_factory=list)  # network and interface
    rules: list[str] = field(default_factory=list)  # nftables' and iptables', a line each
    settings: list[str] = field(default_factory=list)  # those that have the value that we set
    cgroups: list[Path] = field(default_factory=list)  # one of each cluster in each hierarchy
    processes: list[Process] = field(default_factory=list)
    units: list[str] = field(default_factory=list)
    bound: list[Bound] = field(default_factory=list)  # sockets that wait at an address
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

    everywhere = ("show", "table", "all")
    part("loop devices", lambda: host.loops.extend(disks.loops()))
    part("processes", lambda: _read_processes(host))
    part("mounts", lambda: _read_mounts(host))
    part("interfaces and addresses", lambda: host.interfaces.extend(parse_interfaces(_ip("link"), _ip("address"))))
    part("routes", lambda: host.routes.extend(parse_routes(_ip("-4", "route", *everywhere))))
    if host_sockets.has_ipv6():
        part("routes of IPv6", lambda: host.routes.extend(parse_routes(_ip("-6", "route", *everywhere))))
    part("nftables", lambda: host.rules.extend(run.run(["nft", "list", "ruleset"]).stdout.splitlines()))
    part("iptables", lambda: host.rules.extend(_legacy_rules()))
    part("settings", lambda: host.settings.extend(host_settings.still_changed()))
    part("cgroups", lambda: host.cgroups.extend(cgroup.clusters()))
    if run.systemd_is_init():
        part("units", lambda: host.units.extend(_units()))
    part("sockets", lambda: host.bound.extend(host_sockets.bound()))
    part("unix sockets", lambda: host.sockets.extend(host_sockets.parse_paths(host_sockets.text("/proc/net/unix"))))
    part("SSH connections", lambda: host.sockets.extend(_controls()))
    return host


def _controls() -> list[str]:
    """The files in which SSH connections are shared, of all clusters."""
    folders = [each for each in disk.entries(settings.run_dir()) if each.name.startswith("coreos-lab-")]
    return [str(path) for folder in folders for path in disk.entries(folder)]


def _ip(*words: str) -> str:
    return run.run(["ip", "-json", *words]).stdout


def _read_processes(host: Host) -> None:
    """A process that ends meanwhile is left out."""
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            arguments = os.fsdecode((entry / "cmdline").read_bytes()).rstrip("\0").split("\0")
            if arguments == [""]:
                continue  # a kernel thread, or a zombie
            groups = (entry / "cgroup").read_text(encoding="utf-8", errors="surrogateescape").splitlines()
            cgroups = tuple(line.split(":", 2)[2] for line in groups)
            host.processes.append(Process(int(entry.name), tuple(arguments), cgroups))
        except OSError as error:
            if error.errno not in mount_namespaces.GONE:
                host.unseen.append(f"process {entry.name}: {error.strerror}")


def _read_mounts(host: Host) -> None:
    seen = mount_namespaces.look()
    host.mounts.update(seen.mounts)
    host.unseen += seen.unseen


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
    """Reads `ip -json route show table all`. A route with several next hops is one for each."""
    return [
        (raw.get("dst", ""), hop["dev"])
        for raw in json.loads(text or "[]")
        for hop in (raw, *raw.get("nexthops", []))
        if "dev" in hop
    ]


def _legacy_rules() -> list[str]:
    """The rules of iptables' legacy tables, if the kernel lists any: nft does not show those."""
    rules: list[str] = []
    with suppress(FileNotFoundError):
        for table in host_sockets.text("/proc/net/ip_tables_names").split():
            program = "iptables-legacy" if run.which("iptables-legacy") else "iptables"
            rules += run.run([program, "--wait", "--table", table, "--list-rules"]).stdout.splitlines()
    return rules


def _units() -> list[str]:
    call = ["systemctl", "list-units", "--all", "--full", "--plain", "--no-legend", "coreos-lab-*"]
    return [line.split()[0] for line in run.run(call).stdout.splitlines() if line.split()]
