"""Which of S3's operations a request asks for. S3 tells them apart by method, path and the names in the query."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import unquote

from coreos_lab.cloud import query
from coreos_lab.cloud.s3.answer import missing
from coreos_lab.cloud.sigv4 import RefusedError, Request, pairs

NAME = "s3"
SERVICE, BUCKET, OBJECT = "service", "bucket", "object"
LISTING = ("prefix", "delimiter", "max-keys", "encoding-type")
OF_ANSWERS = ("type", "language", "encoding", "disposition")
ANSWERED = (*(f"response-content-{name}" for name in OF_ANSWERS), "response-expires", "response-cache-control")


@dataclass(frozen=True)
class Operation:
    """What may be asked for. `permission` is IAM's name for it, "" where the operation asks for itself."""

    name: str
    permission: str = ""
    parameters: tuple[str, ...] = ()


# By method, by what the path names, and by the name in the query that makes it another operation.
OPERATIONS = {
    ("GET", SERVICE, ""): Operation("ListBuckets", "ListAllMyBuckets", ("max-buckets", "prefix")),
    ("PUT", BUCKET, ""): Operation("CreateBucket", "CreateBucket"),
    ("HEAD", BUCKET, ""): Operation("HeadBucket", "ListBucket"),
    ("DELETE", BUCKET, ""): Operation("DeleteBucket", "DeleteBucket"),
    ("GET", BUCKET, ""): Operation("ListObjects", "ListBucket", (*LISTING, "marker")),
    ("GET", BUCKET, "list-type"): Operation(
        "ListObjectsV2", "ListBucket", (*LISTING, "continuation-token", "start-after", "fetch-owner")
    ),
    ("GET", BUCKET, "location"): Operation("GetBucketLocation", "GetBucketLocation"),
    ("GET", BUCKET, "versioning"): Operation("GetBucketVersioning", "GetBucketVersioning"),
    ("GET", BUCKET, "policy"): Operation("GetBucketPolicy", "GetBucketPolicy"),
    ("PUT", BUCKET, "policy"): Operation("PutBucketPolicy", "PutBucketPolicy"),
    ("DELETE", BUCKET, "policy"): Operation("DeleteBucketPolicy", "DeleteBucketPolicy"),
    ("GET", BUCKET, "lifecycle"): Operation("GetBucketLifecycleConfiguration", "GetLifecycleConfiguration"),
    ("PUT", BUCKET, "lifecycle"): Operation("PutBucketLifecycleConfiguration", "PutLifecycleConfiguration"),
    ("DELETE", BUCKET, "lifecycle"): Operation("DeleteBucketLifecycle", "PutLifecycleConfiguration"),
    ("GET", BUCKET, "tagging"): Operation("GetBucketTagging", "GetBucketTagging"),
    ("PUT", BUCKET, "tagging"): Operation("PutBucketTagging", "PutBucketTagging"),
    ("DELETE", BUCKET, "tagging"): Operation("DeleteBucketTagging", "PutBucketTagging"),
    ("GET", BUCKET, "uploads"): Operation(
        "ListMultipartUploads", "ListBucketMultipartUploads", ("prefix", "max-uploads", "encoding-type")
    ),
    ("POST", BUCKET, "delete"): Operation("DeleteObjects"),
    ("GET", OBJECT, ""): Operation("GetObject", "GetObject", ANSWERED),
    ("HEAD", OBJECT, ""): Operation("HeadObject", "GetObject", ANSWERED),
    ("PUT", OBJECT, ""): Operation("PutObject", "PutObject"),
    ("DELETE", OBJECT, ""): Operation("DeleteObject", "DeleteObject"),
    ("POST", OBJECT, "uploads"): Operation("CreateMultipartUpload", "PutObject"),
    ("PUT", OBJECT, "uploadId"): Operation("UploadPart", "PutObject", ("partNumber",)),
    ("POST", OBJECT, "uploadId"): Operation("CompleteMultipartUpload", "PutObject"),
    ("DELETE", OBJECT, "uploadId"): Operation("AbortMultipartUpload", "AbortMultipartUpload"),
    ("GET", OBJECT, "uploadId"): Operation(
        "ListParts", "ListMultipartUploadParts", ("max-parts", "part-number-marker")
    ),
}
# With this header, putting an object or a part is copying one.
SOURCE = "x-amz-copy-source"
COPYING = {"PutObject": Operation("CopyObject", "PutObject")}
COPYING["UploadPart"] = Operation("UploadPartCopy", "PutObject", ("partNumber",))
MARKERS = {marker for _method, _level, marker in OPERATIONS if marker}
# What an SDK or a signature in the URL adds. The names of the second kind begin with X-Amz-.
ADDED, SIGNED = ("x-id",), "x-amz-"
# Headers of S3 that are carried out, or that ask for what is so in any case. The last ones are of S3's answers: s3cmd
# repeats them when it copies, and S3 passes over them.
HEADERS = re.compile(
    r"x-amz-(content-sha256|date|security-token|user-agent|meta-.+|decoded-content-length|trailer|target)"
    r"|x-amz-(copy-source(-range|-if-(none-)?match|-if-(un)?modified-since)?|metadata-directive)"
    r"|x-amz-(checksum-.+|sdk-checksum-algorithm|expected-bucket-owner|source-expected-bucket-owner)"
    r"|x-amz-(expiration|request-id|id-2)"
)
AS_IT_IS = {
    "x-amz-acl": ("private", "bucket-owner-full-control"),
    "x-amz-object-ownership": ("BucketOwnerEnforced",),
    "x-amz-server-side-encryption": ("AES256",),
    "x-amz-storage-class": ("STANDARD",),
    "x-amz-bucket-object-lock-enabled": ("false",),
}
HOST = re.compile(r"(?:(.+)\.)?s3[.-](?:[a-z0-9-]+\.)?amazonaws\.com")


