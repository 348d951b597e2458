"""The service of webhooks as a process: what it takes, calls, repeats and remembers."""

from __future__ import annotations

import http.client
import json
import socket
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from coreos_lab import wait
from coreos_lab.containers import pidfile
from coreos_lab.containers.webhooks import book
from coreos_lab.containers.webhooks.book import Delivery
from coreos_lab.containers.webhooks.owner import Webhooks
from tests.unit.containers.webhooks.test_push import event


class Receiver(ThreadingHTTPServer):
    """Takes payloads, and answers with the statuses that it is given, the last one again and again."""

    def __init__(self, *statuses: int) -> None:
        self.statuses = list(statuses)
        self.seen: list[tuple[str, str, Any]] = []
        super().__init__(("127.0.0.1", 0), _Handler)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/hook"


class _Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        text = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.seen.append((self.path, self.headers["Host"], text))
        statuses = self.server.statuses
        status = statuses.pop(0) if len(statuses) > 1 else statuses[0]
        said = b'"deploy:ch6-web"'
        self.send_response(status)
        self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)

    def log_request(self, *_args: object) -> None: ...


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
    return port


@pytest.fixture
def receiver() -> Iterator[Callable[..., Receiver]]:
    made: list[Receiver] = []

    def make(*statuses: int) -> Receiver:
        made.append(Receiver(*statuses))
        return made[-1]

    yield make
    for each in made:
        each.shutdown()
        each.server_close()


@pytest.fixture
def webhooks(tmp_path: Path) -> Iterator[Webhooks]:
    made = Webhooks(tmp_path / "webhooks", f"127.0.0.1:{free_port()}")
    yield made
    made.stop()


def tell(webhooks: Webhooks, word: str = "", **changes: Any) -> int:
    """Has the registry tell the service of a push; returns the status."""
    told = webhooks.notified()
    assert told is not None
    text = json.dumps({"events": [{**event(**changes), "timestamp": "2100-01-01T00:00:00Z"}]})
    return post(webhooks, "/events", text, {"Authorization": f"Bearer {word or told.secret}"})


def post(webhooks: Webhooks, path: str, text: str, headers: dict[str, str] | None = None) -> int:
    connection = http.client.HTTPConnection(webhooks.place, timeout=10)
    try:
        connection.request("POST", path, text, headers or {})
        return connection.getresponse().status
    finally:
        connection.close()


def ended(webhooks: Webhooks) -> list[Delivery]:
    """The deliveries, once none of them waits."""
    wait.until(
        lambda: (found := list(webhooks.deliveries())) and all(each.state != book.WAITING for each in found),
        deadline=60,
        missing="deliveries that have ended",
    )
    return list(webhooks.deliveries())


def test_a_push_is_told_once_and_the_answer_is_kept(webhooks: Webhooks, receiver: Callable[..., Receiver]) -> None:
    there = receiver(200)
    hook = webhooks.add(there.url, "me/ch6-web")
    webhooks.run()
    assert tell(webhooks) == http.client.OK
    assert tell(webhooks) == http.client.OK, "a registry repeats what it believes to be lost"
    assert tell(webhooks, repository="me/other") == http.client.OK
    (delivery,) = ended(webhooks)
    assert (delivery.hook, delivery.status, delivery.said) == (hook.id, 200, '"deploy:ch6-web"')
    ((path, _host, text),) = there.seen
    assert path == "/hook"
    assert text["push_data"]["tag"] == "production"
    called_back = text["callback_url"].removeprefix(f"http://{webhooks.place}")
    assert post(webhooks, called_back, '{"state": "success", "description": "tested"}') == http.client.OK
    assert next(webhooks.deliveries()).answered == "success tested"
    assert post(webhooks, "/callback/none", "{}") == http.client.NOT_FOUND


