"""Who may do what with a bucket: its own policy, and those of the roles."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from coreos_lab.cloud import policy
from coreos_lab.cloud.s3 import access
from coreos_lab.cloud.s3.access import Asker
from coreos_lab.cloud.sigv4 import RefusedError
from tests.unit.cloud.conftest import Client, Served, refusal
from tests.unit.cloud.s3.test_objects import HERE
from tests.unit.cloud.test_roles import TRUST, allow, document

ROLE = "arn:aws:iam::123456789012:role/web"
BOTH = ["arn:aws:s3:::shared", "arn:aws:s3:::shared/*"]


def statement(**more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Principal": {"AWS": ROLE}, "Action": "s3:*", "Resource": BOTH, **more}


def checked(*statements: dict[str, Any]) -> str:
    return access.check(document(*statements).encode(), "shared", lambda arn: arn == ROLE)


def test_a_role_may_do_what_its_policy_or_the_bucket_s_allows_and_neither_denies() -> None:
    own = document(allow("s3:GetObject", Resource="arn:aws:s3:::shared/public/*"))
    web = Asker("arn:aws:sts::123456789012:assumed-role/web/i-1", ROLE, (own,))
    key = "arn:aws:s3:::shared/public/k"
    assert access.allows(web, "", "s3:GetObject", key)
    assert not access.allows(web, "", "s3:GetObject", "arn:aws:s3:::shared/other")
    assert not access.allows(web, "", "s3:PutObject", key)
    assert access.allows(web, checked(statement()), "s3:PutObject", key)
    assert not access.allows(web, checked(statement(Effect="Deny", Action="s3:Get*")), "s3:GetObject", key)
    other = Asker("arn:aws:sts::123456789012:assumed-role/other/i-1", "arn:aws:iam::123456789012:role/other")
    assert not access.allows(other, checked(statement()), "s3:GetObject", key)
    account = checked(statement(Principal={"AWS": "123456789012"}))
    assert not access.allows(other, account, "s3:GetObject", key)  # its own policies have to allow it, too


def test_the_owner_may_do_everything_that_is_not_denied_and_always_change_the_policy() -> None:
    closed = checked(statement(Effect="Deny", Principal="*"))
    assert access.allows(Asker(), "", "s3:GetObject", BOTH[0])
    assert not access.allows(Asker(), closed, "s3:ListBucket", BOTH[0])
    assert access.allows(Asker(), closed, "s3:DeleteBucketPolicy", BOTH[0])


@pytest.mark.parametrize(
    ("said", "code", "message"),
    [
        (statement(Principal="*"), "AccessDenied", "BlockPublicPolicy"),
        (statement(Principal={"AWS": f"{ROLE}2"}), "MalformedPolicy", "invalid principal.*web2"),
        (statement(Principal={"Service": "x"}), "MalformedPolicy", "AWS alone"),
        (statement(Resource="arn:aws:s3:::other/*"), "MalformedPolicy", "invalid resource.*other"),
        (statement(Action="ec2:*"), "MalformedPolicy", "invalid action: ec2"),
        (statement(Condition={}), "MalformedPolicy", "Condition: not part"),
        ({"Effect": "Allow", "Action": "s3:*", "Resource": BOTH}, "MalformedPolicy", "invalid principal: none"),
    ],
)
def test_a_policy_that_would_not_be_kept_to_is_refused(said: dict[str, Any], code: str, message: str) -> None:
    with pytest.raises(RefusedError, match=message) as refused:
        checked(said)
    assert refused.value.code == code


def test_a_role_s_policy_names_buckets_for_s3_only_and_patterns_are_iam_s() -> None:
    policy.check(document(allow("s3:GetObject", Resource="arn:aws:s3:::shared/*")))
    with pytest.raises(RefusedError, match="Resource"):
        policy.check(document(allow("s3:GetObject", "ec2:*", Resource="arn:aws:s3:::shared/*")))
    one = document(allow("s3:*", Resource="arn:aws:s3:::a?c/[x]*"))
    assert policy.allows([one], "s3:GetObject", "arn:aws:s3:::abc/[x]y")
    assert not policy.allows([one], "s3:GetObject", "arn:aws:s3:::abc/x")


@pytest.fixture
def instance(served: Served) -> Iterator[Client]:
    """S3 as an instance with the role `web` has it, and a bucket `shared`."""
    iam, s3 = served.client("iam"), served.client("s3")
    iam.create_role(RoleName="web", AssumeRolePolicyDocument=TRUST)
    iam.create_instance_profile(InstanceProfileName="web")
    iam.add_role_to_instance_profile(InstanceProfileName="web", RoleName="web")
    s3.create_bucket(Bucket="shared", CreateBucketConfiguration=HERE)
    found = served.api.credentials("web", "i-1")
    assert found
    yield served.client("s3", key=found[1].access_key, secret=found[1].secret_key, token=found[1].token)
    for each in s3.list_objects_v2(Bucket="shared").get("Contents", []):
        s3.delete_object(Bucket="shared", Key=each["Key"])
    s3.delete_bucket(Bucket="shared")
    iam.remove_role_from_instance_profile(InstanceProfileName="web", RoleName="web")
    iam.delete_instance_profile(InstanceProfileName="web")
    iam.delete_role(RoleName="web")


def test_an_instance_uses_a_bucket_whose_policy_names_its_role(served: Served, instance: Client) -> None:
    s3 = served.client("s3")
    assert refusal(instance.put_object, Bucket="shared", Key="k") == "AccessDenied"
    s3.put_bucket_policy(Bucket="shared", Policy=document(statement()))
    instance.put_object(Bucket="shared", Key="k", Body=b"of the instance")
    assert s3.get_object(Bucket="shared", Key="k")["Body"].read() == b"of the instance"
    assert refusal(instance.list_buckets) == "AccessDenied"
    assert json.loads(s3.get_bucket_policy(Bucket="shared")["Policy"])["Statement"][0]["Action"] == "s3:*"
    keep = statement(Effect="Deny", Action="s3:DeleteObject", Resource="arn:aws:s3:::shared/kept")
    s3.put_bucket_policy(Bucket="shared", Policy=document(statement(), keep))
    both = [{"Key": "kept"}, {"Key": "k"}]
    said = instance.delete_objects(Bucket="shared", Delete={"Objects": both})
    assert [each["Key"] for each in said["Errors"]] == ["kept"]
    assert [each["Key"] for each in said["Deleted"]] == ["k"]
    s3.delete_bucket_policy(Bucket="shared")
    assert refusal(instance.get_object, Bucket="shared", Key="k") == "AccessDenied"
    assert refusal(s3.get_bucket_policy, Bucket="shared") == "NoSuchBucketPolicy"


def test_only_who_may_list_a_bucket_is_told_that_an_object_is_missing(served: Served, instance: Client) -> None:
    read = statement(Action="s3:GetObject", Resource=BOTH[1])
    served.client("s3").put_bucket_policy(Bucket="shared", Policy=document(read))
    assert refusal(instance.get_object, Bucket="shared", Key="missing") == "AccessDenied"
    lists = statement(Action="s3:ListBucket", Resource=BOTH[0])
    served.client("s3").put_bucket_policy(Bucket="shared", Policy=document(read, lists))
    assert refusal(instance.get_object, Bucket="shared", Key="missing") == "NoSuchKey"


def test_a_copy_needs_the_right_to_read_its_source(served: Served, instance: Client) -> None:
    s3 = served.client("s3")
    s3.put_object(Bucket="shared", Key="secret", Body=b"x")
    s3.put_bucket_policy(Bucket="shared", Policy=document(statement(Action="s3:PutObject", Resource=BOTH[1])))
    copy = {"Bucket": "shared", "Key": "copy", "CopySource": {"Bucket": "shared", "Key": "secret"}}
    assert refusal(instance.copy_object, **copy) == "AccessDenied"
