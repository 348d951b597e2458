"""Buckets and objects as boto3 sees them."""

from __future__ import annotations

import contextlib
import http.client
import io
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from coreos_lab.cloud.s3.service import Storage
from coreos_lab.cloud.sigv4 import RefusedError
from tests.unit.cloud.conftest import Client, Served, refusal

ClientError = pytest.importorskip("botocore.exceptions").ClientError
PART = 5 * 2**20  # the least that a part may have
HERE = {"LocationConstraint": "us-west-2"}


@pytest.fixture
def s3(served: Served) -> Client:
    return served.client("s3")


@pytest.fixture
def bucket(s3: Client) -> Iterator[str]:
    s3.create_bucket(Bucket="mine", CreateBucketConfiguration=HERE)
    yield "mine"
    while listed := s3.list_objects_v2(Bucket="mine").get("Contents"):
        s3.delete_objects(Bucket="mine", Delete={"Objects": [{"Key": each["Key"]} for each in listed]})
    s3.delete_bucket(Bucket="mine")


def text(s3: Client, key: str, **more: Any) -> bytes:
    found: bytes = s3.get_object(Bucket="mine", Key=key, **more)["Body"].read()
    return found


def bodies(served: Served) -> list[str]:
    return sorted(path.name for path in (served.folder / "s3/bodies").iterdir())


def test_an_object_is_given_back_with_its_headers(s3: Client, bucket: str) -> None:
    put = s3.put_object(Bucket=bucket, Key="a b/ö+", Body=b"text", ContentType="text/plain", Metadata={"mine": "x"})
    assert put["ETag"] == '"1cb251ec0d568de6a929b520c4aed8d1"'
    got = s3.get_object(Bucket=bucket, Key="a b/ö+")
    assert (got["Body"].read(), got["ContentType"], got["Metadata"]) == (b"text", "text/plain", {"mine": "x"})
    head = s3.head_object(Bucket=bucket, Key="a b/ö+")
    assert (head["ContentLength"], head["ETag"]) == (4, put["ETag"])


def test_bodies_are_files_and_go_with_their_objects(served: Served, s3: Client, bucket: str) -> None:
    before = bodies(served)
    s3.put_object(Bucket=bucket, Key="k", Body=b"one")
    s3.put_object(Bucket=bucket, Key="k", Body=b"two")
    (name,) = set(bodies(served)) - set(before)
    assert (served.folder / "s3/bodies" / name).read_bytes() == b"two"
    s3.delete_object(Bucket=bucket, Key="k")
    assert bodies(served) == before
    assert refusal(s3.get_object, Bucket=bucket, Key="k") == "NoSuchKey"


def test_what_was_put_is_there_after_a_restart_and_an_interrupted_body_is_not(
    served: Served, s3: Client, bucket: str
) -> None:
    s3.put_object(Bucket=bucket, Key="k", Body=b"text")
    (served.folder / "s3/bodies/left").write_bytes(b"of a request that was interrupted")
    again = Storage("us-west-2", served.folder / "s3", lambda _arn: False)
    found = again.index.find(bucket, "k")
    assert found and (served.folder / "s3/bodies" / found.body).read_bytes() == b"text"
    assert "left" not in bodies(served)


def test_ranges_and_conditions(s3: Client, bucket: str) -> None:
    etag = s3.put_object(Bucket=bucket, Key="k", Body=b"0123456789")["ETag"]
    for wanted, found in (("bytes=2-4", b"234"), ("bytes=8-", b"89"), ("bytes=-3", b"789"), ("bytes=5-99", b"56789")):
        assert text(s3, "k", Range=wanted) == found
    assert s3.get_object(Bucket=bucket, Key="k", Range="bytes=2-4")["ContentRange"] == "bytes 2-4/10"
    assert refusal(s3.get_object, Bucket=bucket, Key="k", Range="bytes=10-") == "InvalidRange"
    assert refusal(s3.get_object, Bucket=bucket, Key="k", IfMatch='"other"') == "PreconditionFailed"
    assert refusal(s3.get_object, Bucket=bucket, Key="k", IfNoneMatch=etag) == "304"
    assert refusal(s3.put_object, Bucket=bucket, Key="k", IfNoneMatch="*") == "PreconditionFailed"
    s3.put_object(Bucket=bucket, Key="k", IfMatch=etag, Body=b"x")
    assert text(s3, "k") == b"x"


