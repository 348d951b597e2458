"""A VPC's network as plain values: the desired state of its router."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network


@dataclass(frozen=True)
class Rule:
    """One line of a security group: what passes from, or to, some addresses or the members of groups.

    `protocol` is -1 for everything, a name or a number; `first` and `last` are ports, or ICMP's type and code.
    """

    protocol: str
    first: int | None
    last: int | None
    addresses: str = ""
    group: str = ""


@dataclass(frozen=True)
class Entry:
    """One line of a network ACL: the first whose rule a packet meets decides whether it passes."""

    allow: bool
    rule: Rule


EVERYTHING = Entry(True, Rule("-1", None, None, "0.0.0.0/0"))


@dataclass(frozen=True)
class Group:
    """A security group."""

    name: str
    ingress: tuple[Rule, ...]
    egress: tuple[Rule, ...]


@dataclass(frozen=True)
class Port:
    """An instance in a VPC's network, or a load balancer's interface. `checked`: its source/dest check is on."""

    instance: str
    number: int
    subnet: str
    address: str
    mac: str
    public: str = ""
    groups: tuple[str, ...] = ()
    checked: bool = True

    @property
    def cable(self) -> str:
        """The bridge's end of its cable."""
        return f"port{self.number}"


@dataclass(frozen=True)
class Route:
    """A line of a route table: to the internet, or to the `address` of an instance; to nowhere where both are not."""

    destination: str
    internet: bool = False
    address: str = ""


@dataclass(frozen=True)
class Subnet:
    """A subnet with the routes that its instances' packets take. `number` names its bridge and its routing table.

    `ingress` and `egress` are its network ACL: what passes into it and out of it. What no entry is about does not pass.
    """

    name: str
    number: int
    cidr: str
    routes: tuple[Route, ...] = ()
    ingress: tuple[Entry, ...] = (EVERYTHING,)
    egress: tuple[Entry, ...] = (EVERYTHING,)

    @property
    def bridge(self) -> str:
        return f"subnet{self.number}"

    @property
    def gateway(self) -> str:
        """The router's address in it: the first one, as at AWS."""
        return str(IPv4Network(self.cidr).network_address + 1)

    @property
    def mac(self) -> str:
        """The router's MAC address in it.

        Without one of its own, a bridge has the lowest of its ports', so a machine that comes or goes would change it,
        and all others would send to the old one for a while.
        """
        return f"06:00:00:00:{self.number >> 8:02x}:{self.number & 255:02x}"

    @property
    def length(self) -> int:
        return IPv4Network(self.cidr).prefixlen

    @property
    def table(self) -> int:
        """The router's routing table for packets from this subnet."""
        return FIRST_TABLE + self.number


FIRST_TABLE = 1000


@dataclass(frozen=True)
class Vpc:
    """A VPC. `number` names its router."""

    name: str
    number: int
    cidr: str
    subnets: tuple[Subnet, ...]
    ports: tuple[Port, ...]
    groups: tuple[Group, ...]

    @property
    def name_server(self) -> str:
        """Its name server's address: the third one of the VPC, as at AWS."""
        return str(IPv4Network(self.cidr).network_address + 2)

    def subnet(self, name: str) -> Subnet:
        """The subnet of that name."""
        return next(each for each in self.subnets if each.name == name)

    def bridge_of(self, address: str) -> str:
        """The bridge of the subnet that an address is in, "" where it is in none."""
        found = (each.bridge for each in self.subnets if IPv4Address(address) in IPv4Network(each.cidr))
        return next(found, "")
