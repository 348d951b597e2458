"""Load balancers and what belongs to them, as the API of 2015-12-01 shows them."""

from __future__ import annotations

from typing import Any

from coreos_lab.cloud.balancing.kept import APPLICATION, Balancer, Kept, Listener, TargetGroup

Values = dict[str, Any]


def zones(balancer: Balancer) -> list[Values]:
    """The zones of a load balancer, with its subnets."""
    return [{"ZoneName": zone, "SubnetId": subnet} for subnet, zone in balancer.subnets.items()]


def balancer(one: Balancer) -> Values:
    """A load balancer."""
    return {
        "LoadBalancerArn": one.arn,
        "DNSName": one.dns,
        "CreatedTime": one.created,
        "LoadBalancerName": one.name,
        "Scheme": one.scheme,
        "VpcId": one.vpc,
        "State": {"Code": one.state},
        "Type": APPLICATION,
        "AvailabilityZones": zones(one),
        "SecurityGroups": one.groups,
        "IpAddressType": "ipv4",
    }


def pairs(attributes: dict[str, str]) -> list[Values]:
    """Attributes."""
    return [{"Key": key, "Value": value} for key, value in attributes.items()]


def group(one: TargetGroup, kept: Kept) -> Values:
    """A target group."""
    check, user = one.check, kept.user_of(one)
    own: Values = {"HealthCheckPath": check.path, "Matcher": {"HttpCode": check.codes}}
    return {
        "TargetGroupArn": one.arn,
        "TargetGroupName": one.name,
        "Protocol": one.protocol,
        "ProtocolVersion": "HTTP1",
        "Port": one.port,
        "VpcId": one.vpc,
        "HealthCheckProtocol": check.protocol,
        "HealthCheckPort": str(check.port or "traffic-port"),
        "HealthCheckEnabled": True,
        "HealthCheckIntervalSeconds": check.interval,
        "HealthCheckTimeoutSeconds": check.timeout,
        "HealthyThresholdCount": check.healthy,
        "UnhealthyThresholdCount": check.unhealthy,
        **own,
        "LoadBalancerArns": [user.arn] if user else [],
        "TargetType": "instance",
        "IpAddressType": "ipv4",
    }


def listener(one: Listener, of: Balancer) -> Values:
    """A listener."""
    return {
        "ListenerArn": one.arn,
        "LoadBalancerArn": of.arn,
        "Port": one.port,
        "Protocol": one.protocol,
        "DefaultActions": [forward(one.group)],
    }


def forward(arn: str) -> Values:
    """The action that forwards to a target group."""
    config = {"TargetGroups": [{"TargetGroupArn": arn, "Weight": 1}], "TargetGroupStickinessConfig": {"Enabled": False}}
    return {"Type": "forward", "TargetGroupArn": arn, "Order": 1, "ForwardConfig": config}
