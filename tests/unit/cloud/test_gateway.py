"""API Gateway: its API as boto3 sees it, and what stages answer over HTTP."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import pytest

from coreos_lab.cloud.gateway.kept import Kept, Resource
from coreos_lab.cloud.gateway.serving import find
from tests.unit.cloud.conftest import Client, Served, refusal
from tests.unit.cloud.run_locally import TRUST, Played
from tests.unit.cloud.test_functions import CODE

pytest.importorskip("botocore.exceptions")


@dataclass
class Api:
    """An API with a method POST at /hook, deployed as `prod`, and a function behind it."""

    served: Served
    client: Client
    id: str
    root: str
    hook: str
    uri: str

    @property
    def method(self) -> dict[str, str]:
        return {"restApiId": self.id, "resourceId": self.hook, "httpMethod": "POST"}

    def integrate(self, kind: str = "AWS", **more: Any) -> None:
        self.client.put_integration(**self.method, type=kind, integrationHttpMethod="POST", uri=self.uri, **more)

    def deploy(self) -> None:
        self.client.create_deployment(restApiId=self.id, stageName="prod")

    def ask(self, method: str, path: str, body: str = "", **headers: str) -> tuple[int, Any, dict[str, str]]:
        connection = http.client.HTTPConnection("127.0.0.1", self.served.cloud.port, timeout=60)
        host = f"{self.id}.execute-api.us-west-2.amazonaws.com"
        connection.request(method, path, body or None, {"Host": host, **headers})
        answer = connection.getresponse()
        text = answer.read().decode()
        connection.close()
        return answer.status, json.loads(text) if text.startswith(("{", '"', "[")) else text, dict(answer.getheaders())


@pytest.fixture(scope="module")
def function(served: Served) -> Iterator[str]:
    """The ARN of a function that API Gateway may invoke for POST alone."""
    iam, functions = served.client("iam"), served.client("lambda")
    role = iam.create_role(RoleName="hooked", AssumeRolePolicyDocument=json.dumps(TRUST))["Role"]["Arn"]
    its = {"Runtime": "nodejs22.x", "Handler": "index.handler", "Role": role, "Code": {"ZipFile": CODE}}
    yield str(functions.create_function(FunctionName="hooked", **its)["FunctionArn"])
    functions.delete_function(FunctionName="hooked")
    iam.delete_role(RoleName="hooked")


@pytest.fixture
def api(served: Served, function: str) -> Iterator[Api]:
    client, functions = served.client("apigateway"), served.client("lambda")
    made = client.create_rest_api(name="deploy")
    hook = client.create_resource(restApiId=made["id"], parentId=made["rootResourceId"], pathPart="hook")["id"]
    uri = f"arn:aws:apigateway:us-west-2:lambda:path/2015-03-31/functions/{function}/invocations"
    found = Api(served, client, made["id"], made["rootResourceId"], hook, uri)
    client.put_method(**found.method, authorizationType="NONE")
    client.put_method_response(**found.method, statusCode="200")
    found.integrate()
    client.put_integration_response(**found.method, statusCode="200")
    source = f"arn:aws:execute-api:us-west-2:123456789012:{found.id}/*/POST/*"
    allowed = {"Action": "lambda:InvokeFunction", "Principal": "apigateway.amazonaws.com", "SourceArn": source}
    functions.add_permission(FunctionName="hooked", StatementId=found.id, **allowed)
    found.deploy()
    yield found
    functions.remove_permission(FunctionName="hooked", StatementId=found.id)
    client.delete_rest_api(restApiId=found.id)


def test_the_event_is_the_body_and_the_answer_is_the_result(api: Api, played: Played) -> None:
    status, said, headers = api.ask("POST", "/prod/hook", '{"a": 1}')
    assert (status, said, headers["Content-Type"]) == (200, "done", "application/json")
    assert api.ask("POST", "/prod/hook")[0] == 200
    assert [json.loads(body) for _name, body in played.events] == [{"a": 1}, {}]


def test_other_paths_methods_stages_and_apis_are_forbidden(api: Api, played: Played) -> None:
    for method, path in (("GET", "/prod/hook"), ("POST", "/prod/other"), ("POST", "/prod")):
        assert api.ask(method, path)[:2] == (403, {"message": "Missing Authentication Token"})
    assert api.ask("POST", "/dev/hook")[:2] == (403, {"message": "Forbidden"})
    assert api.ask("POST", "/prod/hook", Host="aaaaaaaaaa.execute-api.us-west-2.amazonaws.com")[0] == 403
    assert played.events == []


def test_a_body_that_is_no_json_is_a_bad_request(api: Api, played: Played) -> None:
    status, said, _headers = api.ask("POST", "/prod/hook", "a=1", **{"Content-Type": "text/plain"})
    assert status == 400
    assert said["message"].startswith("Could not parse request body into json")
    assert played.events == []


def test_an_error_of_the_function_is_a_200_unless_a_pattern_matches_it(api: Api, played: Played) -> None:
    played.answer = lambda _event: (b'{"errorMessage": "not a push"}', True)
    assert api.ask("POST", "/prod/hook")[:2] == (200, {"errorMessage": "not a push"})
    api.client.put_method_response(**api.method, statusCode="422")
    api.client.put_integration_response(**api.method, statusCode="422", selectionPattern="not a .*")
    assert api.ask("POST", "/prod/hook")[0] == 200  # what is deployed is a copy
    api.deploy()
    assert api.ask("POST", "/prod/hook")[0] == 422
    played.answer = lambda _event: (b'{"errorMessage": "something else"}', True)
    assert api.ask("POST", "/prod/hook")[0] == 200


def test_without_the_permission_the_gateway_is_broken(api: Api, played: Played) -> None:
    api.client.put_method(restApiId=api.id, resourceId=api.hook, httpMethod="PUT", authorizationType="NONE")
    place = {**api.method, "httpMethod": "PUT"}
    api.client.put_integration(**place, type="AWS_PROXY", integrationHttpMethod="POST", uri=api.uri)
    api.deploy()
    assert api.ask("PUT", "/prod/hook")[:2] == (500, {"message": "Internal server error"})
    assert played.events == []


def test_a_proxy_integration_has_the_whole_request_and_the_whole_answer(api: Api, played: Played) -> None:
    said = {"statusCode": 201, "headers": {"X-Mine": "1"}, "body": "made"}
    played.answer = lambda _event: (json.dumps(said).encode(), False)
    api.integrate("AWS_PROXY")
    api.deploy()
    status, text, headers = api.ask("POST", "/prod/hook?a=1&a=2", "plain", **{"X-Given": "y"})
    assert (status, text, headers["X-Mine"]) == (201, "made", "1")
    event = json.loads(played.events[0][1])
    assert (event["path"], event["httpMethod"], event["body"]) == ("/hook", "POST", "plain")
    assert event["multiValueQueryStringParameters"] == {"a": ["1", "2"]}
    assert event["headers"]["X-Given"] == "y"
    assert event["requestContext"]["stage"] == "prod"
    odd = {"statusCode": 299, "headers": {"Content-Length": "100", "Connection": "x"}, "body": "made"}
    played.answer = lambda _event: (json.dumps(odd).encode(), False)
    status, text, headers = api.ask("POST", "/prod/hook")
    assert (status, text, headers["x-amzn-Remapped-Content-Length"]) == (299, "made", "100")
    split = b'{"headers": {"X": "a\\r\\nSet-Cookie: b"}}'
    for wrong in (b'"text"', b'{"statusCode": "x"}', b'{"body": 7}', b'{"statusCode": 1e400}', b"[" * 10**5, split):
        played.answer = lambda _event, wrong=wrong: (wrong, False)  # type: ignore[misc]
        assert api.ask("POST", "/prod/hook")[0] == 502


def test_a_method_is_tried_out_before_it_is_deployed(api: Api, played: Played) -> None:
    played.answer = lambda event: (event, False)
    tried = api.client.test_invoke_method(**api.method, body='{"a": 1}')
    assert (tried["status"], json.loads(tried["body"])) == (200, {"a": 1})


def test_apis_are_kept(api: Api) -> None:
    again = Kept.load(api.served.folder / "apis.json")
    assert again.apis == api.served.api.gateway.kept.apis
    assert {each["name"] for each in api.served.api.gateway.listed()} == {"deploy"}


def test_what_cannot_be_is_refused(api: Api) -> None:
    client, its = api.client, {"restApiId": api.id}
    proxy = {**api.method, "type": "HTTP_PROXY", "integrationHttpMethod": "POST", "uri": "http://example.com"}
    assert refusal(client.put_integration, **proxy) == "UnsupportedOperation"
    assert refusal(client.put_integration, **{**proxy, "type": "AWS"}) == "BadRequestException"
    assert refusal(client.put_method, **api.method, authorizationType="NONE") == "ConflictException"
    other = {**api.method, "httpMethod": "GET"}
    assert refusal(client.put_method, **other, authorizationType="AWS_IAM") == "UnsupportedOperation"
    assert refusal(client.get_method, **other) == "NotFoundException"
    for part, code in (("a b", "BadRequestException"), ("hook", "ConflictException")):
        assert refusal(client.create_resource, **its, parentId=api.root, pathPart=part) == code
    (deployment,) = client.get_deployments(**its)["items"]
    assert refusal(client.delete_deployment, **its, deploymentId=deployment["id"]) == "BadRequestException"
    assert refusal(client.create_stage, **its, stageName="a/b", deploymentId=deployment["id"]) == "BadRequestException"
    traced = [{"op": "replace", "path": "/~1hook/POST/logging/loglevel", "value": "INFO"}]
    assert refusal(client.update_stage, **its, stageName="prod", patchOperations=traced) == "UnsupportedOperation"
    assert refusal(client.get_api_keys) == "UnsupportedOperation"


def test_what_is_refused_has_changed_nothing(api: Api) -> None:
    client, stage = api.client, {"restApiId": api.id, "stageName": "prod"}
    changes = [("/description", "new"), ("/variables/a", "1"), ("/~1hook/POST/logging/loglevel", "INFO")]
    asked = [{"op": "replace", "path": path, "value": value} for path, value in changes]
    assert refusal(client.update_stage, **stage, patchOperations=asked) == "UnsupportedOperation"
    found = client.get_stage(**stage)
    assert "description" not in found
    assert "variables" not in found
    client.update_stage(**stage, patchOperations=asked[:2])
    assert client.get_stage(**stage)["variables"] == {"a": "1"}


def test_a_deployment_s_variables_are_its_stage_s(api: Api) -> None:
    for variables in ({"a": "1", "b": "1"}, {"b": "2"}):
        api.client.create_deployment(restApiId=api.id, stageName="more", variables=variables)
    assert api.client.get_stage(restApiId=api.id, stageName="more")["variables"] == {"a": "1", "b": "2"}


@pytest.mark.parametrize("length", ["-1", "x", "\u00b2", "1" * 30])
@pytest.mark.parametrize("host", ["", "discovery.etcd.io", "API"])
def test_a_length_that_is_no_number_of_bytes_is_not_waited_for(api: Api, host: str, length: str) -> None:
    name = f"{api.id}.execute-api.us-west-2.amazonaws.com" if host == "API" else host
    signed = {
        "Authorization": "AWS4-HMAC-SHA256 Credential=a/b/us-west-2/ec2/aws4_request, SignedHeaders=h, Signature=x"
    }
    connection = http.client.HTTPConnection("127.0.0.1", api.served.cloud.port, timeout=20)
    connection.putrequest("POST", "/prod/hook", skip_host=True)
    for key, value in {"Host": name, "X-Amz-Date": "20260101T000000Z", "Content-Length": length, **signed}.items():
        connection.putheader(key, value.encode("utf-8"))
    connection.endheaders()
    assert connection.getresponse().status == HTTPStatus.BAD_REQUEST
    connection.close()


def test_paths_with_variables_come_after_those_that_are_written_out() -> None:
    resources = {
        each.id: each
        for each in (
            Resource("0", "", ""),
            Resource("1", "0", "pets"),
            Resource("2", "1", "{id}"),
            Resource("3", "1", "new"),
            Resource("4", "2", "{rest+}"),
        )
    }

    def found(path: str) -> tuple[str, dict[str, str]] | None:
        one = find(resources, path)
        return (one[0].id, one[1]) if one else None

    assert found("/") == ("0", {})
    assert found("/pets/new") == ("3", {})
    assert found("/pets/7") == ("2", {"id": "7"})
    assert found("/pets/7/a/b") == ("4", {"id": "7", "rest": "a/b"})
    assert found("/cats") is None
