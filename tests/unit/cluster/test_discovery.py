"""Whether a new cluster's members can find each other by the URL that a cloud-config gives."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from coreos_lab.cluster import discovery
from coreos_lab.commands import discovery as command
from coreos_lab.containers import pidfile
from coreos_lab.errors import LabError, UsageError
from coreos_lab.model import CloudConfig, Cluster
from coreos_lab.records import store
from coreos_lab.records.store import ClusterFolder

NAME = "a" * 32
HERE = f"http://172.17.8.1:5809/{NAME}"


@pytest.fixture
def with_url(planned: Callable[..., Cluster]) -> Callable[..., Cluster]:
    """A cluster whose nodes (`node` or all) are given a discovery URL."""

    def make(url: str, node: str = "", **options: object) -> Cluster:
        text = f"#cloud-config\ncoreos: {{etcd2: {{discovery: '{url}'}}}}\n"
        return planned(cloud_configs=(CloudConfig(node, "/m.yml", text),), **options)

    return make


def recorded(*changes: dict[str, object]) -> None:
    record = ClusterFolder("core").discovery
    record.parent.mkdir(parents=True, exist_ok=True)
    record.write_text("".join(json.dumps(change) + "\n" for change in changes) + '{"half')


def test_a_fresh_token_for_all_members_is_taken(with_url: Callable[..., Cluster]) -> None:
    recorded({"token": NAME, "size": 3})
    discovery.check(with_url(HERE))
    recorded({"token": NAME, "size": 5})
    discovery.check(with_url(HERE, nodes=7))  # the nodes beyond the members are proxies
    discovery.check(with_url("http://10.0.0.9:4001/v2/keys/mine"))  # a service of the reader's own


@pytest.mark.parametrize(
    ("url", "changes", "message"),
    [
        (HERE, [], f"discovery: {HERE}: no such token of cluster core"),
        (HERE, [{"token": NAME, "size": 2}], f"discovery: {HERE}: a token for 2 members, and there are to be 3"),
        (HERE, [{"token": NAME, "size": 7}], f"discovery: {HERE}: a token for 7 members, and there are to be 3"),
        (
            HERE,
            [{"token": NAME, "size": 3}, {"token": NAME, "member": "m", "action": "create", "value": "core-01=x"}],
            f"discovery: {HERE}: a token is used once, and 1 members have registered",
        ),
        ("http://172.17.9.1:5809/x", [], "discovery: http://172.17.9.1:5809/x: not of cluster core, whose service is"),
        (
            "https://discovery.etcd.io/abc",
            [],
            "discovery: https://discovery.etcd.io/abc: a cluster's nodes use its own",
        ),
        ("nonsense", [], "discovery: nonsense: no URL of a token"),
        ("http://[", [], "discovery: http://[: no URL of a token"),
        ("http://172.17.8.1:5809/", [], "discovery: http://172.17.8.1:5809/: no URL of a token"),
    ],
)
def test_what_would_wait_for_ever_is_refused_with_the_remedy(
    with_url: Callable[..., Cluster], url: str, changes: list[dict[str, object]], message: str
) -> None:
    recorded(*changes)
    with pytest.raises(UsageError) as caught:
        discovery.check(with_url(url))
    assert caught.value.message.startswith(message)
    assert caught.value.hint == "make one: lab discovery new --size 3"


def test_members_without_the_url_would_not_be_found(with_url: Callable[..., Cluster]) -> None:
    with pytest.raises(UsageError, match="the members must have the same URL") as caught:
        discovery.check(with_url(HERE, "core-02"))
    assert f"core-02: {HERE}" in caught.value.details


def test_a_member_that_was_taken_out_leaves_the_token_fresh(with_url: Callable[..., Cluster]) -> None:
    member: dict[str, object] = {"token": NAME, "member": "m", "value": "x"}
    recorded({"token": NAME, "size": 3}, member | {"action": "create"}, member | {"action": "delete"})
    discovery.check(with_url(HERE))
    assert discovery.tokens(with_url(HERE)) == {NAME: discovery.Token(3)}


def test_virtual_machines_have_no_network_before_they_boot(with_url: Callable[..., Cluster]) -> None:
    recorded({"token": NAME, "size": 3})
    with pytest.raises(UsageError, match="virtual machines get their network when they boot"):
        discovery.check(with_url(HERE, provider="vagrant"))
    store.save(with_url(HERE, provider="vagrant", name="vms"))
    with pytest.raises(LabError):
        command.new("vms", 3, as_json=False)
    assert not ClusterFolder("vms").discovery.exists()


def test_the_record_is_there_before_the_service(
    planned: Callable[..., Cluster], monkeypatch: pytest.MonkeyPatch
) -> None:
    """So whatever happens to the command, `lab destroy` knows of the cluster, and the service of its tokens."""
    seen = []

    def start(path: Path, argv: list[object], **_more: object) -> None:
        seen.append((path, [str(word) for word in argv[2:]], ClusterFolder("core").discovery.exists()))
        raise LabError("killed")

    monkeypatch.setattr(pidfile, "start", start)
    monkeypatch.setattr(discovery, "_is_here", lambda _address: False)
    cluster = planned()
    store.save(cluster)
    with pytest.raises(LabError, match="killed"):
        discovery.new(cluster, 3)
    folder = ClusterFolder("core")
    ((path, words, recorded_before),) = seen
    assert (path, recorded_before) == (folder.discovery_pid, True)
    assert words[1:3] == [str(folder.discovery), "http://172.17.8.1:5809"]
    assert words[4:] == ["127.17.8.1:5809"]  # its bridge is not there yet


def test_a_cluster_without_tokens_has_no_service(planned: Callable[..., Cluster]) -> None:
    discovery.run_service(planned())
    discovery.stop_service(planned())
    assert not ClusterFolder("core").path.exists()


def test_a_token_of_an_impossible_size_is_refused_before_anything_is_planned() -> None:
    for size in (0, -1, 100):
        with pytest.raises(UsageError, match=f"--size {size}: must be from 1 to 99"):
            command.new("core", size, as_json=False)
    assert store.names() == []
