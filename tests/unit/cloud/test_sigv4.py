"""Signatures, made by botocore as every client makes them, and verified by us."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from coreos_lab.cloud import sessions, sigv4
from coreos_lab.cloud.sigv4 import RefusedError, Request, Secret
from coreos_lab.model import Cloud

pytest.importorskip("botocore", reason="the extra `cloud` is not installed")

from botocore.auth import S3SigV4Auth, S3SigV4QueryAuth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

KEY, SECRET = "AKIAEXAMPLE", "secret/+text"
SESSION = "a-token"
GIVEN = Secret(SECRET)


def signed(
    url: str = "http://127.0.0.1:5820/",
    *,
    method: str = "POST",
    body: bytes = b"Action=DescribeInstances&Version=2016-11-15",
    service: str = "ec2",
    auth: type[SigV4Auth] = SigV4Auth,
    token: str | None = None,
    secret: str = SECRET,
) -> Request:
    """A request as a client sends it."""
    request = AWSRequest(method=method, url=url, data=body, headers={"Host": "127.0.0.1:5820", "X-Spaced": " a  b "})
    auth(Credentials(KEY, secret, token), service, "us-west-2").add_auth(request)
    whole = request.prepare().url.removeprefix("http://127.0.0.1:5820")
    path, _mark, query = whole.partition("?")
    return Request(method, path, query, {name.lower(): value for name, value in request.headers.items()}, body)


def check(request: Request, *, now: datetime | None = None, secret: Secret | None = GIVEN) -> None:
    found = sigv4.parse(request)
    assert found
    assert found.access_key == KEY
    sigv4.verify(request, found, lambda said: secret if said.access_key == KEY else None, now or datetime.now(UTC))


def refusal(request: Request, *, now: datetime | None = None, secret: Secret | None = GIVEN) -> str:
    with pytest.raises(RefusedError) as refused:
        check(request, now=now, secret=secret)
    return refused.value.code


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:5820/",
        "http://127.0.0.1:5820/2015-03-31/functions/a%20b/c?Marker=x%2Fy&A=",
        "http://127.0.0.1:5820/a//b/../c/",
    ],
)
def test_what_botocore_has_signed_is_accepted(url: str) -> None:
    check(signed(url))
    check(signed(url, service="lambda", method="GET", body=b""))


@pytest.mark.parametrize("path", ["bucket/a%20b//c", "bucket/%C3%A4?list-type=2&prefix=a%2Fb", "bucket?acl"])
def test_s3_signs_its_path_as_it_is(path: str) -> None:
    check(signed(f"http://127.0.0.1:5820/{path}", method="PUT", service="s3", auth=S3SigV4Auth, body=b"text"))


def test_a_presigned_url_is_accepted_until_it_expires() -> None:
    request = signed("http://127.0.0.1:5820/bucket/key", method="GET", service="s3", auth=S3SigV4QueryAuth, body=b"")
    check(request, now=datetime.now(UTC) + timedelta(minutes=50))
    assert refusal(request, now=datetime.now(UTC) + timedelta(minutes=61)) == "RequestExpired"


def test_another_body_path_query_method_or_header_is_refused() -> None:
    request = signed()
    for other in (
        replace(request, body=b"Action=TerminateInstances"),
        replace(request, path="/x"),
        replace(request, query="Action=TerminateInstances"),
        replace(request, method="PUT"),
        replace(request, headers={**request.headers, "x-spaced": "c"}),
    ):
        assert refusal(other) == "SignatureDoesNotMatch", other


def test_another_secret_an_unknown_key_and_an_old_request_are_refused() -> None:
    assert refusal(signed(secret=SECRET[1:])) == "SignatureDoesNotMatch"
    assert refusal(signed(), secret=None) == "InvalidClientTokenId"
    for minutes in (-16, 16):
        assert refusal(signed(), now=datetime.now(UTC) + timedelta(minutes=minutes)) == "RequestExpired"


def test_temporary_credentials_need_their_token_and_expire() -> None:
    now = datetime.now(UTC)
    good = Secret(SECRET, SESSION, now + timedelta(hours=1))
    check(signed(token=SESSION), secret=good)
    assert refusal(signed(token=SESSION[1:]), secret=good) == "InvalidClientTokenId"
    assert refusal(signed(), secret=good) == "InvalidClientTokenId"
    assert refusal(signed(token=SESSION), secret=Secret(SECRET, SESSION, now)) == "ExpiredToken"


def test_a_body_that_has_not_the_hash_that_was_signed_is_refused() -> None:
    request = signed("http://127.0.0.1:5820/", method="POST", auth=S3SigV4Auth, body=b"text")
    other = Request(request.method, request.path, request.query, request.headers, b"other")
    assert refusal(other) == "XAmzContentSHA256Mismatch"


def test_what_has_no_signature_and_what_cannot_be_read() -> None:
    assert sigv4.parse(Request("POST", "/", "", {}, b"")) is None
    with pytest.raises(RefusedError, match="cannot be read"):
        sigv4.parse(Request("POST", "/", "", {"authorization": "AWS4-HMAC-SHA256 Credential=x"}, b""))


@pytest.mark.parametrize("words", ["AWS4-HMAC-SHA256", "AWS4-HMAC-SHA256 Credential=a/b/c/d/e, Signature=x"])
def test_a_header_without_what_it_should_have_cannot_be_read(words: str) -> None:
    with pytest.raises(RefusedError, match="cannot be read"):
        sigv4.parse(Request("POST", "/", "", {"authorization": words, "x-amz-date": "20260101T000000Z"}, b""))


@pytest.mark.parametrize("expires", ["0", "-1", "604801", "1" * 30])
@pytest.mark.parametrize("moment", ["20260101T000000Z", "99991231T235959Z", "00010101T000000Z"])
def test_a_url_is_signed_for_a_week_at_most_and_for_a_time_that_there_is(expires: str, moment: str) -> None:
    query = f"X-Amz-Credential=a/b/c/d/e&X-Amz-Date={moment}&X-Amz-SignedHeaders=host&X-Amz-Signature=x&X-Amz-Expires="
    for seconds in (expires, "60"):
        if (seconds, moment[:4]) != ("60", "2026"):
            with pytest.raises(RefusedError, match="cannot be read"):
                sigv4.parse(Request("GET", "/", query + seconds, {}, b""))


def test_a_signature_and_a_token_may_be_any_text() -> None:
    request = signed(token=SESSION)
    odd = {**request.headers, "authorization": request.headers["authorization"].rpartition("=")[0] + "=\u00e9"}
    assert refusal(replace(request, headers=odd)) == "SignatureDoesNotMatch"
    odd = {**request.headers, "x-amz-security-token": "\u00e9"}
    assert refusal(replace(request, headers=odd), secret=Secret(SECRET, SESSION)) == "InvalidClientTokenId"
    cloud = Cloud("try", "us-west-2", 1, "AKIAEXAMPLE", "secret")
    for said in (b"5", b'"text"', b"[]", b"\xff"):
        for seal in ("\u00e9", "00"):
            assert sessions.read(cloud, "ASIAX", f"{urlsafe_b64encode(said).decode()}.{seal}") is None
