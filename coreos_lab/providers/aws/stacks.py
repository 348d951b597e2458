"""The cluster's stack and key pair: made, found, deleted. The plan, which is saved before, has their names."""

from __future__ import annotations

from ipaddress import IPv4Network
from itertools import islice
from typing import Any

from coreos_lab import events, hints, render, wait
from coreos_lab.errors import LabError
from coreos_lab.model import NODES_MAX, Cluster
from coreos_lab.providers.aws.api import THERE_IS_NONE, Api
from coreos_lab.providers.aws.bucket import empty
from coreos_lab.records import clouds
from coreos_lab.records.identity import bucket_of
from coreos_lab.records.store import ClusterFolder
from coreos_lab.stack_plans import group_of

CLOUDS_IMAGE = "ami-7d11c51d"  # what every image of a `lab cloud` is
FLATCARS_ACCOUNT, FLATCAR = (
    "075585003325",
    "Flatcar-stable-*-hvm",
)  # https://www.flatcar.org/docs/latest/installing/cloud/aws-ec2/
OWNER_TAG = "coreos-lab"  # whose it is: the cluster's identity
ZONES = 3  # at most: one member of etcd in each
USER_DATA_MAX = 16 * 1024  # bytes: EC2's limit
MADE = 600.0  # seconds for a stack to be made or deleted
GONE = "DELETE_COMPLETE"


def find(api: Api, cluster: Cluster) -> dict[str, Any] | None:
    """The stack as it is now, None where there is none. LabError for one that is not this cluster's."""
    found: dict[str, Any] | None = None
    with api.asking(unless=lambda code, message: code == "ValidationError" and THERE_IS_NONE in message):
        found = api.client("cloudformation").describe_stacks(StackName=group_of(cluster))["Stacks"][0]
    if found is None or found["StackStatus"] == GONE:
        return None
    tags = {each["Key"]: each["Value"] for each in found.get("Tags", ())}
    if tags.get(OWNER_TAG) != ClusterFolder(cluster.name).identity:
        raise LabError(
            f"{group_of(cluster)}: a stack of that name is there already ({api.place}), and not this cluster's",
            "give the cluster another name: --name",
        )
    return found


def zones(api: Api) -> list[str]:
    """The zones that the machines are spread over: those that have instances of their type."""
    size = [{"Name": "instance-type", "Values": [api.stack.size]}]
    rows = api.rows(
        "ec2",
        "describe_instance_type_offerings",
        "InstanceTypeOfferings",
        LocationType="availability-zone",
        Filters=size,
    )
    offered = {row["Location"] for row in rows}
    with api.asking():
        listed = api.client("ec2").describe_availability_zones()["AvailabilityZones"]
    names = sorted(each["ZoneName"] for each in listed if each["State"] == "available" and each["ZoneName"] in offered)
    if not names:
        raise LabError(
            f"{api.stack.size}: {api.place} has no instances of that type", "choose another: --instance-type"
        )
    return names[:ZONES]


def image(api: Api) -> str:
    """The id of the machines' image: at AWS itself, Flatcar's newest stable one."""
    if not api.stack.at_aws:
        return CLOUDS_IMAGE
    wanted = [{"Name": "name", "Values": [FLATCAR]}, {"Name": "architecture", "Values": ["x86_64"]}]
    rows = api.rows("ec2", "describe_images", "Images", Owners=[FLATCARS_ACCOUNT], Filters=wanted)
    if not rows:
        raise LabError(
            f"{api.place}: has no image {FLATCAR} of account {FLATCARS_ACCOUNT}", "use another region: AWS_REGION"
        )
    return str(max(rows, key=lambda row: row["CreationDate"])["ImageId"])


def template(cluster: Cluster, user_data: str, zones: list[str]) -> str:
    """The stack's template. LabError where the machines' cloud-config is larger than EC2 takes."""
    if (size := len(user_data.encode())) > USER_DATA_MAX:
        raise LabError(
            f"{cluster.name}: the cloud-config has {size} bytes, and EC2 takes {USER_DATA_MAX}",
            "make your own shorter: --cloud-config",
        )
    blocks = islice(IPv4Network(cluster.network.subnet).subnets(new_prefix=24), 1, None)
    subnets = [(zone, str(block)) for zone, block in zip(zones, blocks, strict=False)]
    return render.stack(
        cluster=cluster,
        group=group_of(cluster),
        owner_tag=OWNER_TAG,
        bucket=bucket_of(cluster),
        user_data=user_data,
        subnets=subnets,
        machines_max=NODES_MAX,
    )


