"""What is different for machines of AWS itself, as far as it can be tried without an account."""

from __future__ import annotations

import json
import subprocess
import sys
import tarfile
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from coreos_lab import render
from coreos_lab.cluster import discovery, tunnels
from coreos_lab.commands import on_aws
from coreos_lab.errors import LabError, UsageError
from coreos_lab.model import Cluster, Stack
from coreos_lab.plan import DISCOVERY_PORT
from coreos_lab.providers.aws import bucket, price, stacks
from coreos_lab.providers.aws.api import Api
from coreos_lab.records import identity, store
from tests.unit.cloud.conftest import Served

pytest.importorskip("boto3", reason="the extra `cloud` is not installed")
PRODUCT = {"terms": {"OnDemand": {"x": {"priceDimensions": {"y": {"pricePerUnit": {"USD": "0.0230000000"}}}}}}}


@pytest.fixture
def cluster(planned: Callable[..., Cluster]) -> Cluster:
    paper = planned(name="own", provider="aws", endpoint="aws", allow_from="192.0.2.7/32")
    cluster = replace(paper, stack=Stack("", "us-west-2", "t2.small", "192.0.2.7/32", "http://127.0.0.1:5809/x"))
    store.save(cluster)
    identity.ensure_token(store.ClusterFolder("own"))
    return cluster


def user_data(cluster: Cluster) -> str:
    key, registry = "ssh-ed25519 AAAA", tunnels.ON_NODES
    return render.cloud_config(cluster, cluster.nodes[0], key, "t", registry, bucket=identity.bucket_of(cluster))


def test_the_template_is_one_that_aws_takes(cluster: Cluster, tmp_path: Path) -> None:
    linter = Path(sys.executable).with_name("cfn-lint")
    if not linter.exists():
        pytest.skip("cfn-lint is not installed")
    text = stacks.template(cluster, user_data(cluster), ["us-west-2a", "us-west-2b"])
    (tmp_path / "stack.yml").write_text(text)
    done = subprocess.run(
        [linter, "--ignore-checks", "W3010", "--", tmp_path / "stack.yml"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "")
    assert "LaunchConfiguration" not in text, "AWS has them for older accounts alone"


def test_what_flatcar_lacks_is_fetched_before_it_is_started(cluster: Cluster) -> None:
    config = YAML(typ="safe").load(user_data(cluster))
    units = [unit["name"] for unit in config["coreos"]["units"]]
    assert units[:2] == ["coreos-lab-userland.service", "etcd2.service"]
    assert "ExecStart=/opt/coreos-lab/bin/etcd" in config["coreos"]["units"][1]["content"]
    assert [file["path"] for file in config["write_files"]] == ["/opt/coreos-lab-userland", "/etc/docker/daemon.json"]


class Metadata(BaseHTTPRequestHandler):
    """An instance's metadata service, version 2."""

    credentials = ""

    def do_PUT(self) -> None:
        self._say("token")

    def do_GET(self) -> None:
        assert self.headers["X-aws-ec2-metadata-token"] == "token"
        self._say(self.credentials if self.path.endswith("/role") else "role")

    def _say(self, text: str) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_args: object) -> None:
        """Keeps quiet."""


@pytest.fixture
def metadata(served: Served) -> Iterator[str]:
    said = {"Code": "Success", "AccessKeyId": served.cloud.access_key, "SecretAccessKey": served.cloud.secret_key}
    form = json.dumps({**said, "Token": ""}, indent=2).replace('": "', '" : "')  # as AWS writes it
    handler = type("Handler", (Metadata,), {"credentials": form})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


