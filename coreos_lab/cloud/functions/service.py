"""Lambda's API: what a request asks for, and the answer to it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from coreos_lab.cloud import json_api, query
from coreos_lab.cloud.engine import Engine
from coreos_lab.cloud.functions import actions, checks, code, permissions, shown
from coreos_lab.cloud.functions.actions import invalid
from coreos_lab.cloud.functions.kept import ACTIVE, PENDING, VERSION, Function, Kept, now
from coreos_lab.cloud.functions.runner import Runner
from coreos_lab.cloud.json_api import Asked, Values
from coreos_lab.cloud.metadata import ACCOUNT
from coreos_lab.cloud.s3.answer import Reply
from coreos_lab.cloud.sigv4 import RefusedError, Request
from coreos_lab.model import Cloud

NAME = "lambda"
PAYLOAD_MAX = {"RequestResponse": 6 * 2**20, "Event": 2**20, "DryRun": 6 * 2**20}  # bytes
STATUS = {"CreateFunction": 201, "DeleteFunction": 204, "AddPermission": 201, "RemovePermission": 204}
STATUS |= {"TagResource": 204, "UntagResource": 204}
PAGE = 50  # functions in one answer


class Functions:
    """The functions of one cloud. `client` returns boto3's client for a service; `runner` is what runs them."""

    def __init__(self, cloud: Cloud, folder: Path, engine: Engine, client: Callable[[str], Any]) -> None:
        self.cloud, self.engine, self.client = cloud, engine, client
        self.folder = folder / "functions"
        self.kept = Kept.load(folder / "functions.json")
        self.lock = threading.RLock()
        self.runner: Runner | None = None

    def read(self, request: Request) -> Asked:
        """What a request asks for. RefusedError names what is not part of this cloud."""
        return actions.read(request)

    def call(self, asked: Asked) -> Reply:
        """Carries a request out. RefusedError says why not."""
        if asked.action == "Invoke":
            return self._invoke(asked)
        with self.lock:
            result = getattr(self, query.method(asked.action))(asked.values)
        return json_api.reply(result, STATUS.get(asked.action, 200))

    def arn(self, name: str) -> str:
        """The ARN of the function of that name."""
        return f"arn:aws:lambda:{self.cloud.region}:{ACCOUNT}:function:{name}"

    def require(self, text: str) -> Function:
        """The function that a name or an ARN stands for. RefusedError where there is none."""
        name = checks.name_of(text)
        found = self.kept.find(name)
        if found is None:
            raise RefusedError("ResourceNotFoundException", f"Function not found: {self.arn(name)}")
        return found

    def _create_function(self, asked: Values) -> Values:
        name = checks.name_of(asked["FunctionName"])
        if self.kept.find(name):
            raise RefusedError("ResourceConflictException", f"Function already exist: {name}")
        archive = self._archive(asked["Code"])
        vpc, subnets, groups = checks.network_of(self.engine, asked.get("VpcConfig", {}))
        checks.require_role(self.engine, asked["Role"], in_vpc=bool(subnets))
        sha, arn = code.digest(archive), self.arn(name)
        function = Function(
            name,
            self.kept.free_number(),
            arn,
            asked["Runtime"],
            asked["Handler"],
            asked["Role"],
            sha,
            len(archive),
            now(),
            vpc=vpc,
            subnets=subnets,
            groups=groups,
            tags={key: str(value) for key, value in asked.get("Tags", {}).items()},
            state=PENDING if subnets else ACTIVE,
        )
        checks.apply(function, asked)
        code.unpack(archive, code.folder_of(self.folder, function.number, sha))
        self.kept.functions.append(function)
        self.kept.save()
        return shown.configuration(function)

    def _archive(self, given: Values) -> bytes:
        """The archive that a request has, or names. RefusedError for one that is not there, or that is none."""
        if "ZipFile" in given and "S3Bucket" not in given:
            archive = code.decoded(given["ZipFile"])
        elif "S3Bucket" in given and "S3Key" in given and "ZipFile" not in given:
            from botocore.exceptions import ParamValidationError

            s3 = self.client("s3")
            try:
                archive = s3.get_object(Bucket=given["S3Bucket"], Key=given["S3Key"])["Body"].read()
            except ParamValidationError as error:  # boto3 knows which names no bucket can have
                raise invalid(f"Error occurred while GetObject. {error}") from None
            except s3.exceptions.ClientError as error:
                code_, message = (error.response["Error"][part] for part in ("Code", "Message"))
                raise invalid(
                    f"Error occurred while GetObject. S3 Error Code: {code_}. S3 Error Message: {message}"
                ) from None
        else:
            raise invalid("Please provide a source for function code: ZipFile, or S3Bucket and S3Key.")
        code.check(archive)
        return archive

    def _list_functions(self, asked: Values) -> Values:
        listed = sorted((each for each in self.kept.functions if not each.deleting), key=lambda each: each.name)
        later = [each for each in listed if each.name > asked.get("Marker", "")]
        count = int(asked.get("MaxItems", PAGE)) if query.is_number(asked.get("MaxItems", PAGE)) else 0
        if count < 1:
            raise invalid("MaxItems: a number from 1 on is needed")
        found, more = later[:count], later[count:]
        next_ = {"NextMarker": found[-1].name} if more else {}
        return {"Functions": [shown.configuration(each) for each in found], **next_}

    def _get_function(self, asked: Values) -> Values:
        function = self.require(asked["FunctionName"])
        tags = {"Tags": function.tags} if function.tags else {}
        return {"Configuration": shown.configuration(function), "Code": {"RepositoryType": "S3"}, **tags}

    def _get_function_configuration(self, asked: Values) -> Values:
        return shown.configuration(self.require(asked["FunctionName"]))

    def _update_function_configuration(self, asked: Values) -> Values:
        function = self._of_revision(asked)
        place = function.vpc, function.subnets, function.groups
        if "VpcConfig" in asked:
            vpc = asked["VpcConfig"]
            kept = {"SubnetIds": function.subnets, "SecurityGroupIds": function.groups}
            place = checks.network_of(
                self.engine, {**kept, **{key: each for key, each in vpc.items() if each is not None}}
            )
        role = asked.get("Role", function.role)
        checks.require_role(self.engine, role, in_vpc=bool(place[1]))
        checks.apply(function, asked)
        if bool(place[1]) != bool(function.subnets) and self.runner is not None:
            self.runner.places.leave(function)
        function.role = role
        function.vpc, function.subnets, function.groups = place
        function.changed()
        self.kept.save()
        return shown.configuration(function)

    def _update_function_code(self, asked: Values) -> Values:
        function = self._of_revision(asked)
        archive = self._archive({key: asked[key] for key in actions.CODE if key in asked})
        sha = code.digest(archive)
        code.unpack(archive, code.folder_of(self.folder, function.number, sha))
        function.sha, function.size = sha, len(archive)
        function.changed()
        self.kept.save()
        return shown.configuration(function)

    def _of_revision(self, asked: Values) -> Function:
        """The function that is to be changed, if it is as the caller thinks it is."""
        function = self.require(asked["FunctionName"])
        if asked.get("RevisionId", function.revision) != function.revision:
            raise RefusedError(
                "PreconditionFailedException", "The RevisionId provided does not match the latest RevisionId."
            )
        return function

    def _delete_function(self, asked: Values) -> None:
        self.require(asked["FunctionName"]).deleting = True
        self.kept.save()

    def _add_permission(self, asked: Values) -> Values:
        found = permissions.add(self.require(asked["FunctionName"]), asked)
        self.kept.save()
        return found

    def _get_policy(self, asked: Values) -> Values:
        return permissions.document(self.require(asked["FunctionName"]))

    def _remove_permission(self, asked: Values) -> None:
        permissions.remove(self.require(asked["FunctionName"]), asked["StatementId"])
        self.kept.save()

    def _list_tags(self, asked: Values) -> Values:
        return {"Tags": self.require(asked["Resource"]).tags}

    def _tag_resource(self, asked: Values) -> None:
        self.require(asked["Resource"]).tags.update({key: str(value) for key, value in asked["Tags"].items()})
        self.kept.save()

    def _untag_resource(self, asked: Values) -> None:
        function = self.require(asked["Resource"])
        function.tags = {key: value for key, value in function.tags.items() if key not in asked["tagKeys"]}
        self.kept.save()

    def _invoke(self, asked: Asked) -> Reply:
        kind = asked.headers.get("x-amz-invocation-type", "RequestResponse")
        if kind not in PAYLOAD_MAX:
            raise json_api.invalid(
                actions.MISSING, "invocationType", kind, f"Member must satisfy enum value set: {list(PAYLOAD_MAX)}"
            )
        with self.lock:
            function = self.require(asked.values["FunctionName"])
        body = _event(asked.body, PAYLOAD_MAX[kind])
        if function.state != ACTIVE:
            raise RefusedError(
                "ResourceConflictException",
                "The operation cannot be performed at this time. The function is currently in the following state: "
                f"{function.state}",
            )
        if kind == "DryRun":
            return json_api.reply(status=204)
        if kind == "Event":
            return json_api.reply(status=202, headers={"x-amzn-RequestId": self.running().run_later(function, body)})
        result = self.running().run(function, body)
        headers = {"X-Amz-Executed-Version": VERSION, "x-amzn-RequestId": result.request}
        if result.error:
            headers["X-Amz-Function-Error"] = "Unhandled"
        if asked.headers.get("x-amz-log-type") == "Tail":
            headers["X-Amz-Log-Result"] = result.tail
        return Reply(200, {"Content-Type": "application/json", **headers}, [result.payload])

    def running(self) -> Runner:
        """What runs functions."""
        if self.runner is None:
            raise RefusedError("ServiceException", "nothing runs functions here")
        return self.runner


def _event(body: bytes, most: int) -> bytes:
    """The event of a request. RefusedError for one that is too large, or no JSON."""
    if len(body) > most:
        raise RefusedError("RequestTooLargeException", f"Request must be smaller than {most} bytes")
    if not body:
        return b"{}"
    try:
        json_api.loads(body)
    except ValueError as error:
        raise RefusedError(
            "InvalidRequestContentException",
            f"Could not parse request body into json: Could not parse payload into json: {error}",
        ) from None
    return body
