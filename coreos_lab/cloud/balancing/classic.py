"""The API of 2012-06-01: classic load balancers, their listeners, checks and attributes."""

from __future__ import annotations

import re
from typing import Any

from coreos_lab.cloud.balancing import asked_for, classic_shown
from coreos_lab.cloud.balancing.asked_for import invalid
from coreos_lab.cloud.balancing.kept import CLASSIC, PUBLIC, Balancer, Check, Listener
from coreos_lab.cloud.balancing.plan import CROSS_ZONE, DRAIN, DRAIN_FOR, IDLE
from coreos_lab.cloud.balancing.shelf import Shelf, tagged, untagged
from coreos_lab.cloud.sigv4 import RefusedError

Asked = dict[str, Any]
NAMES_MAX = 32
HOUR = 3600
PROTOCOLS = ("TCP", "HTTP")
ATTRIBUTES = {IDLE: "60", CROSS_ZONE: "false", DRAIN: "false", DRAIN_FOR: "300"}
NUMBERS = {
    "Interval": ("interval", 5, 300),
    "Timeout": ("timeout", 2, 60),
    "HealthyThreshold": ("healthy", 2, 10),
    "UnhealthyThreshold": ("unhealthy", 2, 10),
}


class Classic:
    """Classic load balancers."""

    def __init__(self, shelf: Shelf) -> None:
        self.shelf, self.kept = shelf, shelf.kept

    def _create_load_balancer(self, asked: Asked) -> Asked:
        name = asked_for.name(asked, "LoadBalancerName", NAMES_MAX)
        if any(each.name == name for each in self.kept.shown(CLASSIC)):
            raise RefusedError("DuplicateLoadBalancerName", f"The specified load balancer name '{name}' is in use")
        subnets = asked.get("Subnets", [])
        if not subnets:
            raise invalid("Subnets are needed: this cloud has no EC2-Classic")
        listeners = [_listener(each) for each in asked.get("Listeners", [])]
        if not listeners:
            raise invalid("At least one listener is needed")
        _require_apart(listeners)
        made = self.shelf.make(
            name,
            CLASSIC,
            "",
            asked.get("Scheme", PUBLIC),
            subnets,
            asked.get("SecurityGroups", []),
            attributes=dict(ATTRIBUTES),
            tags=tagged([], asked),
            listeners=listeners,
        )
        return {"DNSName": made.dns}

    def _describe_load_balancers(self, asked: Asked) -> Asked:
        names = asked.get("LoadBalancerNames")
        found = [self.require(name) for name in names] if names else self.kept.shown(CLASSIC)
        return {"LoadBalancerDescriptions": [classic_shown.balancer(each) for each in found]}

    def _delete_load_balancer(self, asked: Asked) -> Asked:
        """One that is not there is no error, as at AWS."""
        for each in self.kept.shown(CLASSIC):
            if each.name == asked.get("LoadBalancerName"):
                each.deleting = True
        return {}

    def _create_load_balancer_listeners(self, asked: Asked) -> Asked:
        balancer = self.require(asked.get("LoadBalancerName", ""))
        fresh = [_listener(each) for each in asked.get("Listeners", [])]
        listeners = balancer.listeners + [each for each in fresh if each not in balancer.listeners]
        _require_apart(listeners)
        balancer.listeners = listeners
        return {}

    def _delete_load_balancer_listeners(self, asked: Asked) -> Asked:
        balancer = self.require(asked.get("LoadBalancerName", ""))
        ports = {int(each) for each in asked.get("LoadBalancerPorts", [])}
        balancer.listeners = [each for each in balancer.listeners if each.port not in ports]
        return {}

    def _configure_health_check(self, asked: Asked) -> Asked:
        balancer = self.require(asked.get("LoadBalancerName", ""))
        balancer.check = _check(asked.get("HealthCheck", {}))
        return {"HealthCheck": classic_shown.check(balancer)}

    def _apply_security_groups_to_load_balancer(self, asked: Asked) -> Asked:
        balancer = self.require(asked.get("LoadBalancerName", ""))
        balancer.groups = self.shelf.groups_of(balancer.vpc, asked.get("SecurityGroups", []))
        self.shelf.fit(balancer)
        return {"SecurityGroups": balancer.groups}

    def _attach_load_balancer_to_subnets(self, asked: Asked) -> Asked:
        balancer = self.require(asked.get("LoadBalancerName", ""))
        return self._set_subnets(balancer, [*balancer.subnets, *asked.get("Subnets", [])])

    def _detach_load_balancer_from_subnets(self, asked: Asked) -> Asked:
        balancer = self.require(asked.get("LoadBalancerName", ""))
        return self._set_subnets(balancer, [each for each in balancer.subnets if each not in asked.get("Subnets", [])])

    def _set_subnets(self, balancer: Balancer, subnets: list[str]) -> Asked:
        if not subnets:
            raise RefusedError("InvalidConfigurationRequest", "A load balancer needs a subnet")
        vpc, zones = self.shelf.zones_of(list(dict.fromkeys(subnets)))
        if vpc != balancer.vpc:
            raise RefusedError("InvalidSubnet", f"Subnets of {balancer.vpc} are needed")
        balancer.subnets = zones
        self.shelf.fit(balancer)
        return {"Subnets": list(zones)}

    def _describe_load_balancer_attributes(self, asked: Asked) -> Asked:
        balancer = self.require(asked.get("LoadBalancerName", ""))
        return {"LoadBalancerAttributes": classic_shown.attributes(balancer)}

    def _modify_load_balancer_attributes(self, asked: Asked) -> Asked:
        balancer = self.require(asked.get("LoadBalancerName", ""))
        given, changed = asked.get("LoadBalancerAttributes", {}), dict(balancer.attributes)
        if (idle := given.get("ConnectionSettings", {}).get("IdleTimeout")) is not None:
            changed[IDLE] = str(asked_for.count(idle, "IdleTimeout", 1, HOUR))
        if (across := given.get("CrossZoneLoadBalancing", {}).get("Enabled")) is not None:
            changed[CROSS_ZONE] = asked_for.boolean(across, "CrossZoneLoadBalancing")
        draining = given.get("ConnectionDraining", {})
        if (enabled := draining.get("Enabled")) is not None:
            changed[DRAIN] = asked_for.boolean(enabled, "ConnectionDraining")
        if (delay := draining.get("Timeout")) is not None:
            changed[DRAIN_FOR] = str(asked_for.count(delay, "ConnectionDraining.Timeout", 1, HOUR))
        if given.get("AccessLog", {}).get("Enabled") == "true":
            raise asked_for.not_ours("AccessLog.Enabled", "true")
        balancer.attributes = changed
        return {"LoadBalancerName": balancer.name, "LoadBalancerAttributes": classic_shown.attributes(balancer)}

    def _add_tags(self, asked: Asked) -> Asked:
        for one in [self.require(name) for name in asked.get("LoadBalancerNames", [])]:
            one.tags = tagged(one.tags, asked)
        return {}

    def _remove_tags(self, asked: Asked) -> Asked:
        keys = [asked_for.part(each, "Key") for each in asked.get("Tags", [])]
        for one in [self.require(name) for name in asked.get("LoadBalancerNames", [])]:
            one.tags = untagged(one.tags, keys)
        return {}

    def _describe_tags(self, asked: Asked) -> Asked:
        names = asked.get("LoadBalancerNames", [])
        return {"TagDescriptions": [{"LoadBalancerName": name, "Tags": self.require(name).tags} for name in names]}

    def require(self, name: str) -> Balancer:
        """The load balancer of a name, or LoadBalancerNotFound."""
        for each in self.kept.shown(CLASSIC):
            if each.name == name:
                return each
        raise RefusedError("LoadBalancerNotFound", f"There is no ACTIVE Load Balancer named '{name}'")


