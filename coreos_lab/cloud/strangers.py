"""Refusals of services that this cloud does not have, each in the protocol of its request.

A client that reads JSON would say of XML that it cannot be parsed, and not why the request was refused.
Sources: Smithy's "AWS JSON 1.0 protocol", "AWS JSON 1.1 protocol", "AWS restJson1 protocol", "Smithy RPC v2 CBOR
protocol" and "AWS Query protocol".
"""

from __future__ import annotations

from urllib.parse import parse_qsl
from uuid import uuid4

from coreos_lab.cloud import answers, json_api
from coreos_lab.cloud.monitoring import cbor, wire
from coreos_lab.cloud.sigv4 import Request

JSON, XML = "application/json", "text/xml"
OF_XML = ("cloudfront", "route53")  # services whose requests have paths as restJson1's, and whose answers are XML
FORM = "application/x-www-form-urlencoded"


def form(service: str, request: Request) -> str:
    """The media type in which a request is answered. `service` is its signature's, "" without one."""
    if wire.form(request) == wire.CBOR:
        return wire.CBOR
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if json_api.TARGET in request.headers:
        return kind if kind.startswith("application/x-amz-json-") else json_api.TYPE
    if kind == JSON:
        return JSON
    asks = any(name == "Action" for name, _value in parse_qsl(request.query, keep_blank_values=True))
    if asks or kind == FORM or service in ("", *OF_XML):
        return XML
    return JSON  # restJson1's requests without a body have no media type


def error(service: str, request: Request, code: str, message: str) -> tuple[int, list[tuple[str, str]], bytes]:
    """Status, headers and body of a refusal."""
    kind = form(service, request)
    if kind == XML:
        return answers.status(service, code), [("Content-Type", XML)], answers.error("", code, message)
    said = answers.NAMES_OF_JSON.get(code, code)
    headers = [("Content-Type", kind), ("x-amzn-RequestId", str(uuid4()))]
    if kind == wire.CBOR:
        headers.append(("smithy-protocol", "rpc-v2-cbor"))
        return answers.status(service, said), headers, cbor.encode({"__type": said, "message": message})
    headers.append(("x-amzn-ErrorType", said))
    return answers.status(service, said), headers, json_api.error(said, message)
