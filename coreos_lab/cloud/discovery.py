"""discovery.etcd.io as instances have it: the members of a new etcd find each other by a token.

The public service was CoreOS's. Instances reach this one by that name, at the address of the API.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from http import HTTPStatus
from pathlib import Path
from typing import Any

from coreos_lab.clients import discovery_service
from coreos_lab.clients.discovery_service import BODY_MAX, EtcdError, Tokens
from coreos_lab.cloud.requests import length
from coreos_lab.cloud.sigv4 import RefusedError

NAME = "discovery.etcd.io"
URL = f"https://{NAME}"
NEW = "/new"
Reply = tuple[HTTPStatus, list[tuple[str, str]], Iterable[bytes]]


class Discovery:
    """The tokens of one cloud, and their service."""

    def __init__(self, record: Path) -> None:
        record.parent.mkdir(parents=True, exist_ok=True)
        self.tokens = Tokens(record)

    def call(self, environ: dict[str, Any]) -> Reply:
        """Carries a request out; one that waits is answered when something has happened."""
        method, path = environ["REQUEST_METHOD"], environ["PATH_INFO"]
        fields = discovery_service.fields_of(environ.get("QUERY_STRING", ""))
        try:
            body = environ["wsgi.input"].read(min(length(environ), BODY_MAX))  # a longer one is not from an etcd
            fields |= discovery_service.fields_of(body.decode("utf-8", "replace"))
            if events := discovery_service.waiting(self.tokens, method, path, fields):
                return self._reply(HTTPStatus.OK, _when_there(events))
            status, said = discovery_service.answer(self.tokens, URL, method, path, fields)
        except EtcdError as error:
            status, said = discovery_service.failure(self.tokens, error)
        except (RefusedError, ValueError) as error:
            status, said = HTTPStatus.BAD_REQUEST, f"{error}\n"
        return self._reply(status, [(said if isinstance(said, str) else json.dumps(said) + "\n").encode()])

    def _reply(self, status: HTTPStatus, body: Iterable[bytes]) -> Reply:
        return status, [("Content-Type", "application/json"), ("X-Etcd-Index", str(self.tokens.index))], body


def _when_there(events: Iterator[dict[str, object] | None]) -> Iterator[bytes]:
    """The first event. Until there is one, empty lines, by which a client that has gone is noticed."""
    for event in events:
        yield (json.dumps(event) if event is not None else "").encode() + b"\n"


def is_about(environ: dict[str, Any]) -> bool:
    """Whether a request is one to this service, by the name that it was sent to."""
    return str(environ.get("HTTP_HOST", "")).partition(":")[0].lower() == NAME
