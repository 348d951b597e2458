"""Lifecycle rules: how they are stored and shown, and when an object has had its time."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from coreos_lab.cloud.s3 import lifecycle
from tests.unit.cloud.conftest import Client, Served, refusal
from tests.unit.cloud.s3.test_objects import HERE

DAY = 86400.0
TEN_DAYS = {"ID": "backup", "Status": "Enabled", "Filter": {"Prefix": ""}, "Expiration": {"Days": 10}}


@pytest.fixture
def s3(served: Served) -> Iterator[Client]:
    client = served.client("s3")
    client.create_bucket(Bucket="dated", CreateBucketConfiguration=HERE)
    yield client
    client.delete_bucket(Bucket="dated")


def put(s3: Client, *rules: dict[str, Any]) -> None:
    s3.put_bucket_lifecycle_configuration(Bucket="dated", LifecycleConfiguration={"Rules": list(rules)})


def test_rules_are_shown_as_they_were_put(s3: Client) -> None:
    assert refusal(s3.get_bucket_lifecycle_configuration, Bucket="dated") == "NoSuchLifecycleConfiguration"
    dated = datetime(2030, 1, 1, tzinfo=UTC)
    rules = [
        TEN_DAYS,
        {"ID": "old", "Status": "Disabled", "Prefix": "a/", "Expiration": {"Date": dated}},
        {
            "ID": "parts",
            "Status": "Enabled",
            "Filter": {"Prefix": "b/"},
            "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 1},
        },
    ]
    put(s3, *rules)
    assert s3.get_bucket_lifecycle_configuration(Bucket="dated")["Rules"] == rules
    s3.delete_bucket_lifecycle(Bucket="dated")
    assert refusal(s3.get_bucket_lifecycle_configuration, Bucket="dated") == "NoSuchLifecycleConfiguration"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"Transitions": [{"Days": 1, "StorageClass": "GLACIER"}]}, "NotImplemented"),
        ({"Filter": {"ObjectSizeGreaterThan": 1}}, "NotImplemented"),
        ({"Status": "enabled"}, "MalformedXML"),
        ({"Expiration": {"Days": 0}}, "InvalidArgument"),
        ({"Expiration": {"Date": datetime(2030, 1, 1, 12, tzinfo=UTC)}}, "InvalidArgument"),
        ({"Expiration": {}}, "MalformedXML"),
    ],
)
def test_rules_that_would_not_be_kept_to_are_refused(s3: Client, change: dict[str, Any], code: str) -> None:
    rules = {"Rules": [{**TEN_DAYS, **change}]}
    assert refusal(s3.put_bucket_lifecycle_configuration, Bucket="dated", LifecycleConfiguration=rules) == code


def test_an_object_expires_at_the_midnight_after_its_last_day() -> None:
    rules = [{"ID": "x", "Status": "Enabled", "Prefix": "a/", "Days": 10}]
    modified = datetime(2026, 11, 1, 12, tzinfo=UTC).timestamp()
    assert lifecycle.end_of(rules, "a/k", modified) == (datetime(2026, 11, 12, tzinfo=UTC), "x")
    assert lifecycle.end_of(rules, "b/k", modified) is None
    assert lifecycle.end_of([{**rules[0], "Status": "Disabled"}], "a/k", modified) is None


def test_what_has_had_its_time_is_deleted(served: Served, s3: Client) -> None:
    upload = s3.create_multipart_upload(Bucket="dated", Key="parts")
    parts = {"Filter": {"Prefix": ""}, "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 1}}
    put(s3, {**TEN_DAYS, "Filter": {"Prefix": "old"}}, {"ID": "parts", "Status": "Enabled", **parts})
    for key in ("old", "kept"):
        s3.put_object(Bucket="dated", Key=key)
    assert 'rule-id="backup"' in s3.head_object(Bucket="dated", Key="old")["Expiration"]
    assert "Expiration" not in s3.head_object(Bucket="dated", Key="kept")
    served.api.storage.expire(time.time() + 9 * DAY)
    assert len(s3.list_objects_v2(Bucket="dated")["Contents"]) == 2
    again = {"Bucket": "dated", "Key": "parts", "UploadId": upload["UploadId"]}
    assert refusal(s3.list_parts, **again) == "NoSuchUpload"
    served.api.storage.expire(time.time() + 12 * DAY)
    assert [each["Key"] for each in s3.list_objects_v2(Bucket="dated")["Contents"]] == ["kept"]
    s3.delete_object(Bucket="dated", Key="kept")
