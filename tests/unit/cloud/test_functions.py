"""Lambda's API as boto3 sees it: functions, their code, their policies, and what is refused."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from coreos_lab.cloud import sessions
from coreos_lab.cloud.functions import code, permissions
from coreos_lab.cloud.functions.kept import Function, Kept
from coreos_lab.cloud.sigv4 import RefusedError
from tests.unit.cloud.conftest import Client, Served, refusal
from tests.unit.cloud.run_locally import TRUST, Played

pytest.importorskip("botocore.exceptions")
CODE = code.of_text("index.js", "exports.handler = async () => 1;")
BASIC = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"
VPC = "arn:aws:iam::aws:policy/service-role/AWSLambdaVPCAccessExecutionRole"
INVALID = "InvalidParameterValueException"


@pytest.fixture(scope="module")
def role(served: Served) -> Iterator[str]:
    iam = served.client("iam")
    made = iam.create_role(RoleName="worker", AssumeRolePolicyDocument=json.dumps(TRUST))["Role"]["Arn"]
    yield str(made)
    for each in iam.list_attached_role_policies(RoleName="worker")["AttachedPolicies"]:
        iam.detach_role_policy(RoleName="worker", PolicyArn=each["PolicyArn"])
    iam.delete_role(RoleName="worker")


@pytest.fixture
def functions(served: Served) -> Iterator[Client]:
    found = served.client("lambda")
    yield found
    for each in found.list_functions()["Functions"]:
        found.delete_function(FunctionName=each["FunctionName"])


def make(functions: Client, role: str, name: str = "one", **more: Any) -> dict[str, Any]:
    its = {"Runtime": "nodejs22.x", "Handler": "index.handler", "Role": role, "Code": {"ZipFile": CODE}, **more}
    made: dict[str, Any] = functions.create_function(FunctionName=name, **its)
    return made


def test_a_function_is_made_shown_changed_and_deleted(functions: Client, role: str, served: Served) -> None:
    made = make(functions, role, Timeout=5, Environment={"Variables": {"NAME_1": "x"}}, Tags={"a": "1"})
    assert (made["State"], made["MemorySize"], made["CodeSize"]) == ("Active", 128, len(CODE))
    unpacked = code.folder_of(served.api.functions.folder, 1, made["CodeSha256"])
    assert (unpacked / "index.js").read_text() == "exports.handler = async () => 1;"
    whole = functions.get_function(FunctionName=made["FunctionArn"])
    assert (whole["Configuration"]["Timeout"], whole["Tags"]) == (5, {"a": "1"})
    changed = functions.update_function_configuration(FunctionName="one", MemorySize=256)
    assert (changed["MemorySize"], changed["Timeout"], changed["Environment"]) == (256, 5, made["Environment"])
    assert changed["RevisionId"] != made["RevisionId"]
    other = code.of_text("index.js", "exports.handler = 2;")
    again = functions.update_function_code(FunctionName="one", ZipFile=other)
    assert again["CodeSha256"] != made["CodeSha256"]
    assert Kept.load(served.folder / "functions.json").find("one") == served.api.functions.kept.find("one")
    functions.delete_function(FunctionName="one")
    assert refusal(functions.get_function, FunctionName="one") == "ResourceNotFoundException"


def test_functions_are_listed_by_pages(functions: Client, role: str) -> None:
    for name in "cab":
        make(functions, role, name)
    pages = functions.get_paginator("list_functions").paginate(PaginationConfig={"PageSize": 2})
    assert [[each["FunctionName"] for each in page["Functions"]] for page in pages] == [["a", "b"], ["c"]]


def test_code_comes_from_a_bucket_too(functions: Client, role: str, served: Served) -> None:
    s3 = served.client("s3")
    s3.create_bucket(Bucket="codes", CreateBucketConfiguration={"LocationConstraint": "us-west-2"})
    s3.put_object(Bucket="codes", Key="one.zip", Body=CODE)
    made = make(functions, role, Code={"S3Bucket": "codes", "S3Key": "one.zip"})
    assert made["CodeSha256"] == code.digest(CODE)
    missing = {"S3Bucket": "codes", "S3Key": "two.zip"}
    assert refusal(make, functions=functions, role=role, name="two", Code=missing) == INVALID
    s3.delete_object(Bucket="codes", Key="one.zip")
    s3.delete_bucket(Bucket="codes")


@pytest.mark.parametrize(
    "more",
    [
        {"Timeout": 901},
        {"MemorySize": 10241},  # boto3 itself refuses too few
        {"Runtime": "java21"},
        {"Handler": "a b"},
        {"Role": "arn:aws:iam::123456789012:role/nobody"},
        {"Code": {"ZipFile": b"no archive"}},
        {"Code": {}},
        {"Environment": {"Variables": {"AWS_REGION": "x"}}},
        {"Environment": {"Variables": {"X1": "y" * 5000}}},
        {"VpcConfig": {"SubnetIds": ["subnet-0"], "SecurityGroupIds": ["sg-0"]}},
        {"Publish": True},
        {"Layers": ["arn:aws:lambda:us-west-2:123456789012:layer:l:1"]},
        {"Architectures": ["arm64"]},
    ],
)
def test_what_cannot_be_is_refused_and_nothing_is_made(functions: Client, role: str, more: dict[str, Any]) -> None:
    code_ = refusal(lambda: make(functions, role, **more))
    assert code_ in (INVALID, "ValidationException", "UnsupportedOperation")
    assert functions.list_functions()["Functions"] == []


def test_a_role_must_trust_lambda_and_may_need_the_policy_for_vpcs(
    functions: Client, role: str, served: Served
) -> None:
    iam, ec2 = served.client("iam"), served.client("ec2")
    (subnet, *_others) = ec2.describe_subnets()["Subnets"]
    group = ec2.describe_security_groups(GroupNames=["default"])["SecurityGroups"][0]["GroupId"]
    vpc = {"SubnetIds": [subnet["SubnetId"]], "SecurityGroupIds": [group]}
    with pytest.raises(functions.exceptions.InvalidParameterValueException, match="CreateNetworkInterface"):
        make(functions, role, VpcConfig=vpc)
    iam.attach_role_policy(RoleName="worker", PolicyArn=VPC)
    made = make(functions, role, VpcConfig=vpc)
    assert (made["State"], made["VpcConfig"]["VpcId"]) == ("Pending", subnet["VpcId"])
    assert refusal(functions.invoke, FunctionName="one") == "ResourceConflictException"
    iam.update_assume_role_policy(
        RoleName="worker", PolicyDocument=json.dumps(TRUST).replace("lambda.amazonaws", "ec2.amazonaws")
    )
    with pytest.raises(functions.exceptions.InvalidParameterValueException, match="cannot be assumed by Lambda"):
        make(functions, role, "two")
    iam.update_assume_role_policy(RoleName="worker", PolicyDocument=json.dumps(TRUST))


def test_managed_policies_are_kept_to(served: Served, role: str) -> None:
    iam = served.client("iam")
    iam.attach_role_policy(RoleName="worker", PolicyArn=BASIC)
    given = sessions.give(served.cloud, "worker", "one", datetime.now(UTC))
    logs = served.client("logs", key=given.access_key, secret=given.secret_key, token=given.token)
    logs.create_log_group(logGroupName="of-a-function")
    assert refusal(logs.delete_log_group, logGroupName="of-a-function") == "AccessDeniedException"
    served.client("logs").delete_log_group(logGroupName="of-a-function")
    assert refusal(iam.delete_role, RoleName="worker") == "DeleteConflict"
    iam.detach_role_policy(RoleName="worker", PolicyArn=BASIC)
    assert refusal(iam.attach_role_policy, RoleName="worker", PolicyArn=f"{BASIC}s") == "NoSuchEntity"


def test_invoking_gives_result_error_and_log(functions: Client, role: str, played: Played) -> None:
    make(functions, role)
    answer = functions.invoke(FunctionName="one", Payload=b'{"a": 1}', LogType="Tail")
    assert (answer["StatusCode"], answer["ExecutedVersion"], answer["Payload"].read()) == (200, "$LATEST", b'"done"')
    assert "FunctionError" not in answer
    assert answer["LogResult"] == "bG9nCg=="
    played.answer = lambda _event: (b'{"errorMessage": "x"}', True)
    assert functions.invoke(FunctionName="one")["FunctionError"] == "Unhandled"
    assert functions.invoke(FunctionName="one", InvocationType="Event", Payload=b"{}")["StatusCode"] == 202
    assert functions.invoke(FunctionName="one", InvocationType="DryRun")["StatusCode"] == 204
    assert played.events == [("one", b'{"a": 1}'), ("one", b"{}"), ("one", b"{}")]


def test_payloads_that_are_no_json_or_too_large_are_refused(functions: Client, role: str, played: Played) -> None:
    make(functions, role)
    assert refusal(functions.invoke, FunctionName="one", Payload=b"{") == "InvalidRequestContentException"
    large = json.dumps("x" * 7 * 2**20).encode()
    assert refusal(functions.invoke, FunctionName="one", Payload=large) == "RequestTooLargeException"
    assert refusal(functions.invoke, FunctionName="one", Qualifier="2") == "UnsupportedOperation"
    assert refusal(functions.invoke, FunctionName="none") == "ResourceNotFoundException"
    assert played.events == []


def test_permissions_come_and_go(functions: Client, role: str) -> None:
    make(functions, role)
    its = {"FunctionName": "one", "StatementId": "api", "Action": "lambda:InvokeFunction"}
    functions.add_permission(**its, Principal="apigateway.amazonaws.com")
    assert refusal(functions.add_permission, **its, Principal="*") == "ResourceConflictException"
    assert refusal(functions.add_permission, **{**its, "StatementId": "b"}, Principal="me") == INVALID
    (statement,) = json.loads(functions.get_policy(FunctionName="one")["Policy"])["Statement"]
    assert statement["Principal"] == {"Service": "apigateway.amazonaws.com"}
    functions.remove_permission(FunctionName="one", StatementId="api")
    assert refusal(functions.get_policy, FunctionName="one") == "ResourceNotFoundException"


def test_a_permission_is_for_its_service_and_its_source() -> None:
    function = Function("f", 1, "arn", "nodejs22.x", "i.h", "r", "s", 1, "now")
    source = "arn:aws:execute-api:us-west-2:123456789012:abc/*/POST/*"
    permissions.add(
        function,
        {"StatementId": "x", "Action": "lambda:*", "Principal": "apigateway.amazonaws.com", "SourceArn": source},
    )
    own = "arn:aws:execute-api:us-west-2:123456789012:abc/prod/POST/hook"
    assert permissions.allows_service(function, "apigateway.amazonaws.com", own)
    assert not permissions.allows_service(function, "s3.amazonaws.com", own)
    assert not permissions.allows_service(function, "apigateway.amazonaws.com", own.replace("POST", "GET"))


def test_archives_are_checked_before_they_are_unpacked(tmp_path: Path) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("../escaped", "x")
        link = zipfile.ZipInfo("link")
        link.external_attr = 0o120777 << 16
        archive.writestr(link, "/etc/shadow")
    code.check(out.getvalue())
    code.unpack(out.getvalue(), tmp_path / "code")
    assert not (tmp_path / "escaped").exists()
    assert not (tmp_path / "code/link").is_symlink()
    for bad in (b"", b"PK", out.getvalue()[:-30], b"x" * (code.ARCHIVE_MAX + 1)):
        with pytest.raises(RefusedError):
            code.check(bad)


def test_a_path_that_is_not_there_is_refused_by_name(functions: Client) -> None:
    with pytest.raises(functions.exceptions.ClientError, match="layers: not part of this cloud"):
        functions.list_layers()
