"""Resources, methods and integrations of a REST API."""

from __future__ import annotations

import re
from typing import Any

from coreos_lab.cloud.gateway import kept, names
from coreos_lab.cloud.gateway.actions import invalid, missing
from coreos_lab.cloud.gateway.kept import Api, Kept, Resource
from coreos_lab.cloud.json_api import Values
from coreos_lab.cloud.sigv4 import RefusedError

PART = r"[a-zA-Z0-9._\-:]+|\{[a-zA-Z0-9._\-:]+\+?\}"
METHODS = ("ANY", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT")
KINDS = ("AWS", "AWS_PROXY")
PASSING = ("WHEN_NO_MATCH", "WHEN_NO_TEMPLATES", "NEVER")
TIMEOUT = (50, 29_000)  # milliseconds
CODE = r"[1-5]\d\d"


def api_of(kept_: Kept, asked: Values) -> Api:
    """The API that a request is about."""
    found = kept_.apis.get(asked["restApiId"])
    if found is None:
        raise missing("Invalid API identifier specified")
    return found


def resource_of(api: Api, name: str) -> Resource:
    """A resource by its id."""
    if name not in api.resources:
        raise missing("Invalid Resource identifier specified")
    return api.resources[name]


class Resources:
    """The actions about resources, methods and integrations."""

    def __init__(self, kept_: Kept) -> None:
        self.kept = kept_

    def get_resources(self, asked: Values) -> Values:
        api = api_of(self.kept, asked)
        return {"item": [shown(api, each) for each in api.resources.values()]}

    def create_resource(self, asked: Values) -> Values:
        api = api_of(self.kept, asked)
        parent = resource_of(api, asked["parentId"])
        _require_free(api, parent.id, asked["pathPart"])
        made = Resource(names.new(6), parent.id, asked["pathPart"])
        api.resources[made.id] = made
        return shown(api, made)

    def get_resource(self, asked: Values) -> Values:
        api = api_of(self.kept, asked)
        return shown(api, resource_of(api, asked["resourceId"]))

    def update_resource(self, asked: Values) -> Values:
        api = api_of(self.kept, asked)
        resource = resource_of(api, asked["resourceId"])
        part = names.changes(asked, ("pathPart",)).get("pathPart")
        if part is not None and part != resource.part:
            _require_free(api, resource.parent, part)
            resource.part = part
        return shown(api, resource)

    def delete_resource(self, asked: Values) -> None:
        api = api_of(self.kept, asked)
        resource = resource_of(api, asked["resourceId"])
        if not resource.parent:
            raise invalid("Root resource cannot be deleted")
        for each in list(kept.below(api.resources, resource)):
            del api.resources[each.id]

    def put_method(self, asked: Values) -> Values:
        resource = resource_of(api_of(self.kept, asked), asked["resourceId"])
        verb = asked["httpMethod"]
        if verb not in METHODS:
            raise invalid(f"Invalid HTTP method specified: {verb}. Known: {', '.join(METHODS)}")
        if verb in resource.methods:
            raise RefusedError("ConflictException", "Method already exists for this resource")
        method: Values = {"httpMethod": verb, "authorizationType": "NONE", "apiKeyRequired": False}
        resource.methods[verb] = method
        return method

    def method_of(self, asked: Values) -> dict[str, Any]:
        """The method that a request is about."""
        resource = resource_of(api_of(self.kept, asked), asked["resourceId"])
        if asked["httpMethod"] not in resource.methods:
            raise missing("Invalid Method identifier specified")
        return resource.methods[asked["httpMethod"]]

    def get_method(self, asked: Values) -> Values:
        return self.method_of(asked)

    def delete_method(self, asked: Values) -> None:
        self.method_of(asked)
        del resource_of(api_of(self.kept, asked), asked["resourceId"]).methods[asked["httpMethod"]]

    def put_method_response(self, asked: Values) -> Values:
        response = {"statusCode": _code(asked), "responseModels": asked.get("responseModels", {})}
        self.method_of(asked).setdefault("methodResponses", {})[response["statusCode"]] = response
        return response

    def delete_method_response(self, asked: Values) -> None:
        if self.method_of(asked).get("methodResponses", {}).pop(asked["statusCode"], None) is None:
            raise missing("Invalid Response status code specified")

    def put_integration(self, asked: Values) -> Values:
        if asked["type"] not in KINDS:
            raise RefusedError("UnsupportedOperation", f"PutIntegration: type={asked['type']}: not part of this cloud")
        if "integrationHttpMethod" not in asked:
            raise invalid("Enumeration value for HttpMethod must be non-empty")
        if names.function_of(asked["uri"]) is None:
            raise invalid(
                f"Invalid ARN specified in the request: {asked['uri']}: the invocations of a function are known"
            )
        passing = asked.get("passthroughBehavior", PASSING[0])
        if passing not in PASSING:
            raise invalid(f"passthroughBehavior: {passing}: must be one of {', '.join(PASSING)}")
        timeout = asked.get("timeoutInMillis", TIMEOUT[1])
        if not TIMEOUT[0] <= timeout <= TIMEOUT[1]:
            raise invalid(f"Timeout should be between {TIMEOUT[0]} ms and {TIMEOUT[1]} ms")
        integration: Values = {
            "type": asked["type"],
            "httpMethod": asked["integrationHttpMethod"],
            "uri": asked["uri"],
            "passthroughBehavior": passing,
            "timeoutInMillis": timeout,
            "cacheNamespace": asked["resourceId"],
        }
        method = self.method_of(asked)
        if before := method.get("methodIntegration", {}).get("integrationResponses"):
            integration["integrationResponses"] = before
        method["methodIntegration"] = integration
        return integration

    def integration_of(self, asked: Values) -> Values:
        """The integration that a request is about."""
        found: Values | None = self.method_of(asked).get("methodIntegration")
        if found is None:
            raise missing("No integration defined for method")
        return found

    def get_integration(self, asked: Values) -> Values:
        return self.integration_of(asked)

    def delete_integration(self, asked: Values) -> None:
        self.integration_of(asked)
        del self.method_of(asked)["methodIntegration"]

    def put_integration_response(self, asked: Values) -> Values:
        if _code(asked) not in self.method_of(asked).get("methodResponses", {}):
            raise missing("Invalid Response status code specified")
        response: Values = {"statusCode": asked["statusCode"]}
        if asked.get("selectionPattern"):
            try:
                re.compile(asked["selectionPattern"])
            except re.error as error:
                raise invalid(f"selectionPattern: {error}") from None
            response["selectionPattern"] = asked["selectionPattern"]
        self.integration_of(asked).setdefault("integrationResponses", {})[asked["statusCode"]] = response
        return response

    def delete_integration_response(self, asked: Values) -> None:
        if self.integration_of(asked).get("integrationResponses", {}).pop(asked["statusCode"], None) is None:
            raise missing("Invalid Response status code specified")


def _code(asked: Values) -> str:
    code = str(asked["statusCode"])
    if not re.fullmatch(CODE, code):
        raise invalid(f"Invalid status code: {code}")
    return code


def _require_free(api: Api, parent: str, part: str) -> None:
    if not re.fullmatch(PART, part):
        raise invalid(
            "Resource's path part only allow a-zA-Z0-9._-: or a valid greedy path variable and curly braces at the "
            f"beginning and the end: {part}"
        )
    for each in api.resources.values():
        if each.parent == parent and each.part == part:
            raise RefusedError(
                "ConflictException", f"Another resource with the same parent already has this name: {part}"
            )
        if each.parent == parent and each.part.startswith("{") and part.startswith("{"):
            raise invalid(f"A sibling ({each.part}) of this resource already has a variable path part")


def shown(api: Api, each: Resource) -> Values:
    """A resource as the API shows it."""
    found: Values = {"id": each.id, "path": kept.path(api.resources, each)}
    if each.parent:
        found |= {"parentId": each.parent, "pathPart": each.part}
    if each.methods:
        found["resourceMethods"] = each.methods
    return found
