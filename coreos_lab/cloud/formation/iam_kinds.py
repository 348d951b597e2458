"""The types of IAM: roles and instance profiles, named after the stack, so that they are found again."""

from __future__ import annotations

import json
from functools import partial
from typing import Any

from coreos_lab.cloud.formation.call import Attributes, Call, Kind, Values, name_of, only, unless
from coreos_lab.cloud.metadata import ACCOUNT

GONE = "NoSuchEntity"
MANAGED = "ManagedPolicyArns"


def _document(value: Any) -> str:
    """A policy as a text. YAML reads AWS's version of it as a date."""
    return json.dumps(value, default=str)


def _role(call: Call, its: Values) -> tuple[str, Attributes]:
    iam, name = call.client("iam"), its.get("RoleName") or name_of(call)
    trust = _document(its["AssumeRolePolicyDocument"])
    note = {"Description": its["Description"]} if "Description" in its else {}
    made = iam.create_role(RoleName=name, Path=its.get("Path", "/"), AssumeRolePolicyDocument=trust, **note)["Role"]
    for policy in its.get("Policies", []):
        only("AWS::IAM::Role Policies", policy, ("PolicyName", "PolicyDocument"))
        document = _document(policy["PolicyDocument"])
        iam.put_role_policy(RoleName=name, PolicyName=policy["PolicyName"], PolicyDocument=document)
    for arn in its.get(MANAGED, []):
        iam.attach_role_policy(RoleName=name, PolicyArn=arn)
    return name, {"Arn": made["Arn"], "RoleId": made["RoleId"]}


def _update_role(call: Call, name: str, old: Values, new: Values) -> tuple[str, Attributes]:
    iam = call.client("iam")
    trust = _document(new["AssumeRolePolicyDocument"])
    iam.update_assume_role_policy(RoleName=name, PolicyDocument=trust)
    if old.get("Description") != new.get("Description"):
        iam.update_role(RoleName=name, Description=new.get("Description", ""))
    before, after = ({each["PolicyName"]: each for each in its.get("Policies", [])} for its in (old, new))
    for policy, its in after.items():
        if its != before.get(policy):
            iam.put_role_policy(RoleName=name, PolicyName=policy, PolicyDocument=_document(its["PolicyDocument"]))
    for policy in set(before) - set(after):
        unless((GONE,), partial(iam.delete_role_policy, RoleName=name, PolicyName=policy))
    attached = {each["PolicyArn"] for each in iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]}
    for arn in set(new.get(MANAGED, [])) - attached:
        iam.attach_role_policy(RoleName=name, PolicyArn=arn)
    for arn in attached - set(new.get(MANAGED, [])):
        iam.detach_role_policy(RoleName=name, PolicyArn=arn)
    return name, {}


def _delete_role(call: Call, name: str, its: Values) -> None:
    iam, own = call.client("iam"), name or its.get("RoleName") or name_of(call)
    for policy in iam.list_role_policies(RoleName=own)["PolicyNames"]:
        iam.delete_role_policy(RoleName=own, PolicyName=policy)
    for attached in iam.list_attached_role_policies(RoleName=own)["AttachedPolicies"]:
        iam.detach_role_policy(RoleName=own, PolicyArn=attached["PolicyArn"])
    iam.delete_role(RoleName=own)


def _profile(call: Call, its: Values) -> tuple[str, Attributes]:
    iam, name = call.client("iam"), its.get("InstanceProfileName") or name_of(call)
    iam.create_instance_profile(InstanceProfileName=name, Path=its.get("Path", "/"))
    for role in its["Roles"]:
        iam.add_role_to_instance_profile(InstanceProfileName=name, RoleName=role)
    return name, {"Arn": f"arn:aws:iam::{ACCOUNT}:instance-profile{its.get('Path', '/')}{name}"}


def _update_profile(call: Call, name: str, _old: Values, new: Values) -> tuple[str, Attributes]:
    """A profile has one role at most, so the old one has to go first."""
    iam = call.client("iam")
    roles = iam.get_instance_profile(InstanceProfileName=name)["InstanceProfile"]["Roles"]
    there = [each["RoleName"] for each in roles]
    for role in there:
        if role not in new["Roles"]:
            iam.remove_role_from_instance_profile(InstanceProfileName=name, RoleName=role)
    for role in new["Roles"]:
        if role not in there:
            iam.add_role_to_instance_profile(InstanceProfileName=name, RoleName=role)
    return name, {}


def _delete_profile(call: Call, name: str, its: Values) -> None:
    iam, own = call.client("iam"), name or its.get("InstanceProfileName") or name_of(call)
    for role in iam.get_instance_profile(InstanceProfileName=own)["InstanceProfile"]["Roles"]:
        iam.remove_role_from_instance_profile(InstanceProfileName=own, RoleName=role["RoleName"])
    iam.delete_instance_profile(InstanceProfileName=own)


KINDS = {
    "AWS::IAM::Role": Kind(
        ("AssumeRolePolicyDocument", "Path", "Policies", MANAGED, "RoleName", "Description"),
        ("AssumeRolePolicyDocument",),
        _role,
        _delete_role,
        ("Arn", "RoleId"),
        in_place=("AssumeRolePolicyDocument", "Policies", MANAGED, "Description"),
        update=_update_role,
        name="RoleName",
    ),
    "AWS::IAM::InstanceProfile": Kind(
        ("Roles", "Path", "InstanceProfileName"),
        ("Roles",),
        _profile,
        _delete_profile,
        ("Arn",),
        in_place=("Roles",),
        update=_update_profile,
        name="InstanceProfileName",
    ),
}
