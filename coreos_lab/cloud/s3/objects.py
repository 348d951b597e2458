"""Operations on objects: putting, getting, copying, deleting."""

from __future__ import annotations

import re
import time
from dataclasses import replace
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from urllib.parse import unquote

from coreos_lab.cloud.s3 import lifecycle
from coreos_lab.cloud.s3.answer import Reply, http_date, iso, missing, xml
from coreos_lab.cloud.s3.bodies import Bodies
from coreos_lab.cloud.s3.incoming import Incoming
from coreos_lab.cloud.s3.index import Index, Stored
from coreos_lab.cloud.s3.operations import ANSWERED, SOURCE, Asked
from coreos_lab.cloud.sigv4 import RefusedError

KEPT = ("content-type", "cache-control", "content-disposition", "content-encoding", "content-language", "expires")
OWN, OWN_MOST = "x-amz-meta-", 2048  # how headers of the user's own begin, and how long they may be together
LONGEST = 1024  # bytes of a key
CHUNKED = "aws-chunked"
RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")


def kept_headers(headers: dict[str, str]) -> dict[str, str]:
    """The headers of a request that an object keeps."""
    found = {name: value for name, value in headers.items() if name in KEPT or name.startswith(OWN)}
    if sum(len(name) + len(value) for name, value in found.items() if name.startswith(OWN)) > OWN_MOST:
        raise RefusedError("MetadataTooLarge", f"metadata have {OWN_MOST} bytes at most")
    codings = [each.strip() for each in found.pop("content-encoding", "").split(",")]
    if rest := ", ".join(each for each in codings if each not in ("", CHUNKED)):
        found["content-encoding"] = rest
    return {"content-type": "binary/octet-stream", **found}


def source_of(asked: Asked) -> tuple[str, str]:
    """Bucket and key of the object that is to be copied."""
    path, _mark, query = asked.headers[SOURCE].partition("?")
    if query:
        raise missing(f"{asked.operation.name}: versions of objects")
    bucket, _slash, key = unquote(path.removeprefix("/")).partition("/")
    return bucket, key