def test_a_machine_fetches_the_userland_with_its_roles_credentials(
    cluster: Cluster, served: Served, metadata: str, tmp_path: Path
) -> None:
    name = identity.bucket_of(cluster)
    archive = BytesIO()
    with tarfile.open(fileobj=archive, mode="w:gz") as tar:
        entry = tarfile.TarInfo("opt/coreos-lab/bin/etcd")
        entry.size = 5
        tar.addfile(entry, BytesIO(b"etcd\n"))
    s3 = served.client("s3")
    s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": "us-west-2"})
    (script,) = (
        file["content"]
        for file in YAML(typ="safe").load(user_data(cluster))["write_files"]
        if file["path"] == "/opt/coreos-lab-userland"
    )
    here = script.replace("http://169.254.169.254", metadata).replace("/opt/", f"{tmp_path}/")
    here = here.replace(f"https://{name}.s3.us-west-2.amazonaws.com", f"{served.cloud.endpoint}/{name}")
    here = here.replace("--directory /", f"--directory {tmp_path}")
    assert subprocess.run(["sh", "-c", here], capture_output=True, check=False).returncode != 0, "it is not there yet"
    s3.put_object(Bucket=name, Key=bucket.ARCHIVE, Body=archive.getvalue())
    done = subprocess.run(["sh", "-c", here], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / "opt/coreos-lab/bin/etcd").read_text() == "etcd\n"
    own = Api(Stack(served.cloud.name, "us-west-2", "t2.small"))
    own._clients["s3"] = s3
    bucket.empty(own, cluster)
    s3.delete_bucket(Bucket=name)
    bucket.empty(own, cluster)  # which is gone


class Prices:
    """A price list."""

    def __init__(self, *products: object) -> None:
        self.products = products

    def __call__(self, _service: str, _operation: str, _key: str, **asked: Any) -> list[str]:
        assert {"Type": "TERM_MATCH", "Field": "instanceType", "Value": "t2.small"} in asked["Filters"]
        return [json.dumps(product) for product in self.products]


def test_costs_are_said_and_confirmed_before_anything_is_made(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    prices = Prices(PRODUCT)
    monkeypatch.setattr(Api, "rows", lambda _self, *args, **asked: prices(*args, **asked))
    with pytest.raises(UsageError, match="own: not confirmed, so nothing was made at AWS"):
        on_aws.accept_costs(cluster, 3, yes=False)
    on_aws.accept_costs(cluster, 3, yes=True)
    told = "AWS, us-west-2: 3 instances of type t2.small: $0.07 an hour, $1.66 a day. Disks, public addresses"
    assert capsys.readouterr().err.count(told) == 2
    on_aws.accept_costs(cluster, 0, yes=False)
    assert cluster.stack is not None
    on_aws.accept_costs(replace(cluster, stack=replace(cluster.stack, cloud="aws")), 3, yes=False)
    assert capsys.readouterr().err == "", "there is nothing to pay"


def test_a_price_that_is_not_told_is_no_price_of_nothing(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuses(*_args: object, **_asked: object) -> list[str]:
        raise LabError("AccessDeniedException")

    monkeypatch.setattr(Api, "rows", refuses)
    assert cluster.stack is not None
    assert "the price list does not tell what they cost" in price.estimate(Api(cluster.stack), 3)


def test_members_find_each_other_by_the_clusters_own_service(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its records are made, so the tunnels carry it, too."""
    assert cluster.stack is not None
    folder = store.ClusterFolder("own")
    assert f"127.0.0.1:{DISCOVERY_PORT}" not in " ".join(tunnels.call(folder, "core-01", "127.17.9.1:5808"))
    asked: list[int] = []

    def new(cluster: Cluster, size: int) -> str:
        folder.discovery.touch()
        asked.append(size)
        return f"{discovery.url(cluster)}/token"

    monkeypatch.setattr(discovery, "new", new)
    now = on_aws.prepared(replace(cluster, stack=replace(cluster.stack, discovery="")))
    assert (asked, now.stack and now.stack.discovery) == ([3], "http://127.0.0.1:5809/token")
    assert store.require("own") == now
    assert "127.0.0.1:5809:127.17.9.1:5809" in tunnels.call(folder, "core-01", "127.17.9.1:5808")
    assert on_aws.prepared(now) == now, "a token is made once"
