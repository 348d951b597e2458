"""AWS's API as the provider asks it: of a `lab cloud` on this machine, or of AWS itself.

Credentials are looked up for each command: the cloud's own are in its plan, those for AWS itself are where boto3 finds
them (https://boto3.amazonaws.com/v1/documentation/api/latest/guide/credentials.html). A cluster's plan has none.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from coreos_lab import hints
from coreos_lab.errors import LabError, UnknownError, UsageError
from coreos_lab.model import Cluster, Stack
from coreos_lab.providers import conditions
from coreos_lab.records import clouds

PRICES_ARE_IN = "us-east-1"  # the region that has the price list
THERE_IS_NONE = "does not exist"  # of CloudFormation's message for a stack that is not there


class CloudGoneError(LabError):
    """The cloud that the cluster's stack was in has been destroyed."""


class Api:
    """The clients of one endpoint. Making a client is not thread-safe, using it is."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self._lock = threading.Lock()
        self._clients: dict[str, Any] = {}

    @property
    def place(self) -> str:
        """The endpoint in words."""
        return f"cloud {self.stack.cloud}" if self.stack.cloud else f"AWS, {self.stack.region}"

    def client(self, service: str) -> Any:
        """The client of a service. CloudGoneError where the cloud is not there any more."""
        with self._lock:
            if service not in self._clients:
                self._clients[service] = self._made(service)
            return self._clients[service]

    def _made(self, service: str) -> Any:
        if conditions.missing_for_clouds():
            finding = conditions.boto3()
            raise LabError(f"{finding.name}: {finding.message}", finding.remedy)
        import boto3
        from botocore.config import Config

        here: dict[str, str] = {}
        if self.stack.cloud:
            cloud = clouds.load(self.stack.cloud)
            if cloud is None:
                raise CloudGoneError(
                    f"{self.stack.cloud}: the cloud is gone, and with it the cluster's machines", hints.lab("destroy")
                )
            here = {
                "endpoint_url": cloud.endpoint,
                "aws_access_key_id": cloud.access_key,
                "aws_secret_access_key": cloud.secret_key,
            }
        patience = {"connect_timeout": 5, "read_timeout": 30, "max_pool_connections": 20}
        config = Config(retries={"total_max_attempts": 5, "mode": "standard"}, proxies={} if here else None, **patience)
        with self.asking():
            region = PRICES_ARE_IN if service == "pricing" else self.stack.region
            return boto3.Session().client(service, region_name=region, config=config, **here)

    def rows(self, service: str, operation: str, key: str, **asked: Any) -> list[dict[str, Any]]:
        """All that an operation lists under `key`, page by page."""
        with self.asking():
            pages = self.client(service).get_paginator(operation).paginate(**asked)
            return [row for page in pages for row in page.get(key, ())]

    @contextmanager
    def asking(self, unless: Callable[[str, str], bool] = lambda _code, _message: False) -> Iterator[None]:
        """Turns boto3's errors into ours, within the block. One for which `unless(code, message)` holds ends it well.

        UnknownError where the endpoint does not answer, LabError for what it refuses.
        """
        from botocore import exceptions

        try:
            yield
        except exceptions.ClientError as error:
            code, message = error.response["Error"].get("Code", ""), error.response["Error"].get("Message", "")
            if not unless(code, message):
                raise LabError(f"{self.place}: {error.operation_name}: {message} ({code})") from None
        except (exceptions.ConnectionError, exceptions.HTTPClientError) as error:
            again = hints.lab("cloud", "up") if self.stack.cloud else ""
            raise UnknownError(f"{self.place}: the API does not answer: {error}", again) from None
        except exceptions.BotoCoreError as error:
            remedy = "" if self.stack.cloud else "give boto3 your account's credentials, such as by AWS_PROFILE"
            raise LabError(f"{self.place}: {error}", remedy) from None


def stack_of(cluster: Cluster) -> Stack:
    """The stack of a cluster's plan."""
    if cluster.stack is None:
        raise LabError(f"{cluster.name}: its plan names no stack")
    return cluster.stack


def default_region() -> str:
    """The region of AWS itself that boto3 takes, by its variables and files. UsageError where there is none."""
    if conditions.missing_for_clouds():
        raise LabError(f"{conditions.boto3().name}: {conditions.boto3().message}", conditions.boto3().remedy)
    import boto3

    region = boto3.Session().region_name
    if not region:
        raise UsageError("--endpoint aws: no region of AWS is chosen", "set it: AWS_REGION=us-west-2")
    return str(region)
