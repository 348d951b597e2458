"""Updates of functions, APIs and log groups: cases for test_kinds.py, each as the arguments of a Case."""

from __future__ import annotations

from typing import Any

from tests.unit.cloud.formation.stacks import Resources, of
from tests.unit.cloud.run_locally import TRUST

ONE = "One"
LOGS = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"
ROLE = {"Role": of("IAM::Role", AssumeRolePolicyDocument=TRUST)}
ARN = {"Fn::GetAtt": ["Role", "Arn"]}
TEXT = "exports.handler = async () => 1;"
FUNCTION: dict[str, Any] = {"Runtime": "nodejs22.x", "Handler": "index.handler", "Role": ARN, "Code": {"ZipFile": TEXT}}
API = {"Api": of("ApiGateway::RestApi", Name="api")}
OF_API = {"RestApiId": {"Ref": "Api"}}
ROOT = {**OF_API, "ResourceId": {"Fn::GetAtt": ["Api", "RootResourceId"]}}
URI = {
    "Fn::Sub": "arn:aws:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/"
    "arn:aws:lambda:${AWS::Region}:${AWS::AccountId}:function:any/invocations"
}


def method(status: str = "200", **more: Any) -> dict[str, Any]:
    integration = {
        "Type": "AWS",
        "IntegrationHttpMethod": "POST",
        "Uri": URI,
        "IntegrationResponses": [{"StatusCode": status}],
        **more,
    }
    responses = [{"StatusCode": status}]
    place = {**ROOT, "HttpMethod": "POST", "AuthorizationType": "NONE"}
    return {**place, "Integration": integration, "MethodResponses": responses}


def stage(deployment: str, **more: Any) -> dict[str, Any]:
    return {**OF_API, "StageName": "prod", "DeploymentId": {"Ref": deployment}, **more}


def after_method(text: str) -> dict[str, Any]:
    """A text that is known once the API has its method, without which it cannot be deployed."""
    return {"Fn::Select": [0, [text, {"Ref": "Method"}]]}


def tag(key: str, value: str) -> dict[str, str]:
    return {"Key": key, "Value": value}


def own(tags: dict[str, str]) -> dict[str, str]:
    return {key: value for key, value in tags.items() if not key.startswith("aws:")}


def function(seen: Any) -> Any:
    said = seen.client("lambda").get_function(FunctionName=seen.one)
    its = said["Configuration"]
    variables = its.get("Environment", {}).get("Variables", {})
    return its["Timeout"], its["MemorySize"], its["CodeSize"], variables, own(said["Tags"])


def api(seen: Any) -> Any:
    said = seen.client("apigateway").get_rest_api(restApiId=seen.one)
    return said["name"], said.get("description", ""), own(said["tags"])


def deployment(seen: Any) -> Any:
    said = seen.client("apigateway").get_deployment(restApiId=seen.ids["Api"], deploymentId=seen.one)
    return said["description"].partition(" (")[0]


def deployed(seen: Any) -> Any:
    said = seen.client("apigateway").get_stage(restApiId=seen.ids["Api"], stageName="prod")
    names = {value: key for key, value in seen.ids.items()}
    return names[said["deploymentId"]], said.get("description", ""), said.get("variables", {}), said["methodSettings"]


def integrated(seen: Any) -> Any:
    gateway, name = seen.client("apigateway"), seen.ids["Api"]
    (root,) = gateway.get_resources(restApiId=name)["items"]
    said = gateway.get_integration(restApiId=name, resourceId=root["id"], httpMethod="POST")
    return said["timeoutInMillis"], sorted(said["integrationResponses"])


def log_group(seen: Any) -> Any:
    logs = seen.client("logs")
    (said,) = logs.describe_log_groups(logGroupNamePrefix=seen.one)["logGroups"]
    tags = logs.list_tags_for_resource(resourceArn=said["logGroupArn"])["tags"]
    return said.get("retentionInDays"), own(tags)


POSTED: Resources = {**API, "Method": of("ApiGateway::Method", **method())}
DEPLOYED: Resources = {
    **POSTED,
    **{
        name: {**of("ApiGateway::Deployment", **OF_API), "DependsOn": "Method"}
        for name in ("Deployment1", "Deployment2")
    },
}
OFF = {"HttpMethod": "POST", "ResourcePath": "/a", "LoggingLevel": "OFF", "DataTraceEnabled": "false"}
CASES: dict[str, tuple[Any, ...]] = {
    "function": (
        "Lambda::Function",
        {**FUNCTION, "Environment": {"Variables": {"AB": "1"}}, "Tags": [tag("a", "1")]},
        {**FUNCTION, "Code": {"ZipFile": f"{TEXT}//"}, "Timeout": 9, "MemorySize": "256", "Tags": [tag("b", "2")]},
        function,
        ((3, 128, 146, {"AB": "1"}, {"a": "1"}), (9, 256, 148, {}, {"b": "2"})),
        ROLE,
    ),
    "api": (
        "ApiGateway::RestApi",
        {"Name": "one", "Description": "d", "Tags": [tag("a", "1"), tag("c", "3")]},
        {"Name": "two", "Tags": [tag("a", "2"), tag("b/é", "1")]},
        api,
        (("one", "d", {"a": "1", "c": "3"}), ("two", "", {"a": "2", "b/é": "1"})),
        {},
    ),
    "deployment": (
        "ApiGateway::Deployment",
        {**OF_API, "Description": after_method("first")},
        {**OF_API, "Description": after_method("second")},
        deployment,
        ("first", "second"),
        {**API, "Method": of("ApiGateway::Method", **method())},
    ),
    "method": (
        "ApiGateway::Method",
        method(),
        method("201", TimeoutInMillis="5000"),
        integrated,
        ((29000, ["200"]), (5000, ["201"])),
        API,
    ),
    "stage": (
        "ApiGateway::Stage",
        stage("Deployment1", Description="d"),
        stage("Deployment2", Variables={"x": "1"}, MethodSettings=[OFF]),
        deployed,
        (
            ("Deployment1", "d", {}, {}),
            ("Deployment2", "", {"x": "1"}, {"~1a/POST": {"dataTraceEnabled": False, "loggingLevel": "OFF"}}),
        ),
        DEPLOYED,
    ),
    "log group": (
        "Logs::LogGroup",
        {"RetentionInDays": 7, "Tags": [tag("a", "1")]},
        {"Tags": [tag("a", "2"), tag("b", "1")]},
        log_group,
        ((7, {"a": "1"}), (None, {"a": "2", "b": "1"})),
        {},
    ),
}
