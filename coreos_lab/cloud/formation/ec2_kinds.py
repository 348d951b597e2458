"""The types of EC2 that networks are made of."""

from __future__ import annotations

from coreos_lab.cloud.formation import tags
from coreos_lab.cloud.formation.call import TAGS, Attributes, Call, Kind, Values, true, unless

ATTRIBUTES = {"EnableDnsSupport": True, "EnableDnsHostnames": False}  # of VPCs, with AWS's defaults
ATTACHED = ("Resource.AlreadyAssociated",)
DETACHED = ("Gateway.NotAttached", "InvalidInternetGatewayID.NotFound")


def _vpc(call: Call, its: Values) -> tuple[str, Attributes]:
    tenancy = {"InstanceTenancy": its["InstanceTenancy"]} if "InstanceTenancy" in its else {}
    made = call.ec2.create_vpc(CidrBlock=its["CidrBlock"], TagSpecifications=call.tagged("vpc", its), **tenancy)
    name = made["Vpc"]["VpcId"]
    for attribute in ATTRIBUTES:
        if attribute in its:
            call.ec2.modify_vpc_attribute(VpcId=name, **{attribute: {"Value": true(its[attribute])}})
    groups = call.ec2.describe_security_groups(Filters=[{"Name": "vpc-id", "Values": [name]}])["SecurityGroups"]
    return name, {"VpcId": name, "CidrBlock": its["CidrBlock"], "DefaultSecurityGroup": groups[0]["GroupId"]}


def _update_vpc(call: Call, name: str, old: Values, new: Values) -> tuple[str, Attributes]:
    for attribute, default in ATTRIBUTES.items():
        wanted = true(new.get(attribute, default))
        if wanted != true(old.get(attribute, default)):
            call.ec2.modify_vpc_attribute(VpcId=name, **{attribute: {"Value": wanted}})
    tags.update_ec2(call, name, old, new)
    return name, {}


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


def _update_subnet(call: Call, name: str, old: Values, new: Values) -> tuple[str, Attributes]:
    public = true(new.get("MapPublicIpOnLaunch", False))
    call.ec2.modify_subnet_attribute(SubnetId=name, MapPublicIpOnLaunch={"Value": public})
    tags.update_ec2(call, name, old, new)
    return name, {}


def _gateway(call: Call, its: Values) -> tuple[str, Attributes]:
    made = call.ec2.create_internet_gateway(TagSpecifications=call.tagged("internet-gateway", its))
    name = made["InternetGateway"]["InternetGatewayId"]
    return name, {"InternetGatewayId": name}


def _attachment(call: Call, its: Values) -> tuple[str, Attributes]:
    call.ec2.attach_internet_gateway(InternetGatewayId=its["InternetGatewayId"], VpcId=its["VpcId"])
    return f"IGW|{its['VpcId']}", {}


def _update_attachment(call: Call, name: str, old: Values, new: Values) -> tuple[str, Attributes]:
    gateway = "InternetGatewayId"
    unless(DETACHED, lambda: _detach(call, name, old))
    unless(ATTACHED, lambda: call.ec2.attach_internet_gateway(InternetGatewayId=new[gateway], VpcId=new["VpcId"]))
    return name, {}


def _detach(call: Call, _name: str, its: Values) -> None:
    call.ec2.detach_internet_gateway(InternetGatewayId=its["InternetGatewayId"], VpcId=its["VpcId"])


def update_tags(call: Call, name: str, old: Values, new: Values) -> tuple[str, Attributes]:
    """The update of a type of which nothing else can be changed."""
    tags.update_ec2(call, name, old, new)
    return name, {}


KINDS: dict[str, Kind] = {
    "AWS::EC2::VPC": Kind(
        ("CidrBlock", "InstanceTenancy", *ATTRIBUTES, TAGS),
        ("CidrBlock",),
        _vpc,
        lambda call, name, _its: call.ec2.delete_vpc(VpcId=name),
        ("VpcId", "CidrBlock", "DefaultSecurityGroup"),
        "vpc",
        in_place=(*ATTRIBUTES, TAGS),
        update=_update_vpc,
    ),
    "AWS::EC2::Subnet": Kind(
        ("VpcId", "CidrBlock", "AvailabilityZone", "MapPublicIpOnLaunch", TAGS),
        ("VpcId", "CidrBlock"),
        _subnet,
        lambda call, name, _its: call.ec2.delete_subnet(SubnetId=name),
        ("AvailabilityZone", "VpcId"),
        "subnet",
        in_place=("MapPublicIpOnLaunch", TAGS),
        update=_update_subnet,
    ),
    "AWS::EC2::InternetGateway": Kind(
        (TAGS,),
        (),
        _gateway,
        lambda call, name, _its: call.ec2.delete_internet_gateway(InternetGatewayId=name),
        ("InternetGatewayId",),
        "internet-gateway",
        in_place=(TAGS,),
        update=update_tags,
    ),
    "AWS::EC2::VPCGatewayAttachment": Kind(
        ("VpcId", "InternetGatewayId"),
        ("VpcId", "InternetGatewayId"),
        _attachment,
        _detach,
        in_place=("InternetGatewayId",),
        update=_update_attachment,
    ),
}
