"""A cloud as planned, its credentials, and where one of its instances stands."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from coreos_lab.model.cluster import Disk, Limits

DEFAULT_REGION = "us-west-2"  # the book's
FIRST_PORT = 5820  # of the API, on loopback; each cloud has the next one
INSTANCES_MAX = 98  # of one cloud: each has user ids of the host's, of which the last block is that of functions


@dataclass(frozen=True)
class Cloud:
    """A named Amazon of one region on this machine. `index` tells clouds apart: ports and networks derive from it.

    `signed`: a request without a valid signature is refused.
    """

    name: str
    region: str
    index: int
    access_key: str
    secret_key: str
    signed: bool = True

    @property
    def port(self) -> int:
        """Where the API listens, on 127.0.0.1."""
        return FIRST_PORT + self.index

    @property
    def endpoint(self) -> str:
        """The API's URL for programs of the host."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def gateway_address(self) -> str:
        """Where programs of the host reach the APIs of API Gateway, at port 443: a loopback address."""
        return f"127.58.20.{self.index + 1}"

    @property
    def public_subnet(self) -> str:
        """Its public addresses: of the range that RFC 2544 sets apart for tests, so no real host has one of them."""
        return f"198.18.{self.index}.0/24"

    @property
    def host_address(self) -> str:
        """The host's own address among the public ones."""
        return f"198.18.{self.index}.1"

    @property
    def loopback(self) -> str:
        """The cloud's own loopback address of the host, where its registry is."""
        return f"127.18.{self.index}.1"


@dataclass(frozen=True)
class Seat:
    """Where an instance's machine stands: its number in the cloud, its files, and its place in a router's network.

    `namespace` is the router's network namespace, `bridge` its subnet's bridge in there, `cable` the bridge's port.
    """

    cloud: str
    instance: str
    number: int
    folder: Path
    image: str
    namespace: Path
    bridge: str
    cable: str
    address: str
    length: int
    gateway: str
    mac: str
    limits: Limits
    disks: tuple[Disk, ...] = ()
    authority: Path | None = None  # a certificate that the machine is to trust
