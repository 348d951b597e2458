"""Which of several servers is asked, and what counts as no answer."""

from __future__ import annotations

import http.client
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest

from coreos_lab.clients import http as http_client
from coreos_lab.clients.http import CannotCheckError, Endpoints, request
from coreos_lab.errors import Exit
from tests.unit.clients.stub import serving

NOBODY = "http://127.0.0.1:1"


def test_a_request_returns_status_and_body() -> None:
    with serving() as stub:
        stub.answers["GET /there"] = (200, "hello")
        assert request(stub.base, "GET", "/there") == (200, "hello")
        assert request(stub.base, "GET", "/elsewhere")[0] == 404


def test_the_next_server_is_asked_when_one_does_not_answer_and_is_asked_first_from_then_on() -> None:
    with serving() as stub:
        stub.answers["GET /x"] = (200, {"a": 1})
        servers = Endpoints("thing", [NOBODY, stub.base])
        assert servers.json("GET", "/x") == (200, {"a": 1})
        assert servers.bases[0] == stub.base


def test_the_next_server_is_asked_when_one_is_in_trouble_itself() -> None:
    with serving() as troubled, serving() as well:
        troubled.answers["GET /x"] = (503, {"message": "no leader"})
        well.answers["GET /x"] = (200, {"a": 1})
        assert Endpoints("thing", [troubled.base, well.base]).json("GET", "/x") == (200, {"a": 1})


def test_nobody_answers_is_unknown_and_says_whom_it_asked() -> None:
    with serving() as troubled:
        troubled.answers["GET /x"] = (500, "no leader")
        with pytest.raises(CannotCheckError) as caught:
            Endpoints("thing", [NOBODY, troubled.base]).request("GET", "/x")
    assert caught.value.exit_code == Exit.UNKNOWN
    assert caught.value.message == "thing: no node answers"
    assert NOBODY in caught.value.details
    assert "no leader" in caught.value.details


def test_a_server_that_accepts_and_says_nothing_does_not_hang_us() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        base = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(CannotCheckError):
            Endpoints("thing", [base], timeout=0.1).request("GET", "/x")


def test_what_is_no_json_is_unknown() -> None:
    with serving() as stub:
        stub.answers["GET /x"] = (200, "<html>")
        with pytest.raises(CannotCheckError, match="not JSON"):
            Endpoints("thing", [stub.base]).json("GET", "/x")


def test_an_empty_body_is_none() -> None:
    with serving() as stub:
        stub.answers["GET /x"] = (200, None)
        assert Endpoints("thing", [stub.base]).json("GET", "/x") == (200, None)


@contextmanager
def trickling(head: bytes, part: bytes, pause: float) -> Iterator[str]:
    """A server whose answer begins with `head`, and has no end: the same part comes again and again."""
    over = threading.Event()

    def serve(listening: socket.socket) -> None:
        connection, _ = listening.accept()
        with connection, suppress(OSError):
            connection.recv(65536)
            connection.sendall(head)
            while not over.wait(pause):
                connection.sendall(part)

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=serve, args=(listening,), daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        over.set()
        thread.join()


@pytest.mark.parametrize(("part", "pause"), [(b".", 0.02), (b"." * 65536, 0.0)])
def test_an_answer_without_an_end_is_none(monkeypatch: pytest.MonkeyPatch, part: bytes, pause: float) -> None:
    """A probe that waited for it would not be repeated, and an outage that nobody measures breaks no objective."""
    monkeypatch.setattr(http_client, "LARGEST", 1 << 20)
    monkeypatch.setattr(http_client, "TIMES", 1)
    began = time.monotonic()
    with trickling(b"HTTP/1.0 200 OK\r\n\r\n", part, pause) as base, pytest.raises(TimeoutError, match="no end"):
        request(base, "GET", "/x", timeout=1.0)
    assert time.monotonic() - began < 10


def test_an_answer_that_breaks_off_is_none() -> None:
    def serve(listening: socket.socket) -> None:
        connection, _ = listening.accept()
        with connection:
            connection.recv(65536)
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf")

    with socket.create_server(("127.0.0.1", 0)) as listening:
        threading.Thread(target=serve, args=(listening,), daemon=True).start()
        with pytest.raises(http.client.HTTPException):
            request(f"http://127.0.0.1:{listening.getsockname()[1]}", "GET", "/x")
