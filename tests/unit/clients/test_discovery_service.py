"""The discovery service as etcd and curl ask it."""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from coreos_lab.clients import discovery_service


@dataclass
class Answer:
    """What a request came to."""

    status: int
    text: str
    headers: http.client.HTTPMessage

    @property
    def json(self) -> Any:
        return json.loads(self.text)


Ask = Callable[..., Answer]


@pytest.fixture
def record(tmp_path: Path) -> Path:
    return tmp_path / "discovery.jsonl"


@pytest.fixture
def ask(record: Path) -> Iterator[Ask]:
    """A service on a port of its own, asked by `ask(method, path, body)`."""
    with serving(record) as ask:
        yield ask


class serving:  # noqa: N801 - a context manager
    """A service of this record."""

    def __init__(self, record: Path) -> None:
        (self.server,) = discovery_service.servers(record, "http://172.17.8.1:5809", "mark", ["127.0.0.1:0"])
        self.server.daemon_threads = True
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.01,))

    def __enter__(self) -> Ask:
        self.thread.start()
        return self.ask

    def __exit__(self, *_error: object) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()

    def ask(self, method: str, path: str, body: str = "") -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.server.server_port, timeout=10)
        try:
            connection.request(method, path, body or None)
            answer = connection.getresponse()
            return Answer(answer.status, answer.read().decode(), answer.headers)
        finally:
            connection.close()


def token(ask: Ask, size: int = 3) -> str:
    made = ask("GET", f"/new?size={size}")
    assert made.status == 200
    assert made.text.startswith("http://172.17.8.1:5809/")
    return made.text.rpartition("/")[2]


def test_a_token_has_a_size_and_at_first_nobody(ask: Ask) -> None:
    name = token(ask, 5)
    assert ask("GET", f"/{name}/_config/size?quorum=false").json["node"]["value"] == "5"
    listed = ask("GET", f"/{name}")
    assert listed.json["node"] == {
        "key": f"/_etcd/registry/{name}",
        "dir": True,
        "modifiedIndex": 1,
        "createdIndex": 1,
    }
    assert listed.headers["X-Etcd-Index"] == "1"
    assert len(token(ask)) == 32
    assert ask("GET", "/new").status == 200  # for three, as the public service


def test_members_register_once_and_are_listed_in_their_order(ask: Ask) -> None:
    name = token(ask, 2)
    for number in (2, 1):
        made = ask("PUT", f"/{name}/id{number}?prevExist=false", f"value=core-0{number}%3Dhttp://x{number}:2380")
        assert (made.status, made.json["action"]) == (201, "create")
        assert made.json["node"]["value"] == f"core-0{number}=http://x{number}:2380"
    again = ask("PUT", f"/{name}/id1?prevExist=false", "value=other")
    assert (again.status, again.json["errorCode"], again.json["message"]) == (412, 105, "Key already exists")
    nodes = ask("GET", f"/{name}").json["node"]["nodes"]
    assert [node["key"].rpartition("/")[2] for node in nodes] == ["id2", "id1"]
    assert [node["createdIndex"] for node in nodes] == [2, 3]
    assert (
        ask("PUT", f"/{name}/id3?prevExist=false", "value=c").status == 201
    )  # etcd itself sees that it is one too many


def test_an_unknown_token_is_a_key_that_is_not_found(ask: Ask) -> None:
    name = "0" * 32
    calls = (("GET", ""), ("GET", "/_config/size"), ("GET", "?wait=true"), ("PUT", "/id"), ("DELETE", "/id"))
    for method, rest in calls:
        answer = ask(method, f"/{name}{rest}", "value=x" if method == "PUT" else "")
        assert (answer.status, answer.json["errorCode"]) == (404, 100), rest
        assert answer.json["cause"] == f"/_etcd/registry/{name}"
    assert ask("GET", f"/{token(ask)}/none").json["cause"].endswith("/none")


def test_waiting_ends_with_the_next_registration(ask: Ask) -> None:
    name, found = token(ask), []
    paths = [f"/{name}?wait=true&recursive=true&waitIndex=2", f"/{name}/b?wait=true&waitIndex=1"]
    threads = [threading.Thread(target=lambda path=path: found.append(ask("GET", path).json)) for path in paths]
    for thread in threads:
        thread.start()
    ask("PUT", f"/{name}/a?prevExist=false", "value=one")
    ask("PUT", f"/{name}/b?prevExist=false", "value=two")
    for thread in threads:
        thread.join(10)
    assert sorted(event["node"]["value"] for event in found) == ["one", "two"]
    passed = ask("GET", f"/{name}?wait=true&recursive=true&waitIndex=3").json  # what has happened is not missed
    assert passed["node"]["value"] == "two"


def test_a_member_is_changed_and_taken_out(ask: Ask) -> None:
    name = token(ask)
    assert ask("PUT", f"/{name}/a?prevExist=true", "value=x").json["errorCode"] == 100
    assert ask("PUT", f"/{name}/a", "value=one").status == 201
    changed = ask("PUT", f"/{name}/a?prevExist=true", "value=two")
    assert (changed.status, changed.json["prevNode"]["value"]) == (200, "one")
    assert changed.json["node"]["createdIndex"] == 2
    assert ask("GET", f"/{name}/a").json["node"]["value"] == "two"
    assert ask("DELETE", f"/{name}/a").json["action"] == "delete"
    assert ask("GET", f"/{name}/a").status == 404


@pytest.mark.parametrize("size", ["0", "-1", "100", "x", "1e9", ""])
def test_a_size_that_is_none_is_refused(ask: Ask, size: str) -> None:
    answer = ask("GET", f"/new?size={size}")
    assert (answer.status, answer.text) == (400, f"size={size}: must be a number from 1 to 99\n")


def test_nonsense_is_an_error_of_the_caller(ask: Ask) -> None:
    name = token(ask)
    assert ask("GET", "/").status == 404
    assert ask("GET", f"/{name}/../x").status == 404
    assert ask("PUT", f"/{name}/_config/size", "value=9").status == 405
    assert ask("DELETE", f"/{name}").status == 405
    assert ask("GET", f"/{name}?wait=true&waitIndex=x").status == 400
    assert ask("PUT", f"/{name}/a", "value=" + "x" * 70_000).status == 400
    assert ask("GET", "/health").headers["X-Coreos-Lab"] == "mark"


def test_tokens_outlive_the_service(record: Path) -> None:
    with serving(record) as ask:
        name = token(ask)
        ask("PUT", f"/{name}/a", "value=one")
        ask("PUT", f"/{name}/b", "value=two")
        ask("DELETE", f"/{name}/a")
    with record.open("a") as out:
        out.write('{"token": "half')  # it was killed there
    with serving(record) as ask:
        listed = ask("GET", f"/{name}")
        assert [node["value"] for node in listed.json["node"]["nodes"]] == ["two"]
        assert listed.headers["X-Etcd-Index"] == "4"
        later = token(ask)
    with serving(record) as ask:
        assert ask("GET", f"/{later}").status == 200
