"""Roles: the credentials that instances get, the policies that are kept to, and what is refused as it would not be."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from coreos_lab.cloud import policy, sessions
from coreos_lab.cloud.sigv4 import RefusedError
from coreos_lab.model import Cloud
from tests.unit.cloud.conftest import Client, Served

CLOUD = Cloud("try", "us-west-2", 0, "AKIAEXAMPLE", "secret")
NOW = datetime(2026, 11, 26, 12, 30, tzinfo=UTC)
SERVICE = {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}
TRUST = json.dumps({"Statement": [SERVICE]})


def document(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def allow(*actions: str, **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": list(actions), "Resource": "*", **more}


def test_credentials_are_read_as_they_were_given_and_change_within_their_lifetime() -> None:
    given = sessions.give(CLOUD, "web", "i-1", NOW)
    found = sessions.read(CLOUD, given.access_key, given.token)
    assert found
    session, secret = found
    assert (session.role, session.instance, session.expires) == ("web", "i-1", given.expires)
    assert (secret.key, secret.token, secret.expires) == (given.secret_key, given.token, given.expires)
    assert sessions.give(CLOUD, "web", "i-1", NOW + timedelta(minutes=20)) == given
    later = sessions.give(CLOUD, "web", "i-1", NOW + timedelta(hours=1))
    assert later.access_key != given.access_key
    assert NOW + timedelta(hours=5) < given.expires


def test_credentials_that_were_not_given_are_none() -> None:
    given = sessions.give(CLOUD, "web", "i-1", NOW)
    other = sessions.give(CLOUD, "admin", "i-1", NOW)
    text, _dot, seal = other.token.partition(".")
    for access_key, token in (
        (given.access_key, ""),
        (given.access_key, other.token),
        (given.access_key, f"{text}.{given.token.partition('.')[2]}"),
        (other.access_key, f"{text}.{seal[:-1]}0"),
        ("ASIAEXAMPLE", "no token"),
    ):
        found = sessions.read(CLOUD, access_key, token)
        assert found is None or token == other.token
    assert sessions.read(replace(CLOUD, secret_key="x"), given.access_key, given.token) is None  # noqa: S106


def test_an_action_is_allowed_by_one_policy_unless_any_denies_it() -> None:
    routes = document(allow("ec2:*Route", "ec2:Describe*"))
    assert policy.allows([routes], "ec2:CreateRoute")
    assert policy.allows([routes], "ec2:DescribeInstances")
    assert not policy.allows([routes], "ec2:TerminateInstances")
    assert not policy.allows([], "ec2:CreateRoute")
    deny = document({"Effect": "Deny", "Action": "ec2:CreateRoute", "Resource": "*"})
    assert not policy.allows([routes, deny], "ec2:CreateRoute")


@pytest.mark.parametrize(
    ("pattern", "text", "fits"),
    [
        ("*", "", True),
        ("a*", "a", True),
        ("a*b*c", "a-b-c-b-c", True),
        ("a*b*c", "a-c-b", False),
        ("*a?c", "abcaxc", True),
        ("a*a", "a", False),
        ("[a]*.b", "[a]x.b", True),
        ("[a]*.b", "ax-b", False),
        ("*" * 40 + "x", "ec2:DescribeInstances" * 3, False),
        ("*e" * 40 + "x", "e" * 60, False),
    ],
)
def test_patterns_of_policies(pattern: str, text: str, fits: bool) -> None:
    assert policy.matches(pattern, text) == fits


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{}", "no Statement"),
        ("no JSON", "no Statement"),
        (document(allow("ec2:*", Resource="arn:aws:ec2:*")), "Resource arn:aws"),
        (document(allow("ec2:*", Condition={})), "Condition: not part"),
        (document({"Effect": "Allow", "NotAction": "ec2:*", "Resource": "*"}), "NotAction: not part"),
        (document({"Effect": "Perhaps", "Action": "ec2:*", "Resource": "*"}), "needs an Effect"),
    ],
)
def test_a_policy_that_would_not_be_kept_to_is_refused(text: str, message: str) -> None:
    with pytest.raises(RefusedError, match=message):
        policy.check(text)


@pytest.fixture
def iam(served: Served) -> Client:
    return served.client("iam")


@pytest.mark.parametrize(
    ("statements", "trusted"),
    [
        ({"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}, True),
        ({"Effect": "Allow", "Principal": {"Service": ["a.b", "ec2.amazonaws.com"]}, "Action": ["sts:*"]}, True),
        ({"Effect": "Allow", "Principal": "*", "Action": "sts:AssumeRole"}, True),
        ({"Effect": "Allow", "Principal": {"Service": "not-ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}, False),
        ({"Effect": "Allow", "Principal": {"AWS": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}, False),
        ({"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:TagSession"}, False),
        ({"Effect": "Deny", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}, False),
        (
            [
                {"Effect": "Allow", "Principal": "*", "Action": "sts:AssumeRole"},
                {"Effect": "Deny", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "*"},
            ],
            False,
        ),
    ],
)
def test_whom_a_role_trusts_is_what_its_policy_says(statements: object, trusted: bool) -> None:
    assert policy.trusts(json.dumps({"Statement": statements}), "ec2.amazonaws.com") is trusted


def test_a_role_may_do_what_its_policy_says_and_no_more(served: Served, iam: Client) -> None:
    errors = pytest.importorskip("botocore.exceptions").ClientError
    iam.create_role(RoleName="web", AssumeRolePolicyDocument=TRUST)
    iam.create_instance_profile(InstanceProfileName="web")
    iam.add_role_to_instance_profile(InstanceProfileName="web", RoleName="web")
    iam.put_role_policy(RoleName="web", PolicyName="p", PolicyDocument=document(allow("ec2:DescribeVpcs")))
    with pytest.raises(errors, match="Resource"):
        iam.put_role_policy(RoleName="web", PolicyName="q", PolicyDocument=document(allow("ec2:*", Resource="x")))
    found = served.api.credentials("web", "i-1")
    assert found and found[0] == "web"
    given = found[1]

    def client(service: str) -> Client:
        return served.client(service, key=given.access_key, secret=given.secret_key, token=given.token)

    who = client("sts").get_caller_identity()["Arn"]
    assert who == "arn:aws:sts::123456789012:assumed-role/web/i-1"
    assert client("ec2").describe_vpcs()["Vpcs"]
    with pytest.raises(errors, match="UnauthorizedOperation"):
        client("ec2").describe_subnets()
    for call in (client("iam").list_roles, client("cloudformation").list_stacks):
        with pytest.raises(errors, match="AccessDenied"):
            call()
    iam.delete_role_policy(RoleName="web", PolicyName="p")
    with pytest.raises(errors, match="UnauthorizedOperation"):
        client("ec2").describe_vpcs()
    iam.remove_role_from_instance_profile(InstanceProfileName="web", RoleName="web")
    assert served.api.credentials("web", "i-1") is None
    iam.delete_instance_profile(InstanceProfileName="web")
    iam.delete_role(RoleName="web")


def test_a_role_that_does_not_trust_ec2_is_no_instance_s(served: Served, iam: Client) -> None:
    iam.create_role(RoleName="other", AssumeRolePolicyDocument=TRUST.replace("ec2.", "lambda."))
    iam.create_instance_profile(InstanceProfileName="other")
    iam.add_role_to_instance_profile(InstanceProfileName="other", RoleName="other")
    assert served.api.credentials("other", "i-1") is None
