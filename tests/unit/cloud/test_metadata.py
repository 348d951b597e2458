"""What an instance is told about itself."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from coreos_lab.cloud import sessions
from coreos_lab.cloud.metadata import TOKEN_PATH, Service
from coreos_lab.cloud.network import Port
from coreos_lab.cloud.states import RUNNING
from coreos_lab.cloud.view import Instance
from coreos_lab.model import Cloud

NOW = datetime(2026, 11, 26, 12, 30, tzinfo=UTC)
TTL, TOKEN = "x-aws-ec2-metadata-token-ttl-seconds", "x-aws-ec2-metadata-token"
ONE = Instance(
    name="i-1",
    number=1,
    code=RUNNING,
    vpc="vpc-1",
    port=Port("i-1", 1, "subnet-1", "10.1.1.5", "02:00:00:00:00:01", "198.18.0.100", ("sg-1", "sg-2")),
    size="t2.small",
    memory=2**31,
    cpus=1,
    image="ami-7d11c51d",
    zone="us-west-2a",
    hostname="ip-10-1-1-5.us-west-2.compute.internal",
    public_hostname="ec2-198-18-0-100.us-west-2.compute.amazonaws.com",
    key_name="mine",
    public_key="ssh-ed25519 AAAA",
    user_data=b"#cloud-config\n",
    reboots=0,
    index=0,
    reservation="r-1",
    group_names=("default", "web"),
    launched=NOW,
    ends_when_off=False,
    tokens_only=False,
    has_metadata=True,
    interface="eni-1",
    subnet_cidr="10.1.1.0/24",
    vpc_cidr="10.1.0.0/16",
)
MACS = "/latest/meta-data/network/interfaces/macs"
OURS = f"{MACS}/02:00:00:00:00:01"


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def service(instance: Instance | None = ONE, clock: Clock | None = None) -> Service:
    return Service("us-west-2", lambda address: instance if address == "10.1.1.5" else None, clock=clock or Clock())


def get(path: str, one: Service | None = None, source: str = "10.1.1.5", **headers: str) -> tuple[int, str]:
    said = {name.replace("_", "-"): value for name, value in headers.items()}
    status, _kind, body = (one or service()).answer(source, "GET", path, said)
    return status, body.decode()


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("/latest/meta-data/instance-id", "i-1"),
        ("/2009-04-04/meta-data/local-ipv4", "10.1.1.5"),
        ("/1.0/meta-data/public-ipv4", "198.18.0.100"),
        ("/latest/meta-data/placement/availability-zone", "us-west-2a"),
        ("/latest/meta-data/security-groups", "default\nweb"),
        ("/latest/meta-data/public-keys/", "0=mine"),
        ("/latest/meta-data/public-keys/0/", "openssh-key"),
        ("/latest/meta-data/public-keys/0/openssh-key", "ssh-ed25519 AAAA"),
        ("/latest/meta-data/placement/", "availability-zone\nregion"),
        ("/latest/meta-data/mac", "02:00:00:00:00:01"),
        ("/latest/meta-data/network/", "interfaces/"),
        (f"{MACS}/", "02:00:00:00:00:01/"),
        (f"{OURS}/device-number", "0"),
        (f"{OURS}/interface-id", "eni-1"),
        (f"{OURS}/local-hostname", "ip-10-1-1-5.us-west-2.compute.internal"),
        (f"{OURS}/local-ipv4s", "10.1.1.5"),
        (f"{OURS}/mac", "02:00:00:00:00:01"),
        (f"{OURS}/owner-id", "123456789012"),
        (f"{OURS}/public-hostname", "ec2-198-18-0-100.us-west-2.compute.amazonaws.com"),
        (f"{OURS}/public-ipv4s", "198.18.0.100"),
        (f"{OURS}/ipv4-associations/", "198.18.0.100"),
        (f"{OURS}/ipv4-associations/198.18.0.100", "10.1.1.5"),
        (f"{OURS}/security-groups", "default\nweb"),
        (f"{OURS}/security-group-ids", "sg-1\nsg-2"),
        (f"{OURS}/subnet-id", "subnet-1"),
        (f"{OURS}/subnet-ipv4-cidr-block", "10.1.1.0/24"),
        (f"{OURS}/vpc-id", "vpc-1"),
        (f"{OURS}/vpc-ipv4-cidr-block", "10.1.0.0/16"),
        (f"{OURS}/vpc-ipv4-cidr-blocks", "10.1.0.0/16"),
        ("/latest/user-data", "#cloud-config\n"),
        ("/latest/", "dynamic\nmeta-data\nuser-data"),
        ("/", "1.0\n2009-04-04\nlatest"),
    ],
)
def test_values_and_folders(path: str, value: str) -> None:
    assert get(path) == (200, value)


def test_the_folder_of_an_interface_says_what_has_children() -> None:
    listed = get(f"{OURS}/")[1].split("\n")
    assert (len(listed), listed == sorted(listed)) == (16, True)
    assert [each for each in listed if each.endswith("/")] == ["ipv4-associations/"]
    assert "network/" in get("/latest/meta-data/")[1].split("\n")


def test_the_identity_document_is_json() -> None:
    assert json.loads(get("/latest/dynamic/instance-identity/document")[1])["instanceId"] == "i-1"


@pytest.mark.parametrize("path", ["/latest/meta-data/nothing", "/nothing", "/latest/meta-data/iam/info", "/latestmeta"])
def test_what_is_not_there_is_not_found(path: str) -> None:
    assert get(path)[0] == 404


def test_an_instance_without_them_has_no_user_data_public_address_and_key() -> None:
    bare = service(replace(ONE, user_data=None, public_key="", port=replace(ONE.port, public="")))
    own = OURS.removeprefix("/latest/")
    of_interface = (f"{own}/public-ipv4s", f"{own}/public-hostname", f"{own}/ipv4-associations/")
    for path in ("user-data", "meta-data/public-ipv4", "meta-data/public-keys/", *of_interface):
        assert get(f"/latest/{path}", bare)[0] == 404


def test_strangers_and_instances_that_switched_it_off_get_nothing() -> None:
    assert get("/latest/meta-data/", source="10.1.1.6")[0] == 403
    assert get("/latest/meta-data/", service(replace(ONE, has_metadata=False)))[0] == 403


def test_a_session_s_token_is_valid_for_its_instance_and_its_time() -> None:
    clock = Clock()
    one = service(replace(ONE, tokens_only=True), clock)
    assert get("/latest/meta-data/instance-id", one)[0] == 401
    status, _kind, token = one.answer("10.1.1.5", "PUT", TOKEN_PATH, {TTL: "60"})
    assert status == 200
    said = {TOKEN.replace("-", "_"): token.decode()}
    assert get("/latest/meta-data/instance-id", one, **said) == (200, "i-1")
    assert get("/latest/meta-data/instance-id", service(), **said)[0] == 401
    clock.now = 61
    assert get("/latest/meta-data/instance-id", one, **said)[0] == 401


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 400),
        ({TTL: "0"}, 400),
        ({TTL: "21601"}, 400),
        ({TTL: "x"}, 400),
        ({TTL: "60", "x-forwarded-for": "x"}, 403),
    ],
)
def test_a_token_that_is_asked_for_in_a_wrong_way_is_not_given(headers: dict[str, str], status: int) -> None:
    assert service().answer("10.1.1.5", "PUT", TOKEN_PATH, headers)[0] == status


def test_a_role_s_credentials() -> None:
    given = sessions.give(Cloud("a", "us-west-2", 0, "AKIA", "s"), "web", "i-1", NOW)
    one = replace(service(replace(ONE, profile="web")), granted=lambda _instance: ("web", given))
    assert get("/latest/meta-data/iam/security-credentials/", one) == (200, "web")
    said = json.loads(get("/latest/meta-data/iam/security-credentials/web", one)[1])
    assert (said["AccessKeyId"], said["Token"], said["Code"]) == (given.access_key, given.token, "Success")
    assert said["Expiration"] == given.expires.strftime("%Y-%m-%dT%H:%M:%SZ")
