"""The types of EC2's routing."""

from __future__ import annotations

from typing import Any

from coreos_lab.cloud.formation.call import TAGS, Attributes, Call, Kind, Values
from coreos_lab.cloud.formation.ec2_kinds import update_tags
from coreos_lab.cloud.formation.errors import invalid

TARGETS = ("GatewayId", "InstanceId", "NetworkInterfaceId")


def _table(call: Call, its: Values) -> tuple[str, Attributes]:
    made = call.ec2.create_route_table(VpcId=its["VpcId"], TagSpecifications=call.tagged("route-table", its))
    name = made["RouteTable"]["RouteTableId"]
    return name, {"RouteTableId": name}


def _route(call: Call, its: Values) -> tuple[str, Attributes]:
    call.ec2.create_route(**_of_route(its))
    return f"{its['RouteTableId']}|{its['DestinationCidrBlock']}", {}


def _of_route(its: Values) -> dict[str, Any]:
    targets = [name for name in TARGETS if name in its]
    if len(targets) != 1:
        raise invalid(f"AWS::EC2::Route: exactly one of {', '.join(TARGETS)} is needed")
    return {key: its[key] for key in ("RouteTableId", "DestinationCidrBlock", targets[0])}


def _update_route(call: Call, name: str, _old: Values, new: Values) -> tuple[str, Attributes]:
    call.ec2.replace_route(**_of_route(new))
    return name, {}


def _delete_route(call: Call, _name: str, its: Values) -> None:
    call.ec2.delete_route(RouteTableId=its["RouteTableId"], DestinationCidrBlock=its["DestinationCidrBlock"])


def _association(call: Call, its: Values) -> tuple[str, Attributes]:
    made = call.ec2.associate_route_table(RouteTableId=its["RouteTableId"], SubnetId=its["SubnetId"])
    return made["AssociationId"], {"Id": made["AssociationId"]}


def _associated(call: Call, subnet: str) -> tuple[str, str]:
    """A subnet's association and its route table, as they are now; ("", "") where it has none of its own."""
    mine = [{"Name": "association.subnet-id", "Values": [subnet]}]
    for table in call.ec2.describe_route_tables(Filters=mine)["RouteTables"]:
        for each in table["Associations"]:
            if each.get("SubnetId") == subnet:
                return each["RouteTableAssociationId"], table["RouteTableId"]
    return "", ""


def _update_association(call: Call, name: str, _old: Values, new: Values) -> tuple[str, Attributes]:
    """The association gets another id, as at AWS."""
    there, table = _associated(call, new["SubnetId"])
    if table != new["RouteTableId"]:
        asked = {"AssociationId": there or name, "RouteTableId": new["RouteTableId"]}
        there = call.ec2.replace_route_table_association(**asked)["NewAssociationId"]
    return there, {"Id": there}


def _disassociate(call: Call, name: str, its: Values) -> None:
    """One whose making was interrupted is found by its subnet, which has only one."""
    if not name:
        name, table = _associated(call, its["SubnetId"])
        if table != its["RouteTableId"]:
            return
    call.ec2.disassociate_route_table(AssociationId=name)


KINDS: dict[str, Kind] = {
    "AWS::EC2::RouteTable": Kind(
        ("VpcId", TAGS),
        ("VpcId",),
        _table,
        lambda call, name, _its: call.ec2.delete_route_table(RouteTableId=name),
        ("RouteTableId",),
        "route-table",
        in_place=(TAGS,),
        update=update_tags,
    ),
    "AWS::EC2::Route": Kind(
        ("RouteTableId", "DestinationCidrBlock", *TARGETS),
        ("RouteTableId", "DestinationCidrBlock"),
        _route,
        _delete_route,
        in_place=TARGETS,
        update=_update_route,
    ),
    "AWS::EC2::SubnetRouteTableAssociation": Kind(
        ("RouteTableId", "SubnetId"),
        ("RouteTableId", "SubnetId"),
        _association,
        _disassociate,
        ("Id",),
        in_place=("RouteTableId",),
        update=_update_association,
        volatile=("Id",),
    ),
}
