"""What S3 answers with, and the XML that it reads and writes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any
from xml.etree import ElementTree
from xml.sax.saxutils import escape

from coreos_lab.cloud.sigv4 import RefusedError

NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"
HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n'


@dataclass(frozen=True)
class Reply:
    """An answer. Its body is bytes, or blocks that are read while they are sent."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Iterable[bytes] = ()


def xml(root: str, tree: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> Reply:
    """An answer as XML: a list is an element for each item."""
    text = f'{HEAD}<{root} xmlns="{NAMESPACE}">{_element(tree)}</{root}>'.encode()
    return Reply(headers={"Content-Type": "application/xml", **(headers or {})}, body=[text])


def _element(value: Any) -> str:
    if not isinstance(value, Mapping):
        return escape(str(value).lower() if isinstance(value, bool) else str(value))
    parts = []
    for name, each in value.items():
        for one in each if isinstance(each, list) else [each]:
            parts.append(f"<{name}>{_element(one)}</{name}>")
    return "".join(parts)


def read_xml(data: bytes) -> ElementTree.Element:
    """A request's XML, without its namespace. Entities are refused: they can make a small document a huge one."""
    if b"<!" in data:
        raise malformed()
    try:
        root = ElementTree.fromstring(data)  # noqa: S314 - there are no entities in it
    except ElementTree.ParseError:
        raise malformed() from None
    for each in root.iter():
        each.tag = each.tag.rpartition("}")[2]
    return root


def malformed(why: str = "") -> RefusedError:
    """The error for XML that is not as S3 wants it."""
    said = "The XML you provided was not well-formed or did not validate against our published schema"
    return RefusedError("MalformedXML", f"{said}{why and f': {why}'}")


def missing(what: str) -> RefusedError:
    """The error for what S3 has and this cloud does not."""
    return RefusedError("NotImplemented", f"{what}: not part of this cloud (see docs/cloud.md)")


def iso(moment: float) -> str:
    """A moment in seconds, as S3's XML has it."""
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")


def http_date(moment: float) -> str:
    """A moment in seconds, as HTTP's headers have it (RFC 9110)."""
    return format_datetime(datetime.fromtimestamp(int(moment), UTC), usegmt=True)
