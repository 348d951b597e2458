"""What of a reader's cloud-config would cut a node off from the lab, or contradict what the lab has planned.

What only may do so, by what the reader has written into it, is a risk: see risks.py.
A value that is the lab's own is no contradiction: the chapters' cloud-configs give many of them as they are here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from coreos_lab.user_data import starting
from coreos_lab.user_data.parsed import Document, Path, Problem
from coreos_lab.user_data.risks import REPLACEABLE, RISKY_FILES, UNIT_FILE, paths

PLAN = "nodes have the names and addresses of the plan"
MEMBERS = "the lab tells etcd's members of each other"
LOCAL = "each node uses its own etcd, without keys and users"
# Key -> (why it is the lab's, the remedy), below coreos:. Given as the lab has it, it is accepted.
KEYS: dict[tuple[str, str], tuple[str, str]] = {
    ("etcd2", "name"): (PLAN, ""),
    ("etcd2", "initial_cluster"): (MEMBERS, "or use discovery:"),
    ("etcd2", "initial_cluster_state"): (MEMBERS, ""),
    ("etcd2", "initial_cluster_token"): (MEMBERS, ""),
    ("etcd2", "initial_advertise_peer_urls"): (MEMBERS, ""),
    ("etcd2", "advertise_client_urls"): (MEMBERS, ""),
    ("etcd2", "listen_peer_urls"): (MEMBERS, ""),
    ("etcd2", "listen_client_urls"): ("the lab and the node's programs ask etcd there", ""),
    ("etcd2", "proxy"): ("the plan says which nodes are members", "use --members"),
    ("etcd2", "discovery_srv"): (MEMBERS, "use discovery:"),
    ("etcd2", "discovery_fallback"): ("the plan says which nodes are members", ""),
    ("etcd2", "discovery_proxy"): (MEMBERS, ""),
    ("etcd2", "force_new_cluster"): ("each boot would make a cluster of one member", "set it once, by hand"),
    ("etcd2", "data_dir"): ("the lab empties and breaks /var/lib/etcd2", ""),
    ("etcd2", "wal_dir"): ("the lab empties and breaks /var/lib/etcd2", ""),
    ("fleet", "public_ip"): (PLAN, ""),
    ("fleet", "agent_ttl"): ("the lab's deadlines depend on it", "use --agent-ttl"),
    ("flannel", "interface"): (PLAN, ""),
    ("flannel", "public_ip"): (PLAN, ""),
    ("flannel", "subnet_file"): ("Docker reads it where it is", ""),
    ("flannel", "etcd_prefix"): ("the lab writes the network's configuration there", ""),
    ("fleet", "etcd_key_prefix"): ("the lab reads fleet's keys there", ""),
    ("fleet", "etcd_servers"): (LOCAL, ""),
    ("flannel", "etcd_endpoints"): (LOCAL, ""),
    ("locksmith", "endpoint"): (LOCAL, ""),
}
TLS = re.compile(r"(etcd_|peer_|trusted_)*(ca_?file|cert_?file|key_?file|client_cert_auth|username|password)")
# What the lab's template leaves to the programs' own defaults.
DEFAULTS = {
    ("fleet", "etcd_servers"): "http://127.0.0.1:2379,http://127.0.0.1:4001",
    ("flannel", "etcd_endpoints"): "http://127.0.0.1:2379",
    ("flannel", "public_ip"): "$private_ipv4",
    ("flannel", "etcd_prefix"): "/coreos.com/network",
    ("flannel", "subnet_file"): "/run/flannel/subnet.env",
    ("fleet", "etcd_key_prefix"): "/_coreos.com/fleet/",
    ("etcd2", "data_dir"): "/var/lib/etcd2",
    ("etcd2", "listen_peer_urls"): "http://$private_ipv4:2380",  # these three: of a proxy, which does not use them
    ("etcd2", "initial_advertise_peer_urls"): "http://$private_ipv4:2380",
    ("etcd2", "advertise_client_urls"): "http://$private_ipv4:2379",
    ("etcd2", "proxy"): "off",
    ("etcd2", "discovery_fallback"): "proxy",
    ("etcd2", "force_new_cluster"): "False",
}
# Lists of URLs that may have more than the lab's own ones; and, of the programs' clients, fewer of them.
MORE_IS_FINE = {("etcd2", "listen_peer_urls"), ("etcd2", "listen_client_urls"), ("etcd2", "advertise_client_urls")}
FEWER_IS_FINE = {("fleet", "etcd_servers"), ("flannel", "etcd_endpoints"), ("locksmith", "endpoint")}
ENOUGH = {("etcd2", "listen_client_urls"): "http://0.0.0.0:2379"}  # :4001 is for old clients

# Units without which no node boots or is reached: only their drop-ins, and commands that start them, are the reader's.
UNITS = {
    "etcd2.service",
    "fleet.service",
    "fleet.socket",
    "docker.service",
    "docker.socket",
    "containerd.service",
    "sshd.socket",
    "sshd.service",
    "sshd@.service",
    "sshd-keygen.service",
    "dbus.service",
    "dbus.socket",
    "coreos-environment.service",
    "user-cloudinit.service",
    "multi-user.target",
    "basic.target",
    "sysinit.target",
}
OUR_DROP_INS = {
    ("fleet.service", "30-lab-registry.conf"),
    ("fleet.socket", "30-tcp.conf"),
    ("docker.service", "50-overlay.conf"),
    ("docker.service", "50-registry.conf"),
}
# What the lab may add to a cloud-config: see starting.py and ignition_units.py.
OWN = "lab-ignition"
OUR_UNITS = re.compile(rf"{re.escape(starting.NAME)}|{OWN}(?:-.*)?\.service")
OUR_SCRIPTS = re.compile(rf"/etc/{OWN}(?:-[^/]*)?\.sh")
STARTS = {"start", "restart", "reload", "try-restart", "reload-or-restart", "reload-or-try-restart"}
FILES = (
    "/etc/environment",
    "/etc/group",
    "/etc/hostname",
    "/etc/ld.so.preload",
    "/etc/machine-id",
    "/etc/passwd",
    "/etc/shadow",
)
FOLDERS = (
    "/bin",
    "/boot",
    "/dev",
    "/etc/network",
    "/etc/pam.d",
    "/etc/ssh",
    "/etc/systemd/network",
    "/home/core/.ssh",
    "/lib",
    "/opt/coreos-lab",
    "/proc",
    "/run/systemd/network",
    "/sbin",
    "/sys",
    "/usr",
    "/var/lib/coreos-install",
    "/var/lib/etcd2",
)


def problems(document: Document, lab: dict[str, Any], address: str) -> Iterator[Problem]:
    """What a node's cloud-config must not say. `lab` is the lab's own one, `address` the node's."""
    data, own = document.data, lab.get("coreos", {})
    if data.get("hostname", lab.get("hostname")) != lab.get("hostname"):
        own_name = lab.get("hostname", "each machine's own")
        yield _is_ours(document, ("hostname",), data["hostname"], own_name, PLAN, "leave it out")
    if "etcd" in data.get("coreos", {}):
        yield document.problem(("coreos", "etcd"), "coreos: etcd: etcd 0.4 is not on the nodes", "write etcd2:")
    for service in ("etcd2", "fleet", "flannel", "locksmith"):
        for key, value in data.get("coreos", {}).get(service, {}).items():
            path, place = ("coreos", service, key), (service, key)
            if TLS.fullmatch(key):
                yield document.problem(path, f"{document.shown(path)}: {LOCAL}", "leave it out")
            elif place in KEYS:
                why, remedy = KEYS[place]
                has = own.get(service, {}).get(key, DEFAULTS.get(place, ""))
                if not _same(place, str(value), str(has), address):
                    yield _is_ours(document, path, value, has, why, remedy or "leave it out")
    yield from _units(document)
    yield from _files(document, {each["path"] for each in lab.get("write_files", [])})
    for number, user in enumerate(data.get("users", [])):
        for key in user:
            if key.startswith("coreos_ssh_import"):
                where: Path = ("users", number, key)
                yield document.problem(
                    where,
                    f"{key}: keys from the Internet at each boot: a failure would stop all that comes after",
                    "write them into ssh_authorized_keys",
                )


