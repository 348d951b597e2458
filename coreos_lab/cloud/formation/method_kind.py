"""The type of API Gateway's methods, each with its integration and its responses."""

from __future__ import annotations

from functools import partial
from typing import Any

from coreos_lab.cloud.formation.call import Attributes, Call, Kind, Values, name_of, only, true, unless

GONE = ("NotFoundException",)
INTEGRATION, RESPONSES = "Integration", "MethodResponses"
PARTS = ("Type", "IntegrationHttpMethod", "Uri", "PassthroughBehavior", "TimeoutInMillis", "IntegrationResponses")


def _place(its: Values) -> dict[str, str]:
    return {"restApiId": its["RestApiId"], "resourceId": its["ResourceId"], "httpMethod": str(its["HttpMethod"])}


def _make(call: Call, its: Values) -> tuple[str, Attributes]:
    gateway, place, integration = call.client("apigateway"), _place(its), its.get(INTEGRATION, {})
    only(f"AWS::ApiGateway::Method {INTEGRATION}", integration, PARTS)
    for each in its.get(RESPONSES, []):
        only(f"AWS::ApiGateway::Method {RESPONSES}", each, ("StatusCode", "ResponseModels"))
    for each in integration.get("IntegrationResponses", []):
        known = ("StatusCode", "SelectionPattern", "ResponseTemplates")
        only(f"AWS::ApiGateway::Method {INTEGRATION}/IntegrationResponses", each, known)
    needs_key = true(its.get("ApiKeyRequired", False))
    gateway.put_method(**place, authorizationType=its["AuthorizationType"], apiKeyRequired=needs_key)
    for each in its.get(RESPONSES, []):
        models = {"responseModels": each["ResponseModels"]} if "ResponseModels" in each else {}
        gateway.put_method_response(**place, statusCode=str(each["StatusCode"]), **models)
    if integration:
        gateway.put_integration(**place, **_integration(integration))
    for each in integration.get("IntegrationResponses", []):
        pattern = {"selectionPattern": str(each["SelectionPattern"])} if "SelectionPattern" in each else {}
        templates = {"responseTemplates": each["ResponseTemplates"]} if "ResponseTemplates" in each else {}
        gateway.put_integration_response(**place, statusCode=str(each["StatusCode"]), **pattern, **templates)
    return name_of(call), {}


def _integration(its: Values) -> dict[str, Any]:
    found: dict[str, Any] = {"type": str(its["Type"]), "uri": str(its.get("Uri", ""))}
    names = {"integrationHttpMethod": "IntegrationHttpMethod", "passthroughBehavior": "PassthroughBehavior"}
    found |= {name: str(its[key]) for name, key in names.items() if key in its}
    if "TimeoutInMillis" in its:
        found["timeoutInMillis"] = int(its["TimeoutInMillis"])
    return found


def _update(call: Call, name: str, old: Values, new: Values) -> tuple[str, Attributes]:
    """Made anew under the same name: what is deployed is a copy, and stays as it is meanwhile."""
    unless(GONE, partial(call.client("apigateway").delete_method, **_place(old)))
    _make(call, new)
    return name, {}


def _delete(call: Call, _name: str, its: Values) -> None:
    call.client("apigateway").delete_method(**_place(its))


METHOD = Kind(
    ("RestApiId", "ResourceId", "HttpMethod", "AuthorizationType", "ApiKeyRequired", INTEGRATION, RESPONSES),
    ("RestApiId", "ResourceId", "HttpMethod", "AuthorizationType"),
    _make,
    _delete,
    in_place=("AuthorizationType", "ApiKeyRequired", INTEGRATION, RESPONSES),
    update=_update,
)
