"""Chapter 8's template on real machines: what each of them has become, and that the rest of the chapter holds."""

from __future__ import annotations

from base64 import b64encode
from pathlib import Path
from typing import Any

import pytest

from tests import chapter8
from tests.e2e import test_cloud
from tests.e2e.calls import NAME, comes_to, lab
from tests.e2e.test_cloud import api, aws, cgroup, cloud, kill_process, said, ssh, until

pytest.importorskip("moto", reason="the extra `cloud` is not installed")
pytestmark = pytest.mark.rounds  # `make test-walks` goes through the chapter's page, which shows most of this
__all__ = ["cloud"]  # a fixture
STACK = "coreos"
# With the credentials of its role, an instance puts an object. Its one argument is the bucket's URL.
PUT = """set -eu; . /opt/metadata
credentials=$(metadata "iam/security-credentials/$(metadata iam/security-credentials/)")
of() { echo "$credentials" | jq --raw-output ".$1"; }
hash=$(printf 'of %s' "$(hostname)" | tee /tmp/object | sha256sum | cut -d ' ' -f 1)
curl -sSf --aws-sigv4 aws:amz:us-west-2:s3 --user "$(of AccessKeyId):$(of SecretAccessKey)" \
    -H "X-Amz-Security-Token: $(of Token)" -H "X-Amz-Content-Sha256: $hash" -T /tmp/object "$1"
"""


key = pytest.fixture(scope="module", name="key")(test_cloud.new_key)


@pytest.fixture(scope="module")
def stack(key: Path) -> list[str]:
    """The instances of a stack that is complete, once fleet lists all of them."""
    url = lab("cloud", "discovery", "--name", NAME, "--size", "3").out.strip()
    given = [
        f"ParameterKey={name},ParameterValue={value}" for name, value in (("KeyPair", "mine"), ("DiscoveryURL", url))
    ]
    body = ("--template-body", f"file://{chapter8.PATH}", "--parameters", *given)
    refused = lab("aws", "--name", NAME, "cloudformation", "create-stack", "--stack-name", STACK, *body, code=None)
    assert "InsufficientCapabilities" in refused.err
    aws("cloudformation", "create-stack", "--stack-name", STACK, *body, "--capabilities", "CAPABILITY_IAM")
    aws("cloudformation", "wait", "stack-create-complete", "--stack-name", STACK)
    mine = [{"Name": "tag:aws:cloudformation:stack-name", "Values": [STACK]}]
    found = [
        str(each["InstanceId"])
        for part in api("ec2").describe_instances(Filters=mine)["Reservations"]
        for each in part["Instances"]
    ]
    assert len(found) == 3
    count = "fleetctl list-machines --no-legend | wc -l"
    until(lambda: (ssh(key, found[0], count) or "").strip() == "3", "fleet does not list three machines")
    return found


def settled(key: Path, instance: str) -> None:
    """Waits for the last unit of the cloud-config, and starts Docker, which its socket does."""
    line = "systemctl is-active set-sdcheck-off.service && docker info >/dev/null"
    until(lambda: ssh(key, instance, line) is not None, f"{instance}: is not done")


def test_every_machine_is_what_the_template_says(key: Path, stack: list[str]) -> None:
    tables = api("ec2").describe_route_tables(
        Filters=[{"Name": "tag:aws:cloudformation:stack-name", "Values": [STACK]}]
    )
    for instance in stack:
        settled(key, instance)
        name, zone, region = said(key, instance, ". /etc/instance && echo $INSTANCEID $AZ $REGION").split()
        assert (name, region) == (instance, "us-west-2")
        assert zone == test_cloud.described(instance)["Placement"]["AvailabilityZone"]
        assert test_cloud.described(instance)["SourceDestCheck"] is False
        subnet = said(key, instance, ". /run/flannel/subnet.env && echo $FLANNEL_SUBNET").strip()
        docker = said(key, instance, "ip -4 -o address show dev docker0")
        assert subnet.startswith("10.10.")
        assert f" {subnet} " in docker
        (table,) = tables["RouteTables"]
        wanted = subnet.replace(".1/24", ".0/24")
        (own,) = test_cloud.described(instance)["NetworkInterfaces"]
        to = [each.get("NetworkInterfaceId") for each in table["Routes"] if each["DestinationCidrBlock"] == wanted]
        assert to == [own["NetworkInterfaceId"]]
    healthy = "etcdctl cluster-health | grep -c 'is healthy'"
    comes_to(lambda: said(key, stack[0], healthy).strip(), "4")  # three members, and the cluster


