"""The cluster's machines: the instances of the stack's Auto Scaling group, each named by its tag `Name`.

Which instance is which node is written at AWS alone, so that no record here can contradict it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from coreos_lab import wait
from coreos_lab.errors import LabError
from coreos_lab.model import Cluster, Node, NodeState
from coreos_lab.providers.aws.api import Api
from coreos_lab.stack_plans import group_of

NAME_TAG = "Name"
GROUP_TAG = "aws:autoscaling:groupName"  # Auto Scaling's own
GONE = ("shutting-down", "terminated")
ENDING = ("stopping", "stopped")  # by itself: its group ends it, and starts another one
LAUNCHED = 300.0  # seconds for EC2 to launch an instance


@dataclass(frozen=True)
class Instance:
    """An instance of the group. `name` is the node's that it is, "" before it is one."""

    id: str
    name: str
    state: str
    zone: str
    private: str
    public: str
    launched: str

    @property
    def serves(self) -> bool:
        """Whether its group counts on it."""
        return self.state not in (*GONE, *ENDING)


def instances(api: Api, cluster: Cluster) -> list[Instance]:
    """The group's instances, those that were terminated lately too; in the order of their zones."""
    wanted = [{"Name": f"tag:{GROUP_TAG}", "Values": [group_of(cluster)]}]
    rows = api.rows("ec2", "describe_instances", "Reservations", Filters=wanted)
    found = [_instance(each) for row in rows for each in row["Instances"]]
    return sorted(found, key=lambda each: (each.zone, each.launched, each.id))


def _instance(raw: Mapping[str, Any]) -> Instance:
    tags = {each["Key"]: each["Value"] for each in raw.get("Tags", ())}
    return Instance(
        raw["InstanceId"],
        tags.get(NAME_TAG, ""),
        raw["State"]["Name"],
        raw.get("Placement", {}).get("AvailabilityZone", ""),
        raw.get("PrivateIpAddress", ""),
        raw.get("PublicIpAddress", ""),
        str(raw.get("LaunchTime", "")),
    )


def by_node(found: Sequence[Instance]) -> dict[str, Instance]:
    """The instance that each node is, by the node's name. One that serves goes before one that is gone."""
    return {each.name: each for each in sorted(found, key=lambda one: (one.serves, one.launched)) if each.name}


def state_of(instance: Instance | None) -> NodeState:
    """What a node's machine is doing. One that is stopped is about to be replaced, as one that is terminated."""
    if instance is None or instance.state == "terminated":
        return NodeState.ABSENT
    return NodeState.RUNNING if instance.state == "running" else NodeState.STOPPED


def without_node(cluster: Cluster, found: Sequence[Instance]) -> list[Instance]:
    """Instances that serve and are none of the cluster's nodes: those that the group has just launched."""
    mine = by_node(found)
    names = {node.name for node in cluster.nodes}
    return [each for each in found if each.serves and (each.name not in names or mine[each.name] != each)]


def resize(api: Api, cluster: Cluster, nodes: Sequence[Node]) -> None:
    """Has the group have as many instances as the nodes that serve and these `nodes` together."""
    found = by_node(instances(api, cluster))
    staying = sum(node.name in found and found[node.name].serves for node in cluster.nodes if node not in nodes)
    with api.asking():
        api.client("autoscaling").set_desired_capacity(
            AutoScalingGroupName=group_of(cluster), DesiredCapacity=staying + len(nodes), HonorCooldown=False
        )


def name_nodes(api: Api, cluster: Cluster, nodes: Sequence[Node]) -> None:
    """Makes instances of the group these nodes. Returns when all of them run, with their addresses.

    LabError with Auto Scaling's own words where it cannot launch them.
    """
    nameless = [node for node in nodes if not _serves(api, cluster, node)]

    def launched() -> list[Instance]:
        ready = [each for each in without_node(cluster, instances(api, cluster)) if each.state == "running"]
        with_addresses = [each for each in ready if each.private and each.public]
        return with_addresses[: len(nameless)] if len(with_addresses) >= len(nameless) else []

    if nameless:
        try:
            found = wait.until(launched, deadline=LAUNCHED, interval=0.3, missing="its instances do not run")
        except wait.DeadlineError as late:
            raise LabError(f"{group_of(cluster)}: {late.message}", details=_last_words(api, cluster)) from None
        for node, instance in zip(nameless, found, strict=True):
            with api.asking():
                tag = {"Key": NAME_TAG, "Value": node.name}
                api.client("ec2").create_tags(Resources=[instance.id], Tags=[tag])


def _serves(api: Api, cluster: Cluster, node: Node) -> bool:
    found = by_node(instances(api, cluster)).get(node.name)
    return found is not None and found.serves


def end(api: Api, cluster: Cluster, node: Node) -> None:
    """Terminates a node's instance, if it serves. Its group has one fewer then, so that it launches no other one."""
    instance = by_node(instances(api, cluster)).get(node.name)
    if instance is None or instance.state in GONE:
        return
    with api.asking():
        api.client("autoscaling").terminate_instance_in_auto_scaling_group(
            InstanceId=instance.id, ShouldDecrementDesiredCapacity=True
        )


def _last_words(api: Api, cluster: Cluster) -> str:
    """What Auto Scaling says of its last attempts."""
    with api.asking():
        said = api.client("autoscaling").describe_scaling_activities(AutoScalingGroupName=group_of(cluster))
    failed = [each for each in said["Activities"] if each["StatusCode"] == "Failed"]
    return "\n".join(f"{each['Description']}: {each.get('StatusMessage', '')}" for each in failed[:3])
