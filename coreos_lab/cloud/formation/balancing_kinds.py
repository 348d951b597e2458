"""The types of Elastic Load Balancing. A load balancer is complete when it serves."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

from coreos_lab.cloud.balancing import v2, v2_groups
from coreos_lab.cloud.formation import tags
from coreos_lab.cloud.formation.call import TAGS, Attributes, Call, Kind, Values, only

# What a target group's health check is where the template says nothing else.
CHECK: dict[str, Any] = {
    **{"HealthCheckIntervalSeconds": 30, "HealthCheckTimeoutSeconds": 5},
    **{"HealthyThresholdCount": 5, "UnhealthyThresholdCount": 2},
    **{"HealthCheckPath": "/", "HealthCheckPort": "traffic-port", "HealthCheckProtocol": "HTTP"},
}
GROUP = ("Port", "Protocol", "ProtocolVersion", "VpcId", "TargetType")
BALANCER_ATTRIBUTES, GROUP_ATTRIBUTES = "LoadBalancerAttributes", "TargetGroupAttributes"
NOT_FOUND = ("LoadBalancerNotFound", "TargetGroupNotFound", "ListenerNotFound")


def short_name(call: Call) -> str:
    """A physical name of 32 characters at most, the same whenever it is asked for."""
    own = {key.rpartition(":")[2]: value for key, value in call.tags}
    digest = hashlib.sha256(f"{own['stack-id']} {own['logical-id']}{call.seed}".encode()).hexdigest()[:12].upper()
    return f"{own['stack-name'][:10].rstrip('-')}-{own['logical-id'][:8]}-{digest}"


def _tags(call: Call, its: Values) -> list[dict[str, str]]:
    return tags.listed({**tags.pairs(its), **dict(call.tags)})


def _pairs(its: Values, key: str) -> list[dict[str, str]]:
    """Attributes. What a template has as a boolean is a text for the API."""
    return [{"Key": str(each["Key"]), "Value": _text(each["Value"])} for each in its.get(key, [])]


def _changed(old: Values, new: Values, key: str, defaults: Values) -> list[dict[str, str]]:
    """The attributes that an update sets: those that are gone from the template get their defaults back."""
    before, after = ({each["Key"]: each["Value"] for each in _pairs(its, key)} for its in (old, new))
    gone = {name: str(defaults[name]) for name in before if name not in after and name in defaults}
    return tags.listed({**gone, **after})


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _found(ask: Callable[[], Any]) -> Any | None:
    """An answer; None where there is no such thing."""
    try:
        return ask()
    except Exception as error:
        if getattr(error, "response", {}).get("Error", {}).get("Code") in NOT_FOUND:
            return None
        raise


def _balancer(call: Call, its: Values) -> tuple[str, Attributes]:
    elb, name = call.client("elbv2"), its.get("Name") or short_name(call)
    given = {key: its[key] for key in ("Scheme", "Subnets", "SecurityGroups", "Type", "IpAddressType") if key in its}
    made = elb.create_load_balancer(Name=name, Tags=_tags(call, its), **given)["LoadBalancers"][0]
    arn = made["LoadBalancerArn"]
    if attributes := _pairs(its, BALANCER_ATTRIBUTES):
        elb.modify_load_balancer_attributes(LoadBalancerArn=arn, Attributes=attributes)

    def is_active() -> bool:
        said = elb.describe_load_balancers(LoadBalancerArns=[arn])["LoadBalancers"][0]
        return bool(said["State"]["Code"] == "active")

    call.wait(is_active, f"{name} did not become active")
    said = {"LoadBalancerArn": arn, "LoadBalancerName": name, "DNSName": made["DNSName"]}
    return arn, {**said, "LoadBalancerFullName": arn.partition("/")[2]}


def _update_balancer(call: Call, arn: str, old: Values, new: Values) -> tuple[str, Attributes]:
    elb = call.client("elbv2")
    if old.get("Subnets") != new["Subnets"]:
        elb.set_subnets(LoadBalancerArn=arn, Subnets=new["Subnets"])
    if old.get("SecurityGroups") != new.get("SecurityGroups"):
        elb.set_security_groups(LoadBalancerArn=arn, SecurityGroups=new.get("SecurityGroups", []))
    if attributes := _changed(old, new, BALANCER_ATTRIBUTES, v2.ATTRIBUTES):
        elb.modify_load_balancer_attributes(LoadBalancerArn=arn, Attributes=attributes)
    tags.update_balancing(elb, {"ResourceArns": [arn]}, old, new, classic=False)
    return arn, {}


def _delete_balancer(call: Call, arn: str, its: Values) -> None:
    elb, name = call.client("elbv2"), its.get("Name") or short_name(call)
    if not arn:
        said = _found(lambda: elb.describe_load_balancers(Names=[name])) or {"LoadBalancers": []}
        arn = next((each["LoadBalancerArn"] for each in said["LoadBalancers"]), "")
    if arn:
        elb.delete_load_balancer(LoadBalancerArn=arn)


def _group(call: Call, its: Values) -> tuple[str, Attributes]:
    elb, name = call.client("elbv2"), its.get("Name") or short_name(call)
    given = {key: int(its[key]) if key == "Port" else str(its[key]) for key in GROUP if key in its}
    made = elb.create_target_group(Name=name, Tags=_tags(call, its), **given, **_check(its))["TargetGroups"][0]
    arn = made["TargetGroupArn"]
    if attributes := _pairs(its, GROUP_ATTRIBUTES):
        elb.modify_target_group_attributes(TargetGroupArn=arn, Attributes=attributes)
    if targets := _targets(its):
        elb.register_targets(TargetGroupArn=arn, Targets=targets)
    full = arn.rpartition(":")[2]
    return arn, {"TargetGroupArn": arn, "TargetGroupName": name, "TargetGroupFullName": full}


def _check(its: Values) -> dict[str, Any]:
    """The parameters of a target group's health check."""
    only("AWS::ElasticLoadBalancingV2::TargetGroup Matcher", its.get("Matcher", {}), ("HttpCode",))
    found = {key: type(default)(its.get(key, default)) for key, default in CHECK.items()}
    return {**found, "Matcher": {"HttpCode": str(its.get("Matcher", {}).get("HttpCode", "200"))}}


