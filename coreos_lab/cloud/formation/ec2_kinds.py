"""The types of EC2 that networks are made of."""

from __future__ import annotations

from typing import Any

from coreos_lab.cloud.formation.call import TAGS, Attributes, Call, Kind, Values, true
from coreos_lab.cloud.formation.errors import invalid


def _vpc(call: Call, its: Values) -> tuple[str, Attributes]:
    tenancy = {"InstanceTenancy": its["InstanceTenancy"]} if "InstanceTenancy" in its else {}
    made = call.ec2.create_vpc(CidrBlock=its["CidrBlock"], TagSpecifications=call.tagged("vpc", its), **tenancy)
    name = made["Vpc"]["VpcId"]
    for attribute in ("EnableDnsSupport", "EnableDnsHostnames"):
        if attribute in its:
            call.ec2.modify_vpc_attribute(VpcId=name, **{attribute: {"Value": true(its[attribute])}})
    groups = call.ec2.describe_security_groups(Filters=[{"Name": "vpc-id", "Values": [name]}])["SecurityGroups"]
    return name, {"VpcId": name, "CidrBlock": its["CidrBlock"], "DefaultSecurityGroup": groups[0]["GroupId"]}


def _subnet(call: Call, its: Values) -> tuple[str, Attributes]:
    zone = {"AvailabilityZone": its["AvailabilityZone"]} if "AvailabilityZone" in its else {}
    tags = call.tagged("subnet", its)
    subnet = call.ec2.create_subnet(VpcId=its["VpcId"], CidrBlock=its["CidrBlock"], TagSpecifications=tags, **zone)[
        "Subnet"
    ]
    if "MapPublicIpOnLaunch" in its:
        public = {"Value": true(its["MapPublicIpOnLaunch"])}
        call.ec2.modify_subnet_attribute(SubnetId=subnet["SubnetId"], MapPublicIpOnLaunch=public)
    return subnet["SubnetId"], {"AvailabilityZone": subnet["AvailabilityZone"], "VpcId": subnet["VpcId"]}


def _gateway(call: Call, its: Values) -> tuple[str, Attributes]:
    made = call.ec2.create_internet_gateway(TagSpecifications=call.tagged("internet-gateway", its))
    name = made["InternetGateway"]["InternetGatewayId"]
    return name, {"InternetGatewayId": name}


def _attachment(call: Call, its: Values) -> tuple[str, Attributes]:
    call.ec2.attach_internet_gateway(InternetGatewayId=its["InternetGatewayId"], VpcId=its["VpcId"])
    return f"IGW|{its['VpcId']}", {}


def _detach(call: Call, _name: str, its: Values) -> None:
    call.ec2.detach_internet_gateway(InternetGatewayId=its["InternetGatewayId"], VpcId=its["VpcId"])


def _table(call: Call, its: Values) -> tuple[str, Attributes]:
    made = call.ec2.create_route_table(VpcId=its["VpcId"], TagSpecifications=call.tagged("route-table", its))
    name = made["RouteTable"]["RouteTableId"]
    return name, {"RouteTableId": name}


def _route(call: Call, its: Values) -> tuple[str, Attributes]:
    targets = [name for name in ("GatewayId", "InstanceId", "NetworkInterfaceId") if name in its]
    if len(targets) != 1:
        raise invalid("AWS::EC2::Route: exactly one of GatewayId, InstanceId, NetworkInterfaceId is needed")
    target = {targets[0]: its[targets[0]]}
    block = its["DestinationCidrBlock"]
    call.ec2.create_route(RouteTableId=its["RouteTableId"], DestinationCidrBlock=block, **target)
    return f"{its['RouteTableId']}|{block}", {}


def _delete_route(call: Call, _name: str, its: Values) -> None:
    call.ec2.delete_route(RouteTableId=its["RouteTableId"], DestinationCidrBlock=its["DestinationCidrBlock"])


def _association(call: Call, its: Values) -> tuple[str, Attributes]:
    made = call.ec2.associate_route_table(RouteTableId=its["RouteTableId"], SubnetId=its["SubnetId"])
    return made["AssociationId"], {"Id": made["AssociationId"]}


def _acl(call: Call, its: Values) -> tuple[str, Attributes]:
    made = call.ec2.create_network_acl(VpcId=its["VpcId"], TagSpecifications=call.tagged("network-acl", its))
    name = made["NetworkAcl"]["NetworkAclId"]
    return name, {"Id": name}


def _rule(its: Values, group: str) -> dict[str, Any]:
    """A rule of a template as EC2's parameter IpPermissions has it. `group`: the property with the other group."""
    known = {"IpProtocol", "FromPort", "ToPort", "CidrIp", "Description", "GroupId", group}
    if unknown := sorted(set(its) - known):
        raise invalid(f"a security group's rule: Encountered unsupported property {unknown[0]}")
    said: dict[str, Any] = {"IpProtocol": str(its.get("IpProtocol", "-1"))}
    if said["IpProtocol"] != "-1":
        said |= {"FromPort": int(its.get("FromPort", -1)), "ToPort": int(its.get("ToPort", -1))}
    note = {"Description": its["Description"]} if "Description" in its else {}
    if "CidrIp" in its:
        said["IpRanges"] = [{"CidrIp": its["CidrIp"], **note}]
    if group in its:
        said["UserIdGroupPairs"] = [{"GroupId": its[group], **note}]
    return said


