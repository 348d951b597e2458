"""The types of Elastic Load Balancing. A load balancer is complete when it serves."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

from coreos_lab.cloud.formation.call import TAGS, Attributes, Call, Kind, Values

NUMBERS = (
    *("Port", "HealthCheckIntervalSeconds", "HealthCheckTimeoutSeconds", "HealthyThresholdCount"),
    "UnhealthyThresholdCount",
)
TEXTS = (
    *("Protocol", "ProtocolVersion", "VpcId", "TargetType", "HealthCheckPath", "HealthCheckPort"),
    "HealthCheckProtocol",
)
NOT_FOUND = ("LoadBalancerNotFound", "TargetGroupNotFound", "ListenerNotFound")


def short_name(call: Call) -> str:
    """A physical name of 32 characters at most, the same whenever it is asked for."""
    tags = {key.rpartition(":")[2]: value for key, value in call.tags}
    digest = hashlib.sha256(f"{tags['stack-id']} {tags['logical-id']}".encode()).hexdigest()[:12].upper()
    return f"{tags['stack-name'][:10].rstrip('-')}-{tags['logical-id'][:8]}-{digest}"


def _tags(call: Call, its: Values) -> list[dict[str, str]]:
    own = [(str(each["Key"]), str(each["Value"])) for each in its.get(TAGS, [])]
    return [{"Key": key, "Value": value} for key, value in (*own, *call.tags)]


def _pairs(its: Values, key: str) -> list[dict[str, str]]:
    """Attributes. What a template has as a boolean is a text for the API."""
    return [{"Key": str(each["Key"]), "Value": _text(each["Value"])} for each in its.get(key, [])]


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
    if attributes := _pairs(its, "LoadBalancerAttributes"):
        elb.modify_load_balancer_attributes(LoadBalancerArn=arn, Attributes=attributes)

    def is_active() -> bool:
        said = elb.describe_load_balancers(LoadBalancerArns=[arn])["LoadBalancers"][0]
        return bool(said["State"]["Code"] == "active")

    call.wait(is_active, f"{name} did not become active")
    said = {"LoadBalancerArn": arn, "LoadBalancerName": name, "DNSName": made["DNSName"]}
    return arn, {**said, "LoadBalancerFullName": arn.partition("/")[2]}


def _delete_balancer(call: Call, arn: str, its: Values) -> None:
    elb, name = call.client("elbv2"), its.get("Name") or short_name(call)
    if not arn:
        said = _found(lambda: elb.describe_load_balancers(Names=[name])) or {"LoadBalancers": []}
        arn = next((each["LoadBalancerArn"] for each in said["LoadBalancers"]), "")
    if arn:
        elb.delete_load_balancer(LoadBalancerArn=arn)


def _group(call: Call, its: Values) -> tuple[str, Attributes]:
    elb, name = call.client("elbv2"), its.get("Name") or short_name(call)
    given: dict[str, Any] = {key: int(its[key]) for key in NUMBERS if key in its}
    given |= {key: str(its[key]) for key in TEXTS if key in its}
    if "Matcher" in its:
        given["Matcher"] = {"HttpCode": str(its["Matcher"]["HttpCode"])}
    made = elb.create_target_group(Name=name, Tags=_tags(call, its), **given)["TargetGroups"][0]
    arn = made["TargetGroupArn"]
    if attributes := _pairs(its, "TargetGroupAttributes"):
        elb.modify_target_group_attributes(TargetGroupArn=arn, Attributes=attributes)
    targets = [{"Id": each["Id"], **_port(each)} for each in its.get("Targets", [])]
    if targets:
        elb.register_targets(TargetGroupArn=arn, Targets=targets)
    full = arn.rpartition(":")[2]
    return arn, {"TargetGroupArn": arn, "TargetGroupName": name, "TargetGroupFullName": full}


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
    actions = [_action(each) for each in its["DefaultActions"]]
    given = {"Port": int(its["Port"]), "Protocol": its["Protocol"], "DefaultActions": actions}
    made = call.client("elbv2").create_listener(LoadBalancerArn=its["LoadBalancerArn"], **given)["Listeners"][0]
    return made["ListenerArn"], {"ListenerArn": made["ListenerArn"]}


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
        ("Name", "Scheme", "Subnets", "SecurityGroups", "Type", "IpAddressType", "LoadBalancerAttributes", TAGS),
        ("Subnets",),
        _balancer,
        _delete_balancer,
        ("LoadBalancerArn", "LoadBalancerName", "DNSName", "LoadBalancerFullName"),
    ),
    "AWS::ElasticLoadBalancingV2::TargetGroup": Kind(
        ("Name", *NUMBERS, *TEXTS, "Matcher", "TargetGroupAttributes", "Targets", TAGS),
        ("Port", "Protocol", "VpcId"),
        _group,
        _delete_group,
        ("TargetGroupArn", "TargetGroupName", "TargetGroupFullName"),
    ),
    "AWS::ElasticLoadBalancingV2::Listener": Kind(
        ("LoadBalancerArn", "Port", "Protocol", "DefaultActions"),
        ("LoadBalancerArn", "Port", "Protocol", "DefaultActions"),
        _listener,
        _delete_listener,
        ("ListenerArn",),
    ),
}
