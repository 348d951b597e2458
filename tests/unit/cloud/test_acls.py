"""Network ACLs by the API, and what a router makes of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from coreos_lab.cloud import view
from coreos_lab.cloud.network import EVERYTHING, Entry, Rule
from coreos_lab.cloud.states import PENDING, RUNNING, SHUTTING_DOWN
from tests.unit.cloud.conftest import Client, Served

ClientError = pytest.importorskip("botocore.exceptions").ClientError
SSH = {"RuleNumber": 20, "Protocol": "6", "RuleAction": "allow", "PortRange": {"From": 22, "To": 22}}
PING = {"RuleNumber": 10, "Protocol": "1", "RuleAction": "deny", "IcmpTypeCode": {"Type": 8, "Code": -1}}


def association(ec2: Client, subnet: str) -> str:
    wanted = [{"Name": "association.subnet-id", "Values": [subnet]}]
    (acl,) = ec2.describe_network_acls(Filters=wanted)["NetworkAcls"]
    return str(next(each["NetworkAclAssociationId"] for each in acl["Associations"] if each["SubnetId"] == subnet))


def test_a_subnet_has_the_entries_of_its_acl_in_their_order(served: Served, ec2: Client) -> None:
    vpc = ec2.create_vpc(CidrBlock="10.16.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.16.1.0/24")["Subnet"]["SubnetId"]
    started = ec2.run_instances(
        ImageId="ami-7d11c51d", InstanceType="t2.small", MinCount=1, MaxCount=1, SubnetId=subnet
    )
    name = started["Instances"][0]["InstanceId"]
    served.engine.become(name, PENDING, RUNNING)

    def seen() -> tuple[tuple[Entry, ...], tuple[Entry, ...]]:
        with served.engine.objects() as backend:
            (found,) = next(each for each in view.vpcs(backend) if each.name == vpc).subnets
        return found.ingress, found.egress

    assert [each[0] for each in seen()] == [EVERYTHING, EVERYTHING]
    acl = ec2.create_network_acl(VpcId=vpc)["NetworkAcl"]["NetworkAclId"]
    for its in (SSH, PING):
        ec2.create_network_acl_entry(NetworkAclId=acl, Egress=False, CidrBlock="10.0.0.0/8", **its)
    ec2.replace_network_acl_association(AssociationId=association(ec2, subnet), NetworkAclId=acl)
    ping, ssh = Entry(False, Rule("icmp", 8, -1, "10.0.0.0/8")), Entry(True, Rule("tcp", 22, 22, "10.0.0.0/8"))
    assert seen() == ((ping, ssh), ())
    (said,) = ec2.describe_network_acls(NetworkAclIds=[acl])["NetworkAcls"]
    assert [each["IcmpTypeCode"] for each in said["Entries"] if "IcmpTypeCode" in each] == [{"Type": 8, "Code": -1}]
    with pytest.raises(ClientError, match="has dependencies"):
        ec2.delete_network_acl(NetworkAclId=acl)
    ec2.terminate_instances(InstanceIds=[name])
    served.engine.become(name, SHUTTING_DOWN, 48)
    ec2.delete_subnet(SubnetId=subnet)
    ec2.delete_network_acl(NetworkAclId=acl)
    ec2.delete_vpc(VpcId=vpc)


def test_what_is_not_as_it_must_be_is_refused(ec2: Client) -> None:
    vpc = ec2.create_vpc(CidrBlock="10.16.0.0/16")["Vpc"]["VpcId"]
    acl = ec2.create_network_acl(VpcId=vpc)["NetworkAcl"]["NetworkAclId"]
    own = [{"Name": "vpc-id", "Values": [vpc]}, {"Name": "default", "Values": ["true"]}]
    default = ec2.describe_network_acls(Filters=own)["NetworkAcls"][0]["NetworkAclId"]
    which: dict[str, Any] = {"NetworkAclId": acl, "Egress": False}

    def create(**changes: Any) -> Callable[[], Any]:
        return lambda: ec2.create_network_acl_entry(**{**which, **SSH, "CidrBlock": "0.0.0.0/0", **changes})

    calls: list[tuple[Callable[[], Any], str]] = [
        (create(RuleNumber=32767), "from 1 to 32766"),
        (create(RuleAction="drop"), "allow or deny"),
        (create(Protocol="tcp"), "a number, or -1"),
        (create(CidrBlock="10.0.0.0/33"), "10.0.0.0/33"),
        (create(PortRange={}), "needs the parameter PortRange"),
        (create(Ipv6CidrBlock="::/0"), "Ipv6CidrBlock"),
        (lambda: ec2.delete_network_acl_entry(RuleNumber=5, **which), "ingress rule 5"),
        (lambda: ec2.delete_network_acl(NetworkAclId=default), "default network ACL"),
        (lambda: ec2.replace_network_acl_association(AssociationId="aclassoc-1", NetworkAclId=acl), "aclassoc-1"),
    ]
    for call, message in calls:
        with pytest.raises(ClientError, match=message):
            call()
    ec2.delete_network_acl(NetworkAclId=acl)
    ec2.delete_vpc(VpcId=vpc)
