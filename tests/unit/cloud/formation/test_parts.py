"""Parts of properties: what is not carried out is named, instead of passed over in silence."""

from __future__ import annotations

from typing import Any
from unittest.mock import MagicMock

import pytest

from coreos_lab.cloud.formation.call import Call
from coreos_lab.cloud.formation.kinds import KINDS
from coreos_lab.cloud.formation.patience import until
from coreos_lab.cloud.sigv4 import RefusedError

FUNCTION = {"Code": {"S3Bucket": "b", "S3Key": "k"}, "Role": "r", "Runtime": "nodejs22.x", "Handler": "index.handler"}
METHOD = {"RestApiId": "a", "ResourceId": "r", "HttpMethod": "GET", "AuthorizationType": "NONE"}
GROUP = {"Port": 80, "Protocol": "HTTP", "VpcId": "vpc-1"}
LISTENER = {"LoadBalancerPort": 80, "InstancePort": 80, "Protocol": "HTTP"}
CLASSIC = {"Listeners": [LISTENER], "Subnets": ["subnet-1"]}
CHECK = {"Target": "TCP:80", "Interval": 5, "Timeout": 3, "HealthyThreshold": 2, "UnhealthyThreshold": 2}
ODD = {"Odd": 1}


@pytest.mark.parametrize(
    ("type_", "properties", "named"),
    [
        ("Lambda::Function", {**FUNCTION, "Environment": ODD}, "Environment/Odd"),
        ("Lambda::Function", {**FUNCTION, "VpcConfig": ODD}, "VpcConfig/Odd"),
        ("ApiGateway::Method", {**METHOD, "MethodResponses": [{"StatusCode": 200, **ODD}]}, "MethodResponses/Odd"),
        (
            "ApiGateway::Method",
            {**METHOD, "Integration": {"Type": "AWS", "IntegrationResponses": [{"StatusCode": 200, **ODD}]}},
            "Integration/IntegrationResponses/Odd",
        ),
        ("S3::Bucket", {"LifecycleConfiguration": {"Rules": [], **ODD}}, "LifecycleConfiguration/Odd"),
        ("ElasticLoadBalancingV2::TargetGroup", {**GROUP, "Matcher": ODD}, "Matcher/Odd"),
        ("ElasticLoadBalancingV2::TargetGroup", {**GROUP, "Targets": [{"Id": "i-1", **ODD}]}, "Targets/Odd"),
        ("ElasticLoadBalancing::LoadBalancer", {**CLASSIC, "HealthCheck": {**CHECK, **ODD}}, "HealthCheck/Odd"),
        ("ElasticLoadBalancing::LoadBalancer", {**CLASSIC, "ConnectionSettings": ODD}, "ConnectionSettings/Odd"),
        ("IAM::Role", {"AssumeRolePolicyDocument": {}, "Policies": [ODD]}, "Policies/Odd"),
        (
            "EC2::LaunchTemplate",
            {"LaunchTemplateData": {}, "TagSpecifications": [{"ResourceType": "instance", "Tags": []}]},
            "TagSpecifications: instance",
        ),
    ],
)
def test_a_part_that_is_not_carried_out_is_named(type_: str, properties: dict[str, Any], named: str) -> None:
    tags = tuple((f"aws:cloudformation:{key}", "x") for key in ("stack-name", "stack-id", "logical-id"))
    with pytest.raises(RefusedError, match=named):
        KINDS[f"AWS::{type_}"].make(Call(MagicMock(), tags, until), properties)
