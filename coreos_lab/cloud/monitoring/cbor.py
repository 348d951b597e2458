"""CBOR, as far as AWS's clients use it: RFC 8949. A moment has tag 1, seconds since 1970; other tags are left out."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

UNSIGNED, NEGATIVE, BYTES, TEXT, ARRAY, MAP, TAG, SIMPLE = range(8)
ONE_BYTE, EIGHT_BYTES, INDEFINITE = 24, 27, 31
EPOCH = 1
FALSE, TRUE, NULL, UNDEFINED = 20, 21, 22, 23
FLOATS = {25: ">e", 26: ">f", 27: ">d"}
BREAK = 0xFF
DEEPEST = 32  # how far arrays and maps may lie in each other


def encode(value: Any) -> bytes:
    """A value as CBOR. TypeError for one that has no form."""
    if isinstance(value, str | bytes):
        data = value.encode() if isinstance(value, str) else value
        return _head(TEXT if isinstance(value, str) else BYTES, len(data)) + data
    if isinstance(value, list):
        return _head(ARRAY, len(value)) + b"".join(map(encode, value))
    if isinstance(value, Mapping):
        return _head(MAP, len(value)) + b"".join(encode(key) + encode(each) for key, each in value.items())
    if isinstance(value, datetime):
        return _head(TAG, EPOCH) + encode(value.timestamp())
    return _plain(value)


def _plain(value: Any) -> bytes:
    if value is None or isinstance(value, bool):
        return bytes([SIMPLE << 5 | {None: NULL, False: FALSE, True: TRUE}[value]])
    if isinstance(value, int):
        return _head(UNSIGNED, value) if value >= 0 else _head(NEGATIVE, -1 - value)
    if isinstance(value, float):
        return bytes([SIMPLE << 5 | EIGHT_BYTES]) + struct.pack(">d", value)
    raise TypeError(f"{type(value).__name__}: has no form in CBOR")


def _head(kind: int, number: int) -> bytes:
    if number < ONE_BYTE:
        return bytes([kind << 5 | number])
    for size, form in ((24, ">B"), (25, ">H"), (26, ">I"), (27, ">Q")):
        if number < 1 << 8 * struct.calcsize(form):
            return bytes([kind << 5 | size]) + struct.pack(form, number)
    raise TypeError(f"{number}: too large for CBOR")


def decode(data: bytes) -> Any:
    """The value that is the whole of `data`. ValueError for anything else."""
    reader = _Reader(data)
    try:
        value = reader.value(DEEPEST)
    except (IndexError, struct.error, UnicodeDecodeError, OverflowError, TypeError) as error:
        raise ValueError(f"not CBOR: {error}") from None
    if reader.place != len(data):
        raise ValueError("not CBOR: something follows the value")
    return value


class _Reader:
    def __init__(self, data: bytes) -> None:
        self.data, self.place = data, 0

    def take(self, count: int) -> bytes:
        if self.place + count > len(self.data):
            raise IndexError("it ends too early")
        self.place += count
        return self.data[self.place - count : self.place]

    def value(self, depth: int) -> Any:
        if depth == 0:
            raise ValueError("not CBOR: too many arrays and maps in each other")
        first = self.take(1)[0]
        kind, size = first >> 5, first & 0x1F
        if kind == SIMPLE:
            return self._simple(size)
        if size == INDEFINITE:
            return self._indefinite(kind, depth)
        number = self._number(size)
        if kind in (UNSIGNED, NEGATIVE):
            return number if kind == UNSIGNED else -1 - number
        if kind in (BYTES, TEXT):
            data = self.take(number)
            return data.decode() if kind == TEXT else data
        return self._whole(kind, number, depth - 1)

    def _whole(self, kind: int, number: int, depth: int) -> Any:
        """What has other values in it."""
        if kind == TAG:
            inner = self.value(depth)
            return datetime.fromtimestamp(inner, UTC) if number == EPOCH else inner
        if kind == ARRAY:
            return [self.value(depth) for _ in range(self._items(number))]
        return {self.value(depth): self.value(depth) for _ in range(self._items(number))}

    def _items(self, number: int) -> int:
        if number > len(self.data):  # each item takes a byte at least
            raise IndexError("it ends too early")
        return number

    def _number(self, size: int) -> int:
        if size < ONE_BYTE:
            return size
        if size > EIGHT_BYTES:
            raise ValueError(f"not CBOR: {size} is no size")
        return int.from_bytes(self.take(1 << size - ONE_BYTE), "big")

    def _simple(self, size: int) -> Any:
        if size in FLOATS:
            return struct.unpack(FLOATS[size], self.take(struct.calcsize(FLOATS[size])))[0]
        if size in (FALSE, TRUE):
            return size == TRUE
        if size in (NULL, UNDEFINED):
            return None
        raise ValueError(f"not CBOR: simple value {size}")

    def _indefinite(self, kind: int, depth: int) -> Any:
        parts: list[Any] = []
        while self.data[self.place] != BREAK:
            parts.append(self.value(depth - 1))
        self.place += 1
        if kind in (BYTES, TEXT):
            return b"".join(parts) if kind == BYTES else "".join(parts)
        if kind not in (ARRAY, MAP):
            raise ValueError("not CBOR: no such value of any length")
        return parts if kind == ARRAY else dict(zip(parts[::2], parts[1::2], strict=True))
