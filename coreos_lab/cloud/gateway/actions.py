"""The actions of API Gateway that this cloud carries out, with their paths and parameters (version 2015-07-09)."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import unquote

from coreos_lab.cloud import json_api
from coreos_lab.cloud.json_api import Action, Asked, Values
from coreos_lab.cloud.sigv4 import RefusedError, Request, pairs

INVALID = "BadRequestException"
API = r"/restapis/(?P<restApiId>[^/]+)"
RESOURCE = rf"{API}/resources/(?P<resourceId>[^/]+)"
METHOD = rf"{RESOURCE}/methods/(?P<httpMethod>[^/]+)"
STATUS = r"(?P<statusCode>[^/]+)"
STAGE = rf"{API}/stages/(?P<stageName>[^/]+)"
TAGS = r"/tags/(?P<resourceArn>.+)"
ROUTES = (
    ("POST", "/restapis", "CreateRestApi"),
    ("GET", "/restapis", "GetRestApis"),
    ("GET", API, "GetRestApi"),
    ("PATCH", API, "UpdateRestApi"),
    ("DELETE", API, "DeleteRestApi"),
    ("GET", f"{API}/resources", "GetResources"),
    ("POST", rf"{API}/resources/(?P<parentId>[^/]+)", "CreateResource"),
    ("GET", RESOURCE, "GetResource"),
    ("PATCH", RESOURCE, "UpdateResource"),
    ("DELETE", RESOURCE, "DeleteResource"),
    ("PUT", METHOD, "PutMethod"),
    ("GET", METHOD, "GetMethod"),
    ("POST", METHOD, "TestInvokeMethod"),
    ("DELETE", METHOD, "DeleteMethod"),
    ("PUT", rf"{METHOD}/responses/{STATUS}", "PutMethodResponse"),
    ("DELETE", rf"{METHOD}/responses/{STATUS}", "DeleteMethodResponse"),
    ("PUT", f"{METHOD}/integration", "PutIntegration"),
    ("GET", f"{METHOD}/integration", "GetIntegration"),
    ("DELETE", f"{METHOD}/integration", "DeleteIntegration"),
    ("PUT", rf"{METHOD}/integration/responses/{STATUS}", "PutIntegrationResponse"),
    ("DELETE", rf"{METHOD}/integration/responses/{STATUS}", "DeleteIntegrationResponse"),
    ("POST", f"{API}/deployments", "CreateDeployment"),
    ("GET", f"{API}/deployments", "GetDeployments"),
    ("GET", rf"{API}/deployments/(?P<deploymentId>[^/]+)", "GetDeployment"),
    ("PATCH", rf"{API}/deployments/(?P<deploymentId>[^/]+)", "UpdateDeployment"),
    ("DELETE", rf"{API}/deployments/(?P<deploymentId>[^/]+)", "DeleteDeployment"),
    ("POST", f"{API}/stages", "CreateStage"),
    ("GET", f"{API}/stages", "GetStages"),
    ("GET", STAGE, "GetStage"),
    ("PATCH", STAGE, "UpdateStage"),
    ("DELETE", STAGE, "DeleteStage"),
    ("GET", TAGS, "GetTags"),
    ("PUT", TAGS, "TagResource"),
    ("DELETE", TAGS, "UntagResource"),
)
ONE = {"restApiId": str}
PLACE = {**ONE, "resourceId": str, "httpMethod": str}
STAGED = {**ONE, "stageName": str}
CHANGES = {"patchOperations": list}
LISTED = {"position": str, "limit": str, "embed": str}
ACTIONS = {
    "CreateRestApi": Action({"name": str}, {"description": str, "tags": dict, "endpointConfiguration": dict}),
    "GetRestApis": Action({}, LISTED),
    "GetRestApi": Action(ONE),
    "UpdateRestApi": Action(ONE, CHANGES),
    "DeleteRestApi": Action(ONE),
    "GetResources": Action(ONE, LISTED),
    "CreateResource": Action({**ONE, "parentId": str, "pathPart": str}),
    "GetResource": Action({**ONE, "resourceId": str}, LISTED),
    "UpdateResource": Action({**ONE, "resourceId": str}, CHANGES),
    "DeleteResource": Action({**ONE, "resourceId": str}),
    "PutMethod": Action({**PLACE, "authorizationType": str}, {"operationName": str, "apiKeyRequired": bool}),
    "TestInvokeMethod": Action(PLACE, {"body": str, "headers": dict, "pathWithQueryString": str}),
    "PutMethodResponse": Action({**PLACE, "statusCode": str}, {"responseModels": dict}),
    "DeleteMethodResponse": Action({**PLACE, "statusCode": str}),
    "PutIntegration": Action(
        {**PLACE, "type": str, "uri": str},
        {
            "httpMethod": str,
            "integrationHttpMethod": str,
            "passthroughBehavior": str,
            "timeoutInMillis": int,
            "contentHandling": str,
        },
    ),
    "PutIntegrationResponse": Action(
        {**PLACE, "statusCode": str}, {"selectionPattern": str, "responseTemplates": dict}
    ),
    "DeleteIntegrationResponse": Action({**PLACE, "statusCode": str}),
    "CreateDeployment": Action(ONE, {"stageName": str, "stageDescription": str, "description": str, "variables": dict}),
    "GetDeployments": Action(ONE, LISTED),
    "GetDeployment": Action({**ONE, "deploymentId": str}, LISTED),
    "UpdateDeployment": Action({**ONE, "deploymentId": str}, CHANGES),
    "DeleteDeployment": Action({**ONE, "deploymentId": str}),
    "CreateStage": Action(
        {**STAGED, "deploymentId": str},
        {"description": str, "variables": dict, "tags": dict, "cacheClusterEnabled": bool},
    ),
    "GetStages": Action(ONE, {"deploymentId": str}),
    "GetStage": Action(STAGED),
    "UpdateStage": Action(STAGED, CHANGES),
    "DeleteStage": Action(STAGED),
    "GetTags": Action({"resourceArn": str}, LISTED),
    "TagResource": Action({"resourceArn": str, "tags": dict}),
    "UntagResource": Action({"resourceArn": str, "tagKeys": list}),
}
OF_METHOD = Action(PLACE)  # of the other actions
AS_IT_IS: dict[str, tuple[Any, ...]] = {
    "apiKeyRequired": (False,),
    "authorizationType": ("NONE",),
    "cacheClusterEnabled": (False,),
    "contentHandling": ("CONVERT_TO_TEXT",),
    "integrationHttpMethod": ("POST",),
}


def read(request: Request) -> Asked:
    """What a request asks for. RefusedError names what is not part of this cloud."""
    path = request.path.rstrip("/")
    for method, pattern, action in ROUTES:
        match = re.fullmatch(pattern, path)
        if match and method == request.method:
            body = json_api.read(request)
            if action == "PutIntegration" and "httpMethod" in body:  # the integration's own, under the method's name
                body["integrationHttpMethod"] = body.pop("httpMethod")
            values: Values = {**body, **_query(request)}
            values |= {name: unquote(value) for name, value in match.groupdict().items()}
            require(action, values)
            return Asked(action, f"apigateway:{method}", values)
    raise RefusedError(
        "UnsupportedOperation", f"apigateway {request.method} {path}: not part of this cloud (see docs/cloud.md)"
    )


def _query(request: Request) -> Values:
    found: Values = dict(pairs(request.query))
    if "tagKeys" in found:
        found["tagKeys"] = [value for name, value in pairs(request.query) if name == "tagKeys"]
    return found


def require(action: str, values: Values) -> None:
    """RefusedError for a parameter or a value that this cloud does not carry out."""
    json_api.require(action, values, ACTIONS.get(action, OF_METHOD), INVALID)
    for name, value in values.items():
        if value not in AS_IT_IS.get(name, (value,)):
            raise RefusedError("UnsupportedOperation", f"{action}: {name}={value}: not part of this cloud")
    if any(values.get("responseTemplates", {}).values()):
        raise RefusedError("UnsupportedOperation", f"{action}: responseTemplates: not part of this cloud")
    configuration = values.get("endpointConfiguration", {})
    kinds = configuration.get("types") or []
    if set(configuration) - {"types"} or any(each not in ("EDGE", "REGIONAL") for each in kinds):
        raise RefusedError(
            "UnsupportedOperation", f"{action}: endpointConfiguration={configuration}: not part of this cloud"
        )


def invalid(message: str) -> RefusedError:
    """The error for a parameter."""
    return RefusedError(INVALID, message)


def missing(message: str) -> RefusedError:
    """The error for something that is not there."""
    return RefusedError("NotFoundException", message)
