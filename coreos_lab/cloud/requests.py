"""What a request's head says of its body, and the line that an answer begins with."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from coreos_lab.cloud import query
from coreos_lab.cloud.sigv4 import RefusedError

LENGTH = "CONTENT_LENGTH"


def length(environ: Mapping[str, Any]) -> int:
    """The length of a request's body. RefusedError for one that is no number: as many bytes would be waited for."""
    text = environ.get(LENGTH) or "0"
    if not query.is_number(text):
        raise RefusedError("InvalidRequest", f"Content-Length: {text}: must be a number of bytes")
    return int(text)


def status_line(status: int) -> str:
    """A status with its words, as WSGI has it. A function may answer with one that has none."""
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return f"{status} Unknown"
