"""The types of EC2's security groups."""

from __future__ import annotations

from functools import partial
from typing import Any

from coreos_lab.cloud.formation import tags
from coreos_lab.cloud.formation.call import TAGS, Attributes, Call, Kind, Values, name_of, unless
from coreos_lab.cloud.formation.errors import invalid

INGRESS, EGRESS = "SecurityGroupIngress", "SecurityGroupEgress"
EVERYTHING: list[Values] = [{"IpProtocol": "-1", "CidrIp": "0.0.0.0/0"}]  # what a new group lets out
DUPLICATE, ABSENT = ("InvalidPermission.Duplicate",), ("InvalidPermission.NotFound",)
NOTE = "Description"


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
    vpc = {"VpcId": its["VpcId"]} if "VpcId" in its else {}
    name = call.ec2.create_security_group(
        GroupName=its.get("GroupName") or name_of(call),
        Description=its["GroupDescription"],
        TagSpecifications=call.tagged("security-group", its),
        **vpc,
    )["GroupId"]
    ingress = [_rule(each, "SourceSecurityGroupId") for each in its.get(INGRESS, [])]
    egress = [_rule(each, "DestinationSecurityGroupId") for each in its.get(EGRESS, [])]
    if ingress:
        call.ec2.authorize_security_group_ingress(GroupId=name, IpPermissions=ingress)
    if egress:  # in place of the one that lets everything out
        everything = [_rule(each, "") for each in EVERYTHING]
        call.ec2.revoke_security_group_egress(GroupId=name, IpPermissions=everything)
        call.ec2.authorize_security_group_egress(GroupId=name, IpPermissions=egress)
    made = call.ec2.describe_security_groups(GroupIds=[name])["SecurityGroups"][0]
    return name, {"GroupId": name, "VpcId": made["VpcId"]}  # the default one without a word of the template


def _ingress(call: Call, its: Values) -> tuple[str, Attributes]:
    rule = _rule(its, "SourceSecurityGroupId")
    made = call.ec2.authorize_security_group_ingress(GroupId=its["GroupId"], IpPermissions=[rule])
    rules = made.get("SecurityGroupRules") or [{"SecurityGroupRuleId": f"sgr-{its['GroupId']}"}]
    return rules[0]["SecurityGroupRuleId"], {"Id": rules[0]["SecurityGroupRuleId"]}


def _revoke(call: Call, _name: str, its: Values) -> None:
    rule = _rule(its, "SourceSecurityGroupId")
    call.ec2.revoke_security_group_ingress(GroupId=its["GroupId"], IpPermissions=[rule])


def _update_group(call: Call, name: str, old: Values, new: Values) -> tuple[str, Attributes]:
    """Rules of the group that the template has elsewhere, as AWS::EC2::SecurityGroupIngress, stay."""
    _update_rules(call, name, "ingress", old.get(INGRESS, []), new.get(INGRESS, []))
    _update_rules(call, name, "egress", old.get(EGRESS) or EVERYTHING, new.get(EGRESS) or EVERYTHING)
    tags.update_ec2(call, name, old, new)
    return name, {}


def _update_rules(call: Call, name: str, way: str, old: list[Values], new: list[Values]) -> None:
    """Allows first and forbids then, so that what both versions allow goes on."""
    other = "SourceSecurityGroupId" if way == "ingress" else "DestinationSecurityGroupId"
    before, after = ({_key(each): each for each in rules} for rules in (old, new))

    def act(verb: str, its: Values) -> None:
        getattr(call.ec2, f"{verb}_{way}")(GroupId=name, IpPermissions=[_rule(its, other)])

    for key, its in after.items():
        if key not in before:
            unless(DUPLICATE, partial(act, "authorize_security_group", its))
        if its.get(NOTE, "") != before.get(key, {}).get(NOTE, ""):
            act("update_security_group_rule_descriptions", {NOTE: "", **its})
    for key, its in before.items():
        if key not in after:
            unless(ABSENT, partial(act, "revoke_security_group", its))


def _key(its: Values) -> tuple[tuple[str, str], ...]:
    """What tells a rule from others: all of it but its description."""
    return tuple(sorted((name, str(value)) for name, value in its.items() if name != NOTE))


def _update_ingress(call: Call, name: str, _old: Values, new: Values) -> tuple[str, Attributes]:
    rule = _rule({NOTE: "", **new}, "SourceSecurityGroupId")
    call.ec2.update_security_group_rule_descriptions_ingress(GroupId=new["GroupId"], IpPermissions=[rule])
    return name, {}


KINDS: dict[str, Kind] = {
    "AWS::EC2::SecurityGroup": Kind(
        ("GroupDescription", "GroupName", "VpcId", INGRESS, EGRESS, TAGS),
        ("GroupDescription",),
        _group,
        lambda call, name, _its: call.ec2.delete_security_group(GroupId=name),
        ("GroupId", "VpcId"),
        "security-group",
        in_place=(INGRESS, EGRESS, TAGS),
        update=_update_group,
        name="GroupName",
    ),
    "AWS::EC2::SecurityGroupIngress": Kind(
        ("GroupId", "IpProtocol", "FromPort", "ToPort", "CidrIp", "SourceSecurityGroupId", NOTE),
        ("GroupId", "IpProtocol"),
        _ingress,
        _revoke,
        ("Id",),
        in_place=(NOTE,),
        update=_update_ingress,
    ),
}
