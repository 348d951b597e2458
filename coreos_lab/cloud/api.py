"""The services behind the front: EC2 and IAM are moto's, the others are ours."""

from __future__ import annotations

import io
import secrets
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlencode

from coreos_lab.cloud import paging, policy, query, sessions
from coreos_lab.cloud.balancing.service import Balancing
from coreos_lab.cloud.discovery import Discovery
from coreos_lab.cloud.engine import Answer, Engine
from coreos_lab.cloud.formation.service import Formation
from coreos_lab.cloud.functions.service import Functions
from coreos_lab.cloud.gateway.service import Gateway
from coreos_lab.cloud.logs.service import Logs
from coreos_lab.cloud.metadata import ACCOUNT
from coreos_lab.cloud.monitoring.service import Monitoring
from coreos_lab.cloud.s3.access import Asker
from coreos_lab.cloud.s3.answer import Reply
from coreos_lab.cloud.s3.service import Storage
from coreos_lab.cloud.scaling.service import Scaling
from coreos_lab.cloud.sessions import Credentials, Session
from coreos_lab.cloud.sigv4 import RefusedError, Request, Secret, Signed
from coreos_lab.cloud.throttle import Bucket
from coreos_lab.model import Cloud

XML_OK: tuple[int, list[tuple[str, str]]] = (200, [("Content-Type", "text/xml")])
INSIDE = "HTTP_X_LAB_INSIDE"
FREE = "sts:GetCallerIdentity"  # which needs no permission


def arn(session: Session | None) -> str:
    """Who asks, as AWS names users and sessions."""
    if session is None:
        return f"arn:aws:iam::{ACCOUNT}:root"
    return f"arn:aws:sts::{ACCOUNT}:assumed-role/{session.role}/{session.instance}"


def _sized(headers: list[tuple[str, str]], body: bytes) -> list[tuple[str, str]]:
    """Headers with a body's length: moto's has the length of all rows, also where a page is shown."""
    others = [(name, value) for name, value in headers if name.lower() != "content-length"]
    return [*others, ("Content-Length", str(len(body)))]


def _identity(session: Session | None) -> bytes:
    user = f"AROA{session.role}:{session.instance}" if session else ACCOUNT
    result = {"Arn": arn(session), "UserId": user, "Account": ACCOUNT}
    return query.answer("GetCallerIdentity", "https://sts.amazonaws.com/doc/2011-06-15/", result)


def _asking(environ: dict[str, Any], parameters: Mapping[str, str]) -> dict[str, Any]:
    """A request with other parameters, as moto reads it."""
    body = urlencode(parameters).encode()
    kind = "application/x-www-form-urlencoded"
    own = {"CONTENT_TYPE": kind, "CONTENT_LENGTH": str(len(body)), "QUERY_STRING": "", "REQUEST_METHOD": "POST"}
    return {**environ, **own, "wsgi.input": io.BytesIO(body)}


@contextmanager
def _of_ec2() -> Iterator[None]:
    """What EC2 refuses to one of our services is refused with the same words."""
    try:
        yield
    except Exception as error:
        said = getattr(error, "response", {}).get("Error", {})
        if "Code" not in said:
            raise
        raise RefusedError(said["Code"], said["Message"]) from error


class Conversing(Protocol):
    """A service with a protocol of its own: it reads a request, and carries it out if its permission is there."""

    def read(self, request: Request) -> Any: ...

    def call(self, asked: Any) -> Reply: ...


