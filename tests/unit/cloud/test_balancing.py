"""Elastic Load Balancing's API, both generations, without a network behind it: balanced.py has one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from coreos_lab.cloud.balancing.control import Seen
from coreos_lab.cloud.balancing.keeper import Keeper
from coreos_lab.cloud.balancing.kept import Check, Kept
from coreos_lab.cloud.states import RUNNING, STOPPED
from tests.unit.cloud.conftest import Client, Served
from tests.unit.cloud.test_formation import deleted, settled
from tests.unit.cloud.test_scaling import until

ClientError = pytest.importorskip("botocore.exceptions").ClientError
pytestmark = pytest.mark.usefixtures("machines", "balancers")
IMAGE = "ami-7d11c51d"
NONE = "arn:aws:elasticloadbalancing:us-west-2:123456789012:{}/none/0123456789abcdef"


@pytest.fixture
def ec2(served: Served) -> Client:
    return served.client("ec2")


@pytest.fixture
def elb(served: Served) -> Client:
    return served.client("elbv2")


@pytest.fixture
def classic(served: Served) -> Client:
    return served.client("elb")


@pytest.fixture
def subnets(ec2: Client) -> list[str]:
    return [each["SubnetId"] for each in ec2.describe_subnets()["Subnets"] if each["DefaultForAz"]][:3]


@pytest.fixture
def vpc(ec2: Client) -> str:
    return str(ec2.describe_vpcs(Filters=[{"Name": "is-default", "Values": ["true"]}])["Vpcs"][0]["VpcId"])


@pytest.fixture
def instance(ec2: Client, subnets: list[str]) -> Iterator[str]:
    started = ec2.run_instances(ImageId=IMAGE, InstanceType="t2.small", MinCount=1, MaxCount=1, SubnetId=subnets[0])[
        "Instances"
    ][0]
    name = str(started["InstanceId"])
    until(lambda: state_of(ec2, name) == "running", "not running")
    yield name
    ec2.terminate_instances(InstanceIds=[name])
    until(lambda: state_of(ec2, name) == "terminated", "not terminated")


def state_of(ec2: Client, name: str) -> str:
    return str(ec2.describe_instances(InstanceIds=[name])["Reservations"][0]["Instances"][0]["State"]["Name"])


@pytest.fixture
def web(elb: Client, subnets: list[str]) -> Iterator[str]:
    """An application load balancer."""
    arn = str(elb.create_load_balancer(Name="web", Subnets=subnets)["LoadBalancers"][0]["LoadBalancerArn"])
    yield arn
    elb.delete_load_balancer(LoadBalancerArn=arn)


@pytest.fixture
def group(elb: Client, vpc: str) -> Iterator[str]:
    made = elb.create_target_group(Name="web", Protocol="HTTP", Port=3000, VpcId=vpc)["TargetGroups"][0]
    yield str(made["TargetGroupArn"])
    elb.delete_target_group(TargetGroupArn=made["TargetGroupArn"])


def forward(arn: str) -> list[dict[str, str]]:
    return [{"Type": "forward", "TargetGroupArn": arn}]


def interfaces_of(ec2: Client, path: str) -> list[dict[str, Any]]:
    listed = ec2.describe_network_interfaces(Filters=[{"Name": "description", "Values": [f"ELB {path}"]}])
    return list(listed["NetworkInterfaces"])


def test_an_application_load_balancer_has_an_address_in_each_subnet(
    elb: Client, ec2: Client, web: str, subnets: list[str]
) -> None:
    until(lambda: elb.describe_load_balancers(Names=["web"])["LoadBalancers"][0]["State"]["Code"] == "active", "?")
    said = elb.describe_load_balancers(LoadBalancerArns=[web])["LoadBalancers"][0]
    assert said["DNSName"].startswith("web-")
    assert said["DNSName"].endswith(".us-west-2.elb.amazonaws.com")
    assert {each["SubnetId"] for each in said["AvailabilityZones"]} == set(subnets)
    found = interfaces_of(ec2, web.partition("loadbalancer/")[2])
    assert {each["SubnetId"] for each in found} == set(subnets)
    assert all(each["Association"]["PublicIp"].startswith("198.18.") for each in found)


def test_names_resolve_to_the_addresses(served: Served, ec2: Client, elb: Client, web: str) -> None:
    shelf = served.api.balancing.shelf
    name = elb.describe_load_balancers(LoadBalancerArns=[web])["LoadBalancers"][0]["DNSName"]
    found = interfaces_of(ec2, web.partition("loadbalancer/")[2])
    assert set(shelf.look_up(name.lower()) or ()) == {each["Association"]["PublicIp"] for each in found}
    assert shelf.look_up("none-1.us-west-2.elb.amazonaws.com") is None


def test_listeners_and_groups_of_one_load_balancer(elb: Client, web: str, group: str, vpc: str) -> None:
    made = elb.create_listener(LoadBalancerArn=web, Protocol="HTTP", Port=80, DefaultActions=forward(group))
    listener = made["Listeners"][0]["ListenerArn"]
    assert elb.describe_target_groups(TargetGroupArns=[group])["TargetGroups"][0]["LoadBalancerArns"] == [web]
    with pytest.raises(ClientError, match="DuplicateListener"):
        elb.create_listener(LoadBalancerArn=web, Protocol="HTTP", Port=80, DefaultActions=forward(group))
    with pytest.raises(ClientError, match="ResourceInUse"):
        elb.delete_target_group(TargetGroupArn=group)
    other = elb.create_target_group(Name="other", Protocol="HTTP", Port=1, VpcId=vpc)["TargetGroups"][0]
    elb.modify_listener(ListenerArn=listener, Port=81, DefaultActions=forward(other["TargetGroupArn"]))
    said = elb.describe_listeners(LoadBalancerArn=web)["Listeners"][0]
    assert (said["Port"], said["DefaultActions"][0]["TargetGroupArn"]) == (81, other["TargetGroupArn"])
    elb.delete_listener(ListenerArn=listener)
    elb.delete_target_group(TargetGroupArn=other["TargetGroupArn"])


def test_a_group_serves_one_load_balancer(elb: Client, web: str, group: str, subnets: list[str]) -> None:
    elb.create_listener(LoadBalancerArn=web, Protocol="HTTP", Port=80, DefaultActions=forward(group))
    other = elb.create_load_balancer(Name="two", Subnets=subnets)["LoadBalancers"][0]["LoadBalancerArn"]
    with pytest.raises(ClientError, match="TargetGroupAssociationLimit"):
        elb.create_listener(LoadBalancerArn=other, Protocol="HTTP", Port=80, DefaultActions=forward(group))
    elb.delete_load_balancer(LoadBalancerArn=other)
    listeners = elb.describe_listeners(LoadBalancerArn=web)["Listeners"]
    elb.delete_listener(ListenerArn=listeners[0]["ListenerArn"])


def test_attributes_are_kept_and_unknown_ones_refused(elb: Client, web: str, group: str) -> None:
    sticky = [
        {"Key": "stickiness.enabled", "Value": "true"},
        {"Key": "deregistration_delay.timeout_seconds", "Value": "5"},
    ]
    elb.modify_target_group_attributes(TargetGroupArn=group, Attributes=sticky)
    said = elb.describe_target_group_attributes(TargetGroupArn=group)["Attributes"]
    assert {"Key": "stickiness.type", "Value": "lb_cookie"} in said
    assert all(each in said for each in sticky)
    for key, value in (("stickiness.type", "app_cookie"), ("slow_start.duration_seconds", "30")):
        with pytest.raises(ClientError, match=key):
            elb.modify_target_group_attributes(TargetGroupArn=group, Attributes=[{"Key": key, "Value": value}])
    idle = [{"Key": "idle_timeout.timeout_seconds", "Value": "5"}]
    assert idle[0] in elb.modify_load_balancer_attributes(LoadBalancerArn=web, Attributes=idle)["Attributes"]


def test_targets_are_registered_and_unused_without_a_listener(elb: Client, group: str, instance: str) -> None:
    elb.register_targets(TargetGroupArn=group, Targets=[{"Id": instance}, {"Id": instance, "Port": 3001}])
    rows = elb.describe_target_health(TargetGroupArn=group)["TargetHealthDescriptions"]
    assert [(each["Target"]["Port"], each["TargetHealth"]["Reason"]) for each in rows] == [
        (3000, "Target.NotInUse"),
        (3001, "Target.NotInUse"),
    ]
    elb.deregister_targets(TargetGroupArn=group, Targets=[{"Id": instance}])
    assert not elb.describe_target_health(TargetGroupArn=group)["TargetHealthDescriptions"]
    asked = elb.describe_target_health(TargetGroupArn=group, Targets=[{"Id": instance}])
    assert asked["TargetHealthDescriptions"][0]["TargetHealth"]["Reason"] == "Target.NotRegistered"


def test_a_stopped_instance_is_no_target(elb: Client, ec2: Client, served: Served, group: str, instance: str) -> None:
    served.engine.become(instance, RUNNING, STOPPED)
    with pytest.raises(ClientError, match="not in a running state"):
        elb.register_targets(TargetGroupArn=group, Targets=[{"Id": instance}])
    with pytest.raises(ClientError, match="not valid instances"):
        elb.register_targets(TargetGroupArn=group, Targets=[{"Id": "i-0123456789abcdef0"}])
    assert state_of(ec2, instance) == "stopped"


def test_a_terminated_instance_is_forgotten(
    served: Served, elb: Client, classic: Client, ec2: Client, group: str, subnets: list[str], instance: str
) -> None:
    listeners = [{"Protocol": "TCP", "LoadBalancerPort": 1, "InstancePort": 1}]
    classic.create_load_balancer(LoadBalancerName="old", Listeners=listeners, Subnets=subnets)
    classic.register_instances_with_load_balancer(LoadBalancerName="old", Instances=[{"InstanceId": instance}])
    elb.register_targets(TargetGroupArn=group, Targets=[{"Id": instance}])
    keeper = Keeper(served.api.balancing.shelf, dict, print)
    keeper.look()
    assert elb.describe_target_health(TargetGroupArn=group)["TargetHealthDescriptions"]
    ec2.terminate_instances(InstanceIds=[instance])
    until(lambda: state_of(ec2, instance) == "terminated", "not terminated")
    keeper.look()
    assert not elb.describe_target_health(TargetGroupArn=group)["TargetHealthDescriptions"]
    assert not classic.describe_instance_health(LoadBalancerName="old")["InstanceStates"]
    classic.delete_load_balancer(LoadBalancerName="old")


def names_of_the_healthy_zone(served: Served, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    shelf = served.api.balancing.shelf
    assert len(shelf.look_up(name) or ()) == 3, "nothing is healthy, so all are named"
    up = {("tcp2379-us-west-2b", "i-1-2379"): Seen("UP", "L4OK", "", 0)}
    monkeypatch.setattr(shelf, "seen", lambda _balancer: up)
    assert len(shelf.look_up(name) or ()) == 1
    monkeypatch.undo()


def test_a_classic_load_balancer(
    served: Served,
    classic: Client,
    ec2: Client,
    subnets: list[str],
    instance: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    listeners = [{"Protocol": "TCP", "LoadBalancerPort": 2379, "InstanceProtocol": "TCP", "InstancePort": 2379}]
    made = classic.create_load_balancer(
        LoadBalancerName="etcd", Listeners=listeners, Subnets=subnets, Scheme="internal"
    )
    assert made["DNSName"].startswith("internal-etcd-")
    check = {"Target": "TCP:2379", "Interval": 10, "Timeout": 5, "HealthyThreshold": 3, "UnhealthyThreshold": 5}
    assert classic.configure_health_check(LoadBalancerName="etcd", HealthCheck=check)["HealthCheck"] == check
    classic.register_instances_with_load_balancer(LoadBalancerName="etcd", Instances=[{"InstanceId": instance}])
    said = classic.describe_load_balancers(LoadBalancerNames=["etcd"])["LoadBalancerDescriptions"][0]
    assert said["ListenerDescriptions"][0]["Listener"] == listeners[0]
    assert said["Instances"] == [{"InstanceId": instance}]
    assert not any("Association" in each for each in interfaces_of(ec2, "etcd"))
    (row,) = classic.describe_instance_health(LoadBalancerName="etcd")["InstanceStates"]
    assert (row["State"], row["ReasonCode"]) == ("OutOfService", "ELB")
    names_of_the_healthy_zone(served, said["DNSName"], monkeypatch)
    attributes = {"CrossZoneLoadBalancing": {"Enabled": True}, "ConnectionDraining": {"Enabled": True, "Timeout": 7}}
    classic.modify_load_balancer_attributes(LoadBalancerName="etcd", LoadBalancerAttributes=attributes)
    said = classic.describe_load_balancer_attributes(LoadBalancerName="etcd")["LoadBalancerAttributes"]
    assert {key: said[key] for key in attributes} == attributes
    classic.delete_load_balancer(LoadBalancerName="etcd")
    with pytest.raises(ClientError, match="LoadBalancerNotFound"):
        classic.describe_load_balancers(LoadBalancerNames=["etcd"])
    until(lambda: not interfaces_of(ec2, "etcd"), "its interfaces stay")


def test_bad_requests_are_refused_by_name(
    elb: Client, classic: Client, ec2: Client, web: str, group: str, subnets: list[str], vpc: str
) -> None:
    closed = ec2.create_vpc(CidrBlock="10.66.0.0/16")["Vpc"]["VpcId"]
    inner = [
        ec2.create_subnet(VpcId=closed, CidrBlock=f"10.66.{i}.0/24", AvailabilityZone=f"us-west-2{zone}")["Subnet"][
            "SubnetId"
        ]
        for i, zone in enumerate("ab")
    ]
    tcp = [{"Protocol": "TCP", "LoadBalancerPort": 80, "InstancePort": 80}]
    new: dict[str, Any] = {"Protocol": "HTTP", "Port": 80, "VpcId": vpc}
    calls: list[tuple[Callable[[], Any], str]] = [
        (lambda: elb.create_load_balancer(Name="web", Subnets=subnets[:2]), "DuplicateLoadBalancerName"),
        (lambda: elb.create_load_balancer(Name="-web", Subnets=subnets), "Name: '-web'"),
        (lambda: elb.create_load_balancer(Name="one", Subnets=subnets[:1]), "At least two subnets"),
        (lambda: elb.create_load_balancer(Name="one", Subnets=[*subnets, "subnet-none"]), "subnet-none"),
        (lambda: elb.create_load_balancer(Name="one", Subnets=subnets, Type="network"), "Type=network"),
        (lambda: elb.create_load_balancer(Name="one", Subnets=inner), "has no internet gateway"),
        (lambda: elb.create_load_balancer(Name="one", Subnets=subnets, SecurityGroups=["sg-none"]), "sg-none"),
        (lambda: elb.create_target_group(Name="a", **{**new, "Protocol": "HTTPS"}), "Protocol=HTTPS"),
        (lambda: elb.create_target_group(Name="a", **{**new, "VpcId": "vpc-none"}), "vpc-none"),
        (
            lambda: elb.create_target_group(Name="a", HealthCheckIntervalSeconds=301, **new),
            "HealthCheckIntervalSeconds",
        ),
        (lambda: elb.create_target_group(Name="a", HealthCheckPath="/a b", **new), "HealthCheckPath"),
        (lambda: elb.create_target_group(Name="a", TargetType="ip", **new), "TargetType=ip"),
        (lambda: elb.create_listener(LoadBalancerArn=web, Protocol="HTTPS", Port=443, DefaultActions=[]), "HTTPS"),
        (
            lambda: elb.create_listener(
                LoadBalancerArn=web,
                Protocol="HTTP",
                Port=80,
                DefaultActions=[{"Type": "redirect", "RedirectConfig": {"StatusCode": "HTTP_301"}}],
            ),
            "RedirectConfig",
        ),
        (lambda: elb.create_rule(ListenerArn=web, Conditions=[], Priority=1, Actions=[]), "CreateRule"),
        (
            lambda: elb.describe_load_balancers(LoadBalancerArns=[NONE.format("loadbalancer/app")]),
            "LoadBalancerNotFound",
        ),
        (lambda: elb.describe_target_health(TargetGroupArn=NONE.format("targetgroup")), "TargetGroupNotFound"),
        (lambda: classic.create_load_balancer(LoadBalancerName="c", Listeners=tcp), "Subnets are needed"),
        (
            lambda: classic.create_load_balancer(
                LoadBalancerName="c", Listeners=[{**tcp[0], "Protocol": "SSL"}], Subnets=subnets
            ),
            "Protocol=SSL",
        ),
        (lambda: classic.describe_instance_health(LoadBalancerName="none"), "LoadBalancerNotFound"),
        (lambda: classic.create_lb_cookie_stickiness_policy(LoadBalancerName="c", PolicyName="p"), "Cookie"),
    ]
    for call, message in calls:
        with pytest.raises(ClientError, match=message):
            call()
    for name in inner:
        ec2.delete_subnet(SubnetId=name)
    ec2.delete_vpc(VpcId=closed)


def test_what_a_load_balancer_uses_cannot_be_deleted(elb: Client, ec2: Client, vpc: str, subnets: list[str]) -> None:
    own = ec2.create_security_group(GroupName="front", Description="of a load balancer", VpcId=vpc)["GroupId"]
    made = elb.create_load_balancer(Name="front", Subnets=subnets, SecurityGroups=[own])["LoadBalancers"][0]
    calls: list[Callable[[], Any]] = [
        lambda: ec2.delete_security_group(GroupId=own),
        lambda: ec2.delete_subnet(SubnetId=subnets[0]),
    ]
    for call in calls:
        with pytest.raises(ClientError, match="DependencyViolation"):
            call()
    elb.delete_load_balancer(LoadBalancerArn=made["LoadBalancerArn"])
    until(lambda: not interfaces_of(ec2, made["LoadBalancerArn"].partition("loadbalancer/")[2]), "they stay")
    ec2.delete_security_group(GroupId=own)


def test_what_was_kept_is_read_again(served: Served, elb: Client, web: str, group: str) -> None:
    elb.add_tags(ResourceArns=[web, group], Tags=[{"Key": "role", "Value": "web"}])
    again = Kept.load(served.folder / "balancers.json")
    mine = next(each for each in again.balancers if each.arn == web)
    assert mine.tags == [{"Key": "role", "Value": "web"}]
    assert next(each for each in again.groups if each.arn == group).check == Check("HTTP", 0, "/", 30, 5, 5, 2)


def test_a_group_s_instances_are_registered_and_leave(
    served: Served, elb: Client, classic: Client, group: str, subnets: list[str]
) -> None:
    asg = served.client("autoscaling")
    classic.create_load_balancer(
        LoadBalancerName="own",
        Listeners=[{"Protocol": "TCP", "LoadBalancerPort": 1, "InstancePort": 1}],
        Subnets=subnets,
    )
    asg.create_launch_configuration(LaunchConfigurationName="lb", ImageId=IMAGE, InstanceType="t2.small")
    with pytest.raises(ClientError, match="Provided Target Groups may not be valid"):
        create_group(asg, subnets, TargetGroupARNs=[NONE.format("targetgroup")])
    create_group(asg, subnets, TargetGroupARNs=[group], LoadBalancerNames=["own"], HealthCheckType="ELB")

    def targets() -> set[str]:
        rows = elb.describe_target_health(TargetGroupArn=group)["TargetHealthDescriptions"]
        return {each["Target"]["Id"] for each in rows}

    def members() -> set[str]:
        rows = classic.describe_load_balancers(LoadBalancerNames=["own"])["LoadBalancerDescriptions"][0]["Instances"]
        return {each["InstanceId"] for each in rows}

    until(lambda: len(targets()) == 2 and targets() == members(), "not registered")
    asg.detach_load_balancer_target_groups(AutoScalingGroupName="lb", TargetGroupARNs=[group])
    until(lambda: not targets(), "not deregistered")
    asg.attach_load_balancer_target_groups(AutoScalingGroupName="lb", TargetGroupARNs=[group])
    until(lambda: targets() == members(), "not registered again")
    said = asg.describe_load_balancer_target_groups(AutoScalingGroupName="lb")["LoadBalancerTargetGroups"]
    assert said == [{"LoadBalancerTargetGroupARN": group, "State": "InService"}]
    classic.delete_load_balancer(LoadBalancerName="own")
    asg.delete_auto_scaling_group(AutoScalingGroupName="lb", ForceDelete=True)
    until(lambda: not asg.describe_auto_scaling_groups()["AutoScalingGroups"], "the group is not gone")
    assert not targets()
    asg.delete_launch_configuration(LaunchConfigurationName="lb")


def create_group(asg: Client, subnets: list[str], **more: Any) -> None:
    asg.create_auto_scaling_group(
        AutoScalingGroupName="lb",
        LaunchConfigurationName="lb",
        MinSize=2,
        MaxSize=2,
        VPCZoneIdentifier=",".join(subnets),
        **more,
    )


TEMPLATE = """
Parameters:
  Network: {Type: AWS::EC2::VPC::Id}
  Subnets: {Type: "List<AWS::EC2::Subnet::Id>"}