def make(api: Api, cluster: Cluster, user_data: str, machines: int) -> None:
    """Begins to make the key pair and the stack, where they are not there."""
    _make_key(api, cluster)
    stack = api.stack
    values = {
        "Image": image(api),
        "InstanceType": stack.size,
        "KeyPair": group_of(cluster),
        "AllowedFrom": stack.allowed or f"{clouds.require(stack.cloud).host_address}/32",  # at AWS it is given
        "Owner": ClusterFolder(cluster.name).identity,
        "Machines": str(machines),
    }
    with events.step("stack", group_of(cluster)), api.asking():
        api.client("cloudformation").create_stack(
            StackName=group_of(cluster),
            TemplateBody=template(cluster, user_data, zones(api)),
            Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in values.items()],
            Tags=[{"Key": OWNER_TAG, "Value": ClusterFolder(cluster.name).identity}],
            Capabilities=["CAPABILITY_IAM"],
            OnFailure="DO_NOTHING",  # what is left says why; `lab destroy` deletes it
        )


def _make_key(api: Api, cluster: Cluster) -> None:
    """Imports the cluster's public key, by which EC2 lets its owner in."""
    public = ClusterFolder(cluster.name).key.with_suffix(".pub").read_bytes()
    tags = [{"Key": OWNER_TAG, "Value": ClusterFolder(cluster.name).identity}]
    with api.asking(unless=lambda code, _message: code == "InvalidKeyPair.Duplicate"):
        api.client("ec2").import_key_pair(
            KeyName=group_of(cluster),
            PublicKeyMaterial=public,
            TagSpecifications=[{"ResourceType": "key-pair", "Tags": tags}],
        )


def await_made(api: Api, cluster: Cluster) -> None:
    """Returns when the stack is complete. LabError with the first failed resource's reason where it cannot be."""

    def complete() -> bool:
        stack = find(api, cluster)
        status = stack["StackStatus"] if stack else GONE
        if status not in ("CREATE_IN_PROGRESS", "CREATE_COMPLETE"):
            raise LabError(
                f"{group_of(cluster)}: the stack is {status}",
                f"'{hints.lab('destroy')}' removes what was made of it",
                _reasons(api, cluster),
            )
        return status == "CREATE_COMPLETE"

    with events.step("stack", group_of(cluster), "until it is complete"):
        wait.until(complete, deadline=MADE, interval=0.3, missing=f"{group_of(cluster)}: the stack is not complete")


def _reasons(api: Api, cluster: Cluster) -> str:
    """Why resources could not be made or deleted, the first one first."""
    rows = api.rows("cloudformation", "describe_stack_events", "StackEvents", StackName=group_of(cluster))
    failed = [row for row in reversed(rows) if row["ResourceStatus"].endswith("_FAILED")]
    return "\n".join(f"{row['LogicalResourceId']}: {row.get('ResourceStatusReason', '')}" for row in failed[:5])


def delete(api: Api, cluster: Cluster) -> None:
    """Deletes the stack and the key pair; returns when they are gone."""
    name = group_of(cluster)

    def gone() -> bool:
        there = find(api, cluster)
        if there is not None and there["StackStatus"] == "DELETE_FAILED":
            raise LabError(f"{name}: the stack cannot be deleted", hints.lab("destroy"), _reasons(api, cluster))
        return there is None

    if find(api, cluster) is not None:
        with events.step("stack", name, "is deleted"):
            empty(api, cluster)
            with api.asking():
                api.client("cloudformation").delete_stack(StackName=name)
            wait.until(gone, deadline=MADE, interval=0.3, missing=f"{name}: the stack is not deleted")
    if has_key(api, cluster):
        with api.asking():
            api.client("ec2").delete_key_pair(KeyName=name)


def has_key(api: Api, cluster: Cluster) -> bool:
    """Whether the key pair is there, and the cluster's."""
    found: list[dict[str, Any]] = []
    with api.asking(unless=lambda code, _message: code == "InvalidKeyPair.NotFound"):
        found = api.client("ec2").describe_key_pairs(KeyNames=[group_of(cluster)])["KeyPairs"]
    tags = {each["Key"]: each["Value"] for row in found for each in row.get("Tags", ())}
    return tags.get(OWNER_TAG) == ClusterFolder(cluster.name).identity != ""