class Api:
    """All services of one cloud."""

    def __init__(self, cloud: Cloud, engine: Engine, folder: Path, say: Callable[[str], None]) -> None:
        self.cloud, self.engine = cloud, engine
        self._lock = threading.Lock()
        self._clients: dict[str, Any] = {}
        self._inside = secrets.token_urlsafe()  # what our own services say, so that they are not throttled
        self.bucket = Bucket()
        self.balancing = Balancing(cloud, folder / "balancers.json", engine)
        self.monitoring = Monitoring(cloud, folder / "monitoring", self._client, say)
        self.scaling = Scaling(cloud, folder / "scaling.json", self._client, say, self.monitoring.acting)
        self.discovery = Discovery(folder / "discovery.jsonl")
        self.storage = Storage(cloud.region, folder / "s3", self._is_role)
        self.logs = Logs(cloud.region, folder / "logs.sqlite")
        self.functions = Functions(cloud, folder, engine, self._client)
        self.gateway = Gateway(cloud, folder / "apis.json", self.functions)
        self.formation = Formation(cloud, folder / "stacks", self._client, self._zones)

    def call(self, signed: Signed, action: str, parameters: Mapping[str, str], environ: dict[str, Any]) -> Answer:
        """Carries a request out, if it is allowed; returns status, headers and body."""
        service, session = signed.service, self._session(signed)
        if environ.get(INSIDE) != self._inside:
            self.bucket.take(service)
        if session is not None:
            self._require_allowed(session, f"{service}:{action}")
        if service == "iam" and action == "PutRolePolicy":
            policy.check(parameters.get("PolicyDocument", ""))
        if service == "sts":
            return XML_OK[0], XML_OK[1], _identity(session)
        own: dict[str, Callable[[str, Mapping[str, str]], bytes]] = {
            "autoscaling": self.scaling.call,
            "cloudformation": self.formation.call,
            "elasticloadbalancing": self.balancing.call,
        }
        plain = paging.without(service, action, parameters)
        if service in own:
            with _of_ec2():
                status, headers, body = *XML_OK, own[service](action, plain)
        else:
            if plain != parameters:
                environ = _asking(environ, plain)
            status, headers, body = self.engine.call(service, action, environ)
        if status == XML_OK[0]:
            body = paging.page(service, action, parameters, body)
        return status, _sized(headers, body), body

    def converse(self, signed: Signed, request: Request) -> Reply:
        """Has a service that reads its requests itself carry one out, if it is allowed."""
        own: dict[str, Conversing] = {
            "apigateway": self.gateway,
            "lambda": self.functions,
            "logs": self.logs,
            "monitoring": self.monitoring,
        }
        asked, session = own[signed.service].read(request), self._session(signed)
        if session is not None:
            self._require_allowed(session, asked.permission)
        return own[signed.service].call(asked)

    def store(self, signed: Signed, request: Request, environ: dict[str, Any]) -> Reply:
        """Has S3 carry a request out, if it is allowed."""
        session = self._session(signed)
        if session is None:
            return self.storage.call(request, environ, Asker())
        role = self.engine.role_arn(session.role)
        asker = Asker(arn(session), role or arn(session), tuple(self.engine.policies(session.role)))
        return self.storage.call(request, environ, asker)

    def _is_role(self, name: str) -> bool:
        """Whether a role has this ARN."""
        return name != "" and self.engine.role_arn(name.rpartition("/")[2]) == name

    def secret(self, signed: Signed) -> Secret | None:
        """What was given out for an access key; None for one that this cloud does not know."""
        if signed.access_key == self.cloud.access_key:
            return Secret(self.cloud.secret_key)
        found = sessions.read(self.cloud, signed.access_key, signed.token)
        return found[1] if found else None

    def _session(self, signed: Signed) -> Session | None:
        """Which role's session asks; None for the cloud's own key, whose user may do everything."""
        found = sessions.read(self.cloud, signed.access_key, signed.token)
        return found[0] if found else None

    def _require_allowed(self, session: Session, asked: str) -> None:
        """RefusedError where a session's role does not allow what is asked for, such as ec2:CreateRoute."""
        if asked == FREE or policy.allows(self.engine.policies(session.role), asked):
            return
        if asked.startswith("ec2:"):
            raise RefusedError("UnauthorizedOperation", f"You are not authorized to perform this operation ({asked}).")
        raise RefusedError("AccessDenied", f"User: {arn(session)} is not authorized to perform: {asked}")

    def credentials(self, profile: str, instance: str) -> tuple[str, Credentials] | None:
        """An instance's role and its credentials; None without a role."""
        role = self.engine.role_of(profile) if profile else ""
        return (role, sessions.give(self.cloud, role, instance, datetime.now(UTC))) if role else None

    def begin(self) -> None:
        """Goes on with what the process before this one was doing. The API must answer by now."""
        self.formation.resume()
        self.scaling.keeper.begin()
        self.monitoring.keeper.begin()

    def _client(self, service: str) -> Any:
        """A client for our own API: what our services do is done, checked and kept as any other request."""
        import boto3
        from botocore.config import Config

        with self._lock:  # making one is not thread-safe, using it is
            if service not in self._clients:
                made = boto3.Session(self.cloud.access_key, self.cloud.secret_key).client(
                    service,
                    region_name=self.cloud.region,
                    endpoint_url=self.cloud.endpoint,
                    config=Config(retries={"total_max_attempts": 1}, max_pool_connections=20),
                )
                made.meta.events.register("before-sign", self._sign_as_inside)
                self._clients[service] = made
            return self._clients[service]

    def _sign_as_inside(self, request: Any, **_more: Any) -> None:
        request.headers["X-Lab-Inside"] = self._inside

    def _zones(self) -> tuple[str, ...]:
        with self.engine.objects(save=False) as backend:
            return tuple(zone.name for zone in backend.describe_availability_zones())