Resources:
  WebListener:
    Type: AWS::ElasticLoadBalancingV2::Listener
    Properties:
      LoadBalancerArn: !Ref LoadBalancer
      Port: "80"
      Protocol: HTTP
      DefaultActions: [{Type: forward, TargetGroupArn: !Ref WebTargetGroup}]
  LoadBalancer:
    Type: AWS::ElasticLoadBalancingV2::LoadBalancer
    Properties: {Subnets: !Ref Subnets, SecurityGroups: [!Ref Group]}
  WebTargetGroup:
    Type: AWS::ElasticLoadBalancingV2::TargetGroup
    Properties:
      VpcId: !Ref Network
      Port: 3000
      Protocol: HTTP
      TargetGroupAttributes:
        - {Key: stickiness.enabled, Value: true}
        - {Key: stickiness.type, Value: lb_cookie}
  Group:
    Type: AWS::EC2::SecurityGroup
    Properties: {GroupDescription: of the load balancers, VpcId: !Ref Network}
  InternalEtcdbLB:
    Type: AWS::ElasticLoadBalancing::LoadBalancer
    Properties:
      Scheme: internal
      Subnets: !Ref Subnets
      SecurityGroups: [!Ref Group]
      Listeners: [{LoadBalancerPort: "2379", InstancePort: "2379", Protocol: TCP}]
      HealthCheck: {Target: "TCP:2379", Interval: "10", Timeout: "5", HealthyThreshold: "3", UnhealthyThreshold: "5"}
      ConnectionDrainingPolicy: {Enabled: true, Timeout: 30}
  Launch:
    Type: AWS::AutoScaling::LaunchConfiguration
    Properties: {ImageId: ami-7d11c51d, InstanceType: t2.small}
  Machines:
    Type: AWS::AutoScaling::AutoScalingGroup
    Properties:
      LaunchConfigurationName: !Ref Launch
      MinSize: 1
      MaxSize: 1
      VPCZoneIdentifier: !Ref Subnets
      TargetGroupARNs: [!Ref WebTargetGroup]
      LoadBalancerNames: [!Ref InternalEtcdbLB]
      HealthCheckType: ELB
