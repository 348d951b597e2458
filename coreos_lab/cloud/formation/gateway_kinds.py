"""The types of API Gateway: REST APIs, their resources and methods, deployments and stages."""

from __future__ import annotations

from typing import Any

from coreos_lab.cloud.formation import tags
from coreos_lab.cloud.formation.call import TAGS, Attributes, Call, Kind, Values, name_of, only
from coreos_lab.cloud.formation.method_kind import METHOD

# Settings of a stage's methods: the property, and what the API calls it.
SETTINGS = {
    "CachingEnabled": "caching/enabled",
    "DataTraceEnabled": "logging/dataTrace",
    "LoggingLevel": "logging/loglevel",
    "MetricsEnabled": "metrics/enabled",
    "ThrottlingBurstLimit": "throttling/burstLimit",
    "ThrottlingRateLimit": "throttling/rateLimit",
}


def _replace(path: str, value: Any) -> dict[str, str]:
    return {"op": "replace", "path": path, "value": str(value)}


def _api(call: Call, its: Values) -> tuple[str, Attributes]:
    note = {"description": str(its["Description"])} if "Description" in its else {}
    own = {**tags.pairs(its), **dict(call.tags)}
    made = call.client("apigateway").create_rest_api(name=str(its["Name"]), tags=own, **note)
    return made["id"], {"RootResourceId": made["rootResourceId"], "RestApiId": made["id"]}


def _update_api(call: Call, name: str, old: Values, new: Values) -> tuple[str, Attributes]:
    gateway = call.client("apigateway")
    changes = [_replace("/name", new["Name"]), _replace("/description", new.get("Description", ""))]
    gateway.update_rest_api(restApiId=name, patchOperations=changes)
    arn = f"arn:aws:apigateway:{gateway.meta.region_name}::/restapis/{name}"
    tags.change(
        old,
        new,
        lambda fresh: gateway.tag_resource(resourceArn=arn, tags=fresh),
        lambda gone: gateway.untag_resource(resourceArn=arn, tagKeys=gone),
    )
    return name, {}


def _delete_api(call: Call, name: str, _its: Values) -> None:
    """One whose making was interrupted is found by its tags."""
    gateway = call.client("apigateway")
    wanted = dict(call.tags).items()
    found = [each["id"] for each in gateway.get_rest_apis()["items"] if wanted <= each.get("tags", {}).items()]
    for each in [name] if name else found:
        gateway.delete_rest_api(restApiId=each)


def _resource(call: Call, its: Values) -> tuple[str, Attributes]:
    made = call.client("apigateway").create_resource(
        restApiId=its["RestApiId"], parentId=its["ParentId"], pathPart=str(its["PathPart"])
    )
    return made["id"], {"ResourceId": made["id"]}


def _delete_resource(call: Call, name: str, its: Values) -> None:
    gateway, api = call.client("apigateway"), its["RestApiId"]
    listed = gateway.get_resources(restApiId=api)["items"]
    own = [each["id"] for each in listed if _is(each, its)] if not name else [name]
    for each in own:
        gateway.delete_resource(restApiId=api, resourceId=each)


def _is(each: Values, its: Values) -> bool:
    return (each.get("parentId"), each.get("pathPart")) == (its["ParentId"], str(its["PathPart"]))


def _deployment(call: Call, its: Values) -> tuple[str, Attributes]:
    """Its description ends with its name in the stack, by which one is found whose making was interrupted."""
    note = _note(call, its)
    stage = {"stageName": str(its["StageName"])} if "StageName" in its else {}
    made = call.client("apigateway").create_deployment(restApiId=its["RestApiId"], description=note, **stage)
    return made["id"], {"DeploymentId": made["id"]}


def _note(call: Call, its: Values) -> str:
    return f"{its.get('Description', '')} ({name_of(call)})".strip()


def _update_deployment(call: Call, name: str, _old: Values, new: Values) -> tuple[str, Attributes]:
    changes = [_replace("/description", _note(call, new))]
    call.client("apigateway").update_deployment(restApiId=new["RestApiId"], deploymentId=name, patchOperations=changes)
    return name, {}


