"""REST APIs, their deployments and their stages."""

from __future__ import annotations

import re
import time
from typing import Any

from coreos_lab.cloud.gateway import names
from coreos_lab.cloud.gateway.actions import invalid, missing
from coreos_lab.cloud.gateway.kept import ROOT, Api, Deployment, Kept, Resource, Stage, path
from coreos_lab.cloud.gateway.resources import api_of
from coreos_lab.cloud.json_api import Values
from coreos_lab.cloud.sigv4 import RefusedError

STAGE = r"[a-zA-Z0-9_\-]{1,128}"
# What a stage may be told of its methods, by the path of the change. All methods: */*.
SETTING = r"(?P<method>.+/[A-Z*]+)/(?P<name>(?:metrics|logging|throttling|caching)/\w+)"
ALL_SETTINGS = r".+/[A-Z*]+"  # of a method, to be removed
# Settings that ask for no more than there is: nothing is throttled, cached, measured or logged.
OFF = {"metrics/enabled": "false", "logging/loglevel": "OFF", "logging/dataTrace": "false", "caching/enabled": "false"}
SHOWN = {
    "metrics/enabled": "metricsEnabled",
    "logging/loglevel": "loggingLevel",
    "logging/dataTrace": "dataTraceEnabled",
    "caching/enabled": "cachingEnabled",
}


class Stages:
    """The actions about APIs, deployments and stages."""

    def __init__(self, kept: Kept) -> None:
        self.kept = kept

    def create_rest_api(self, asked: Values) -> Values:
        name = asked["name"]
        if not name.strip():
            raise invalid("The name of an API must not be empty")
        root = Resource(names.new(10), "", "")
        tags = {key: str(value) for key, value in asked.get("tags", {}).items()}
        made = Api(names.new(10), name, _now(), asked.get("description", ""), tags, {root.id: root})
        self.kept.apis[made.id] = made
        return _shown_api(made)

    def get_rest_apis(self, _asked: Values) -> Values:
        return {"item": [_shown_api(each) for each in self.kept.apis.values()]}

    def get_rest_api(self, asked: Values) -> Values:
        return _shown_api(api_of(self.kept, asked))

    def update_rest_api(self, asked: Values) -> Values:
        api = api_of(self.kept, asked)
        asked_for = names.changes(asked, ("name", "description"))
        api.name = asked_for.get("name") or api.name
        api.description = asked_for.get("description", api.description) or ""
        return _shown_api(api)

    def delete_rest_api(self, asked: Values) -> None:
        del self.kept.apis[api_of(self.kept, asked).id]

    def create_deployment(self, asked: Values) -> Values:
        api = api_of(self.kept, asked)
        methods = [method for each in api.resources.values() for method in each.methods.values()]
        if not methods:
            raise invalid("The REST API doesn't contain any methods")
        if any("methodIntegration" not in each for each in methods):
            raise invalid("No integration defined for method")
        name = asked.get("stageName", "")
        if name:
            _require_name(name)
        made = Deployment(names.new(6), _now(), asked.get("description", ""), api.copy())
        api.deployments[made.id] = made
        if name and name not in api.stages:
            api.stages[name] = Stage(name, made.id, _now(), _now(), asked.get("stageDescription", ""))
        if name:
            stage = api.stages[name]
            stage.deployment, stage.updated = made.id, _now()
            stage.variables |= {key: str(value) for key, value in asked.get("variables", {}).items()}
        return _shown_deployment(made)

    def get_deployments(self, asked: Values) -> Values:
        return {"item": [_shown_deployment(each) for each in api_of(self.kept, asked).deployments.values()]}

    def get_deployment(self, asked: Values) -> Values:
        return _shown_deployment(_deployment(api_of(self.kept, asked), asked["deploymentId"]))

    def update_deployment(self, asked: Values) -> Values:
        found = _deployment(api_of(self.kept, asked), asked["deploymentId"])
        found.description = names.changes(asked, ("description",)).get("description", found.description) or ""
        return _shown_deployment(found)

    def delete_deployment(self, asked: Values) -> None:
        api = api_of(self.kept, asked)
        found = _deployment(api, asked["deploymentId"])
        if any(each.deployment == found.id for each in api.stages.values()):
            raise invalid("Active stages pointing to this deployment must be moved or deleted")
        del api.deployments[found.id]

    def create_stage(self, asked: Values) -> Values:
        api, name = api_of(self.kept, asked), asked["stageName"]
        _require_name(name)
        if name in api.stages:
            raise RefusedError("ConflictException", "Stage already exists")
        deployment = _deployment(api, asked["deploymentId"])
        variables = {key: str(value) for key, value in asked.get("variables", {}).items()}
        tags = {key: str(value) for key, value in asked.get("tags", {}).items()}
        api.stages[name] = Stage(
            name, deployment.id, _now(), _now(), asked.get("description", ""), variables, tags=tags
        )
        return _shown_stage(api.stages[name])

    def get_stages(self, asked: Values) -> Values:
        found = api_of(self.kept, asked).stages.values()
        wanted = asked.get("deploymentId")
        return {"item": [_shown_stage(each) for each in found if wanted in (None, each.deployment)]}

    def get_stage(self, asked: Values) -> Values:
        return _shown_stage(self._stage(asked))

    def update_stage(self, asked: Values) -> Values:
        api, stage = api_of(self.kept, asked), self._stage(asked)
        known = ("deploymentId", "description", r"variables/\w+", SETTING, ALL_SETTINGS)
        for name, value in names.changes(asked, known, ("replace", "remove")).items():
            first, _slash, rest = name.partition("/")
            if name == "deploymentId":
                stage.deployment = _deployment(api, value or "").id
            elif name == "description":
                stage.description = value or ""
            elif first == "variables" and value is not None:
                stage.variables[rest] = value
            elif first == "variables":
                stage.variables.pop(rest, None)
            elif value is not None:
                _set(stage, name, value)
            else:
                stage.settings.pop(name, None)
        stage.updated = _now()
        return _shown_stage(stage)

    def delete_stage(self, asked: Values) -> None:
        stage = self._stage(asked)
        del api_of(self.kept, asked).stages[stage.name]

    def get_tags(self, asked: Values) -> Values:
        return {"tags": self._tags(asked)}

    def tag_resource(self, asked: Values) -> None:
        self._tags(asked).update({key: str(value) for key, value in asked["tags"].items()})

    def untag_resource(self, asked: Values) -> None:
        tags = self._tags(asked)
        for key in asked["tagKeys"]:
            tags.pop(key, None)

    def _tags(self, asked: Values) -> dict[str, str]:
        """The tags of the API or the stage that an ARN stands for."""
        api, stage = names.tagged(asked["resourceArn"])
        if stage:
            return self._stage({"restApiId": api, "stageName": stage}).tags
        return api_of(self.kept, {"restApiId": api}).tags

    def _stage(self, asked: Values) -> Stage:
        found = api_of(self.kept, asked).stages.get(asked["stageName"])
        if found is None:
            raise missing("Invalid stage identifier specified")
        return found


