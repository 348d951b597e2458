"""Bodies as they come, and what is refused when they are not what the client has sent."""

from __future__ import annotations

import hashlib
import io
from base64 import b64encode
from typing import Any

import pytest

from coreos_lab.cloud.s3.answer import read_xml
from coreos_lab.cloud.s3.incoming import STREAMING, Incoming
from coreos_lab.cloud.sigv4 import RefusedError

CRC32 = "O4unxw=="  # of "text", in base 64


def read(data: bytes, headers: dict[str, str], **environ: Any) -> bytes:
    incoming = Incoming({"wsgi.input": io.BytesIO(data), "CONTENT_LENGTH": str(len(data)), **environ}, headers)
    return b"".join(incoming.blocks())


def chunked(*blocks: bytes, trailer: str = "") -> bytes:
    parts = [b"%x\r\n%s\r\n" % (len(block), block) for block in blocks]
    return b"".join(parts) + b"0\r\n" + (f"{trailer}\r\n\r\n" if trailer else "\r\n").encode()


def test_a_body_is_read_whole_in_each_form() -> None:
    assert read(b"text", {}) == b"text"
    assert read(chunked(b"tex", b"t"), {"x-amz-content-sha256": STREAMING}) == b"text"
    more = {"HTTP_TRANSFER_ENCODING": "chunked", "wsgi.input_terminated": True}
    assert read(b"text", {}, **more) == b"text"


def code(data: bytes, headers: dict[str, str], **environ: Any) -> str:
    with pytest.raises(RefusedError) as refused:
        read(data, headers, **environ)
    return refused.value.code


def test_a_body_that_is_not_what_was_sent_is_refused() -> None:
    good, other = (hashlib.sha256(each).hexdigest() for each in (b"text", b"other"))
    assert read(b"text", {"x-amz-content-sha256": good}) == b"text"
    assert code(b"text", {"x-amz-content-sha256": other}) == "XAmzContentSHA256Mismatch"
    md5 = b64encode(hashlib.md5(b"text").digest()).decode()  # noqa: S324 - as clients send it
    assert read(b"text", {"content-md5": md5, "x-amz-checksum-crc32": CRC32}) == b"text"
    assert code(b"texts", {"content-md5": md5}) == "BadDigest"
    assert code(b"texts", {"x-amz-checksum-crc32": CRC32}) == "BadDigest"
    assert code(b"text", {"content-md5": "no base 64"}) == "InvalidDigest"
    assert code(b"text", {}, CONTENT_LENGTH="5") == "IncompleteBody"


def test_chunks_that_end_early_or_have_another_hash_behind_them() -> None:
    headers = {"x-amz-content-sha256": STREAMING, "x-amz-decoded-content-length": "4"}
    trailer = f"x-amz-checksum-crc32:{CRC32}"
    assert read(chunked(b"text", trailer=trailer), headers) == b"text"
    assert code(chunked(b"texT", trailer=trailer), headers) == "BadDigest"
    assert code(chunked(b"text")[:4], headers) == "IncompleteBody"
    assert code(chunked(b"texts"), headers) == "IncompleteBody"
    assert code(b"text", headers) == "InvalidRequest"


def test_xml_with_entities_is_refused() -> None:
    with pytest.raises(RefusedError):
        read_xml(b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>')
    with pytest.raises(RefusedError):
        read_xml(b"<a>")