def _delete_deployment(call: Call, name: str, its: Values) -> None:
    gateway, api = call.client("apigateway"), its["RestApiId"]
    listed = gateway.get_deployments(restApiId=api)["items"]
    end = f"({name_of(call)})"
    for own in [name] if name else [each["id"] for each in listed if each.get("description", "").endswith(end)]:
        for stage in gateway.get_stages(restApiId=api, deploymentId=own)["item"]:
            if stage["stageName"] == its.get("StageName"):
                gateway.delete_stage(restApiId=api, stageName=stage["stageName"])
        gateway.delete_deployment(restApiId=api, deploymentId=own)


def _stage(call: Call, its: Values) -> tuple[str, Attributes]:
    gateway, name = call.client("apigateway"), str(its.get("StageName") or name_of(call))
    note = {"description": str(its["Description"])} if "Description" in its else {}
    variables = {key: str(value) for key, value in its.get("Variables", {}).items()}
    gateway.create_stage(
        restApiId=its["RestApiId"],
        stageName=name,
        deploymentId=its["DeploymentId"],
        variables=variables,
        tags=dict(call.tags),
        **note,
    )
    if changes := _settings(its):
        gateway.update_stage(restApiId=its["RestApiId"], stageName=name, patchOperations=changes)
    return name, {}


def _settings(its: Values) -> list[dict[str, str]]:
    """The settings of methods as changes of a stage. A path's slashes are written ~1 in there."""
    found = []
    for each in its.get("MethodSettings", []):
        only("AWS::ApiGateway::Stage MethodSettings", each, ("HttpMethod", "ResourcePath", *SETTINGS))
        place = _place(each)
        for key, name in SETTINGS.items():
            if key in each:
                value = str(each[key])
                found.append(
                    _replace(f"{place}/{name}", value.lower() if value.lower() in ("true", "false") else value)
                )
    return found


def _place(setting: Values) -> str:
    return f"/{str(setting.get('ResourcePath', '/*')).replace('/', '~1')}/{setting.get('HttpMethod', '*')}"


def _update_stage(call: Call, name: str, old: Values, new: Values) -> tuple[str, Attributes]:
    changes = [_replace("/deploymentId", new["DeploymentId"]), _replace("/description", new.get("Description", ""))]
    gone = [f"/variables/{key}" for key in old.get("Variables", {}) if key not in new.get("Variables", {})]
    changes += [{"op": "remove", "path": path} for path in (*gone, *map(_place, old.get("MethodSettings", [])))]
    changes += [_replace(f"/variables/{key}", value) for key, value in new.get("Variables", {}).items()]
    changes += _settings(new)
    call.client("apigateway").update_stage(restApiId=new["RestApiId"], stageName=name, patchOperations=changes)
    return name, {}


def _delete_stage(call: Call, name: str, its: Values) -> None:
    gateway, own = call.client("apigateway"), name or str(its.get("StageName") or name_of(call))
    if not name:  # one that was there before, or one whose making was interrupted
        try:
            there = gateway.get_stage(restApiId=its["RestApiId"], stageName=own).get("tags", {})
        except gateway.exceptions.NotFoundException:
            return
        if not dict(call.tags).items() <= there.items():
            return
    gateway.delete_stage(restApiId=its["RestApiId"], stageName=own)


KINDS = {
    "AWS::ApiGateway::RestApi": Kind(
        ("Name", "Description", TAGS),
        ("Name",),
        _api,
        _delete_api,
        ("RootResourceId", "RestApiId"),
        in_place=("Name", "Description", TAGS),
        update=_update_api,
    ),
    "AWS::ApiGateway::Resource": Kind(
        ("RestApiId", "ParentId", "PathPart"),
        ("RestApiId", "ParentId", "PathPart"),
        _resource,
        _delete_resource,
        ("ResourceId",),
    ),
    "AWS::ApiGateway::Method": METHOD,
    "AWS::ApiGateway::Deployment": Kind(
        ("RestApiId", "Description", "StageName"),
        ("RestApiId",),
        _deployment,
        _delete_deployment,
        ("DeploymentId",),
        in_place=("Description",),
        update=_update_deployment,
    ),
    "AWS::ApiGateway::Stage": Kind(
        ("RestApiId", "StageName", "DeploymentId", "Description", "Variables", "MethodSettings"),
        ("RestApiId", "DeploymentId"),
        _stage,
        _delete_stage,
        in_place=("DeploymentId", "Description", "Variables", "MethodSettings"),
        update=_update_stage,
        name="StageName",
    ),
}
