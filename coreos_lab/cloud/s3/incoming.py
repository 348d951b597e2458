"""A request's body as it comes: in chunks or not, and compared with the hashes that the client has sent."""

from __future__ import annotations

import hashlib
import hmac
import io
import zlib
from base64 import b64decode
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Protocol

from coreos_lab.cloud.requests import length
from coreos_lab.cloud.s3.answer import missing
from coreos_lab.cloud.s3.bodies import BLOCK
from coreos_lab.cloud.sigv4 import RefusedError

MOST = 5 * 2**30  # bytes of an object or part in one request: AWS's limit
MOST_XML = 2**20  # bytes of a document
LINE = 8192
STREAMING = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"  # in chunks of AWS's own form, with a hash after the last one
HEX_SHA256 = 64


class _Hash(Protocol):
    def update(self, data: bytes, /) -> None: ...
    def digest(self) -> bytes: ...


class _Crc32:
    def __init__(self) -> None:
        self._sum = 0

    def update(self, data: bytes, /) -> None:
        self._sum = zlib.crc32(data, self._sum)

    def digest(self) -> bytes:
        return self._sum.to_bytes(4, "big")


# The headers with hashes that are compared. Those of other kinds (CRC32C, CRC64NVME) are not looked at.
HASHES: dict[str, Callable[[], _Hash]] = {
    "content-md5": lambda: hashlib.md5(usedforsecurity=False),
    "x-amz-checksum-crc32": _Crc32,
    "x-amz-checksum-sha1": lambda: hashlib.sha1(usedforsecurity=False),
    "x-amz-checksum-sha256": hashlib.sha256,
}


class _Limited(io.RawIOBase):
    """The next bytes of a connection, which stays open after them."""

    def __init__(self, source: Any, length: int) -> None:
        self._source, self._left = source, length

    def readable(self) -> bool:
        return True

    def readinto(self, target: Any) -> int:
        data = self._source.read(min(len(target), self._left))
        target[: len(data)] = data
        self._left -= len(data)
        return len(data)


class Incoming:
    """The body of one request, to be read once."""

    def __init__(self, environ: Mapping[str, Any], headers: Mapping[str, str]) -> None:
        self.headers = headers
        self._trailers: dict[str, str] = {}
        self._md5 = hashlib.md5(usedforsecurity=False)
        self.size = 0
        source = environ["wsgi.input"]
        self._length: int | None = None
        if environ.get("HTTP_TRANSFER_ENCODING"):
            if not environ.get("wsgi.input_terminated"):
                raise missing("a chunked request")
            self._source = io.BufferedReader(source)
        else:
            self._length = length(environ)
            self._source = io.BufferedReader(_Limited(source, self._length))

    @property
    def etag(self) -> str:
        """The MD5 of what was read, as an object's ETag has it."""
        return self._md5.hexdigest()

    def document(self) -> bytes:
        """The body as a document."""
        return b"".join(self.blocks(MOST_XML))

    def blocks(self, most: int = MOST) -> Iterator[bytes]:
        """The body in blocks. RefusedError after the last one where it is not what the client has sent."""
        said = self.headers.get("x-amz-content-sha256", "")
        sha256 = hashlib.sha256()
        hashes: dict[str, _Hash] = {name: make() for name, make in HASHES.items()}
        for block in self._aws_chunks() if said == STREAMING else self._plain():
            self.size += len(block)
            if self.size > most:
                raise RefusedError("EntityTooLarge", f"a body has {most} bytes at most")
            for each in (self._md5, sha256, *hashes.values()):
                each.update(block)
            yield block
        if self._length is not None and said != STREAMING and self.size != self._length:
            raise RefusedError("IncompleteBody", f"{self.size} bytes came, and {self._length} were promised")
        if len(said) == HEX_SHA256 and not hmac.compare_digest(said, sha256.hexdigest()):
            raise RefusedError("XAmzContentSHA256Mismatch", "the body does not have the hash that the request says")
        for name, value in ({**self.headers, **self._trailers}).items():
            if name in hashes and _decoded(name, value) != hashes[name].digest():
                raise RefusedError("BadDigest", f"the body does not have the hash of {name}")

    def _plain(self) -> Iterator[bytes]:
        while block := self._source.read(BLOCK):
            yield block

    def _aws_chunks(self) -> Iterator[bytes]:
        """The data of chunks: each has its length in a line before it; after the empty one are trailers."""
        while length := self._chunk_length():
            while length:
                block = self._source.read(min(length, BLOCK))
                if not block:
                    raise RefusedError("IncompleteBody", "the body ended in a chunk")
                length -= len(block)
                yield block
            self._line()
        while line := self._line():
            name, _colon, value = line.partition(":")
            self._trailers[name.strip().lower()] = value.strip()
        promised = self.headers.get("x-amz-decoded-content-length", str(self.size))
        if promised != str(self.size):
            raise RefusedError("IncompleteBody", f"{self.size} bytes came, and {promised} were promised")

    def _chunk_length(self) -> int:
        line = self._line()
        try:
            return int(line.partition(";")[0], 16)
        except ValueError:
            raise RefusedError("InvalidRequest", f"not the length of a chunk: {line[:20]!r}") from None

    def _line(self) -> str:
        return self._source.readline(LINE).decode("latin-1").strip()


def _decoded(name: str, value: str) -> bytes:
    try:
        return b64decode(value, validate=True)
    except ValueError:
        raise RefusedError("InvalidDigest", f"{name}: not in base 64: {value}") from None