def test_lists_have_pages_prefixes_and_the_order_of_bytes(s3: Client, bucket: str) -> None:
    for key in ("b", "a/1", "a/2", "a/x/3", "a+", "ä", "B"):
        s3.put_object(Bucket=bucket, Key=key)
    assert keys(s3) == ["B", "a+", "a/1", "a/2", "a/x/3", "b", "ä"]
    assert keys(s3, Delimiter="/") == ["B", "a+", "a/", "b", "ä"]
    assert keys(s3, Prefix="a/", Delimiter="/") == ["a/1", "a/2", "a/x/"]
    assert keys(s3, StartAfter="a/2") == ["a/x/3", "b", "ä"]
    assert keys(s3, MaxKeys=0) == []
    first = s3.list_objects(Bucket=bucket, MaxKeys=3, Delimiter="/")
    assert first["NextMarker"] == "a/"
    then = s3.list_objects(Bucket=bucket, Marker=first["NextMarker"], Delimiter="/")
    assert [each["Key"] for each in then["Contents"]] == ["b", "ä"]


def keys(s3: Client, **more: Any) -> list[str]:
    """All entries in their order, by pages of two."""
    pages = s3.get_paginator("list_objects_v2").paginate(
        **{"Bucket": "mine", "MaxKeys": 2, **more}, PaginationConfig={"MaxItems": 100}
    )
    found: list[str] = []
    for page in pages:
        own = [each["Key"] for each in page.get("Contents", [])]
        found += sorted(own + [each["Prefix"] for each in page.get("CommonPrefixes", [])], key=str.encode)
    return found


def test_an_object_in_parts(served: Served, s3: Client, bucket: str) -> None:
    before = bodies(served)
    data = b"x" * PART + b"the end"
    from boto3.s3.transfer import TransferConfig

    parts = TransferConfig(multipart_threshold=PART, multipart_chunksize=PART)
    s3.upload_fileobj(io.BytesIO(data), bucket, "big", Config=parts)
    head = s3.head_object(Bucket=bucket, Key="big")
    assert (head["ContentLength"], head["ETag"][-3:]) == (len(data), '-2"')
    got = io.BytesIO()
    s3.download_fileobj(bucket, "big", got, Config=parts)
    assert got.getvalue() == data
    assert len(bodies(served)) == len(before) + 1  # the parts are gone


def test_parts_that_are_small_wrong_or_given_up(served: Served, s3: Client, bucket: str) -> None:
    before = bodies(served)
    upload = {"Bucket": bucket, "Key": "k", "UploadId": s3.create_multipart_upload(Bucket=bucket, Key="k")["UploadId"]}
    tags = [s3.upload_part(**upload, PartNumber=place, Body=b"small")["ETag"] for place in (1, 2)]
    both = [{"PartNumber": place, "ETag": tag} for place, tag in enumerate(tags, 1)]
    complete = s3.complete_multipart_upload
    assert refusal(complete, **upload, MultipartUpload={"Parts": both}) == "EntityTooSmall"
    assert refusal(complete, **upload, MultipartUpload={"Parts": both[::-1]}) == "InvalidPartOrder"
    assert refusal(complete, **upload, MultipartUpload={"Parts": [{"PartNumber": 3, "ETag": "x"}]}) == "InvalidPart"
    assert [each["PartNumber"] for each in s3.list_parts(**upload)["Parts"]] == [1, 2]
    assert s3.list_multipart_uploads(Bucket=bucket)["Uploads"][0]["Key"] == "k"
    s3.abort_multipart_upload(**upload)
    assert refusal(s3.list_parts, **upload) == "NoSuchUpload"
    assert bodies(served) == before


