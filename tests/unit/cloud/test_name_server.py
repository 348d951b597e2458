"""A VPC's name server: queries as resolvers send them, and the answers."""

from __future__ import annotations

import struct

import pytest

from coreos_lab.cloud import name_server
from coreos_lab.cloud.name_server import HEADER


def query(name: str, kind: int = 1) -> bytes:
    labels = b"".join(bytes([len(each)]) + each.encode() for each in name.split("."))
    return HEADER.pack(7, 0x0100, 1, 0, 0, 0) + labels + b"\0" + struct.pack(">HH", kind, 1)


def test_a_query_is_read() -> None:
    data = query("EC2.us-west-2.amazonaws.com")
    assert name_server.question(data) == ("ec2.us-west-2.amazonaws.com", 1, len(data))


ANSWER = HEADER.pack(7, 0x8180, 1, 0, 0, 0) + bytes([0, 0, 1, 0, 1])
POINTER = HEADER.pack(7, 0, 1, 0, 0, 0) + bytes([0xC0, 0x0C, 0, 1, 0, 1])


@pytest.mark.parametrize("data", [b"", b"short", query("a.b")[:-3], ANSWER, POINTER])
def test_what_is_no_query_is_none(data: bytes) -> None:
    assert name_server.question(data) is None


def test_an_answer_has_the_addresses() -> None:
    data = query("a.b")
    said = name_server.answer(data, ["10.1.2.5", "10.1.1.5"], 1, len(data))
    number, flags, questions, answers, _names, _more = HEADER.unpack_from(said)
    assert (number, flags, questions, answers) == (7, 0x8180, 1, 2)
    assert bytes([0, 4, 10, 1, 2, 5]) in said
    assert said.endswith(bytes([0, 4, 10, 1, 1, 5]))


def test_a_name_without_an_address_of_that_type_is_there_and_an_unknown_one_is_not() -> None:
    data = query("a.b", 28)
    assert HEADER.unpack_from(name_server.answer(data, ["10.1.1.5"], 28, len(data)))[1:4] == (0x8180, 1, 0)
    assert HEADER.unpack_from(name_server.answer(data, [], 1, len(data)))[1:4] == (0x8183, 1, 0)


def test_a_failure_is_an_answer() -> None:
    assert HEADER.unpack_from(name_server.failure(query("a.b")))[1] == 0x8182