def _targets(its: Values) -> list[dict[str, Any]]:
    for each in its.get("Targets", []):
        only("AWS::ElasticLoadBalancingV2::TargetGroup Targets", each, ("Id", "Port"))
    return [{"Id": each["Id"], **_port(each)} for each in its.get("Targets", [])]


def _update_group(call: Call, arn: str, old: Values, new: Values) -> tuple[str, Attributes]:
    elb = call.client("elbv2")
    elb.modify_target_group(TargetGroupArn=arn, **_check(new))
    if attributes := _changed(old, new, GROUP_ATTRIBUTES, v2_groups.ATTRIBUTES):
        elb.modify_target_group_attributes(TargetGroupArn=arn, Attributes=attributes)
    before, after = _targets(old), _targets(new)
    if fresh := [each for each in after if each not in before]:
        elb.register_targets(TargetGroupArn=arn, Targets=fresh)
    if gone := [each for each in before if each not in after]:
        elb.deregister_targets(TargetGroupArn=arn, Targets=gone)
    tags.update_balancing(elb, {"ResourceArns": [arn]}, old, new, classic=False)
    return arn, {}


def _port(each: Values) -> dict[str, int]:
    return {"Port": int(each["Port"])} if "Port" in each else {}


def _delete_group(call: Call, arn: str, its: Values) -> None:
    elb, name = call.client("elbv2"), its.get("Name") or short_name(call)
    if not arn:
        said = _found(lambda: elb.describe_target_groups(Names=[name])) or {"TargetGroups": []}
        arn = next((each["TargetGroupArn"] for each in said["TargetGroups"]), "")
    if arn:
        elb.delete_target_group(TargetGroupArn=arn)


def _listener(call: Call, its: Values) -> tuple[str, Attributes]:
    elb, arn = call.client("elbv2"), its["LoadBalancerArn"]
    made = elb.create_listener(LoadBalancerArn=arn, **_of_listener(its))["Listeners"][0]
    return made["ListenerArn"], {"ListenerArn": made["ListenerArn"]}


def _of_listener(its: Values) -> dict[str, Any]:
    actions = [_action(each) for each in its["DefaultActions"]]
    return {"Port": int(its["Port"]), "Protocol": its["Protocol"], "DefaultActions": actions}


def _update_listener(call: Call, arn: str, _old: Values, new: Values) -> tuple[str, Attributes]:
    call.client("elbv2").modify_listener(ListenerArn=arn, **_of_listener(new))
    return arn, {}


def _action(its: Values) -> dict[str, Any]:
    """An action as the API has it. The weights of a single target group make no difference."""
    found = {**its, **({"Order": int(its["Order"])} if "Order" in its else {})}
    if "ForwardConfig" in its:
        groups = [{"TargetGroupArn": each["TargetGroupArn"]} for each in its["ForwardConfig"]["TargetGroups"]]
        found["ForwardConfig"] = {"TargetGroups": groups}
    return found


def _delete_listener(call: Call, arn: str, its: Values) -> None:
    """One whose making was interrupted is found by its port, which only one has."""
    elb = call.client("elbv2")
    if not arn:
        said = _found(lambda: elb.describe_listeners(LoadBalancerArn=its["LoadBalancerArn"])) or {"Listeners": []}
        arn = next((each["ListenerArn"] for each in said["Listeners"] if each["Port"] == int(its["Port"])), "")
    if arn:
        _found(lambda: elb.delete_listener(ListenerArn=arn))


KINDS = {
    "AWS::ElasticLoadBalancingV2::LoadBalancer": Kind(
        ("Name", "Scheme", "Subnets", "SecurityGroups", "Type", "IpAddressType", BALANCER_ATTRIBUTES, TAGS),
        ("Subnets",),
        _balancer,
        _delete_balancer,
        ("LoadBalancerArn", "LoadBalancerName", "DNSName", "LoadBalancerFullName"),
        in_place=("Subnets", "SecurityGroups", "IpAddressType", BALANCER_ATTRIBUTES, TAGS),
        update=_update_balancer,
        name="Name",
    ),
    "AWS::ElasticLoadBalancingV2::TargetGroup": Kind(
        ("Name", *GROUP, *CHECK, "Matcher", GROUP_ATTRIBUTES, "Targets", TAGS),
        ("Port", "Protocol", "VpcId"),
        _group,
        _delete_group,
        ("TargetGroupArn", "TargetGroupName", "TargetGroupFullName"),
        in_place=(*CHECK, "Matcher", GROUP_ATTRIBUTES, "Targets", TAGS),
        update=_update_group,
        name="Name",
    ),
    "AWS::ElasticLoadBalancingV2::Listener": Kind(
        ("LoadBalancerArn", "Port", "Protocol", "DefaultActions"),
        ("LoadBalancerArn", "Port", "Protocol", "DefaultActions"),
        _listener,
        _delete_listener,
        ("ListenerArn",),
        in_place=("Port", "Protocol", "DefaultActions"),
        update=_update_listener,
    ),
}
