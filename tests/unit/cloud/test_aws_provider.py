"""The provider aws against the cloud's own API: its stack, its group, its nodes. Machines only seem to be there."""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from coreos_lab import run
from coreos_lab.errors import LabError
from coreos_lab.model import Cluster, Node, NodeState, Stack
from coreos_lab.node_plans import grown
from coreos_lab.providers.aws import group, stacks
from coreos_lab.providers.aws.provider import AwsProvider
from coreos_lab.records import clouds, identity, store
from tests.unit.cloud.conftest import Client, Served
from tests.unit.cloud.test_scaling import until

pytest.importorskip("boto3", reason="the extra `cloud` is not installed")
pytestmark = pytest.mark.usefixtures("machines")


@pytest.fixture
def provider(served: Served, monkeypatch: pytest.MonkeyPatch) -> AwsProvider:
    monkeypatch.setattr(clouds, "load", lambda name: served.cloud if name == served.cloud.name else None)
    return AwsProvider()


@pytest.fixture
def cluster(served: Served, planned: Callable[..., Cluster], provider: AwsProvider) -> Iterator[Cluster]:
    """A cluster of three that is planned and saved; what is made of it is removed at the end."""
    paper = planned(name="own", provider="aws")
    stack = Stack(served.cloud.name, served.cloud.region, "t2.small", discovery="https://discovery.etcd.io/x")
    cluster = replace(paper, stack=stack)
    store.save(cluster)
    folder = store.ClusterFolder("own")
    identity.ensure_token(folder)
    folder.key.with_suffix(".pub").write_text(
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIL0vLu2kFqRZ3qkTwX0c4qk0oVxkQ2m1C0Y3sYwz0aGm lab own\n"
    )
    yield cluster
    provider.destroy_network(cluster)
    assert provider.leftovers(cluster).found == []


@pytest.fixture
def user_data(tmp_path: Path) -> Callable[[Node], Path]:
    path = tmp_path / "user-data"
    path.write_text("#cloud-config\n# one: two\n")
    return lambda _node: path


@pytest.fixture
def running(cluster: Cluster, provider: AwsProvider, user_data: Callable[[Node], Path]) -> Cluster:
    """The cluster, with three machines."""
    provider.start(cluster, cluster.nodes, user_data)
    return provider.placed(cluster)


def states(cluster: Cluster, provider: AwsProvider) -> dict[str, NodeState]:
    return {node.name: provider.state(cluster, node) for node in cluster.nodes}


def ends(cluster: Cluster, provider: AwsProvider, *nodes: Node) -> None:
    for node in nodes:
        provider.kill(cluster, node)
    until(
        lambda: all(provider.state(cluster, node) is NodeState.ABSENT for node in nodes),
        "they are not gone",
    )


def test_the_template_is_one_that_aws_takes(cluster: Cluster, tmp_path: Path) -> None:
    """But for the launch configuration, which AWS has for older accounts alone, and zones, which AWS was asked for."""
    linter = Path(sys.executable).with_name("cfn-lint")
    if not linter.exists():
        pytest.skip("cfn-lint is not installed")
    (tmp_path / "stack.yml").write_text(stacks.template(cluster, "#cloud-config\n# $x ${y} !Ref\n", ["us-west-2a"]))
    done = run.run([linter, "--ignore-checks", "W3697", "W3010", "--", tmp_path / "stack.yml"], check=False)
    assert (done.returncode, done.stdout) == (0, "")


def test_before_anything_is_made_there_is_nothing(cluster: Cluster, provider: AwsProvider) -> None:
    assert set(states(cluster, provider).values()) == {NodeState.ABSENT}
    assert provider.placed(cluster) == cluster
    assert provider.leftovers(cluster).found == []


