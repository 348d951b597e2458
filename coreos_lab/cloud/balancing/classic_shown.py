"""Classic load balancers, as the API of 2012-06-01 shows them."""

from __future__ import annotations

from typing import Any

from coreos_lab.cloud.balancing.kept import Balancer
from coreos_lab.cloud.balancing.plan import CROSS_ZONE, DRAIN, DRAIN_FOR, IDLE

Values = dict[str, Any]


def check(one: Balancer) -> Values:
    """A load balancer's health check. Before one is configured it is of the first listener's port."""
    its = one.check
    port = its.port or one.listeners[0].instance_port
    return {
        "Target": f"{its.protocol}:{port}{its.path}",
        "Interval": its.interval,
        "Timeout": its.timeout,
        "HealthyThreshold": its.healthy,
        "UnhealthyThreshold": its.unhealthy,
    }


def balancer(one: Balancer) -> Values:
    """A load balancer."""
    return {
        "LoadBalancerName": one.name,
        "DNSName": one.dns,
        "ListenerDescriptions": [
            {
                "Listener": {
                    "Protocol": each.protocol,
                    "LoadBalancerPort": each.port,
                    "InstanceProtocol": each.instance_protocol,
                    "InstancePort": each.instance_port,
                },
                "PolicyNames": [],
            }
            for each in one.listeners
        ],
        "AvailabilityZones": sorted(set(one.subnets.values())),
        "Subnets": list(one.subnets),
        "VPCId": one.vpc,
        "Instances": [{"InstanceId": each.instance} for each in one.targets if not each.leaving],
        "HealthCheck": check(one),
        "SecurityGroups": one.groups,
        "CreatedTime": one.created,
        "Scheme": one.scheme,
    }


def attributes(one: Balancer) -> Values:
    """A load balancer's attributes."""
    return {
        "CrossZoneLoadBalancing": {"Enabled": one.attributes[CROSS_ZONE]},
        "AccessLog": {"Enabled": False},
        "ConnectionDraining": {"Enabled": one.attributes[DRAIN], "Timeout": one.attributes[DRAIN_FOR]},
        "ConnectionSettings": {"IdleTimeout": one.attributes[IDLE]},
    }
