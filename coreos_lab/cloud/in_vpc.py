"""The services in a VPC's router: metadata, DNS, the API under AWS's own names, and the way to the cloud's registry."""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from coreos_lab.cloud import certificates, discovery, images, inside
from coreos_lab.cloud.firewall import API
from coreos_lab.cloud.forwarding import Forwarder
from coreos_lab.cloud.metadata import Service
from coreos_lab.cloud.metadata_server import MetadataServer
from coreos_lab.cloud.name_server import NameServer
from coreos_lab.cloud.network import Vpc
from coreos_lab.cloud.router import Router
from coreos_lab.model import Cloud
from coreos_lab.plan import REGISTRY_NAME, REGISTRY_PORT
from coreos_lab.records.clouds import CloudFolder

TLS_PORT = 443
PORTS = {80: False, TLS_PORT: True}  # of the API, and whether by TLS
INTERNAL = re.compile(r"ip-(\d+)-(\d+)-(\d+)-(\d+)\.[a-z0-9.-]+\.internal")
BALANCER = re.compile(r"[a-z0-9-]+\.[a-z0-9-]+\.elb\.amazonaws\.com")
PUBLIC = re.compile(r"ec2-(\d+)-(\d+)-(\d+)-(\d+)\.[a-z0-9.-]+\.amazonaws\.com")


class InVpc:
    """The services of one VPC. `vpc` returns what it is like now, `balancers` the addresses of a name of theirs."""

    def __init__(
        self,
        cloud: Cloud,
        router: Router,
        service: Service,
        app: Any,
        vpc: Callable[[], Vpc | None],
        balancers: Callable[[str], Sequence[str] | None],
    ) -> None:
        self.vpc, self.balancers = vpc, balancers
        now = vpc()
        folder = CloudFolder(cloud.name).certificates
        certificates.ensure(cloud, folder)
        self._metadata = MetadataServer(router.path, service)
        self._names = NameServer(router.path, now.name_server, self.look_up) if now else None
        self._registry = Forwarder(router.path, API, REGISTRY_PORT, images.address(cloud))
        self._servers = serve(router.path, app, cloud)

    def look_up(self, name: str) -> Sequence[str] | None:
        """The addresses of a name of the cloud's, none for one that there is not, None for the names of others."""
        vpc = self.vpc()
        ports = vpc.ports if vpc else ()
        if match := INTERNAL.fullmatch(name):
            address = ".".join(match.groups())
            return [address] if any(port.address == address for port in ports) else []
        if match := PUBLIC.fullmatch(name):  # within the VPC the private address, as at AWS
            address = ".".join(match.groups())
            return [next((port.address for port in ports if port.public == address), address)]
        if BALANCER.fullmatch(name):
            return self.balancers(name) or []
        if name in (certificates.DOMAIN, discovery.NAME, REGISTRY_NAME) or name.endswith(f".{certificates.DOMAIN}"):
            return [API]
        return None

    def stop(self) -> None:
        """Ends serving; the namespace may go."""
        self._metadata.stop()
        if self._names:
            self._names.stop()
        self._registry.stop()
        for server in self._servers:
            server.shutdown()
            server.server_close()


def serve(namespace: Path, app: Any, cloud: Cloud) -> list[Any]:
    """Servers for the API at its address in a namespace."""
    return [_serve(inside.listen(namespace, API, port), app, cloud, tls=tls) for port, tls in PORTS.items()]


def serve_on_host(app: Any, cloud: Cloud) -> Any:
    """A server at the loopback address by which programs of the host reach the APIs of API Gateway.

    OSError where something else listens there.
    """
    certificates.ensure(cloud, CloudFolder(cloud.name).certificates)
    listening = socket.create_server((cloud.gateway_address, TLS_PORT), backlog=64)
    return _serve(listening, app, cloud, tls=True)


def _serve(listening: socket.socket, app: Any, cloud: Cloud, *, tls: bool) -> Any:
    from moto.moto_server.werkzeug_app import MotoRequestHandler
    from werkzeug.serving import make_server

    address, port = listening.getsockname()
    context = certificates.context(CloudFolder(cloud.name).certificates) if tls else None
    server = make_server(
        address,
        port,
        app,
        threaded=True,
        request_handler=quiet(MotoRequestHandler),
        ssl_context=context,
        fd=listening.detach(),
    )
    threading.Thread(target=server.serve_forever, daemon=True, name=f"api {address}:{port}").start()
    return server


def quiet(base: Any) -> Any:
    """A request handler that logs no request: the CLI alone polls each second."""

    class Handler(base):  # type: ignore[misc]
        def log_request(self, *_args: object) -> None: ...

    return Handler
