"""The type of classic load balancers."""

from __future__ import annotations

from typing import Any

from coreos_lab.cloud.formation.balancing_kinds import short_name
from coreos_lab.cloud.formation.call import TAGS, Attributes, Call, Kind, Values, true

CHECK = ("Interval", "Timeout", "HealthyThreshold", "UnhealthyThreshold")


def _balancer(call: Call, its: Values) -> tuple[str, Attributes]:
    elb, name = call.client("elb"), its.get("LoadBalancerName") or short_name(call)
    given = {key: its[key] for key in ("Scheme", "Subnets", "SecurityGroups") if key in its}
    tags = [{"Key": str(each["Key"]), "Value": str(each["Value"])} for each in its.get(TAGS, [])]
    tags += [{"Key": key, "Value": value} for key, value in call.tags]
    listeners = [_listener(each) for each in its["Listeners"]]
    made = elb.create_load_balancer(LoadBalancerName=name, Listeners=listeners, Tags=tags, **given)
    if "HealthCheck" in its:
        check: dict[str, Any] = {key: int(its["HealthCheck"][key]) for key in CHECK}
        check["Target"] = its["HealthCheck"]["Target"]
        elb.configure_health_check(LoadBalancerName=name, HealthCheck=check)
    if attributes := _attributes(its):
        elb.modify_load_balancer_attributes(LoadBalancerName=name, LoadBalancerAttributes=attributes)
    if instances := [{"InstanceId": each} for each in its.get("Instances", [])]:
        elb.register_instances_with_load_balancer(LoadBalancerName=name, Instances=instances)
    return name, {"DNSName": made["DNSName"]}


def _listener(its: Values) -> dict[str, Any]:
    ports = {key: int(its[key]) for key in ("LoadBalancerPort", "InstancePort")}
    return {**its, **ports}


def _attributes(its: Values) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if "CrossZone" in its:
        found["CrossZoneLoadBalancing"] = {"Enabled": true(its["CrossZone"])}
    if "ConnectionSettings" in its:
        found["ConnectionSettings"] = {"IdleTimeout": int(its["ConnectionSettings"]["IdleTimeout"])}
    if "ConnectionDrainingPolicy" in its:
        draining = its["ConnectionDrainingPolicy"]
        found["ConnectionDraining"] = {"Enabled": true(draining["Enabled"])}
        if "Timeout" in draining:
            found["ConnectionDraining"]["Timeout"] = int(draining["Timeout"])
    return found


def _delete(call: Call, name: str, its: Values) -> None:
    own = name or its.get("LoadBalancerName") or short_name(call)
    call.client("elb").delete_load_balancer(LoadBalancerName=own)


KINDS = {
    "AWS::ElasticLoadBalancing::LoadBalancer": Kind(
        (
            *("LoadBalancerName", "Scheme", "Subnets", "SecurityGroups", "Listeners", "HealthCheck", "Instances"),
            *("CrossZone", "ConnectionSettings", "ConnectionDrainingPolicy", TAGS),
        ),
        ("Listeners", "Subnets"),
        _balancer,
        _delete,
        ("DNSName",),
    ),
}