def _set(stage: Stage, name: str, value: str) -> None:
    """Notes a setting of a method. RefusedError for one that would not be kept to."""
    match = re.fullmatch(SETTING, name)
    if match is None or OFF.get(match["name"]) != value:
        raise RefusedError("UnsupportedOperation", f"UpdateStage: /{name}={value}: not part of this cloud")
    stage.settings.setdefault(match["method"], {})[SHOWN[match["name"]]] = False if value == "false" else value


def _deployment(api: Api, name: str) -> Deployment:
    if name not in api.deployments:
        raise missing("Invalid Deployment identifier specified")
    return api.deployments[name]


def _require_name(name: str) -> None:
    if not re.fullmatch(STAGE, name):
        raise invalid("Stage name only allows a-zA-Z0-9_-")


def _now() -> int:
    return int(time.time())


def _shown_api(each: Api) -> Values:
    return {
        "id": each.id,
        "name": each.name,
        "createdDate": each.created,
        "apiKeySource": "HEADER",
        "endpointConfiguration": {"types": ["EDGE"]},
        "disableExecuteApiEndpoint": False,
        "rootResourceId": each.root.id,
        **({"description": each.description} if each.description else {}),
        **({"tags": each.tags} if each.tags else {}),
    }


def _shown_deployment(each: Deployment) -> Values:
    summary: dict[str, Any] = {}
    for resource in each.resources.values():
        for verb, method in resource.methods.items():
            said = {"authorizationType": method["authorizationType"], "apiKeyRequired": False}
            summary.setdefault(path(each.resources, resource) or ROOT, {})[verb] = said
    note = {"description": each.description} if each.description else {}
    return {"id": each.id, "createdDate": each.created, **note, "apiSummary": summary}


def _shown_stage(each: Stage) -> Values:
    return {
        "stageName": each.name,
        "deploymentId": each.deployment,
        "cacheClusterEnabled": False,
        "methodSettings": each.settings,
        "tracingEnabled": False,
        "createdDate": each.created,
        "lastUpdatedDate": each.updated,
        **({"description": each.description} if each.description else {}),
        **({"variables": each.variables} if each.variables else {}),
        **({"tags": each.tags} if each.tags else {}),
    }
