"""One API for all tests of a process, since moto's objects are the process's."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from coreos_lab.cloud import view
from coreos_lab.cloud.api import Api
from coreos_lab.cloud.balancing import interfaces
from coreos_lab.cloud.balancing.kept import ACTIVE
from coreos_lab.cloud.engine import Engine
from coreos_lab.cloud.front import Front
from coreos_lab.cloud.states import ENDED, PENDING, RUNNING, SHUTTING_DOWN, STOPPED, STOPPING
from coreos_lab.model import Cloud
from tests.unit.cloud.run_locally import Played

Client = Any
NEXT = {PENDING: RUNNING, SHUTTING_DOWN: ENDED, STOPPING: STOPPED}


@contextmanager
def again_and_again(look: Callable[[], None]) -> Iterator[None]:
    """Calls `look` in a thread while the block runs, as a keeper of the cloud's process does."""
    end = threading.Event()

    def go_on() -> None:
        while not end.wait(0.05):
            look()

    thread = threading.Thread(target=go_on)
    thread.start()
    yield
    end.set()
    thread.join()


def refusal(call: Any, **more: Any) -> str:
    """The code of the error with which the API refuses a call of boto3."""
    from botocore.exceptions import ClientError

    with pytest.raises(ClientError) as refused:
        call(**more)
    return str(refused.value.response["Error"]["Code"])


@dataclass
class Served:
    """An API that answers, without machines behind it."""

    cloud: Cloud
    engine: Engine
    api: Api
    folder: Path

    def client(
        self, service: str, *, key: str = "", secret: str = "", token: str = "", region: str = "", s3_names: bool = True
    ) -> Client:
        """A client of boto3, by default with the cloud's own key. `s3_names`: it checks names of buckets."""
        import boto3
        from botocore.config import Config
        from botocore.handlers import validate_bucket_name

        made = boto3.client(
            service,
            endpoint_url=self.cloud.endpoint,
            region_name=region or self.cloud.region,
            aws_access_key_id=key or self.cloud.access_key,
            aws_secret_access_key=secret or self.cloud.secret_key,
            aws_session_token=token or None,
            config=Config(retries={"total_max_attempts": 1}, signature_version="s3v4" if service == "s3" else None),
        )
        if not s3_names:
            made.meta.events.unregister("before-parameter-build.s3", validate_bucket_name)
        return made


def _listening() -> tuple[Cloud, socket.socket]:
    """A cloud whose port no other process has, and the socket that listens there: whoever looks next finds it taken."""
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    for index in range(100 + worker % 10 * 10, 200):
        cloud = Cloud("try", "us-west-2", index, "AKIAEXAMPLE", "secret")
        try:
            return cloud, socket.create_server(("127.0.0.1", cloud.port), backlog=64)
        except OSError:
            continue
    raise AssertionError("no port is free")


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    for name in ("boto3", "moto", "flask", "flask_cors"):
        pytest.importorskip(name, reason="the extra `cloud` is not installed")
    from werkzeug.serving import make_server

    (cloud, listening), folder = _listening(), tmp_path_factory.mktemp("cloud")
    engine = Engine(cloud, folder / "services", lambda instance: f"console of {instance}")
    api = Api(cloud, engine, folder, print)
    server = make_server("127.0.0.1", cloud.port, Front(cloud, api), threaded=True, fd=listening.detach())
    threading.Thread(target=server.serve_forever, daemon=True).start()
    api.begin()
    yield Served(cloud, engine, api, folder)
    server.shutdown()


@pytest.fixture(scope="module")
def machines(served: Served) -> Iterator[None]:
    """Lets instances become what they are asked to be, as machines do."""

    def look() -> None:
        with served.engine.objects() as backend:
            found = view.instances(backend)
        for each in found:
            if each.code in NEXT:
                served.engine.become(each.name, each.code, NEXT[each.code])
            if each.unsettled and each.code in (RUNNING, STOPPED):
                served.engine.settle_disks(each.name, [disk.device for disk in each.disks])

    with again_and_again(look):
        yield


@pytest.fixture(scope="module")
def balancers(served: Served) -> Iterator[None]:
    """Lets load balancers become active and go, and their targets leave, as the keeper does."""
    shelf = served.api.balancing.shelf

    def look() -> None:
        with shelf.lock:
            for group in shelf.kept.groups:
                group.targets = [target for target in group.targets if not target.leaving]
            for each in list(shelf.kept.balancers):
                each.state = ACTIVE
                each.targets = [target for target in each.targets if not target.leaving]
                if each.deleting:
                    with shelf.engine.objects() as backend:
                        interfaces.remove(backend, each)
                    shelf.kept.balancers.remove(each)

    with again_and_again(look):
        yield


@pytest.fixture
def ec2(served: Served) -> Client:
    return served.client("ec2")


@pytest.fixture
def played(served: Served) -> Iterator[Played]:
    """What runs functions answers as the test tells it."""
    found = Played()
    served.api.functions.runner = found  # type: ignore[assignment]
    yield found
    served.api.functions.runner = None