def test_copies_of_objects_and_of_parts(s3: Client, bucket: str) -> None:
    s3.put_object(Bucket=bucket, Key="from +", Body=b"0123456789", Metadata={"a": "1"})
    source = {"Bucket": bucket, "Key": "from +"}
    s3.copy_object(Bucket=bucket, Key="to", CopySource=source)
    s3.delete_object(Bucket=bucket, Key="from +")
    got = s3.get_object(Bucket=bucket, Key="to")
    assert (got["Body"].read(), got["Metadata"]) == (b"0123456789", {"a": "1"})
    own = {"Bucket": bucket, "Key": "to"}
    assert refusal(s3.copy_object, **own, CopySource=own) == "InvalidRequest"
    s3.copy_object(**own, CopySource=own, MetadataDirective="REPLACE", Metadata={"b": "2"})
    assert s3.head_object(**own)["Metadata"] == {"b": "2"}
    upload = {"Bucket": bucket, "Key": "k", "UploadId": s3.create_multipart_upload(Bucket=bucket, Key="k")["UploadId"]}
    part = s3.upload_part_copy(**upload, PartNumber=1, CopySource=own, CopySourceRange="bytes=3-5")["CopyPartResult"]
    made = [{"PartNumber": 1, "ETag": part["ETag"]}]
    s3.complete_multipart_upload(**upload, MultipartUpload={"Parts": made})
    assert text(s3, "k") == b"345"


def test_a_bucket_that_is_not_empty_stays(s3: Client, bucket: str) -> None:
    s3.put_object(Bucket=bucket, Key="k")
    assert refusal(s3.delete_bucket, Bucket=bucket) == "BucketNotEmpty"
    assert [each["Name"] for each in s3.list_buckets()["Buckets"]] == [bucket]


@pytest.mark.parametrize("name", ["ab", "Mine", "my..own", "192.168.1.1", "-mine", "x" * 64])
def test_names_that_no_bucket_may_have(served: Served, name: str) -> None:
    anything = served.client("s3", s3_names=False)
    assert refusal(anything.create_bucket, Bucket=name, CreateBucketConfiguration=HERE) == "InvalidBucketName"


def test_buckets_are_made_in_the_cloud_s_region_once(s3: Client, bucket: str) -> None:
    assert refusal(s3.create_bucket, Bucket="other") == "IllegalLocationConstraintException"
    eu = {"LocationConstraint": "eu-west-1"}
    assert refusal(s3.create_bucket, Bucket="other", CreateBucketConfiguration=eu).startswith("IllegalLocation")
    assert refusal(s3.create_bucket, Bucket=bucket, CreateBucketConfiguration=HERE) == "BucketAlreadyOwnedByYou"
    assert s3.get_bucket_location(Bucket=bucket)["LocationConstraint"] == "us-west-2"
    assert refusal(s3.head_bucket, Bucket="other") == "404"
    assert refusal(s3.list_objects_v2, Bucket="other") == "NoSuchBucket"


def test_what_s3_has_and_this_cloud_has_not_is_refused_by_name(s3: Client, bucket: str) -> None:
    key = {"Bucket": bucket, "Key": "k"}
    for call, more, name in (
        (s3.get_bucket_acl, {"Bucket": bucket}, "acl"),
        (s3.put_object, {**key, "StorageClass": "GLACIER"}, "x-amz-storage-class: GLACIER"),
        (s3.get_object, {**key, "VersionId": "1"}, "versionId"),
        (s3.put_object_tagging, {**key, "Tagging": {"TagSet": []}}, "tagging"),
    ):
        with pytest.raises(ClientError, match=f"NotImplemented.*{name}"):
            call(**more)


def test_a_url_that_was_signed_works_without_the_key(served: Served, s3: Client, bucket: str) -> None:
    s3.put_object(Bucket=bucket, Key="k", Body=b"text")
    url = s3.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "k"}, ExpiresIn=60)
    path = url.split(str(served.cloud.port), 1)[1]
    assert plain(served, path) == (200, b"text")
    assert plain(served, path.replace("/k?", "/j?"))[0] == 403
    assert plain(served, "/mine/k")[0] == 403


