"""Functions as the API shows them."""

from __future__ import annotations

import json

from coreos_lab.cloud.functions.kept import VERSION, Function
from coreos_lab.cloud.json_api import Values


def configuration(each: Function) -> Values:
    """What Lambda calls a FunctionConfiguration."""
    found: Values = {
        "FunctionName": each.name,
        "FunctionArn": each.arn,
        "Runtime": each.runtime,
        "Role": each.role,
        "Handler": each.handler,
        "CodeSize": each.size,
        "Description": each.description,
        "Timeout": each.timeout,
        "MemorySize": each.memory,
        "LastModified": each.modified,
        "CodeSha256": each.sha,
        "Version": VERSION,
        "TracingConfig": {"Mode": "PassThrough"},
        "RevisionId": each.revision,
        "State": each.state,
        "LastUpdateStatus": "Successful",
        "PackageType": "Zip",
        "Architectures": ["x86_64"],
        "EphemeralStorage": {"Size": 512},
        "LoggingConfig": {"LogFormat": "Text", "LogGroup": each.log_group},
    }
    if each.subnets:
        found["VpcConfig"] = {"SubnetIds": each.subnets, "SecurityGroupIds": each.groups, "VpcId": each.vpc}
    if each.variables:
        found["Environment"] = {"Variables": each.variables}
    return found


def policy(each: Function) -> str:
    """A function's policy as a document."""
    return json.dumps({"Version": "2012-10-17", "Id": "default", "Statement": list(each.policy.values())})
