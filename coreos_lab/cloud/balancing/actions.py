"""What this cloud has of the two APIs, which share a name, and tell apart by their version."""

from __future__ import annotations

from collections.abc import Mapping

from coreos_lab.cloud import services

V2, CLASSIC = "2015-12-01", "2012-06-01"
NAMESPACES = {version: f"http://elasticloadbalancing.amazonaws.com/doc/{version}/" for version in (V2, CLASSIC)}
_TAGS = r"Tags\.member\.\d+\.(Key|Value)"
_CHECK = (
    r"HealthCheck(Protocol|Port|Enabled|Path|IntervalSeconds|TimeoutSeconds)",
    r"(HealthyThresholdCount|UnhealthyThresholdCount|Matcher\.HttpCode)",
)
_ACTION = (
    r"DefaultActions\.member\.\d+\.(Type|TargetGroupArn|Order)",
    r"DefaultActions\.member\.\d+\.ForwardConfig\.TargetGroups\.member\.\d+\.(TargetGroupArn|Weight)",
)
_ATTRIBUTES = r"Attributes\.member\.\d+\.(Key|Value)"
_TARGETS = (r"TargetGroupArn", r"Targets\.member\.\d+\.(Id|Port)")
_INSTANCES = (r"LoadBalancerName", r"Instances\.member\.\d+\.InstanceId")
_LISTENERS = r"Listeners\.member\.\d+\.(Protocol|LoadBalancerPort|InstanceProtocol|InstancePort)"
_SUBNETS = (r"LoadBalancerName", r"Subnets\.member\.\d+")
# For each version its actions, with the parameters that each carries out, as patterns.
ACTIONS: dict[str, dict[str, tuple[str, ...]]] = {
    V2: {
        "CreateLoadBalancer": (
            r"(Name|Scheme|Type|IpAddressType)",
            r"(Subnets|SecurityGroups)\.member\.\d+",
            r"SubnetMappings\.member\.\d+\.SubnetId",
            _TAGS,
        ),
        "DescribeLoadBalancers": (r"(LoadBalancerArns|Names)\.member\.\d+", r"PageSize"),
        "DeleteLoadBalancer": (r"LoadBalancerArn",),
        "SetSecurityGroups": (r"LoadBalancerArn", r"SecurityGroups\.member\.\d+"),
        "SetSubnets": (r"LoadBalancerArn", r"Subnets\.member\.\d+"),
        "DescribeLoadBalancerAttributes": (r"LoadBalancerArn",),
        "ModifyLoadBalancerAttributes": (r"LoadBalancerArn", _ATTRIBUTES),
        "CreateTargetGroup": (r"(Name|Protocol|ProtocolVersion|Port|VpcId|TargetType|IpAddressType)", *_CHECK, _TAGS),
        "ModifyTargetGroup": (r"TargetGroupArn", *_CHECK),
        "DescribeTargetGroups": (r"LoadBalancerArn", r"(TargetGroupArns|Names)\.member\.\d+", r"PageSize"),
        "DeleteTargetGroup": (r"TargetGroupArn",),
        "DescribeTargetGroupAttributes": (r"TargetGroupArn",),
        "ModifyTargetGroupAttributes": (r"TargetGroupArn", _ATTRIBUTES),
        "RegisterTargets": _TARGETS,
        "DeregisterTargets": _TARGETS,
        "DescribeTargetHealth": _TARGETS,
        "CreateListener": (r"(LoadBalancerArn|Protocol|Port)", *_ACTION),
        "ModifyListener": (r"(ListenerArn|Protocol|Port)", *_ACTION),
        "DescribeListeners": (r"LoadBalancerArn", r"ListenerArns\.member\.\d+", r"PageSize"),
        "DeleteListener": (r"ListenerArn",),
        "AddTags": (r"ResourceArns\.member\.\d+", _TAGS),
        "RemoveTags": (r"(ResourceArns|TagKeys)\.member\.\d+",),
        "DescribeTags": (r"ResourceArns\.member\.\d+",),
    },
    CLASSIC: {
        "CreateLoadBalancer": (
            r"(LoadBalancerName|Scheme)",
            r"(Subnets|SecurityGroups)\.member\.\d+",
            _LISTENERS,
            _TAGS,
        ),
        "DescribeLoadBalancers": (r"LoadBalancerNames\.member\.\d+", r"PageSize"),
        "DeleteLoadBalancer": (r"LoadBalancerName",),
        "CreateLoadBalancerListeners": (r"LoadBalancerName", _LISTENERS),
        "DeleteLoadBalancerListeners": (r"LoadBalancerName", r"LoadBalancerPorts\.member\.\d+"),
        "ConfigureHealthCheck": (
            r"LoadBalancerName",
            r"HealthCheck\.(Target|Interval|Timeout|HealthyThreshold|UnhealthyThreshold)",
        ),
        "RegisterInstancesWithLoadBalancer": _INSTANCES,
        "DeregisterInstancesFromLoadBalancer": _INSTANCES,
        "DescribeInstanceHealth": _INSTANCES,
        "ApplySecurityGroupsToLoadBalancer": (r"LoadBalancerName", r"SecurityGroups\.member\.\d+"),
        "AttachLoadBalancerToSubnets": _SUBNETS,
        "DetachLoadBalancerFromSubnets": _SUBNETS,
        "DescribeLoadBalancerAttributes": (r"LoadBalancerName",),
        "ModifyLoadBalancerAttributes": (
            r"LoadBalancerName",
            r"LoadBalancerAttributes\.(CrossZoneLoadBalancing|ConnectionDraining|AccessLog)\.(Enabled|Timeout)",
            r"LoadBalancerAttributes\.ConnectionSettings\.IdleTimeout",
        ),
        "AddTags": (r"LoadBalancerNames\.member\.\d+", _TAGS),
        "RemoveTags": (r"LoadBalancerNames\.member\.\d+", r"Tags\.member\.\d+\.Key"),
        "DescribeTags": (r"LoadBalancerNames\.member\.\d+",),
    },
}
VALUES = {"CreateLoadBalancer": ((r"IpAddressType", "dualstack"),), "CreateTargetGroup": ((r"IpAddressType", "ipv6"),)}


def require(version: str, action: str, parameters: Mapping[str, str]) -> None:
    """RefusedError for a version, an action or a parameter that this cloud does not carry out."""
    known = ACTIONS.get(version, {})
    services.require_action("elasticloadbalancing", action, known)
    services.require_parameters(action, parameters, known[action], VALUES.get(action, ()))