def _group(call: Call, its: Values) -> tuple[str, Attributes]:
    stack = dict(call.tags)
    default = f"{stack['aws:cloudformation:stack-name']}-{stack['aws:cloudformation:logical-id']}"
    vpc = {"VpcId": its["VpcId"]} if "VpcId" in its else {}
    name = call.ec2.create_security_group(
        GroupName=its.get("GroupName", default),
        Description=its["GroupDescription"],
        TagSpecifications=call.tagged("security-group", its),
        **vpc,
    )["GroupId"]
    ingress = [_rule(each, "SourceSecurityGroupId") for each in its.get("SecurityGroupIngress", [])]
    egress = [_rule(each, "DestinationSecurityGroupId") for each in its.get("SecurityGroupEgress", [])]
    if ingress:
        call.ec2.authorize_security_group_ingress(GroupId=name, IpPermissions=ingress)
    if egress:  # in place of the one that lets everything out
        everything = [{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]
        call.ec2.revoke_security_group_egress(GroupId=name, IpPermissions=everything)
        call.ec2.authorize_security_group_egress(GroupId=name, IpPermissions=egress)
    return name, {"GroupId": name, "VpcId": its.get("VpcId", "")}


def _ingress(call: Call, its: Values) -> tuple[str, Attributes]:
    rule = _rule(its, "SourceSecurityGroupId")
    made = call.ec2.authorize_security_group_ingress(GroupId=its["GroupId"], IpPermissions=[rule])
    rules = made.get("SecurityGroupRules") or [{"SecurityGroupRuleId": f"sgr-{its['GroupId']}"}]
    return rules[0]["SecurityGroupRuleId"], {"Id": rules[0]["SecurityGroupRuleId"]}


def _revoke(call: Call, _name: str, its: Values) -> None:
    rule = _rule(its, "SourceSecurityGroupId")
    call.ec2.revoke_security_group_ingress(GroupId=its["GroupId"], IpPermissions=[rule])


KINDS: dict[str, Kind] = {
    "AWS::EC2::VPC": Kind(
        ("CidrBlock", "InstanceTenancy", "EnableDnsSupport", "EnableDnsHostnames", TAGS),
        ("CidrBlock",),
        _vpc,
        lambda call, name, _its: call.ec2.delete_vpc(VpcId=name),
        ("VpcId", "CidrBlock", "DefaultSecurityGroup"),
        "vpc",
    ),
    "AWS::EC2::Subnet": Kind(
        ("VpcId", "CidrBlock", "AvailabilityZone", "MapPublicIpOnLaunch", TAGS),
        ("VpcId", "CidrBlock"),
        _subnet,
        lambda call, name, _its: call.ec2.delete_subnet(SubnetId=name),
        ("AvailabilityZone", "VpcId"),
        "subnet",
    ),
    "AWS::EC2::InternetGateway": Kind(
        (TAGS,),
        (),
        _gateway,
        lambda call, name, _its: call.ec2.delete_internet_gateway(InternetGatewayId=name),
        ("InternetGatewayId",),
        "internet-gateway",
    ),
    "AWS::EC2::VPCGatewayAttachment": Kind(
        ("VpcId", "InternetGatewayId"), ("VpcId", "InternetGatewayId"), _attachment, _detach
    ),
    "AWS::EC2::RouteTable": Kind(
        ("VpcId", TAGS),
        ("VpcId",),
        _table,
        lambda call, name, _its: call.ec2.delete_route_table(RouteTableId=name),
        ("RouteTableId",),
        "route-table",
    ),
    "AWS::EC2::Route": Kind(
        ("RouteTableId", "DestinationCidrBlock", "GatewayId", "InstanceId", "NetworkInterfaceId"),
        ("RouteTableId", "DestinationCidrBlock"),
        _route,
        _delete_route,
    ),
    "AWS::EC2::SubnetRouteTableAssociation": Kind(
        ("RouteTableId", "SubnetId"),
        ("RouteTableId", "SubnetId"),
        _association,
        lambda call, name, _its: call.ec2.disassociate_route_table(AssociationId=name),
        ("Id",),
    ),
    "AWS::EC2::NetworkAcl": Kind(
        ("VpcId", TAGS),
        ("VpcId",),
        _acl,
        lambda call, name, _its: call.ec2.delete_network_acl(NetworkAclId=name),
        ("Id",),
        "network-acl",
    ),
    "AWS::EC2::SecurityGroup": Kind(
        ("GroupDescription", "GroupName", "VpcId", "SecurityGroupIngress", "SecurityGroupEgress", TAGS),
        ("GroupDescription",),
        _group,
        lambda call, name, _its: call.ec2.delete_security_group(GroupId=name),
        ("GroupId", "VpcId"),
        "security-group",
    ),
    "AWS::EC2::SecurityGroupIngress": Kind(
        ("GroupId", "IpProtocol", "FromPort", "ToPort", "CidrIp", "SourceSecurityGroupId", "Description"),
        ("GroupId", "IpProtocol"),
        _ingress,
        _revoke,
        ("Id",),
    ),
}
