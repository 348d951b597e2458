"""A cluster's S3, as its process serves it: buckets for labs, and s3cmd's requests without credentials of ours."""

from __future__ import annotations

import http.client
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from wsgiref.simple_server import make_server

import pytest

from coreos_lab.cloud.s3 import alone
from coreos_lab.cluster import objects, service
from coreos_lab.errors import LabError
from coreos_lab.model import Cluster
from coreos_lab.records.store import ClusterFolder


class Provider:
    """Notes that the rules of the network were loaded again, once the service's folder is there."""

    def __init__(self) -> None:
        self.opened: list[bool] = []

    def create_network(self, cluster: Cluster) -> None:
        self.opened.append(ClusterFolder(cluster.name).objects.is_dir())


@pytest.fixture
def served(tmp_path: Path, planned: Callable[..., Cluster], monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The service in this process, in place of the one that `provide` would start; where it listens."""
    handler = type("Quiet", (alone._Handler,), {"log_message": lambda *_args: None})
    server = make_server("127.0.0.1", 0, alone.Alone(tmp_path / "s3", "mark"), alone._Server, handler)
    place = f"127.0.0.1:{server.server_port}"
    monkeypatch.setattr(objects, "place", lambda _cluster: place)
    monkeypatch.setattr(objects, "run_service", lambda _cluster: None)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield place
    server.shutdown()
    server.server_close()


def ask(place: str, method: str, path: str, body: bytes = b"", **headers: str) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection(place, timeout=5)
    connection.request(method, path, body, headers)
    answer = connection.getresponse()
    return answer.status, answer.read()


def test_a_bucket_is_there_and_forgets_also_when_it_is_asked_for_twice(
    served: str, planned: Callable[..., Cluster]
) -> None:
    provider: Any = Provider()
    for days in (3, 10):
        objects.provide(planned(), provider, {"backup": days})
    assert provider.opened == [True, True]
    status, rules = ask(served, "GET", "/backup?lifecycle")
    assert (status, b"<Days>10</Days>" in rules) == (200, True)
    assert ask(served, "PUT", "/backup/store/1", b"hello", Authorization="AWS4-HMAC-SHA256 any")[0] == 200
    assert ask(served, "GET", "/backup/store/1") == (200, b"hello")


def test_a_lab_without_buckets_needs_no_s3(planned: Callable[..., Cluster]) -> None:
    cluster, provider = planned(), Provider()
    objects.provide(cluster, provider, {})  # type: ignore[arg-type]
    assert not ClusterFolder(cluster.name).objects.exists()
    assert provider.opened == []


def test_a_bucket_that_is_gone_is_an_error(served: str) -> None:
    status, said = ask(served, "PUT", "/gone/it", b"lost")
    assert (status, b"<Code>NoSuchBucket</Code>" in said) == (404, True)


def test_a_body_that_was_changed_on_the_way_is_refused(served: str, planned: Callable[..., Cluster]) -> None:
    objects.provide(planned(), Provider(), {"backup": 1})  # type: ignore[arg-type]
    headers = {"Content-MD5": "XUFAKrxLKna5cZ2REBfFkg=="}  # of hello
    assert ask(served, "PUT", "/backup/a", b"hell0", **headers)[0] == 400
    assert ask(served, "PUT", "/backup/a", b"hello", **headers)[0] == 200


def test_it_is_known_by_its_mark(served: str) -> None:
    assert service.ask(served, "/health", "mark") == (200, "OK")
    assert service.ask(served, "/health", "another")[0] == 0


def test_a_bucket_may_have_the_name_of_the_health_check(served: str, planned: Callable[..., Cluster]) -> None:
    objects.provide(planned(), Provider(), {"health": 1})  # type: ignore[arg-type]
    status, listed = ask(served, "GET", "/health", Authorization="AWS4-HMAC-SHA256 any")
    assert (status, b"<ListBucketResult" in listed) == (200, True)
    assert service.ask(served, "/health", "mark") == (200, "OK")


def test_what_does_not_answer_is_named(planned: Callable[..., Cluster], monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        place = f"127.0.0.1:{closed.getsockname()[1]}"
    monkeypatch.setattr(objects, "place", lambda _cluster: place)
    monkeypatch.setattr(objects, "run_service", lambda _cluster: None)
    with pytest.raises(LabError, match="S3 does not answer"):
        objects.provide(planned(), Provider(), {"backup": 1})  # type: ignore[arg-type]
