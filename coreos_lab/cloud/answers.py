"""The API's errors: each one's HTTP status, and its body in the form that the service's clients read."""

from __future__ import annotations

from uuid import uuid4

from coreos_lab.cloud import json_api
from coreos_lab.cloud.query import escaped

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
    "OperationAborted": 409,
    **dict.fromkeys(("BucketAlreadyOwnedByYou", "BucketNotEmpty"), 409),
    "PreconditionFailed": 412,
    "InvalidRange": 416,
    "AccessDeniedException": 403,
    # Lambda's
    **dict.fromkeys(("ResourceConflictException",), 409),
    "PreconditionFailedException": 412,
    **dict.fromkeys(("RequestTooLargeException", "RequestEntityTooLargeException"), 413),
    "TooManyRequestsException": 429,
    **dict.fromkeys(("EC2ThrottledException", "ServiceException"), 502),
    # API Gateway's
    "NotFoundException": 404,
    "ConflictException": 409,
    "InternalFailure": 500,
}
OF_SERVICE = {("lambda", "ResourceNotFoundException"): 404}  # where services have other statuses with one code
OF_JSON = ("apigateway", "lambda", "logs")  # the services whose errors are JSON
FORBIDDEN, BAD = 403, 400
DENIALS = (
    "InvalidClientTokenId",
    "SignatureDoesNotMatch",
    "RequestExpired",
    "ExpiredToken",
    "MissingAuthenticationToken",
    "InvalidAccessKeyId",
    "UnrecognizedClientException",
    "InvalidSignatureException",
    "ExpiredTokenException",
    "MissingAuthenticationTokenException",
)
# What services call a denial that other services call otherwise.
NAMES = {
    ("ec2", "InvalidClientTokenId"): "AuthFailure",
    ("ec2", "SignatureDoesNotMatch"): "AuthFailure",
    ("s3", "InvalidClientTokenId"): "InvalidAccessKeyId",
    ("s3", "RequestExpired"): "AccessDenied",
}
# What the services of the JSON protocols call them.
NAMES_OF_JSON = {
    "InvalidClientTokenId": "UnrecognizedClientException",
    "SignatureDoesNotMatch": "InvalidSignatureException",
    "RequestExpired": "InvalidSignatureException",
    "IncompleteSignature": "IncompleteSignatureException",
    "ExpiredToken": "ExpiredTokenException",
    "MissingAuthenticationToken": "MissingAuthenticationTokenException",
    "AccessDenied": "AccessDeniedException",
    "InternalError": "InternalFailure",
}


def status(service: str, code: str) -> int:
    """The HTTP status with which a service of AWS's answers an error of this code."""
    if (service, code) in OF_SERVICE:
        return OF_SERVICE[service, code]
    return STATUS.get(code, FORBIDDEN if code in DENIALS else BAD)


def denial(service: str, code: str) -> str:
    """A service's own code for what the front refuses."""
    return NAMES_OF_JSON.get(code, code) if service in OF_JSON else NAMES.get((service, code), code)


def headers(service: str, code: str) -> list[tuple[str, str]]:
    """The headers of an answer with an error."""
    if service in OF_JSON:
        return [("Content-Type", json_api.TYPE), ("x-amzn-ErrorType", code)]
    return [("Content-Type", "text/xml")]


def error(service: str, code: str, message: str) -> bytes:
    """The body of an answer."""
    one = f"<Error><Code>{escaped(code)}</Code><Message>{escaped(message)}</Message></Error>"
    if service in OF_JSON:
        return json_api.error(code, message)
    head = '<?xml version="1.0" encoding="UTF-8"?>\n'
    if service == "ec2":
        return f"{head}<Response><Errors>{one}</Errors><RequestID>{uuid4()}</RequestID></Response>".encode()
    if service == "s3":
        return f"{head}{one.replace('</Error>', f'<RequestId>{uuid4()}</RequestId></Error>')}".encode()
    return f"{head}<ErrorResponse>{one}<RequestId>{uuid4()}</RequestId></ErrorResponse>".encode()