@dataclass(frozen=True)
class Asked:
    """A request to S3, read as far as its body."""

    operation: Operation
    bucket: str
    key: str
    query: Mapping[str, str]
    headers: Mapping[str, str]


def read(request: Request) -> Asked:
    """What a request asks for. RefusedError names what is not part of this cloud."""
    bucket, key = _place(request)
    level = OBJECT if key else BUCKET if bucket else SERVICE
    query = dict(pairs(request.query))
    names = {name for name in query if name not in ADDED and not name.lower().startswith(SIGNED)}
    markers = sorted(names & MARKERS)
    known = OPERATIONS.get((request.method, level, markers[0] if markers else ""))
    if known is not None and SOURCE in request.headers:
        known = COPYING.get(known.name, known)
    strange = sorted(names - {*markers[:1], *(known.parameters if known else ())})
    if known is None or strange:
        raise missing(f"S3, {request.method} of a {level}: {', '.join(strange or markers) or 'no such operation'}")
    for name, value in request.headers.items():
        if name.startswith(SIGNED) and not HEADERS.fullmatch(name) and value not in AS_IT_IS.get(name, ()):
            raise missing(f"{known.name}: {name}: {value}")
    return Asked(known, bucket, key, query, request.headers)


def _place(request: Request) -> tuple[str, str]:
    """Bucket and key: the bucket is in the host's name, or the first part of the path."""
    path = unquote(request.path.removeprefix("/"), errors="strict")
    host = HOST.fullmatch(request.headers.get("host", "").partition(":")[0].lower())
    if host and host[1]:
        return host[1], path
    bucket, _slash, key = path.partition("/")
    return bucket, key


def number(asked: Asked, name: str, default: int, most: int) -> int:
    """A number in the query, `most` if it is more."""
    text = asked.query.get(name, str(default))
    if not query.is_number(text):
        raise RefusedError("InvalidArgument", f"Provided {name} not an integer or within integer range: {text}")
    return min(int(text), most)
