"""The update server, asked as an update engine asks it."""

from __future__ import annotations

import hashlib
import http.client
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from coreos_lab.cluster import service, update_service, updates
from coreos_lab.machine_image import image
from coreos_lab.model import Cluster, Offer
from coreos_lab.records import store
from coreos_lab.records.store import ClusterFolder

REQUEST = (
    '<?xml version="1.0" encoding="UTF-8"?>\n<request protocol="3.0"><app appid="{app}" version="{version}"'
    ' track="{group}" machineid="m"><updatecheck></updatecheck></app></request>'
)
Ask = Callable[..., tuple[int, str]]


@pytest.fixture
def ask(tmp_path: Path) -> Iterator[Ask]:
    """Sends a request to a server that offers 1111-2 to the group beta and 1111 to all others."""
    for name in ("1111", "1111-2"):
        at = tmp_path / name / "rootfs/usr/lib"
        at.mkdir(parents=True)
        (at / "os-release").write_text(f"IMAGE_VERSION={name}\n")
    offers = {"": "1111", "beta": "1111-2", "a<b": "1111-2"}
    server = update_service.server("http://update.lab:5810", "mark", tmp_path, "127.0.0.1:0", offers)
    threading.Thread(target=server.serve_forever, daemon=True).start()

    def send(method: str, path: str, body: str | None = None, headers: dict[str, str] | None = None) -> tuple[int, str]:
        connection = http.client.HTTPConnection("127.0.0.1", server.server_address[1], timeout=5)
        connection.request(method, path, body, headers or {})
        answer = connection.getresponse()
        assert answer.headers["X-Coreos-Lab"] == "mark"
        text = answer.read().decode()
        connection.close()
        return answer.status, text

    yield send
    server.shutdown()
    server.server_close()


def request(version: str, group: str, app: str = update_service.APP) -> str:
    return REQUEST.format(app=app, version=version, group=group)


def test_each_group_is_offered_its_image(ask: Ask) -> None:
    status, text = ask("POST", "/v1/update/", request("1111", "beta"))
    assert status == 200
    assert '<manifest version="1111-2">' in text
    assert 'codebase="http://update.lab:5810/packages/"' in text
    status, package = ask("GET", "/packages/1111-2")
    assert (status, package) == (200, "IMAGE_VERSION=1111-2\n")
    assert f'hash_sha256="{hashlib.sha256(package.encode()).hexdigest()}"' in text
    assert f'size="{len(package)}"' in text
    assert '<manifest version="1111-2">' in ask("POST", "/v1/update", request("1111", "a&lt;b"))[1]


@pytest.mark.parametrize(("version", "group"), [("1111", "stable"), ("1111-2", "beta"), ("1111", "")])
def test_who_has_its_image_gets_no_update(ask: Ask, version: str, group: str) -> None:
    assert '<updatecheck status="noupdate"/>' in ask("POST", "/v1/update/", request(version, group))[1]


def test_a_group_without_an_offer_gets_no_update() -> None:
    text = update_service.answer(request("1111", "stable"), {"beta": "1111-2"}, {}, "")
    assert '<updatecheck status="noupdate"/>' in text


def test_other_requests_are_refused(ask: Ask) -> None:
    assert ask("POST", "/v1/update/", request("1111", "beta", app="{other}"))[0] == 400
    assert ask("POST", "/v1/update/", "nonsense")[0] == 400
    assert ask("POST", "/v1/update/", headers={"Content-Length": "-1"})[0] == 400
    assert ask("POST", "/v1/update/", headers={"Content-Length": "999999999"})[0] == 400
    assert ask("POST", "/elsewhere", "x")[0] == 404
    assert ask("GET", "/packages/../1111")[0] == 404
    assert ask("GET", "/health") == (200, "OK")


def test_the_images_ask_that_server() -> None:
    conf = (image.FILES / "usr/share/coreos/update.conf").read_text().splitlines()
    assert f"SERVER={updates.URL}/v1/update/" in conf


def test_the_server_serves_what_the_plan_says(planned: Callable[..., Cluster], monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[tuple[list[str], str]] = []

    def run(_what: str, _pid: Path, program: list[object], places: list[str], mark: str) -> None:
        assert places == ["172.17.8.1:5810"]
        started.append(([str(word) for word in program[2:]], mark))

    monkeypatch.setattr(service, "run", run)
    updates.run_server(planned())
    assert started == [], "a cluster that was never updated has none"
    first = replace(planned(), offers=(Offer("", "1111-2", "1111"), Offer("beta", "1111-3", "1111-2")))
    updates.run_server(first)
    updates.run_server(replace(first, offers=first.offers[:1]))
    words, mark = started[0]
    assert words[-2:] == ["=1111-2", "beta=1111-3"]
    assert words[1] == str(ClusterFolder("core").updates_pid), "by that path it is found"
    assert mark != started[1][1], "another offer: another server"


def test_offers_are_in_the_plan(planned: Callable[..., Cluster]) -> None:
    cluster = replace(planned(), image="1111-2", offers=(Offer("", "1111-2", "1111"),))
    store.save(cluster)
    assert store.require("core") == cluster