def test_a_start_makes_all_that_the_nodes_need(running: Cluster, provider: AwsProvider, ec2: Client) -> None:
    assert set(states(running, provider).values()) == {NodeState.RUNNING}
    assert [node.private.rpartition(".")[0] for node in running.nodes] == ["10.0.1", "10.0.2", "10.0.3"]
    assert all(node.address.startswith("198.18.") and node.instance for node in running.nodes)
    assert {provider.zone(running, node) for node in running.nodes} == {f"us-west-2{zone}" for zone in "abc"}
    (instance,) = ec2.describe_instances(InstanceIds=[running.nodes[0].instance])["Reservations"][0]["Instances"]
    tags = {each["Key"]: each["Value"] for each in instance["Tags"]}
    assert (tags["Name"], tags[stacks.OWNER_TAG]) == ("core-01", store.ClusterFolder("own").identity)
    assert instance["KeyName"] == "lab-own"
    data = ec2.describe_instance_attribute(InstanceId=instance["InstanceId"], Attribute="userData")
    assert data["UserData"]["Value"]
    assert sorted(line.split()[0] for line in provider.leftovers(running).found) == [
        *("instance", "instance", "instance", "key", "stack")
    ]


def test_a_repeated_start_changes_nothing(
    running: Cluster, provider: AwsProvider, user_data: Callable[[Node], Path]
) -> None:
    provider.start(running, running.nodes, user_data)
    assert provider.placed(running) == running


def test_one_that_is_killed_is_replaced_when_it_is_started(
    running: Cluster, provider: AwsProvider, user_data: Callable[[Node], Path], served: Served
) -> None:
    lost = running.nodes[1]
    ends(running, provider, lost)
    time.sleep(1.5)  # for Auto Scaling to do what it must not do
    alone = group.without_node(running, group.instances(provider._api(running), running))
    assert alone == [], "what is broken on purpose stays broken"
    assert provider.placed(running).nodes[1] == lost, "its last addresses are known"
    provider.start(running, [lost], user_data)
    now = provider.placed(running)
    assert (now.nodes[0], now.nodes[2]) == (running.nodes[0], running.nodes[2])
    assert now.nodes[1].instance not in ("", lost.instance)
    assert provider.zone(now, now.nodes[1]) == "us-west-2b", "the zone that has the fewest"


def test_what_auto_scaling_has_launched_by_itself_becomes_the_node_that_is_missing(
    running: Cluster, provider: AwsProvider, ec2: Client, user_data: Callable[[Node], Path]
) -> None:
    lost = running.nodes[2]
    ec2.terminate_instances(InstanceIds=[lost.instance])

    def launched() -> list[group.Instance]:
        return group.without_node(running, group.instances(provider._api(running), running))

    until(launched, "the group replaces nothing")
    (new,) = launched()
    until(lambda: provider.state(running, lost) is NodeState.ABSENT, "it is not gone")
    provider.start(running, [lost], user_data)
    assert provider.placed(running).nodes[2].instance == new.id
    found = group.instances(provider._api(running), running)
    assert Counter(each.name for each in found if each.serves) == {f"core-0{number}": 1 for number in (1, 2, 3)}


def test_only_machines_and_their_host_reach_machines(
    running: Cluster, provider: AwsProvider, ec2: Client, user_data: Callable[[Node], Path], served: Served
) -> None:
    def sources() -> set[str]:
        (found,) = ec2.describe_security_groups(Filters=[{"Name": "group-name", "Values": ["lab-own"]}])[
            "SecurityGroups"
        ]
        return {block["CidrIp"] for rule in found["IpPermissions"] for block in rule["IpRanges"]}

    host = f"{served.cloud.host_address}/32"
    assert sources() == {host, *(f"{node.address}/32" for node in running.nodes)}
    ends(running, provider, running.nodes[0])
    provider.start(running, running.nodes[:1], user_data)
    now = provider.placed(running)
    assert sources() == {host, *(f"{node.address}/32" for node in now.nodes)}
    provider.destroy(now, now.nodes[2:])
    assert sources() == {host, *(f"{node.address}/32" for node in now.nodes[:2])}


