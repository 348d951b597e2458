"""The types of EC2's network ACLs."""

from __future__ import annotations

from typing import Any

from coreos_lab.cloud.formation.call import TAGS, Attributes, Call, Kind, Values, true
from coreos_lab.cloud.formation.ec2_kinds import update_tags

ENTRY = ("Protocol", "RuleAction", "CidrBlock", "PortRange", "Icmp")


def _acl(call: Call, its: Values) -> tuple[str, Attributes]:
    made = call.ec2.create_network_acl(VpcId=its["VpcId"], TagSpecifications=call.tagged("network-acl", its))
    name = made["NetworkAcl"]["NetworkAclId"]
    return name, {"Id": name}


def _entry(call: Call, its: Values) -> tuple[str, Attributes]:
    call.ec2.create_network_acl_entry(**_of_entry(its))
    return f"{its['NetworkAclId']}|{its['RuleNumber']}|{_is_egress(its)}", {}


def _is_egress(its: Values) -> bool:
    return true(its.get("Egress", False))


def _which(its: Values) -> dict[str, Any]:
    return {"NetworkAclId": its["NetworkAclId"], "RuleNumber": int(its["RuleNumber"]), "Egress": _is_egress(its)}


def _of_entry(its: Values) -> dict[str, Any]:
    """An entry as the API has it."""
    found = {**_which(its), "Protocol": str(its["Protocol"]), "RuleAction": its["RuleAction"]}
    found |= {"CidrBlock": its["CidrBlock"]} if "CidrBlock" in its else {}
    numbers = {"PortRange": its.get("PortRange"), "IcmpTypeCode": its.get("Icmp")}
    return {**found, **{key: {each: int(value[each]) for each in value} for key, value in numbers.items() if value}}


def _update_entry(call: Call, name: str, _old: Values, new: Values) -> tuple[str, Attributes]:
    call.ec2.replace_network_acl_entry(**_of_entry(new))
    return name, {}


def _association_of(call: Call, subnet: str) -> tuple[str, str, str]:
    """A subnet's association, its ACL and its VPC: each subnet has one. ("", "", "") where it is gone."""
    mine = [{"Name": "association.subnet-id", "Values": [subnet]}]
    for acl in call.ec2.describe_network_acls(Filters=mine)["NetworkAcls"]:
        for each in acl["Associations"]:
            if each["SubnetId"] == subnet:
                return each["NetworkAclAssociationId"], acl["NetworkAclId"], acl["VpcId"]
    return "", "", ""


def _associate(call: Call, its: Values) -> tuple[str, Attributes]:
    there, acl, _vpc = _association_of(call, its["SubnetId"])
    if acl != its["NetworkAclId"]:
        asked = {"AssociationId": there, "NetworkAclId": its["NetworkAclId"]}
        there = call.ec2.replace_network_acl_association(**asked)["NewAssociationId"]
    return there, {"AssociationId": there}


def _update_association(call: Call, _name: str, _old: Values, new: Values) -> tuple[str, Attributes]:
    return _associate(call, new)


def _disassociate(call: Call, _name: str, its: Values) -> None:
    """The subnet gets the VPC's default ACL again, unless it has another one by now."""
    there, acl, vpc = _association_of(call, its["SubnetId"])
    if acl == its["NetworkAclId"]:
        default = [{"Name": "vpc-id", "Values": [vpc]}, {"Name": "default", "Values": ["true"]}]
        usual = call.ec2.describe_network_acls(Filters=default)["NetworkAcls"][0]["NetworkAclId"]
        call.ec2.replace_network_acl_association(AssociationId=there, NetworkAclId=usual)


KINDS: dict[str, Kind] = {
    "AWS::EC2::NetworkAcl": Kind(
        ("VpcId", TAGS),
        ("VpcId",),
        _acl,
        lambda call, name, _its: call.ec2.delete_network_acl(NetworkAclId=name),
        ("Id",),
        "network-acl",
        in_place=(TAGS,),
        update=update_tags,
    ),
    "AWS::EC2::NetworkAclEntry": Kind(
        ("NetworkAclId", "RuleNumber", "Egress", *ENTRY),
        ("NetworkAclId", "RuleNumber", "Protocol", "RuleAction"),
        _entry,
        lambda call, _name, its: call.ec2.delete_network_acl_entry(**_which(its)),
        in_place=ENTRY,
        update=_update_entry,
    ),
    "AWS::EC2::SubnetNetworkAclAssociation": Kind(
        ("SubnetId", "NetworkAclId"),
        ("SubnetId", "NetworkAclId"),
        _associate,
        _disassociate,
        ("AssociationId",),
        in_place=("NetworkAclId",),
        update=_update_association,
        volatile=("AssociationId",),
    ),
}