Outputs:
  ELB: {Value: !GetAtt LoadBalancer.DNSName}
  Etcd: {Value: !GetAtt InternalEtcdbLB.DNSName}
"""


def test_a_stack_with_load_balancers(
    served: Served, elb: Client, classic: Client, ec2: Client, vpc: str, subnets: list[str]
) -> None:
    cfn = served.client("cloudformation")
    given = {"Network": vpc, "Subnets": ",".join(subnets)}
    parameters = [{"ParameterKey": key, "ParameterValue": value} for key, value in given.items()]
    cfn.create_stack(StackName="balanced", TemplateBody=TEMPLATE, Parameters=parameters)
    stack = settled(cfn, "balanced")
    assert stack["StackStatus"] == "CREATE_COMPLETE"
    outputs = {each["OutputKey"]: each["OutputValue"] for each in stack["Outputs"]}
    (front,) = elb.describe_load_balancers()["LoadBalancers"]
    (inner,) = classic.describe_load_balancers()["LoadBalancerDescriptions"]
    assert outputs == {"ELB": front["DNSName"], "Etcd": inner["DNSName"]}
    assert front["LoadBalancerName"].startswith("balanced-LoadBala-")
    (group,) = elb.describe_target_groups()["TargetGroups"]
    sticky = {"Key": "stickiness.enabled", "Value": "true"}
    said = elb.describe_target_group_attributes(TargetGroupArn=group["TargetGroupArn"])["Attributes"]
    assert sticky in said
    assert inner["HealthCheck"]["HealthyThreshold"] == 3
    until(
        lambda: (
            len(elb.describe_target_health(TargetGroupArn=group["TargetGroupArn"])["TargetHealthDescriptions"]) == 1
        ),
        "not registered",
    )
    deleted(cfn, "balanced")
    assert not elb.describe_load_balancers()["LoadBalancers"]
    assert not elb.describe_target_groups()["TargetGroups"]
    assert not [each for each in ec2.describe_network_interfaces()["NetworkInterfaces"] if "ELB" in each["Description"]]