def _listener(asked: Asked) -> Listener:
    protocol = asked_for.protocol(asked.get("Protocol", "").upper(), "Protocol", PROTOCOLS)
    behind = asked_for.protocol(asked.get("InstanceProtocol", protocol).upper(), "InstanceProtocol", PROTOCOLS)
    if protocol != behind:
        raise invalid(f"Protocol {protocol} and InstanceProtocol {behind} must be the same")
    port = asked_for.port(asked.get("LoadBalancerPort"), "LoadBalancerPort")
    own = asked_for.port(asked.get("InstancePort"), "InstancePort")
    return Listener(protocol, port, instance_protocol=behind, instance_port=own)


def _require_apart(listeners: list[Listener]) -> None:
    """DuplicateListener for two on one port."""
    ports = [each.port for each in listeners]
    for port in ports:
        if ports.count(port) > 1:
            raise RefusedError("DuplicateListener", f"A listener already exists for port {port}")


def _check(asked: Asked) -> Check:
    target = str(asked.get("Target", ""))
    matched = re.fullmatch(r"(?i)(TCP|HTTP):(\d+)(/.*)?", target)
    if matched is None or (matched[1].upper() == "TCP") == bool(matched[3]):
        raise invalid(f"HealthCheck Target: '{target}': this cloud has TCP:PORT and HTTP:PORT/PATH")
    parts: dict[str, Any] = {
        part: asked_for.count(asked.get(key), key, *limits) for key, (part, *limits) in NUMBERS.items()
    }
    if parts["timeout"] >= parts["interval"]:
        raise invalid(f"HealthCheck: Timeout {parts['timeout']} must be less than Interval {parts['interval']}")
    path = asked_for.path(matched[3], "HealthCheck Target") if matched[3] else ""
    return Check(matched[1].upper(), asked_for.port(matched[2], "HealthCheck Target"), path, **parts)
