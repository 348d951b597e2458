"""discovery.etcd.io, as an etcd on an instance asks it."""

from __future__ import annotations

import http.client
import json
import threading
from typing import Any

import pytest

from coreos_lab.cloud import lifecycle
from coreos_lab.cloud.discovery import Discovery
from coreos_lab.errors import LabError, UsageError
from coreos_lab.model import Cloud
from tests.unit.cloud.conftest import Served


def ask(served: Served, method: str, path: str, body: str = "") -> tuple[int, Any]:
    connection = http.client.HTTPConnection("127.0.0.1", served.cloud.port, timeout=20)
    connection.request(method, path, body, {"Host": "discovery.etcd.io"})
    answer = connection.getresponse()
    text = answer.read().decode()
    return answer.status, json.loads(text) if text.lstrip().startswith("{") else text


def test_members_find_each_other_by_a_token(served: Served) -> None:
    url = lifecycle.new_token(served.cloud, 2)
    assert url.startswith("https://discovery.etcd.io/")
    token = url.removeprefix("https://discovery.etcd.io")
    assert ask(served, "GET", f"{token}/_config/size")[1]["node"]["value"] == "2"
    assert ask(served, "PUT", f"{token}/1?prevExist=false", "value=one%3Dhttp%3A%2F%2F10.1.1.4%3A2380")[0] == 201
    assert ask(served, "PUT", f"{token}/1?prevExist=false", "value=x")[1]["errorCode"] == 105
    seen: list[Any] = []
    index = ask(served, "GET", token)[1]["node"]["nodes"][0]["modifiedIndex"]
    wait = f"{token}?wait=true&recursive=true&waitIndex={index + 1}"
    waiting = threading.Thread(target=lambda: seen.append(ask(served, "GET", wait)))
    waiting.start()
    ask(served, "PUT", f"{token}/2?prevExist=false", "value=two")
    waiting.join()
    assert seen[0][1]["node"]["value"] == "two"
    again = Discovery(served.folder / "discovery.jsonl")
    assert set(again.tokens.tokens[token.strip("/")].members) == {"1", "2"}


def test_what_is_wrong_is_said(served: Served) -> None:
    assert ask(served, "GET", f"/{'0' * 32}")[0] == 404
    assert ask(served, "GET", "/other") == (404, "404 page not found\n")
    with pytest.raises(UsageError, match="--size 0: size=0: must be a number from 1"):
        lifecycle.new_token(served.cloud, 0)
    with pytest.raises(LabError, match="does not answer"):
        lifecycle.new_token(Cloud("off", "us-west-2", 199, "A", "s"), 3)