def test_a_server_that_fails_is_asked_again_and_one_that_refuses_is_not(
    webhooks: Webhooks, receiver: Callable[..., Receiver]
) -> None:
    failing, refusing = receiver(503, 204), receiver(403)
    first, second = webhooks.add(failing.url, ""), webhooks.add(refusing.url, "")
    webhooks.run()
    tell(webhooks)
    found = {each.hook: (each.state, each.attempts, each.status) for each in ended(webhooks)}
    assert found == {first.id: (book.DELIVERED, 2, 204), second.id: (book.FAILED, 1, 403)}


def test_nobody_but_the_registry_is_believed(webhooks: Webhooks, receiver: Callable[..., Receiver]) -> None:
    webhooks.add(receiver(200).url, "")
    webhooks.run()
    assert tell(webhooks, word="another") == http.client.FORBIDDEN
    assert tell(webhooks, word="\u00e9") == http.client.FORBIDDEN
    told = webhooks.notified()
    assert told is not None
    headers = {"Authorization": f"Bearer {told.secret}"}
    for text in ("", "{}", "[]", "not JSON", '{"events": [{}]}'):
        assert post(webhooks, "/events", text, headers) == http.client.BAD_REQUEST, text
    assert list(webhooks.deliveries()) == []


def test_a_service_that_was_killed_goes_on(webhooks: Webhooks, receiver: Callable[..., Receiver]) -> None:
    """The hook is away, the service is killed and started again: the hook, back by then, is told."""
    port = free_port()
    webhooks.add(f"http://127.0.0.1:{port}/", "")
    webhooks.run()
    tell(webhooks)
    wait.until(lambda: next(webhooks.deliveries()).attempts > 0, deadline=30, missing="an attempt")
    waiting = next(webhooks.deliveries())
    assert (waiting.state, waiting.status) == (book.WAITING, 0)
    assert "refused" in waiting.said
    pid = pidfile.running(webhooks.pid_file)
    pidfile.end(webhooks.pid_file)
    there = receiver(200)
    hook = f"http://127.0.0.1:{port}/"
    webhooks.folder.joinpath("deliveries.jsonl").write_text(
        webhooks.folder.joinpath("deliveries.jsonl").read_text().replace(hook, there.url)
    )
    webhooks.run()
    assert pidfile.running(webhooks.pid_file) not in (None, pid)
    assert ended(webhooks)[0].state == book.DELIVERED
    assert len(there.seen) == 1


def test_a_name_of_a_clouds_is_asked_of_the_cloud(tmp_path: Path, receiver: Callable[..., Receiver]) -> None:
    there = receiver(200)
    ways = {".execute-api.us-west-2.amazonaws.com": f"127.0.0.1:{there.server_port}"}
    made = Webhooks(tmp_path / "webhooks", f"127.0.0.1:{free_port()}", ways)
    made.add("https://abc.execute-api.us-west-2.amazonaws.com/prod/key", "")
    try:
        made.run()
        tell(made)
        assert ended(made)[0].state == book.DELIVERED
    finally:
        made.stop()
    assert there.seen[0][:2] == ("/prod/key", "abc.execute-api.us-west-2.amazonaws.com")


def test_it_runs_while_there_are_webhooks_and_knows_of_new_ones(webhooks: Webhooks) -> None:
    assert webhooks.notified() is None
    webhooks.run()
    assert pidfile.running(webhooks.pid_file) is None
    first = webhooks.add("http://127.0.0.1:9/", "")
    webhooks.run()
    pid = pidfile.running(webhooks.pid_file)
    webhooks.run()
    assert pidfile.running(webhooks.pid_file) == pid, "it serves already"
    tell(webhooks)
    webhooks.add("http://127.0.0.1:9/other", "")
    webhooks.run()
    assert pidfile.running(webhooks.pid_file) != pid
    webhooks.remove("http://127.0.0.1:9/other")
    webhooks.remove(first.id)
    webhooks.run()
    assert pidfile.running(webhooks.pid_file) is None
    (left,) = webhooks.deliveries()
    assert (left.state, left.said) == (book.FAILED, "the webhook was removed")
