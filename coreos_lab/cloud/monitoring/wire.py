"""The protocols of CloudWatch's clients: Smithy's RPC v2 with CBOR, AWS's JSON 1.0, and the query protocol.

Sources: Smithy's "Smithy RPC v2 CBOR protocol", "AWS JSON 1.0 protocol" and "AWS Query protocol". A client chooses; new
ones use CBOR.
"""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl

from coreos_lab.cloud import answers, json_api, moments, query
from coreos_lab.cloud.monitoring import cbor
from coreos_lab.cloud.s3.answer import Reply
from coreos_lab.cloud.sigv4 import RefusedError, Request

NAME = "monitoring"  # the service in a signature
PERMISSION = "cloudwatch"  # how the names of its actions begin in policies
NAMESPACE = "http://monitoring.amazonaws.com/doc/2010-08-01/"
TARGET = "GraniteServiceVersion20100801"
PATH = re.compile(rf"/service/{TARGET}/operation/(\w+)/?")
CBOR, JSON, QUERY = "application/cbor", "application/x-amz-json-1.0", "text/xml"
LARGEST = 4 * 2**20  # bytes of a request once it is unpacked
GZIP = zlib.MAX_WBITS | 16
Values = dict[str, Any]


@dataclass(frozen=True)
class Asked:
    """A request: `form` is the media type of its answer."""

    action: str
    values: Values
    form: str

    @property
    def permission(self) -> str:
        """IAM's name for what it asks for."""
        return f"{PERMISSION}:{self.action}"


def form(request: Request) -> str:
    """The media type in which a request is answered."""
    if request.headers.get("smithy-protocol") == "rpc-v2-cbor":
        return CBOR
    return JSON if "x-amz-target" in request.headers else QUERY


def read(request: Request) -> Asked:
    """What a request asks for. RefusedError for one that cannot be read."""
    kind, body = form(request), _unpacked(request)
    try:
        if kind == CBOR:
            match = PATH.fullmatch(request.path)
            return Asked(match[1] if match else "", _object(cbor.decode(body) if body else {}), kind)
        if kind == JSON:
            action = request.headers["x-amz-target"].removeprefix(f"{TARGET}.")
            return Asked(action, _object(json_api.loads(body or b"{}")), kind)
        values = dict(parse_qsl(body.decode(), keep_blank_values=True))
        values |= dict(parse_qsl(request.query, keep_blank_values=True))
    except ValueError as error:
        raise RefusedError("SerializationException", f"the request cannot be read: {error}") from None
    action = values.pop("Action", "")
    values.pop("Version", None)
    return Asked(action, query.nested(values), kind)


def _unpacked(request: Request) -> bytes:
    """The body, which clients compress when it is long."""
    if request.headers.get("content-encoding") != "gzip":
        return request.body
    unpacking = zlib.decompressobj(GZIP)
    try:
        found = unpacking.decompress(request.body, LARGEST + 1)
    except zlib.error as error:
        raise RefusedError("SerializationException", f"the request cannot be read: {error}") from None
    if len(found) > LARGEST:
        raise RefusedError("RequestEntityTooLarge", f"a request has {LARGEST} bytes at most")
    if not unpacking.eof:
        raise RefusedError("SerializationException", "the request cannot be read: it ends too early")
    return found


def _object(value: Any) -> Values:
    if not isinstance(value, dict):
        raise RefusedError("SerializationException", "the request is no structure")
    return value


def answer(asked: Asked, result: Mapping[str, Any]) -> Reply:
    """An answer."""
    if asked.form == CBOR:
        body = cbor.encode(result)
    elif asked.form == JSON:
        body = json.dumps(result, default=datetime.timestamp).encode()
    else:
        body = query.answer(asked.action, NAMESPACE, _plain(result))
    return Reply(200, dict(_headers(asked.form)), [body])


def error(request: Request, code: str, message: str) -> tuple[list[tuple[str, str]], bytes]:
    """Headers and body of an answer that says what is wrong. Clients read the code that the query protocol has."""
    kind = form(request)
    if kind == QUERY:
        return _headers(QUERY), answers.error(NAME, code, message)
    said = {"__type": f"com.amazonaws.cloudwatch#{code}", "message": message}
    body = cbor.encode(said) if kind == CBOR else json.dumps(said).encode()
    return [*_headers(kind), ("x-amzn-query-error", f"{code};Sender")], body


def _headers(kind: str) -> list[tuple[str, str]]:
    return [("Content-Type", kind), *([("smithy-protocol", "rpc-v2-cbor")] if kind == CBOR else [])]


def _plain(value: Any) -> Any:
    """Values as XML has them."""
    if isinstance(value, datetime):
        return moments.written(value)
    if isinstance(value, Mapping):
        return {key: _plain(each) for key, each in value.items()}
    return [_plain(each) for each in value] if isinstance(value, list) else value
