"""The cloud's process is killed at calls of an update: after its restart, nothing is half done or left over.

The process seems to end, as nothing more is called or written from that moment on. The next one reads the records.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from coreos_lab.cloud.formation.service import Formation
from coreos_lab.cloud.formation.stack import Stack
from tests.unit.cloud.conftest import Client, Served
from tests.unit.cloud.formation.stacks import body, of
from tests.unit.cloud.formation.test_kinds import policy, trust

pytest.importorskip("botocore.exceptions")
pytestmark = pytest.mark.usefixtures("machines")
READING = ("describe", "get", "list")
REF = {"Ref": "Vpc"}
OUT = {"RouteTableId": {"Ref": "Table"}, "DestinationCidrBlock": "0.0.0.0/0", "GatewayId": {"Ref": "Gateway"}}
PEERS = {"GroupId": {"Ref": "Group"}, "IpProtocol": "tcp", "FromPort": 2380, "ToPort": 2380, "CidrIp": "10.0.0.0/8"}
POLICIES = [policy("a", "s3:GetObject")]
BEFORE: dict[str, Any] = {
    "Vpc": of("EC2::VPC", CidrBlock="10.15.0.0/16"),
    "Subnet": of("EC2::Subnet", VpcId=REF, CidrBlock="10.15.1.0/24"),
    "Gateway": of("EC2::InternetGateway"),
    "Attached": of("EC2::VPCGatewayAttachment", VpcId=REF, InternetGatewayId={"Ref": "Gateway"}),
    "Table": of("EC2::RouteTable", VpcId=REF),
    "Associated": of("EC2::SubnetRouteTableAssociation", SubnetId={"Ref": "Subnet"}, RouteTableId={"Ref": "Table"}),
    "Group": of("EC2::SecurityGroup", GroupDescription="first", VpcId=REF),
    "Peers": of("EC2::SecurityGroupIngress", **PEERS),
    "Role": of(
        "IAM::Role", AssumeRolePolicyDocument=trust("ec2.amazonaws.com"), Policies=[policy("a", "s3:GetObject")]
    ),
    "Gone": of("S3::Bucket"),
}
AFTER = deepcopy(BEFORE)
AFTER["Vpc"]["Properties"]["EnableDnsHostnames"] = True
AFTER["Group"]["Properties"]["GroupDescription"] = "second"
AFTER["Role"]["Properties"] |= {"Path": "/new/", "Policies": [policy("b", "s3:PutObject")]}
AFTER["Out"] = {**of("EC2::Route", **OUT), "DependsOn": "Attached"}
AFTER["Other"] = of("EC2::RouteTable", VpcId=REF)
AFTER["Associated"]["Properties"]["RouteTableId"] = {"Ref": "Other"}
AFTER["Fresh"] = of("S3::Bucket", Tags=[{"Key": "a", "Value": "1"}])
del AFTER["Gone"]


class Killed(SystemExit):
    """The process ends, in whatever it is doing."""


class Mortal:
    """Clients that end the process at a call that changes something, before or after it is carried out."""

    def __init__(self, client: Callable[[str], Client]) -> None:
        self.client, self.nth, self.after = client, 0, False
        self.calls, self.dead, self.lock = 0, False, threading.Lock()

    def __call__(self, service: str) -> Any:
        return _Proxy(self, self.client(service))

    def arm(self, nth: int, *, after: bool) -> None:
        self.nth, self.after, self.calls = nth, after, 0

    def do(self, name: str, call: Callable[..., Any], **asked: Any) -> Any:
        with self.lock:
            if self.dead:
                raise Killed
            if name.startswith(READING):
                return call(**asked)
            self.calls += 1
            self.dead = self.calls == self.nth
            if self.dead and not self.after:
                raise Killed
            done = call(**asked)
            if self.dead:
                raise Killed
            return done


class _Proxy:
    def __init__(self, mortal: Mortal, client: Client) -> None:
        self.mortal, self.client = mortal, client

    def __getattr__(self, name: str) -> Any:
        found = getattr(self.client, name)
        if name in ("meta", "exceptions"):
            return found
        return lambda **asked: self.mortal.do(name, found, **asked)


class Process:
    """A process with stacks, of which one is created and updated."""

    def __init__(self, served: Served, folder: Path, client: Callable[[str], Any]) -> None:
        self.formation = Formation(served.cloud, folder, client, lambda: ("us-west-2a",))

    def ask(self, action: str, text: str = "") -> None:
        asked = {"StackName": "killed", "Capabilities.member.1": "CAPABILITY_IAM"}
        self.formation.call(action, {**asked, "TemplateBody": text} if text else asked)

    @property
    def stack(self) -> Stack:
        return self.formation.stacks.all[0]

    def ends(self) -> str:
        """The stack's state once nothing works on it any more."""
        for each in threading.enumerate():
            if each.name == "stack killed":
                each.join(60)
        return self.stack.status


