"""What changes of a stack while its cluster lives: who reaches the machines, and where they are launched."""

from __future__ import annotations

from typing import Any

from coreos_lab.errors import LabError
from coreos_lab.model import Cluster
from coreos_lab.providers.aws.api import Api
from coreos_lab.providers.aws.group import instances
from coreos_lab.stack_plans import group_of

NODE = "a machine of the cluster"  # the description of rules for machines' public addresses
STACK_TAG = "aws:cloudformation:stack-name"


def admit(api: Api, cluster: Cluster) -> None:
    """Lets the machines reach each other at their public addresses, too, since the labs announce those.

    A rule with the machines' group as its source does not hold for that: the packets come by the internet gateway.
    Nothing happens where the stack is not there.
    """
    mine = [{"Name": f"tag:{STACK_TAG}", "Values": [group_of(cluster)]}]
    found = next(iter(api.rows("ec2", "describe_security_groups", "SecurityGroups", Filters=mine)), None)
    if found is None:
        return
    wanted = {f"{each.public}/32" for each in instances(api, cluster) if each.serves and each.public}
    has = {
        block["CidrIp"]
        for rule in found["IpPermissions"]
        for block in rule["IpRanges"]
        if block.get("Description") == NODE
    }
    for operation, blocks in (("authorize", wanted - has), ("revoke", has - wanted)):
        if blocks:
            ranges = [{"CidrIp": block, "Description": NODE} for block in sorted(blocks)]
            with api.asking():
                getattr(api.client("ec2"), f"{operation}_security_group_ingress")(
                    GroupId=found["GroupId"], IpPermissions=[{"IpProtocol": "-1", "IpRanges": ranges}]
                )


def subnets(api: Api, cluster: Cluster) -> dict[str, str]:
    """The stack's subnets, by their zones."""
    wanted = [{"Name": f"tag:{STACK_TAG}", "Values": [group_of(cluster)]}]
    return {
        row["AvailabilityZone"]: row["SubnetId"]
        for row in api.rows("ec2", "describe_subnets", "Subnets", Filters=wanted)
    }


def open_zones(api: Api, cluster: Cluster) -> list[str]:
    """The zones in which the group launches instances now."""
    in_use = _group(api, cluster)["VPCZoneIdentifier"].split(",")
    return sorted(zone for zone, subnet in subnets(api, cluster).items() if subnet in in_use)


def set_zones(api: Api, cluster: Cluster, *, adding: str = "", without: str = "") -> None:
    """Has the group launch instances in one zone more, or less. LabError where no zone would be left."""
    known, before = subnets(api, cluster), open_zones(api, cluster)
    wanted = sorted({*before, *([adding] if adding in known else [])} - {without})
    if not wanted:
        raise LabError(f"{without}: the last zone in which machines can be launched", "open another one before")
    if wanted != before:
        with api.asking():
            api.client("autoscaling").update_auto_scaling_group(
                AutoScalingGroupName=group_of(cluster), VPCZoneIdentifier=",".join(known[zone] for zone in wanted)
            )


def _group(api: Api, cluster: Cluster) -> dict[str, Any]:
    with api.asking():
        found: list[dict[str, Any]] = api.client("autoscaling").describe_auto_scaling_groups(
            AutoScalingGroupNames=[group_of(cluster)]
        )["AutoScalingGroups"]
    if not found:
        raise LabError(f"{group_of(cluster)}: {api.place} has no such Auto Scaling group")
    return found[0]
