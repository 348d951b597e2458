"""The types of S3: buckets, which have the stack's name in theirs unless the template gives one, and their policies."""

from __future__ import annotations

import json
from typing import Any

from coreos_lab.cloud.formation import tags
from coreos_lab.cloud.formation.call import TAGS, Attributes, Call, Kind, Values, name_of, only
from coreos_lab.cloud.formation.errors import invalid

LONGEST, HALF = 63, 24  # characters of a bucket's name, and of the resource's part in it
LIFECYCLE, ABORT = "LifecycleConfiguration", "AbortIncompleteMultipartUpload"
# The properties of a lifecycle rule that are carried out.
RULE = ("Id", "Status", "Prefix", "ExpirationInDays", "ExpirationDate", ABORT)


def _name(call: Call, its: Values) -> str:
    """A bucket's name. In one that is made from the stack's, the beginnings of stack and resource have room."""
    if "BucketName" in its:
        return str(its["BucketName"])
    stack, resource, random = name_of(call).lower().rsplit("-", 2)
    end = f"{resource[:HALF]}-{random}"
    return f"{stack[: LONGEST - len(end) - 1].rstrip('-')}-{end}"


def _bucket(call: Call, its: Values) -> tuple[str, Attributes]:
    s3, name = call.client("s3"), _name(call, its)
    rules = _rules(its)
    region = s3.meta.region_name
    place = {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
    s3.create_bucket(Bucket=name, **place)
    _tag(call, name, its)
    if rules:
        s3.put_bucket_lifecycle_configuration(Bucket=name, LifecycleConfiguration={"Rules": rules})
    return name, {
        "Arn": f"arn:aws:s3:::{name}",
        "DomainName": f"{name}.s3.amazonaws.com",
        "RegionalDomainName": f"{name}.s3.{region}.amazonaws.com",
    }


def _rules(its: Values) -> list[dict[str, Any]]:
    """A bucket's lifecycle rules as the API has them."""
    given = its.get(LIFECYCLE, {})
    only(f"AWS::S3::Bucket {LIFECYCLE}", given, ("Rules",))
    return [_rule(each) for each in given.get("Rules", [])]


def _rule(each: Values) -> dict[str, Any]:
    """A rule as the API has it."""
    only(f"AWS::S3::Bucket {LIFECYCLE}/Rules", each, RULE)
    only(f"AWS::S3::Bucket {LIFECYCLE}/Rules/{ABORT}", each.get(ABORT, {}), ("DaysAfterInitiation",))
    rule: dict[str, Any] = {"Status": each.get("Status"), "Filter": {"Prefix": each.get("Prefix", "")}}
    if "Id" in each:
        rule["ID"] = each["Id"]
    end = {"Days": int(each["ExpirationInDays"])} if "ExpirationInDays" in each else {}
    end |= {"Date": each["ExpirationDate"]} if "ExpirationDate" in each else {}
    rule |= {"Expiration": end} if end else {}
    if ABORT in each:
        rule[ABORT] = {"DaysAfterInitiation": int(each[ABORT]["DaysAfterInitiation"])}
    return rule


def _update_bucket(call: Call, name: str, old: Values, new: Values) -> tuple[str, Attributes]:
    s3 = call.client("s3")
    rules = _rules(new)
    if rules:
        s3.put_bucket_lifecycle_configuration(Bucket=name, LifecycleConfiguration={"Rules": rules})
    elif LIFECYCLE in old:
        s3.delete_bucket_lifecycle(Bucket=name)
    _tag(call, name, new)
    return name, {}


def _tag(call: Call, name: str, its: Values) -> None:
    """Gives a bucket its tags; those that it had are gone."""
    tagged = tags.listed({**tags.pairs(its), **dict(call.tags)})
    call.client("s3").put_bucket_tagging(Bucket=name, Tagging={"TagSet": tagged})


def _delete_bucket(call: Call, name: str, its: Values) -> None:
    s3, own = call.client("s3"), name or _name(call, its)
    if not name and "BucketName" in its:  # one that was there before, or one whose making was interrupted
        there = {each["Key"]: each["Value"] for each in s3.get_bucket_tagging(Bucket=own)["TagSet"]}
        if not dict(call.tags).items() <= there.items():
            return
    s3.delete_bucket(Bucket=own)


def _policy(call: Call, its: Values) -> tuple[str, Attributes]:
    s3, bucket = call.client("s3"), str(its["Bucket"])
    if _has_policy(s3, bucket):
        raise invalid(f"The bucket policy already exists on bucket {bucket}.")
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(its["PolicyDocument"], default=str))
    return bucket, {"Bucket": bucket}


def _update_policy(call: Call, name: str, _old: Values, new: Values) -> tuple[str, Attributes]:
    document = json.dumps(new["PolicyDocument"], default=str)
    call.client("s3").put_bucket_policy(Bucket=name, Policy=document)
    return name, {}


def _has_policy(s3: Any, bucket: str) -> bool:
    try:
        s3.get_bucket_policy(Bucket=bucket)
    except s3.exceptions.ClientError as error:
        if error.response["Error"]["Code"] != "NoSuchBucketPolicy":
            raise
        return False
    return True


def _delete_policy(call: Call, name: str, its: Values) -> None:
    s3, bucket = call.client("s3"), name or str(its["Bucket"])
    if not name:  # one that was there before, or one whose making was interrupted
        there = json.loads(s3.get_bucket_policy(Bucket=bucket)["Policy"])
        if there != json.loads(json.dumps(its["PolicyDocument"], default=str)):
            return
    s3.delete_bucket_policy(Bucket=bucket)


KINDS = {
    "AWS::S3::Bucket": Kind(
        ("BucketName", LIFECYCLE, TAGS),
        (),
        _bucket,
        _delete_bucket,
        ("Arn", "DomainName", "RegionalDomainName"),
        in_place=(LIFECYCLE, TAGS),
        update=_update_bucket,
        name="BucketName",
    ),
    "AWS::S3::BucketPolicy": Kind(
        ("Bucket", "PolicyDocument"),
        ("Bucket", "PolicyDocument"),
        _policy,
        _delete_policy,
        ("Bucket",),
        in_place=("PolicyDocument",),
        update=_update_policy,
    ),
}
