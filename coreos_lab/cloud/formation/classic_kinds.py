"""The type of classic load balancers."""

from __future__ import annotations

from typing import Any

from coreos_lab.cloud.formation import tags
from coreos_lab.cloud.formation.balancing_kinds import short_name
from coreos_lab.cloud.formation.call import TAGS, Attributes, Call, Kind, Values, only, true

# What a load balancer has without a word of its template.
DEFAULTS = {
    "CrossZone": False,
    "ConnectionSettings": {"IdleTimeout": 60},
    "ConnectionDrainingPolicy": {"Enabled": False, "Timeout": 300},
}
TYPE = "AWS::ElasticLoadBalancing::LoadBalancer"
PARTS = {"ConnectionSettings": ("IdleTimeout",), "ConnectionDrainingPolicy": ("Enabled", "Timeout")}
CHECK = ("Interval", "Timeout", "HealthyThreshold", "UnhealthyThreshold")


def _balancer(call: Call, its: Values) -> tuple[str, Attributes]:
    elb, name = call.client("elb"), its.get("LoadBalancerName") or short_name(call)
    given = {key: its[key] for key in ("Scheme", "Subnets", "SecurityGroups") if key in its}
    tagged = tags.listed({**tags.pairs(its), **dict(call.tags)})
    listeners = [_listener(each) for each in its["Listeners"]]
    made = elb.create_load_balancer(LoadBalancerName=name, Listeners=listeners, Tags=tagged, **given)
    if "HealthCheck" in its:
        elb.configure_health_check(LoadBalancerName=name, HealthCheck=_check(its["HealthCheck"]))
    if attributes := _attributes(its):
        elb.modify_load_balancer_attributes(LoadBalancerName=name, LoadBalancerAttributes=attributes)
    if instances := _instances(its):
        elb.register_instances_with_load_balancer(LoadBalancerName=name, Instances=instances)
    return name, {"DNSName": made["DNSName"]}


def _check(its: Values) -> dict[str, Any]:
    only(f"{TYPE} HealthCheck", its, ("Target", *CHECK))
    return {"Target": its["Target"], **{key: int(its[key]) for key in CHECK}}


def _instances(its: Values) -> list[dict[str, str]]:
    return [{"InstanceId": str(each)} for each in its.get("Instances", [])]


def _update(call: Call, name: str, old: Values, new: Values) -> tuple[str, Attributes]:
    elb = call.client("elb")
    _update_listeners(elb, name, new)
    _update_subnets(elb, name, new)
    if "HealthCheck" in new:
        elb.configure_health_check(LoadBalancerName=name, HealthCheck=_check(new["HealthCheck"]))
    if old.get("SecurityGroups") != new.get("SecurityGroups"):
        groups = new.get("SecurityGroups", [])
        elb.apply_security_groups_to_load_balancer(LoadBalancerName=name, SecurityGroups=groups)
    attributes = {**_attributes(DEFAULTS), **_attributes(new)}
    elb.modify_load_balancer_attributes(LoadBalancerName=name, LoadBalancerAttributes=attributes)
    before, after = _instances(old), _instances(new)
    if fresh := [each for each in after if each not in before]:
        elb.register_instances_with_load_balancer(LoadBalancerName=name, Instances=fresh)
    if gone := [each for each in before if each not in after]:
        elb.deregister_instances_from_load_balancer(LoadBalancerName=name, Instances=gone)
    tags.update_balancing(elb, {"LoadBalancerNames": [name]}, old, new, classic=True)
    return name, {}


def _update_listeners(elb: Any, name: str, new: Values) -> None:
    """A port whose listener has changed is without one for a moment, as a listener cannot be modified."""
    said = elb.describe_load_balancers(LoadBalancerNames=[name])["LoadBalancerDescriptions"][0]
    there = {each["Listener"]["LoadBalancerPort"]: each["Listener"] for each in said["ListenerDescriptions"]}
    wanted = {int(each["LoadBalancerPort"]): _listener(each) for each in new["Listeners"]}
    stale = [port for port, each in there.items() if port not in wanted or _parts(each) != _parts(wanted[port])]
    if stale:
        elb.delete_load_balancer_listeners(LoadBalancerName=name, LoadBalancerPorts=stale)
    fresh = [each for port, each in wanted.items() if port not in there or port in stale]
    if fresh:
        elb.create_load_balancer_listeners(LoadBalancerName=name, Listeners=fresh)


def _parts(listener: Values) -> tuple[str, int]:
    return str(listener["Protocol"]).upper(), int(listener["InstancePort"])


def _update_subnets(elb: Any, name: str, new: Values) -> None:
    there = elb.describe_load_balancers(LoadBalancerNames=[name])["LoadBalancerDescriptions"][0]["Subnets"]
    if more := [each for each in new["Subnets"] if each not in there]:
        elb.attach_load_balancer_to_subnets(LoadBalancerName=name, Subnets=more)
    if less := [each for each in there if each not in new["Subnets"]]:
        elb.detach_load_balancer_from_subnets(LoadBalancerName=name, Subnets=less)


def _comes_or_goes(old: Any, new: Any) -> bool:
    return (old is None) != (new is None)


def _listener(its: Values) -> dict[str, Any]:
    ports = {key: int(its[key]) for key in ("LoadBalancerPort", "InstancePort")}
    return {**its, **ports}


def _attributes(its: Values) -> dict[str, Any]:
    for part, known in PARTS.items():
        only(f"{TYPE} {part}", its.get(part, {}), known)
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
        in_place=(
            *("Subnets", "SecurityGroups", "Listeners", "Instances", "CrossZone", "ConnectionSettings"),
            *("ConnectionDrainingPolicy", TAGS),
        ),
        update=_update,
        replacing={"HealthCheck": _comes_or_goes},
        name="LoadBalancerName",
    ),
}
