"""The services behind the front: CloudFormation and Auto Scaling are ours, the others are moto's."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from coreos_lab.cloud.engine import Answer, Engine
from coreos_lab.cloud.formation.service import Formation
from coreos_lab.cloud.scaling.service import Scaling
from coreos_lab.cloud.sigv4 import Secret
from coreos_lab.model import Cloud


class Api:
    """All services of one cloud."""

    def __init__(self, cloud: Cloud, engine: Engine, folder: Path, say: Callable[[str], None]) -> None:
        self.cloud, self.engine = cloud, engine
        self._lock = threading.Lock()
        self._clients: dict[str, Any] = {}
        self.scaling = Scaling(cloud, folder / "scaling.json", lambda: self._client("ec2"), say)
        self.formation = Formation(cloud, folder / "stacks", self._client, self._zones)

    def call(self, service: str, action: str, parameters: Mapping[str, str], environ: dict[str, Any]) -> Answer:
        """Carries a request out; returns status, headers and body."""
        own: dict[str, Callable[[str, Mapping[str, str]], bytes]] = {
            "autoscaling": self.scaling.call,
            "cloudformation": self.formation.call,
        }
        if service in own:
            return 200, [("Content-Type", "text/xml")], own[service](action, parameters)
        return self.engine.call(service, action, environ)

    def secret(self, access_key: str) -> Secret | None:
        """What was given out for an access key; None for one that this cloud does not know."""
        return self.engine.secret(access_key)

    def begin(self) -> None:
        """Goes on with what the process before this one was doing. The API must answer by now."""
        self.formation.resume()
        self.scaling.keeper.begin()

    def _client(self, service: str) -> Any:
        """A client for our own API: what our services do is done, checked and kept as any other request."""
        import boto3
        from botocore.config import Config

        with self._lock:  # making one is not thread-safe, using it is
            if service not in self._clients:
                self._clients[service] = boto3.Session(self.cloud.access_key, self.cloud.secret_key).client(
                    service,
                    region_name=self.cloud.region,
                    endpoint_url=self.cloud.endpoint,
                    config=Config(retries={"total_max_attempts": 1}, max_pool_connections=20),
                )
            return self._clients[service]

    def _zones(self) -> tuple[str, ...]:
        with self.engine.objects() as backend:
            return tuple(zone.name for zone in backend.describe_availability_zones())