def there(served: Served, vpc: str) -> dict[str, Any]:
    """What there is of the stack."""
    ec2, iam, s3 = (served.client(service) for service in ("ec2", "iam", "s3"))
    own = [{"Name": "vpc-id", "Values": [vpc]}]
    tables = ec2.describe_route_tables(Filters=own)["RouteTables"]
    found = ec2.describe_security_groups(Filters=own)["SecurityGroups"]
    groups = [each for each in found if each["GroupName"] != "default"]
    roles = [each for each in iam.list_roles()["Roles"] if each["RoleName"].startswith("killed-")]
    return {
        "groups": {
            each["Description"]: len(each["IpPermissions"]) for each in groups if each["GroupName"] != "default"
        },
        "tables": len(tables),
        "associated": [
            next((tag["Value"] for tag in table["Tags"] if tag["Key"].endswith("logical-id")), "")
            for table in tables
            for each in table["Associations"]
            if "SubnetId" in each
        ],
        "routes": sum(
            "GatewayId" in each and each["GatewayId"] != "local" for table in tables for each in table["Routes"]
        ),
        "roles": {each["Path"]: iam.list_role_policies(RoleName=each["RoleName"])["PolicyNames"] for each in roles},
        "buckets": sorted(each["Name"].split("-")[1] for each in s3.list_buckets()["Buckets"]),
        "names": ec2.describe_vpc_attribute(VpcId=vpc, Attribute="enableDnsHostnames")["EnableDnsHostnames"]["Value"],
    }


OLD = {
    "groups": {"first": 1},
    "tables": 2,
    "associated": ["Table"],
    "routes": 0,
    "roles": {"/": ["a"]},
    "buckets": ["gone"],
    "names": False,
}
NEW = {
    "groups": {"second": 1},
    "tables": 3,
    "associated": ["Other"],
    "routes": 1,
    "roles": {"/new/": ["b"]},
    "buckets": ["fresh"],
    "names": True,
}


@pytest.fixture
def clean(served: Served) -> Iterator[None]:
    def vpcs() -> int:
        return len(served.client("ec2").describe_vpcs()["Vpcs"])

    before = vpcs()
    yield
    assert vpcs() == before
    assert not [each for each in served.client("iam").list_roles()["Roles"] if each["RoleName"].startswith("killed-")]
    assert served.client("s3").list_buckets()["Buckets"] == []


def cut_off(served: Served, folder: Path, nth: int, *, after: bool) -> tuple[bool, Process]:
    """Begins an update that ends at a call, and lets another process go on. Returns whether there was such a call."""
    mortal = Mortal(served.client)
    mortal.arm(nth, after=after)
    process = Process(served, folder, mortal)
    save = process.formation.stacks.save
    process.formation.stacks.save = lambda stack: None if mortal.dead else save(stack)  # type: ignore[method-assign]
    process.ask("UpdateStack", body(AFTER))
    process.ends()
    second = Process(served, folder, served.client)
    second.formation.resume()
    second.ends()
    return mortal.dead, second


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_an_update_that_is_killed_is_undone_or_done(served: Served, tmp_path: Path, clean: None) -> None:
    process = Process(served, tmp_path, served.client)
    process.ask("CreateStack", body(BEFORE))
    assert process.ends() == "CREATE_COMPLETE"
    vpc, wanted = process.stack.resources["Vpc"].physical, {"UPDATE_COMPLETE": NEW, "UPDATE_ROLLBACK_COMPLETE": OLD}
    killed, ends, nth = True, set(), -1
    while killed:
        nth += 2
        killed, process = cut_off(served, tmp_path, nth, after=nth % 4 == 1)
        end = process.stack.status
        assert there(served, vpc) == wanted.get(end), (nth, end, process.stack.events[-40:])
        ends.add(end)
        if end == "UPDATE_COMPLETE":
            process.ask("UpdateStack", body(BEFORE))
            assert process.ends() == "UPDATE_COMPLETE"
            assert there(served, vpc) == OLD
    assert nth > len(AFTER)
    assert ends == set(wanted)
    process.ask("DeleteStack")
    assert process.ends() == "DELETE_COMPLETE"
