"""The managed policies of AWS's that roles here may have: those of functions. moto has none unless it is told to."""

from __future__ import annotations

import json
from typing import Any

from coreos_lab.cloud.metadata import ACCOUNT

PATH = "/service-role/"
LOGS = ("logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents")
INTERFACES = (
    "ec2:CreateNetworkInterface",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSubnets",
    "ec2:DeleteNetworkInterface",
    "ec2:AssignPrivateIpAddresses",
    "ec2:UnassignPrivateIpAddresses",
)
ACTIONS = {"AWSLambdaBasicExecutionRole": LOGS, "AWSLambdaVPCAccessExecutionRole": (*LOGS, *INTERFACES)}


def furnish(backend: Any, region: str) -> None:
    """Gives IAM's objects the policies that they lack."""
    from moto.iam.models import AWSManagedPolicy

    for name, actions in ACTIONS.items():
        statement = {"Effect": "Allow", "Action": list(actions), "Resource": "*"}
        document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        policy = AWSManagedPolicy(name, ACCOUNT, region, path=PATH, document=document)
        backend.managed_policies.setdefault(policy.arn, policy)