def _is_ours(document: Document, path: Path, value: object, has: object, why: str, remedy: str) -> Problem:
    there = f" (here: {has})" if has not in ("", None) and "token" not in str(path[-1]) else ""
    return document.problem(path, f"{document.shown(path)}: {str(value)[:80]}: {why}{there}", remedy)


def _same(place: tuple[str, str], value: str, has: str, address: str) -> bool:
    """Whether a value means what the lab has."""
    given, ours = _urls(value, address), _urls(ENOUGH.get(place, has), address)
    if place in FEWER_IS_FINE:
        return bool(given) and given <= ours | _urls(DEFAULTS["fleet", "etcd_servers"], address)
    if place in MORE_IS_FINE:
        return bool(ours) and ours <= given
    return given == ours


def _urls(text: str, address: str) -> set[str]:
    """The parts of a list with commas, with the node's address for the variables, and both names of the host itself."""
    for name in ("$private_ipv4", "$public_ipv4"):
        text = text.replace(name, address)
    return {
        part.strip().rstrip("/").replace("//localhost:", "//127.0.0.1:") for part in text.split(",") if part.strip()
    }


def _units(document: Document) -> Iterator[Problem]:
    for number, unit in enumerate(document.data.get("coreos", {}).get("units", [])):
        path: Path = ("coreos", "units", number)
        name = unit.get("name", "")
        if name.endswith((".network", ".netdev", ".link")):
            yield document.problem(path, f"{name}: nodes' networks are the provider's", "leave it out")
        if OUR_UNITS.fullmatch(name) and name not in document.own:
            yield document.problem(path, f"{name}: the lab has a unit of that name", "rename it")
        if name in UNITS or name.startswith("systemd-"):
            for key, value in unit.items():
                if not _harmless(key, value) and not (key == "content" and name in REPLACEABLE):
                    yield document.problem(
                        (*path, key),
                        f"{name}: {key}: without this unit, as it is, the node cannot be reached",
                        "change it by drop-ins:",
                    )
        for index, drop_in in enumerate(unit.get("drop_ins", [])):
            where = (*path, "drop_ins", index)
            if (name, drop_in.get("name")) in OUR_DROP_INS:
                yield document.problem(
                    where, f"{name}: {drop_in['name']}: the lab has a drop-in of that name", "rename it"
                )
            listens = re.findall(r"^\s*ListenStream\s*=\s*(\S*)", drop_in.get("content", ""), re.MULTILINE)
            if name == "fleet.socket" and any(each == "" or _takes_fleets_port(each) for each in listens):
                yield document.problem(
                    where,
                    "fleet.socket: the lab asks fleet at port 49153 of the node's address, and listens there already",
                    "listen on another port, or on 127.0.0.1:49153",
                )