def test_a_body_may_come_in_chunks_without_a_length(served: Served, s3: Client, bucket: str) -> None:
    url = s3.generate_presigned_url("put_object", Params={"Bucket": bucket, "Key": "k"})
    connection = http.client.HTTPConnection("127.0.0.1", served.cloud.port)
    connection.request("PUT", url.split(str(served.cloud.port), 1)[1], body=iter([b"tex", b"t"]), encode_chunked=True)
    assert connection.getresponse().status == 200
    assert text(s3, "k") == b"text"


def plain(served: Served, path: str, host: str = "") -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", served.cloud.port)
    connection.request("GET", path, headers={"Host": host} if host else {})
    answer = connection.getresponse()
    return answer.status, answer.read()


def test_the_bucket_may_be_in_the_name_of_the_host(served: Served, s3: Client, bucket: str) -> None:
    import boto3
    from botocore.config import Config

    s3.put_object(Bucket=bucket, Key="k", Body=b"text")
    virtual = boto3.client(
        "s3",
        region_name=served.cloud.region,
        aws_access_key_id=served.cloud.access_key,
        aws_secret_access_key=served.cloud.secret_key,
        config=Config(signature_version="s3v4", s3={"addressing_style": "virtual"}),
    )
    url = virtual.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "k"})
    host, path = url.removeprefix("https://").split("/", 1)
    assert host.startswith("mine.s3.")
    assert plain(served, f"/{path}", host) == (200, b"text")


def test_many_at_once_lose_nothing(served: Served, s3: Client, bucket: str) -> None:
    before = len(bodies(served))

    def put(own: int) -> None:
        for turn in range(10):
            s3.put_object(Bucket=bucket, Key=f"k{turn % 3}", Body=b"%d" % own * 1000)

    threads = [threading.Thread(target=put, args=(own,)) for own in range(6)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    for turn in range(3):
        assert len(set(text(s3, f"k{turn}"))) == 1
    assert len(bodies(served)) == before + 3


def test_of_two_conditional_puts_at_once_one_succeeds(
    served: Served, s3: Client, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    index, both = served.api.storage.index, threading.Barrier(2)
    find, looks = index.find, threading.local()

    def slowly(of: str, key: str) -> Any:
        found = find(of, key)
        looks.count = getattr(looks, "count", 0) + 1
        if looks.count == 2:  # the last look before an object is put
            with contextlib.suppress(threading.BrokenBarrierError):
                both.wait(0.3)
        return found

    monkeypatch.setattr(index, "find", slowly)

    def put(_number: int) -> bool:
        try:
            s3.put_object(Bucket=bucket, Key="lock", Body=b"mine", IfNoneMatch="*")
        except ClientError:
            return False
        return True

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(put, range(2))) == [False, True]


def test_a_copy_that_fails_leaves_no_body(
    served: Served, s3: Client, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    s3.put_object(Bucket=bucket, Key="k", Body=b"text")
    before, source = bodies(served), {"Bucket": bucket, "Key": "k"}

    def gone(_new: object) -> None:
        raise RefusedError("NoSuchBucket", "deleted meanwhile")

    with monkeypatch.context() as patch:
        patch.setattr(served.api.storage.index, "put", gone)
        assert refusal(s3.copy_object, Bucket=bucket, Key="other", CopySource=source) == "NoSuchBucket"
    assert bodies(served) == before
    for body in before:
        (served.api.storage.bodies.folder / body).unlink()  # as if it had been put anew since it was looked up
    assert refusal(s3.copy_object, Bucket=bucket, Key="other", CopySource=source) == "OperationAborted"


def test_what_an_answer_said_is_passed_over_in_a_request(s3: Client, bucket: str) -> None:
    """s3cmd repeats an object's headers when it copies it."""

    def repeat(request: Any, **_more: object) -> None:
        request.headers["x-amz-expiration"] = 'expiry-date="Tue, 08 Dec 2026 00:00:00 GMT", rule-id="lab"'

    s3.put_object(Bucket=bucket, Key="from", Body=b"text")
    s3.meta.events.register("before-sign.s3.CopyObject", repeat)
    s3.copy_object(Bucket=bucket, Key="to", CopySource={"Bucket": bucket, "Key": "from"})
    assert text(s3, "to") == b"text"
