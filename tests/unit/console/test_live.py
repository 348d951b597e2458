"""The live connection, over a real socket."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

pytest.importorskip("uvicorn")

from websockets.sync.client import ClientConnection, connect

from coreos_lab.console import live
from coreos_lab.console.patch import applied, difference
from tests.unit.console import paper_cluster
from tests.unit.console.paper_cluster import Shown
from tests.unit.console.test_gate import is_built

pytestmark = pytest.mark.skipif(not is_built(), reason="the page is not built")


@contextmanager
def looking(shown: Shown, token: str = "") -> Iterator[ClientConnection]:
    origin = {"Origin": f"http://127.0.0.1:{shown.port}"}
    with connect(f"ws://127.0.0.1:{shown.port}/live", additional_headers=origin) as socket:
        socket.send(json.dumps({"token": token or shown.console.token}))
        yield socket


def until(socket: ClientConnection, document: dict[str, Any], key: str, value: Any) -> dict[str, Any]:
    """The document once it has this value; a patch that it never comes in is a timeout."""
    while document.get(key) != value:
        news = json.loads(socket.recv(timeout=10))
        document = news.get("document") or applied(document, news.get("patch", {}))
    return document


def test_a_page_gets_the_document_its_role_and_every_change() -> None:
    with paper_cluster.shown() as shown:
        shown.feed.update(**paper_cluster.document())
        with looking(shown) as socket, looking(shown, shown.console.look) as other:
            first, second = json.loads(socket.recv(timeout=10)), json.loads(other.recv(timeout=10))
            assert (first["role"], second["role"]) == ("act", "look")
            assert first["document"] == second["document"] == shown.feed.document
            now = paper_cluster.broken(paper_cluster.document())
            shown.feed.update(**now)
            for each, document in ((socket, first["document"]), (other, second["document"])):
                assert difference(until(each, document, "leader", "core-03"), shown.feed.document) == {}


def test_many_changes_at_a_time_are_few_messages() -> None:
    with paper_cluster.shown() as shown, looking(shown) as socket:
        socket.recv(timeout=10)
        document: dict[str, Any] = {}
        began, messages = time.monotonic(), 0
        for number in range(200):
            shown.feed.update(leader=str(number))
            time.sleep(0.005)
        while document.get("leader") != "199":
            document = applied(document, json.loads(socket.recv(timeout=10)).get("patch", {}))
            messages += 1
        assert messages <= (time.monotonic() - began) / live.TOGETHER + 3


def test_looking_ends_with_the_last_page() -> None:
    with paper_cluster.shown() as shown:
        with looking(shown) as socket:
            socket.recv(timeout=10)
            assert shown.looks == [True]
        end = time.monotonic() + 10
        while shown.looks != [True, False] and time.monotonic() < end:
            time.sleep(0.05)
        assert shown.looks == [True, False]


def test_a_page_that_comes_back_gets_all_that_is_so_and_what_has_happened() -> None:
    with paper_cluster.shown() as shown:
        shown.feed.update(**paper_cluster.document())
        shown.happened("etcd", "", "core-01 leads now")
        for _time in range(2):
            with looking(shown) as socket:
                news = json.loads(socket.recv(timeout=10))
                assert news["document"] == shown.feed.document
                assert [event["message"] for event in news["events"]] == ["core-01 leads now"]
