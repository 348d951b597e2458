"""The API's errors: each one's HTTP status, and its body in the form that the service's clients read."""

from __future__ import annotations

from uuid import uuid4
from xml.sax.saxutils import escape

STATUS = {
    "AccessDenied": 403,
    "AuthFailure": 401,
    "UnauthorizedOperation": 403,
    "IncompleteSignature": 400,
    "InternalError": 500,
    "RequestLimitExceeded": 503,
    "NotImplemented": 501,
    "UnsupportedOperation": 400,
    "ChangeSetNotFound": 404,
    # S3's
    **dict.fromkeys(("NoSuchBucket", "NoSuchKey", "NoSuchUpload", "NoSuchBucketPolicy", "NoSuchTagSet"), 404),
    "NoSuchLifecycleConfiguration": 404,
    "MethodNotAllowed": 405,
    **dict.fromkeys(("BucketAlreadyOwnedByYou", "BucketNotEmpty"), 409),
    "PreconditionFailed": 412,
    "InvalidRange": 416,
}
FORBIDDEN, BAD = 403, 400
DENIALS = (
    "InvalidClientTokenId",
    "SignatureDoesNotMatch",
    "RequestExpired",
    "ExpiredToken",
    "MissingAuthenticationToken",
    "InvalidAccessKeyId",
)
# What services call a denial that other services call otherwise.
NAMES = {
    ("ec2", "InvalidClientTokenId"): "AuthFailure",
    ("ec2", "SignatureDoesNotMatch"): "AuthFailure",
    ("s3", "InvalidClientTokenId"): "InvalidAccessKeyId",
    ("s3", "RequestExpired"): "AccessDenied",
}


def status(code: str) -> int:
    """The HTTP status that AWS answers with an error of this code."""
    return STATUS.get(code, FORBIDDEN if code in DENIALS else BAD)


def denial(service: str, code: str) -> str:
    """A service's own code for what the front refuses."""
    return NAMES.get((service, code), code)


def error(service: str, code: str, message: str) -> bytes:
    """The body of an answer."""
    one = f"<Error><Code>{escape(code)}</Code><Message>{escape(message)}</Message></Error>"
    head = '<?xml version="1.0" encoding="UTF-8"?>\n'
    if service == "ec2":
        return f"{head}<Response><Errors>{one}</Errors><RequestID>{uuid4()}</RequestID></Response>".encode()
    if service == "s3":
        return f"{head}{one.replace('</Error>', f'<RequestId>{uuid4()}</RequestId></Error>')}".encode()
    return f"{head}<ErrorResponse>{one}<RequestId>{uuid4()}</RequestId></ErrorResponse>".encode()
