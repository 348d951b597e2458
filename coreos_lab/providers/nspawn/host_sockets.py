"""The sockets of the host as the kernel lists them in /proc/net."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address
from pathlib import Path

WAITING = {"TCP": "0A", "UDP": "07"}  # the states in /proc/net of a socket that listens, or has an address and no peer
WORD = 4  # bytes; an address is listed word by word, each as the number that a little-endian machine reads


@dataclass(frozen=True)
class Bound:
    """A socket that waits at an address. An IPv4 address is written as one, also that of a socket of IPv6."""

    protocol: str
    address: str
    port: int

    def __str__(self) -> str:
        host = f"[{self.address}]" if ":" in self.address else self.address
        return f"{host}:{self.port} ({self.protocol})"


def bound() -> list[Bound]:
    """The sockets that wait for packets, of TCP and UDP, of both versions of IP."""
    found: list[Bound] = []
    for protocol in WAITING:
        found += parse_bound(protocol, text(f"/proc/net/{protocol.lower()}"))
        if has_ipv6():
            found += parse_bound(protocol, text(f"/proc/net/{protocol.lower()}6"))
    return found


def has_ipv6() -> bool:
    """Whether the kernel has IPv6: without it, there are no tables of it either."""
    return Path("/proc/net/if_inet6").exists()


def parse_bound(protocol: str, table: str) -> list[Bound]:
    """Reads a table of /proc/net: tcp, tcp6, udp or udp6."""
    found = []
    for line in table.splitlines()[1:]:
        _number, local, _remote, state, *_rest = line.split()
        if state == WAITING[protocol]:
            address, port = local.split(":")
            found.append(Bound(protocol, _address(bytes.fromhex(address)), int(port, 16)))
    return found


def _address(raw: bytes) -> str:
    words = [raw[at : at + WORD][::-1] for at in range(0, len(raw), WORD)]
    address = ip_address(b"".join(words))
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return str(mapped or address)


def parse_paths(table: str) -> list[str]:
    """Reads /proc/net/unix: the paths of sockets that have one."""
    words = (line.split(maxsplit=7) for line in table.splitlines()[1:])
    return [line[7] for line in words if len(line) > 7 and line[7].startswith("/")]  # noqa: PLR2004


def text(path: str) -> str:
    """A table of the kernel's. A path in it need not be UTF-8."""
    return Path(path).read_text(encoding="utf-8", errors="surrogateescape")
