"""Signature Version 4: whether a request was signed with a secret that this cloud has given out.

Source: AWS's "Create a signed AWS API request". The server computes the signature as the client has, and compares.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from posixpath import normpath
from urllib.parse import quote, unquote

ALGORITHM = "AWS4-HMAC-SHA256"
SKEW = timedelta(minutes=15)  # how far the client's clock may be off
LONGEST = timedelta(days=7)  # that a signed URL may last
STAMP = "%Y%m%dT%H%M%SZ"
UNSIGNED = "UNSIGNED-PAYLOAD"
UNRESERVED = "-_.~"  # RFC 3986


@dataclass(frozen=True)
class Request:
    """An HTTP request as it came: `path` and `query` are not decoded, names of `headers` are in lower case."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Secret:
    """What a cloud has given out for an access key; `token` belongs to temporary credentials only."""

    key: str
    token: str = ""
    expires: datetime | None = None


@dataclass(frozen=True)
class Signed:
    """What a request says of its signature."""

    access_key: str
    date: str
    region: str
    service: str
    headers: tuple[str, ...]
    signature: str
    moment: datetime
    lifetime: timedelta
    token: str
    in_query: bool

    @property
    def scope(self) -> str:
        """What the key that signs is for."""
        return f"{self.date}/{self.region}/{self.service}/aws4_request"


class RefusedError(Exception):
    """A request that is not to be carried out: AWS's code for it, and why."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


def parse(request: Request) -> Signed | None:
    """What the request says of its signature, in a header or in its query; None for one without.

    RefusedError for a signature that cannot be read.
    """
    try:
        if ALGORITHM in request.headers.get("authorization", ""):
            return _of_header(request)
        if "X-Amz-Signature=" in request.query:
            return _of_query(request)
    except (LookupError, OverflowError, ValueError) as error:
        raise RefusedError("IncompleteSignature", f"the signature cannot be read: {error}") from None
    return None


def _of_header(request: Request) -> Signed:
    words = request.headers["authorization"].split(None, 1)[1]
    fields = dict(part.strip().split("=", 1) for part in words.split(","))
    access_key, date, region, service, _end = fields["Credential"].rsplit("/", 4)
    moment = _moment(request.headers["x-amz-date"])
    token = request.headers.get("x-amz-security-token", "")
    names = tuple(fields["SignedHeaders"].split(";"))
    return Signed(access_key, date, region, service, names, fields["Signature"], moment, SKEW, token, in_query=False)


def _of_query(request: Request) -> Signed:
    fields = dict(pairs(request.query))
    access_key, date, region, service, _end = fields["X-Amz-Credential"].rsplit("/", 4)
    lifetime = timedelta(seconds=int(fields["X-Amz-Expires"]))
    if not timedelta(0) < lifetime <= LONGEST:
        raise ValueError(f"X-Amz-Expires must be from 1 to {LONGEST.total_seconds():.0f}")
    token = fields.get("X-Amz-Security-Token", "")
    names = tuple(fields["X-Amz-SignedHeaders"].split(";"))
    moment = _moment(fields["X-Amz-Date"])
    return Signed(access_key, date, region, service, names, fields["X-Amz-Signature"], moment, lifetime, token, True)


def _moment(stamp: str) -> datetime:
    found = datetime.strptime(stamp, STAMP).replace(tzinfo=UTC)
    if not 1970 <= found.year <= 9000:  # noqa: PLR2004 - with which one can calculate
        raise ValueError(f"{stamp}: no time of a signature")
    return found


def equal(one: str, other: str) -> bool:
    """Whether two secrets are equal, in a time that does not tell where they differ. What clients send is any text."""
    return hmac.compare_digest(one.encode("utf-8", "replace"), other.encode("utf-8", "replace"))


def verify(request: Request, signed: Signed, secret_of: Callable[[Signed], Secret | None], now: datetime) -> None:
    """RefusedError, unless the request was signed with the secret of its access key, in time, and as it came."""
    secret = secret_of(signed)
    if secret is None:
        raise RefusedError("InvalidClientTokenId", "The security token included in the request is invalid.")
    if secret.token and not equal(secret.token, signed.token):
        raise RefusedError("InvalidClientTokenId", "The security token included in the request is invalid.")
    if secret.expires is not None and secret.expires <= now:
        raise RefusedError("ExpiredToken", "The security token included in the request is expired")
    if not signed.moment - SKEW <= now <= signed.moment + signed.lifetime:
        raise RefusedError(
            "RequestExpired", f"Request has expired: it was signed at {signed.moment:%H:%M:%S}, now is {now:%H:%M:%S}"
        )
    payload = _payload(request, signed)
    text = "\n".join(
        [ALGORITHM, signed.moment.strftime(STAMP), signed.scope, _hash(_canonical(request, signed, payload))]
    )
    if not equal(_signature(secret.key, signed, text), signed.signature):
        raise RefusedError(
            "SignatureDoesNotMatch",
            "The request signature we calculated does not match the signature you provided. "
            "Check your AWS Secret Access Key and signing method.",
        )


def _payload(request: Request, signed: Signed) -> str:
    """The hash of the body that is in the signature. A body that is not the one that was signed is refused.

    S3 compares its bodies itself, while it writes them to the disk.
    """
    if signed.in_query:
        return UNSIGNED if signed.service == "s3" else _hash(request.body)
    said = request.headers.get("x-amz-content-sha256")
    if said is None and signed.service == "s3":
        raise RefusedError("InvalidRequest", "Missing required header for this request: x-amz-content-sha256")
    if said is None:
        return _hash(request.body)
    if said.startswith("STREAMING-AWS4"):
        raise RefusedError("NotImplemented", "bodies that are signed chunk by chunk are not part of this cloud")
    unsigned = said.startswith(("UNSIGNED-", "STREAMING-UNSIGNED-"))
    if signed.service != "s3" and not unsigned and said != _hash(request.body):
        raise RefusedError("XAmzContentSHA256Mismatch", "the body does not have the hash that the request says")
    return said


def _canonical(request: Request, signed: Signed, payload: str) -> str:
    """The request in the form that is signed."""
    query = [pair for pair in pairs(request.query) if not (signed.in_query and pair[0] == "X-Amz-Signature")]
    encoded = sorted((quote(name, UNRESERVED), quote(value, UNRESERVED)) for name, value in query)
    headers = [f"{name}:{' '.join(request.headers.get(name, '').split())}" for name in signed.headers]
    return "\n".join(
        [
            request.method,
            _path(request.path, signed.service),
            "&".join(f"{name}={value}" for name, value in encoded),
            *headers,
            "",
            ";".join(signed.headers),
            payload,
        ]
    )


def _path(path: str, service: str) -> str:
    """S3's path as it came; every other service's is put in order and encoded once more."""
    if service == "s3":
        return path or "/"
    plain = re.sub("/+", "/", normpath(path)) if path else "/"
    tail = "/" if path.endswith("/") and not plain.endswith("/") else ""
    return quote(plain + tail, "/" + UNRESERVED)


def pairs(query: str) -> list[tuple[str, str]]:
    """The names and values in a URL's query."""
    found = (part.partition("=") for part in query.split("&") if part)
    return [(unquote(name), unquote(value)) for name, _sign, value in found]


def _hash(data: bytes | str) -> str:
    return hashlib.sha256(data.encode() if isinstance(data, str) else data).hexdigest()


def _signature(secret: str, signed: Signed, text: str) -> str:
    key = f"AWS4{secret}".encode()
    for part in (signed.date, signed.region, signed.service, "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    return hmac.digest(key, text.encode(), "sha256").hex()
