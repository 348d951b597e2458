"""S3 of one cloud: reads what a request asks for, checks that it is allowed, carries it out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from coreos_lab.cloud import query
from coreos_lab.cloud.metadata import ACCOUNT
from coreos_lab.cloud.s3 import access, lifecycle, operations
from coreos_lab.cloud.s3.access import Asker
from coreos_lab.cloud.s3.answer import Reply
from coreos_lab.cloud.s3.bodies import Bodies
from coreos_lab.cloud.s3.buckets import Buckets
from coreos_lab.cloud.s3.incoming import Incoming
from coreos_lab.cloud.s3.index import Index, Stored
from coreos_lab.cloud.s3.objects import Objects, source_of
from coreos_lab.cloud.s3.operations import OPERATIONS, SOURCE, Asked
from coreos_lab.cloud.s3.uploads import Uploads
from coreos_lab.cloud.sigv4 import RefusedError, Request

WITHOUT_BUCKET = ("ListBuckets", "CreateBucket")  # the operations that do not need a bucket that exists
# The operations that have a body.
WITH_BODY = {each.name for (verb, _level, _marker), each in OPERATIONS.items() if verb in ("PUT", "POST")}
WITH_BODY -= {"CreateMultipartUpload"}
EXPIRY = 60.0  # seconds between two looks for objects that have had their time


class Storage:
    """The buckets of one cloud, in a folder of its own. `is_role` says whether a role has an ARN."""

    def __init__(self, region: str, folder: Path, is_role: Callable[[str], bool]) -> None:
        self.index, self.bodies = Index(folder / "index.sqlite"), Bodies(folder / "bodies")
        self.bodies.keep_only(self.index.bodies())
        self._objects = Objects(self.index, self.bodies)
        self._uploads = Uploads(self.index, self.bodies)
        self._buckets = Buckets(region, self.index, self.bodies, is_role)
        self._looked = 0.0

    def call(self, request: Request, environ: Mapping[str, Any], asker: Asker) -> Reply:
        """Carries a request out. RefusedError says why not."""
        asked = operations.read(request)
        name = asked.operation.name
        if name not in WITHOUT_BUCKET:
            self._require_bucket(asked)
        if asked.operation.permission:
            self._require_allowed(asker, asked)
        more: list[Any] = [Incoming(environ, request.headers)] if name in WITH_BODY else []
        if SOURCE in request.headers:
            more = [self._source(asked, asker)]
        if name == "DeleteObjects":
            more.append(lambda key: self._allows(asker, "s3:DeleteObject", asked.bucket, key))
        reply: Reply = self._of(name)(asked, *more)
        return reply

    def _of(self, name: str) -> Callable[..., Reply]:
        """The method that carries an operation out."""
        own = query.method(name).lstrip("_")
        for part in (self._objects, self._uploads, self._buckets):
            if found := getattr(part, own, None):
                return found  # type: ignore[no-any-return]
        raise AssertionError(name)

    def _require_bucket(self, asked: Asked) -> None:
        self.index.bucket(asked.bucket)
        for header in ("x-amz-expected-bucket-owner", "x-amz-source-expected-bucket-owner"):
            if asked.headers.get(header, ACCOUNT) != ACCOUNT:
                raise _denied(f"the account {asked.headers[header]} does not own it")

    def _require_allowed(self, asker: Asker, asked: Asked) -> None:
        action = f"s3:{asked.operation.permission}"
        if not self._allows(asker, action, asked.bucket, asked.key):
            raise _not_allowed(asker, action, access.arn(asked.bucket or "*", asked.key))
        reads = asked.operation.name in ("GetObject", "HeadObject")
        if reads and not (
            self.index.find(asked.bucket, asked.key) or self._allows(asker, "s3:ListBucket", asked.bucket)
        ):  # only those who may list the bucket are told that it does not have the object
            raise _not_allowed(asker, "s3:ListBucket", access.arn(asked.bucket))

    def _allows(self, asker: Asker, action: str, bucket: str, key: str = "") -> bool:
        found = self.index.find_bucket(bucket)
        return access.allows(asker, found.policy if found else "", action, access.arn(bucket or "*", key))

    def _source(self, asked: Asked, asker: Asker) -> Stored:
        """The object that is to be copied."""
        bucket, key = source_of(asked)
        self.index.bucket(bucket)
        if not self._allows(asker, "s3:GetObject", bucket, key):
            raise _not_allowed(asker, "s3:GetObject", access.arn(bucket, key))
        return self._objects.require(bucket, key)

    def expire(self, now: float) -> None:
        """Deletes what has had its time by the rules of its bucket."""
        if now - self._looked < EXPIRY:
            return
        self._looked = now
        moment = datetime.fromtimestamp(now, UTC)
        for bucket in self.index.buckets():
            for each in self.index.objects(bucket.name) if bucket.lifecycle else ():
                end = lifecycle.end_of(bucket.lifecycle, each.key, each.modified)
                if end and end[0] <= moment:
                    self.bodies.remove(self.index.remove(bucket.name, each.key))
            for upload in self.index.uploads(bucket.name) if bucket.lifecycle else ():
                given_up = lifecycle.end_of_upload(bucket.lifecycle, upload.key, upload.begun)
                if given_up and given_up <= moment:
                    self.bodies.remove(self.index.end_upload(upload.id))


def _not_allowed(asker: Asker, action: str, resource: str) -> RefusedError:
    return _denied(f"User: {asker.arn} is not authorized to perform: {action} on resource: {resource}")


def _denied(message: str) -> RefusedError:
    return RefusedError("AccessDenied", message)
