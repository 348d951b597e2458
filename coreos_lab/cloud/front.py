"""The API's front: verifies a request's signature and that this cloud supports it, then passes it to the services.

S3 reads its bodies itself, once the signature is verified: they may be larger than the memory.
"""

from __future__ import annotations

import io
import traceback
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Protocol
from urllib.parse import parse_qsl

from coreos_lab.cloud import answers, discovery, services, sigv4, strangers
from coreos_lab.cloud.discovery import Discovery
from coreos_lab.cloud.gateway.service import Gateway
from coreos_lab.cloud.monitoring import wire
from coreos_lab.cloud.requests import length, status_line
from coreos_lab.cloud.s3 import operations as s3
from coreos_lab.cloud.s3.answer import Reply
from coreos_lab.cloud.sigv4 import RefusedError, Request, Secret, Signed
from coreos_lab.model import Cloud

BODY_MAX = 50 * 2**20  # bytes
Start = Callable[[str, list[tuple[str, str]]], Any]
Answer = tuple[int, list[tuple[str, str]], Iterable[bytes]]


class Services(Protocol):
    """What carries requests out."""

    discovery: Discovery
    gateway: Gateway

    def call(
        self, signed: Signed, action: str, parameters: Mapping[str, str], environ: dict[str, Any]
    ) -> tuple[int, list[tuple[str, str]], bytes]: ...

    def converse(self, signed: Signed, request: Request) -> Reply: ...

    def store(self, signed: Signed, request: Request, environ: dict[str, Any]) -> Reply: ...

    def secret(self, signed: Signed) -> Secret | None: ...


class Front:
    """The API as a WSGI application (PEP 3333)."""

    def __init__(self, cloud: Cloud, behind: Services) -> None:
        self.cloud, self.behind = cloud, behind

    def __call__(self, environ: dict[str, Any], start: Start) -> Iterable[bytes]:
        if discovery.is_about(environ):
            found, headers, body = self.behind.discovery.call(environ)
            start(f"{found.value} {found.phrase}", headers)
            return body
        if self.behind.gateway.is_about(environ):
            reply = self.behind.gateway.serve(environ)
            start(status_line(reply.status), list(reply.headers.items()))
            return reply.body
        service = ""
        try:
            request = _head(environ)
            signed = _signed(request)
            service = signed.service
            if service != s3.NAME:
                request = replace(request, body=_body(environ))
            if self.cloud.signed:
                sigv4.verify(request, signed, self.behind.secret, datetime.now(UTC))
            services.require_region(signed.region, self.cloud.region)
            if service == s3.NAME or service in services.READING_THEMSELVES:
                whole = service in services.READING_THEMSELVES
                reply = self.behind.converse(signed, request) if whole else self.behind.store(signed, request, environ)
                status, headers, body = reply.status, list(reply.headers.items()), reply.body
            else:
                status, headers, body = self._call(signed, request, environ)
        except RefusedError as refused:
            code = answers.denial(service, refused.code)
            status, headers, body = _error(environ, service, code, refused.message)
        except NotImplementedError as error:
            what = str(error).partition(" has not been implemented")[0]
            status, headers, body = _error(environ, service, "UnsupportedOperation", f"{what}: not part of this cloud")
        except Exception as error:
            traceback.print_exc()
            code = answers.denial(service, "InternalError")
            status, headers, body = _error(environ, service, code, f"{type(error).__name__}: {error}")
        start(status_line(status), headers)
        return body if environ["REQUEST_METHOD"] != "HEAD" else ()

    def _call(self, signed: Signed, request: Request, environ: dict[str, Any]) -> Answer:
        """Has a service of the query protocol carry a request out."""
        parameters = dict(parse_qsl(request.body.decode("utf-8", "replace"), keep_blank_values=True))
        parameters |= dict(parse_qsl(request.query, keep_blank_values=True))
        action = parameters.get("Action", "")
        services.require(signed.service, action, parameters)
        environ["wsgi.input"] = io.BytesIO(request.body)
        status, headers, body = self.behind.call(signed, action, parameters, environ)
        return status, headers, [body]


def _signed(request: Request) -> Signed:
    signed = sigv4.parse(request)
    if signed is None:
        raise RefusedError("MissingAuthenticationToken", "Request is missing Authentication Token")
    return signed


def _head(environ: dict[str, Any]) -> Request:
    """The request without its body."""
    headers = {_header(name): value for name, value in environ.items() if name.startswith("HTTP_")}
    headers |= {_header(name): environ[name] for name in ("CONTENT_TYPE", "CONTENT_LENGTH") if environ.get(name)}
    path, _mark, query = environ["REQUEST_URI"].partition("?")
    return Request(environ["REQUEST_METHOD"], path, query, headers, b"")


def _body(environ: dict[str, Any]) -> bytes:
    """The request's body. A chunked one has no length, and is not part of this cloud."""
    if environ.get("HTTP_TRANSFER_ENCODING"):
        raise RefusedError("NotImplemented", "chunked requests are not part of this cloud")
    size = length(environ)
    if size > BODY_MAX:
        raise RefusedError("RequestEntityTooLarge", f"a request has {BODY_MAX} bytes at most")
    found: bytes = environ["wsgi.input"].read(size)
    return found


def _header(variable: str) -> str:
    return variable.removeprefix("HTTP_").replace("_", "-").lower()


def _error(environ: dict[str, Any], service: str, code: str, message: str) -> Answer:
    if service == wire.NAME:
        headers, body = wire.error(_head(environ), code, message)
        return answers.status(service, code), headers, [body]
    if service not in services.ACTIONS:
        status, headers, body = strangers.error(service, _head(environ), code, message)
        return status, headers, [body]
    return answers.status(service, code), answers.headers(service, code), [answers.error(service, code, message)]