def _harmless(key: str, value: object) -> bool:
    """Whether a key of a unit that nodes depend on leaves it as it is."""
    if key == "command":
        return value in STARTS
    if key in ("enable", "mask"):
        return value is (key == "enable")
    return key in ("name", "drop_ins", "runtime")


def _takes_fleets_port(listen: str) -> bool:
    host, _, port = listen.rpartition(":")
    return port == "49153" and host not in ("127.0.0.1", "localhost")


def _files(document: Document, ours: set[str]) -> Iterator[Problem]:
    """Files of the reader that nodes depend on; `ours` are those that the lab's own cloud-config writes."""
    for path, where in paths(document):
        unit = UNIT_FILE.fullmatch(path)
        whole = unit and not unit[2] and (unit[1] in UNITS - REPLACEABLE or unit[1].startswith("systemd-"))
        if path in RISKY_FILES:
            continue
        above = where[0] == "made" and any(each.startswith(f"{path.rstrip('/')}/") for each in (*FILES, *FOLDERS))
        inside = any(path == folder or path.startswith(f"{folder}/") for folder in FOLDERS)
        if path not in document.own and (OUR_SCRIPTS.fullmatch(path) or (unit and OUR_UNITS.fullmatch(unit[1]))):
            yield document.problem(where, f"{path}: the lab has a file of that name", "rename it")
        elif path in FILES or path in ours or inside or above:
            yield document.problem(where, f"{path}: nodes depend on that file as it is", "write another file")
        elif whole or (unit and (unit[1], unit[2]) in OUR_DROP_INS):
            yield document.problem(where, f"{path}: nodes depend on that unit", "change it by coreos: units: drop-ins:")
        elif path == "/etc/sudoers.d/core":
            yield document.problem(where, f"{path}: the lab needs core's rights", "write another file beside it")
