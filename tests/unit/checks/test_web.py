"""HTTP for checks."""

from __future__ import annotations

import socket

from coreos_lab.checks.web import Visitor, get
from tests.unit.clients.stub import serving


def test_get_asks_path_and_query() -> None:
    with serving() as stub:
        stub.answers["HEAD /a?b=c"] = (200, None)
        assert get(f"{stub.base}/a?b=c", method="HEAD").status == 200
        assert get(stub.base).status == 404
        assert stub.requests[-1][0] == "GET /"


def test_get_does_not_wait_for_a_silent_server() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        answer = get(f"http://127.0.0.1:{silent.getsockname()[1]}/", timeout=0.1)
    assert (answer.status, answer.body) == (0, "no answer: timed out")


def test_a_visitor_keeps_cookies_from_one_server_to_the_next() -> None:
    with serving() as first, serving() as second:
        first.cookies |= {"GET /": ["sid=s%3Aabc.d/e+; Path=/; HttpOnly", "theme=dark"]}
        visitor = Visitor()
        assert visitor.get(first.base).status == 404
        visitor.get(second.base)
        visitor.get(second.base)
        get(second.base)
    assert first.sent_cookies == [None]
    assert second.sent_cookies == ["sid=s%3Aabc.d/e+; theme=dark"] * 2 + [None]
