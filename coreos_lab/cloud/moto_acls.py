"""Where moto's network ACLs are not as AWS's are. Each change says what moto does without it."""

from __future__ import annotations

from functools import wraps
from ipaddress import IPv4Network
from typing import Any

from moto.ec2 import models as ec2
from moto.ec2.exceptions import EC2ClientError
from moto.ec2.responses.network_acls import NetworkACLs

from coreos_lab.cloud import query

LAST = 32767  # the number of the rule that denies all, which is AWS's own
NUMBERS = range(1, LAST)
ICMP = {"Icmp.Code": "IcmpTypeCode.Code", "Icmp.Type": "IcmpTypeCode.Type"}
PORTS = {"6": "TCP", "17": "UDP"}


def change() -> None:
    """Changes moto."""
    _entries()
    _icmp()
    _associations()


def _entries() -> None:
    """moto takes any text for an action, a protocol or addresses, and fails at the removal of what is not there."""
    create, delete = ec2.EC2Backend.create_network_acl_entry, ec2.EC2Backend.delete_network_acl_entry
    replace = ec2.EC2Backend.replace_network_acl_entry

    @wraps(create)
    def created(self: Any, **its: Any) -> Any:
        acl = self.get_network_acl(its["network_acl_id"])
        if not (acl.default and its["rule_number"] == LAST):  # which is there once the ACL is
            _check(its)
        return create(self, **its)

    @wraps(delete)
    def deleted(self: Any, network_acl_id: str, rule_number: int, egress: bool) -> Any:
        _require(self, network_acl_id, rule_number, egress)
        return delete(self, network_acl_id, rule_number, egress)

    @wraps(replace)
    def replaced(self: Any, **its: Any) -> Any:
        _require(self, its["network_acl_id"], its["rule_number"], its["egress"])
        _check(its)
        return replace(self, **its)

    ec2.EC2Backend.create_network_acl_entry = created
    ec2.EC2Backend.delete_network_acl_entry = deleted
    ec2.EC2Backend.replace_network_acl_entry = replaced


def _icmp() -> None:
    """moto asks for ICMP's type and code by names that the request does not have, and so leaves them out."""
    found = NetworkACLs._get_param

    @wraps(found)
    def get(self: Any, name: str, *more: Any, **other: Any) -> Any:
        return found(self, ICMP.get(name, name), *more, **other)

    NetworkACLs._get_param = get


def _check(its: dict[str, Any]) -> None:
    if its["rule_number"] not in NUMBERS:
        raise EC2ClientError("InvalidParameterValue", f"Rule number {its['rule_number']}: must be from 1 to 32766")
    if its["rule_action"] not in ("allow", "deny"):
        raise EC2ClientError("InvalidParameterValue", f"Rule action {its['rule_action']}: must be allow or deny")
    protocol = str(its["protocol"])
    if protocol != "-1" and not (query.is_number(protocol) and int(protocol) < 256):  # noqa: PLR2004 - IP's numbers
        raise EC2ClientError("InvalidParameterValue", f"Protocol {protocol}: must be a number, or -1 for all")
    if protocol in PORTS and (its["port_range_from"] is None or its["port_range_to"] is None):
        raise EC2ClientError("MissingParameter", f"{PORTS[protocol]} needs the parameter PortRange")
    try:
        IPv4Network(str(its["cidr_block"]))
    except ValueError as error:
        raise EC2ClientError("InvalidParameterValue", f"CidrBlock {its['cidr_block']}: {error}") from None


def _require(backend: Any, name: str, number: int, egress: bool) -> None:
    entries = backend.get_network_acl(name).network_acl_entries
    if not any(each.rule_number == number and each.egress == egress for each in entries):
        way = "egress" if egress else "ingress"
        message = f"The {way} rule {number} of the network ACL '{name}' does not exist"
        raise EC2ClientError("InvalidNetworkAclEntry.NotFound", message)


def _associations() -> None:
    """moto fails at an association that is not there, deletes default ACLs, and keeps those of deleted subnets."""
    replace, delete = ec2.EC2Backend.replace_network_acl_association, ec2.EC2Backend.delete_network_acl
    subnet = ec2.EC2Backend.delete_subnet

    @wraps(replace)
    def replaced(self: Any, association_id: str, network_acl_id: str) -> Any:
        owner = next((each for each in self.network_acls.values() if association_id in each._associations), None)
        if owner is None:
            message = f"The association ID '{association_id}' does not exist"
            raise EC2ClientError("InvalidAssociationID.NotFound", message)
        if self.get_network_acl(network_acl_id).vpc_id != owner.vpc_id:
            raise EC2ClientError("InvalidParameterValue", f"{network_acl_id} is not of the VPC {owner.vpc_id}")
        return replace(self, association_id, network_acl_id)

    @wraps(delete)
    def deleted(self: Any, network_acl_id: str) -> Any:
        if self.get_network_acl(network_acl_id).default:
            raise EC2ClientError("InvalidParameterValue", f"cannot delete default network ACL {network_acl_id}")
        return delete(self, network_acl_id)

    @wraps(subnet)
    def subnet_deleted(self: Any, subnet_id: str) -> Any:
        answer = subnet(self, subnet_id)
        for acl in self.network_acls.values():
            acl._associations = {key: each for key, each in acl._associations.items() if each.subnet_id != subnet_id}
        return answer

    ec2.EC2Backend.replace_network_acl_association = replaced
    ec2.EC2Backend.delete_network_acl = deleted
    ec2.EC2Backend.delete_subnet = subnet_deleted