def test_more_nodes_and_fewer(running: Cluster, provider: AwsProvider, user_data: Callable[[Node], Path]) -> None:
    bigger = grown(running, 5)
    assert [node.address for node in bigger.nodes[3:]] == ["", ""]
    provider.start(bigger, bigger.nodes[3:], user_data)
    bigger = provider.placed(bigger)
    assert bigger.nodes[:3] == running.nodes
    assert len({node.address for node in bigger.nodes}) == 5
    provider.destroy(bigger, bigger.nodes[3:])
    until(lambda: provider.state(bigger, bigger.nodes[4]) is NodeState.ABSENT, "it is not gone")
    assert provider.placed(running) == running


def test_no_machine_is_made_in_a_closed_zone(
    running: Cluster, provider: AwsProvider, user_data: Callable[[Node], Path]
) -> None:
    lost = running.nodes[0]
    provider.close_zone(running, "us-west-2a")
    provider.close_zone(running, "us-west-2a")
    assert not provider.is_open(running, "us-west-2a")
    assert provider.state(running, lost) is NodeState.RUNNING, "what is there stays"
    ends(running, provider, lost)
    provider.start(running, [lost], user_data)
    assert provider.zone(running, lost) != "us-west-2a"
    provider.open_zone(running, "us-west-2a")
    assert provider.is_open(running, "us-west-2a")
    provider.close_zone(running, "us-west-2a")
    provider.close_zone(running, "us-west-2b")
    with pytest.raises(LabError, match="us-west-2c: the last zone"):
        provider.close_zone(running, "us-west-2c")


def test_a_stack_of_somebody_else_is_not_touched(
    cluster: Cluster, provider: AwsProvider, served: Served, user_data: Callable[[Node], Path]
) -> None:
    formation = served.client("cloudformation")
    other = "Resources: {Gateway: {Type: AWS::EC2::InternetGateway}}"
    formation.create_stack(StackName="lab-own", TemplateBody=other)
    with pytest.raises(LabError, match="lab-own: a stack of that name is there already .cloud try., and not this"):
        provider.start(cluster, cluster.nodes, user_data)
    with pytest.raises(LabError, match="not this cluster's"):
        provider.destroy_network(cluster)
    formation.delete_stack(StackName="lab-own")
    until(lambda: not formation.describe_stacks()["Stacks"], "the stack is not gone")


def test_a_stack_that_cannot_be_made_says_why(
    cluster: Cluster, provider: AwsProvider, user_data: Callable[[Node], Path]
) -> None:
    assert cluster.stack is not None
    open_to_nobody = replace(cluster, stack=replace(cluster.stack, allowed="10.0.0.0/99"))
    with pytest.raises(LabError, match="lab-own: the stack is CREATE_FAILED") as raised:
        provider.start(open_to_nobody, cluster.nodes, user_data)
    assert raised.value.details.startswith("SecurityGroup: ")
    assert "lab destroy" in raised.value.hint


def test_a_cloud_config_that_is_too_large_is_refused_before_anything_is_made(
    cluster: Cluster, provider: AwsProvider, tmp_path: Path
) -> None:
    (tmp_path / "large").write_text("#cloud-config\n" + "#" * 16 * 1024)
    with pytest.raises(LabError, match="own: the cloud-config has 16398 bytes, and EC2 takes 16384"):
        provider.start(cluster, cluster.nodes, lambda _node: tmp_path / "large")
    assert [line.split()[0] for line in provider.leftovers(cluster).found] == ["key"]


def test_of_a_cloud_that_is_gone_nothing_is_left(
    cluster: Cluster, provider: AwsProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as gone:
        gone.setattr(clouds, "load", lambda _name: None)
        assert set(states(cluster, provider).values()) == {NodeState.ABSENT}
        provider.destroy(cluster, cluster.nodes)
        provider.destroy_network(cluster)
        assert provider.leftovers(cluster).found == []


def test_a_cloud_that_does_not_answer_is_unknown(
    cluster: Cluster, served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    silent: Any = replace(served.cloud, index=219)  # no process listens there
    with monkeypatch.context() as patch:
        patch.setattr(clouds, "load", lambda _name: silent)
        left = AwsProvider().leftovers(cluster)
    assert left.found == []
    assert left.unseen[0].startswith("cloud try: the API does not answer: ")
