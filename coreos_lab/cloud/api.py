"""The services behind the front: CloudFormation is ours, the others are moto's."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from coreos_lab.cloud.engine import Answer, Engine
from coreos_lab.cloud.formation.service import Formation
from coreos_lab.cloud.sigv4 import Secret
from coreos_lab.model import Cloud


class Api:
    """All services of one cloud."""

    def __init__(self, cloud: Cloud, engine: Engine, stacks: Path) -> None:
        self.cloud, self.engine = cloud, engine
        self.formation = Formation(cloud, stacks, self._ec2, self._zones)
        self._lock = threading.Lock()
        self._client: Any = None

    def call(self, service: str, action: str, parameters: Mapping[str, str], environ: dict[str, Any]) -> Answer:
        """Carries a request out; returns status, headers and body."""
        if service == "cloudformation":
            return 200, [("Content-Type", "text/xml")], self.formation.call(action, parameters)
        return self.engine.call(service, action, environ)

    def secret(self, access_key: str) -> Secret | None:
        """What was given out for an access key; None for one that this cloud does not know."""
        return self.engine.secret(access_key)

    def _ec2(self) -> Any:
        """A client for our own API: what a stack does is done, checked and kept as any other request."""
        import boto3
        from botocore.config import Config

        with self._lock:  # making one is not thread-safe, using it is
            if self._client is None:
                self._client = boto3.Session(self.cloud.access_key, self.cloud.secret_key).client(
                    "ec2",
                    region_name=self.cloud.region,
                    endpoint_url=self.cloud.endpoint,
                    config=Config(retries={"total_max_attempts": 1}, max_pool_connections=20),
                )
            return self._client

    def _zones(self) -> tuple[str, ...]:
        with self.engine.objects() as backend:
            return tuple(zone.name for zone in backend.describe_availability_zones())