class Objects:
    """The operations on objects of one cloud."""

    def __init__(self, index: Index, bodies: Bodies) -> None:
        self.index, self.bodies = index, bodies

    def require(self, bucket: str, key: str) -> Stored:
        found = self.index.find(bucket, key)
        if found is None:
            raise RefusedError("NoSuchKey", f"The specified key does not exist: {key}")
        return found

    def put_object(self, asked: Asked, body: Incoming) -> Reply:
        if len(asked.key.encode()) > LONGEST:
            raise RefusedError("KeyTooLongError", f"a key has {LONGEST} bytes at most")
        headers = kept_headers(dict(asked.headers))
        self._require_put(asked)
        name = self.bodies.write(body.blocks())
        try:
            stored = Stored(asked.bucket, asked.key, name, body.size, body.etag, time.time(), headers)
            with self.index.change():  # another request may have put it meanwhile, and none may from now on
                self._require_put(asked)
                old = self.index.put(stored)
        except RefusedError:
            self.bodies.remove([name])
            raise
        self.bodies.remove(old)
        return Reply(headers={"ETag": f'"{body.etag}"', **self._expiry(stored)})

    def _require_put(self, asked: Asked) -> None:
        there = self.index.find(asked.bucket, asked.key)
        if asked.headers.get("if-none-match") == "*" and there is not None:
            raise _unmet("If-None-Match")
        wanted = asked.headers.get("if-match")
        if wanted is not None and (there is None or wanted.strip('"') != there.etag):
            raise _unmet("If-Match") if there else RefusedError("NoSuchKey", "The specified key does not exist.")

    def get_object(self, asked: Asked) -> Reply:
        """An object, or the part of it that the header Range names."""
        for _again in range(10):
            found = self.require(asked.bucket, asked.key)
            reply = self._described(asked, found)
            if reply.status == 304:  # noqa: PLR2004 - not modified
                return reply
            start, length = _part(asked.headers.get("range"), found.size)
            try:
                return replace(reply, body=self.bodies.read(found.body, start, length))
            except FileNotFoundError:
                continue  # it was put anew since it was looked up
        raise RefusedError("InternalError", f"the body of {asked.key} is not there")

    def head_object(self, asked: Asked) -> Reply:
        return self._described(asked, self.require(asked.bucket, asked.key))

    def _described(self, asked: Asked, found: Stored) -> Reply:
        """The answer about an object, without its body."""
        facts = {"ETag": f'"{found.etag}"', "Last-Modified": http_date(found.modified)}
        if is_unchanged(asked, found):
            return Reply(304, facts)
        start, length = _part(asked.headers.get("range"), found.size)
        given = {name.removeprefix("response-"): asked.query[name] for name in ANSWERED if name in asked.query}
        headers = {**found.headers, **given, **facts, "Accept-Ranges": "bytes", "Content-Length": str(length)}
        headers |= self._expiry(found)
        if length == found.size and "range" not in asked.headers:
            return Reply(headers=headers)
        return Reply(206, {**headers, "Content-Range": f"bytes {start}-{start + length - 1}/{found.size}"})

    def _expiry(self, found: Stored) -> dict[str, str]:
        """When a rule of the bucket deletes the object."""
        end = lifecycle.end_of(self.index.bucket(found.bucket).lifecycle, found.key, found.modified)
        if end is None:
            return {}
        date = format_datetime(end[0].astimezone(UTC), usegmt=True)
        return {"x-amz-expiration": f'expiry-date="{date}", rule-id="{end[1]}"'}

    def delete_object(self, asked: Asked) -> Reply:
        """Deletes an object. A missing one is no error."""
        self.bodies.remove(self.index.remove(asked.bucket, asked.key))
        return Reply(204)

    def copy_object(self, asked: Asked, source: Stored) -> Reply:
        """Copies an object; its body stays one file, which both have."""
        anew = asked.headers.get("x-amz-metadata-directive", "COPY")
        if anew not in ("COPY", "REPLACE"):
            raise RefusedError("InvalidArgument", f"Unknown metadata directive: {anew}")
        if anew == "COPY" and (source.bucket, source.key) == (asked.bucket, asked.key):
            raise RefusedError("InvalidRequest", "An object is copied to itself with other metadata only (REPLACE)")
        is_unchanged(asked, source, "x-amz-copy-source-")
        headers = kept_headers(dict(asked.headers)) if anew == "REPLACE" else source.headers
        try:
            name = self.bodies.copy(source.body)
        except FileNotFoundError:  # it was put anew, or deleted, since it was looked up
            raise RefusedError("OperationAborted", f"{source.key} has changed meanwhile: try again") from None
        copy = replace(
            source, bucket=asked.bucket, key=asked.key, body=name, modified=time.time(), headers=dict(headers)
        )
        try:
            old = self.index.put(copy)
        except RefusedError:
            self.bodies.remove([name])
            raise
        self.bodies.remove(old)
        return xml("CopyObjectResult", {"LastModified": iso(copy.modified), "ETag": f'"{copy.etag}"'})


def is_unchanged(asked: Asked, found: Stored, begin: str = "") -> bool:
    """Whether the client has the object as it is. RefusedError where it wants another one than there is (RFC 9110)."""

    def header(name: str) -> str | None:
        return asked.headers.get(f"{begin}{name}")

    match, none = header("if-match"), header("if-none-match")
    modified = int(found.modified)
    if match is not None and found.etag not in _tags(match) and match != "*":
        raise _unmet("If-Match")
    since = _moment(header("if-unmodified-since"))
    if match is None and since is not None and modified > since:
        raise _unmet("If-Unmodified-Since")
    same = none is not None and (found.etag in _tags(none) or none == "*")
    since = _moment(header("if-modified-since"))
    same = same or (none is None and since is not None and modified <= since)
    if same and begin:
        raise _unmet("If-None-Match")
    return same


def _tags(text: str) -> list[str]:
    return [each.strip().removeprefix("W/").strip('"') for each in text.split(",")]


def _moment(text: str | None) -> float | None:
    try:
        found: datetime | None = parsedate_to_datetime(text) if text else None
        return found.timestamp() if found else None
    except (OverflowError, ValueError):
        return None


def _unmet(condition: str) -> RefusedError:
    return RefusedError("PreconditionFailed", f"At least one of the pre-conditions did not hold: {condition}")


def _part(wanted: str | None, size: int) -> tuple[int, int]:
    """Where a range of bytes begins, and its length. One that cannot be read is ignored, as RFC 9110 says."""
    match = RANGE.fullmatch(wanted or "")
    if not match or not any(match.groups()):
        return 0, size
    first, last = match.groups()
    start = int(first) if first else max(0, size - int(last))
    end = min(int(last), size - 1) if first and last else size - 1
    if start >= size or (first and last and int(last) < start) or (not first and int(last) == 0):
        raise RefusedError("InvalidRange", f"The requested range is not satisfiable: {wanted}, of {size} bytes")
    return start, end - start + 1