def test_the_group_s_machines_are_known_to_all_load_balancers(key: Path, stack: list[str]) -> None:
    elbv2, elb = api("elbv2"), api("elb")
    for group in elbv2.describe_target_groups()["TargetGroups"]:
        listed = elbv2.describe_target_health(TargetGroupArn=group["TargetGroupArn"])["TargetHealthDescriptions"]
        assert {each["Target"]["Id"] for each in listed} == set(stack)
    (own,) = elb.describe_load_balancers()["LoadBalancerDescriptions"]
    line = f"curl -sf -m 5 http://{own['DNSName']}:2379/version"
    until(lambda: '"etcdserver"' in (ssh(key, stack[0], line) or ""), "etcd is not reached")


def test_docker_lies_on_the_second_disk(key: Path, stack: list[str]) -> None:
    (one, *_others) = stack
    shown = said(
        key, one, "findmnt -no SOURCE,FSTYPE,OPTIONS /var/lib/docker && df -h --output=source,size /var/lib/docker"
    )
    assert shown.split()[:2] == ["/dev/xvdb", "ext4"]
    assert "nodev" in shown
    assert shown.split()[-2:] == ["/dev/xvdb", "9.6G"]
    assert said(key, one, "docker info --format '{{.Driver}}'").strip() == "overlay2"
    assert said(key, one, "! sudo mount -o remount,bind,dev /var/lib/docker 2>/dev/null") == ""
    refused = said(key, one, "mkdir -p /tmp/m; sudo mount -t ext4 /dev/loop0 /tmp/m 2>&1; true")
    assert "not a disk of this instance, which has: /dev/xvdb" in refused


def test_containers_reach_each_other_as_long_as_the_source_dest_check_is_off(key: Path, stack: list[str]) -> None:
    one, other = stack[:2]
    own = "ip -4 -o address show dev docker0 | grep -o '10[.]10[.][0-9.]*' | head -n 1"
    address = said(key, other, own).strip()
    ping = f"ping -q -c 1 -W 2 -I $({own}) {address}"
    until(lambda: ssh(key, one, ping) is not None, "the other's docker0 is not reached")
    api("ec2").modify_instance_attribute(InstanceId=other, SourceDestCheck={"Value": True})
    until(lambda: ssh(key, one, ping) is None, "it is reached in spite of the source/dest check")
    api("ec2").modify_instance_attribute(InstanceId=other, SourceDestCheck={"Value": False})
    until(lambda: ssh(key, one, ping) is not None, "it is not reached again")


def test_a_machine_puts_an_object_without_keys_and_the_bucket_outlives_the_cloud_s_process(
    key: Path, stack: list[str]
) -> None:
    bucket = bucket_of_stack()
    url = f"https://{bucket}.s3.us-west-2.amazonaws.com/from/the%20machine"
    script = b64encode(PUT.encode()).decode()
    said(key, stack[0], f"echo {script} | base64 --decode | bash -s {url}")
    kill_process()
    lab("cloud", "up", "--name", NAME)
    got = lab("aws", "--name", NAME, "s3", "cp", f"s3://{bucket}/from/the machine", "-").out
    assert got.startswith("of ip-10-1-")
    assert said(key, stack[0], f"curl -s -o /dev/null -w '%{{http_code}}' {url}") == "403"


def bucket_of_stack() -> str:
    (found,) = aws("cloudformation", "describe-stacks", "--stack-name", STACK)["Stacks"]
    return next(str(each["OutputValue"]) for each in found["Outputs"] if each["OutputKey"] == "Backup")


def test_a_mount_works_after_the_cloud_s_process_was_killed(key: Path, stack: list[str]) -> None:
    """The process before has started the machine."""
    lines = "sudo systemctl stop docker.socket docker.service && sudo umount /var/lib/docker"
    said(key, stack[1], f"! findmnt /var/lib/docker || {{ {lines}; }}")
    assert said(key, stack[1], "findmnt /var/lib/docker || true") == ""
    said(key, stack[1], "sudo systemctl start var-lib-docker.mount docker.service && docker info")
    assert said(key, stack[1], "findmnt -no SOURCE /var/lib/docker").strip() == "/dev/xvdb"


def test_a_stack_with_a_full_bucket_is_deleted_once_that_is_empty(stack: list[str]) -> None:
    bucket = bucket_of_stack()
    aws("cloudformation", "delete-stack", "--stack-name", STACK)
    until(lambda: status() == "DELETE_FAILED", "the stack is not deleted up to its bucket")
    lab("aws", "--name", NAME, "s3", "rm", "--recursive", f"s3://{bucket}")
    aws("cloudformation", "delete-stack", "--stack-name", STACK)
    gone = ["DELETE_COMPLETE"]
    until(lambda: api("cloudformation").list_stacks(StackStatusFilter=gone)["StackSummaries"], "not deleted")
    assert api("s3").list_buckets()["Buckets"] == []
    assert not cgroup(stack[0], "cgroup.procs")


def status() -> Any:
    return api("cloudformation").describe_stacks(StackName=STACK)["Stacks"][0]["StackStatus"]
