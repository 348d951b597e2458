"""Stack policies: an update does to a resource what the policy allows, and nothing else."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from coreos_lab.cloud.formation import stack_policy
from coreos_lab.cloud.formation.stack_policy import DELETE, MODIFY, REPLACE
from coreos_lab.cloud.sigv4 import RefusedError
from tests.unit.cloud.conftest import Served
from tests.unit.cloud.formation.stacks import Tried, body, of, stack
from tests.unit.cloud.test_formation import reasons, refusal

pytest.importorskip("botocore.exceptions")
VPC, GROUP = "AWS::EC2::VPC", "AWS::EC2::SecurityGroup"
ALL = {"Effect": "Allow", "Action": "Update:*", "Principal": "*", "Resource": "*"}


def policy(*statements: dict[str, Any]) -> str:
    return json.dumps({"Statement": list(statements)})


def deny(action: Any = "Update:*", **more: Any) -> dict[str, Any]:
    return {"Effect": "Deny", "Action": action, "Principal": "*", **({"Resource": "*"} | more)}


@pytest.mark.parametrize(
    ("document", "allowed"),
    [
        ("", {MODIFY, REPLACE, DELETE}),
        (policy(ALL), {MODIFY, REPLACE, DELETE}),
        (policy({**ALL, "Action": [MODIFY, DELETE]}), {MODIFY, DELETE}),
        (policy(ALL, deny(REPLACE)), {MODIFY, DELETE}),
        (policy(ALL, deny(Resource="LogicalResourceId/V*")), set()),
        (policy(ALL, deny(Resource="LogicalResourceId/Other")), {MODIFY, REPLACE, DELETE}),
        (policy({**ALL, "Resource": "LogicalResourceId/Other"}), set()),
        (policy(ALL, deny(Condition={"StringEquals": {"ResourceType": [VPC]}})), set()),
        (policy(ALL, deny(Condition={"StringLike": {"ResourceType": "AWS::EC2::*"}})), set()),
        (policy(ALL, deny(Condition={"StringEquals": {"ResourceType": [GROUP]}})), {MODIFY, REPLACE, DELETE}),
    ],
)
def test_what_a_policy_allows(document: str, allowed: set[str]) -> None:
    actions = (MODIFY, REPLACE, DELETE)
    assert {each for each in actions if not stack_policy.denial(document, each, "Vpc", VPC)} == allowed


def test_what_is_not_named_may_be_meant() -> None:
    others = {"Effect": "Allow", "NotAction": DELETE, "Principal": "*", "NotResource": "LogicalResourceId/Vpc"}
    document = stack_policy.check(policy(others))
    assert stack_policy.denial(document, MODIFY, "Group", GROUP) == ""
    assert stack_policy.denial(document, DELETE, "Group", GROUP)
    assert stack_policy.denial(document, MODIFY, "Vpc", VPC)


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ("{", "no Statement"),
        (policy({**ALL, "Effect": "allow"}), "Effect"),
        (policy({**ALL, "Principal": "me"}), "Principal"),
        (policy({**ALL, "Action": "Update:All"}), "Update:All"),
        (policy({**ALL, "Resource": "Vpc"}), "Resource Vpc"),
        (policy({key: each for key, each in ALL.items() if key != "Resource"}), "Resource or NotResource"),
        (policy({**ALL, "Condition": {"Bool": {"ResourceType": "x"}}}), "Condition Bool"),
        (policy({**ALL, "Version": "1"}), "Version"),
    ],
)
def test_a_policy_that_is_wrong(document: str, message: str) -> None:
    with pytest.raises(RefusedError, match=message):
        stack_policy.check(document)


@pytest.fixture
def tried(served: Served) -> Iterator[Tried]:
    with stack(served, "guarded") as one:
        yield one


def template(description: str = "first", **more: Any) -> dict[str, Any]:
    group = of("EC2::SecurityGroup", GroupDescription=description, VpcId={"Ref": "Vpc"})
    return {"Vpc": of("EC2::VPC", CidrBlock="10.17.0.0/16", **more), "Group": group}


def test_an_update_that_the_policy_denies_is_rolled_back(tried: Tried) -> None:
    guard = policy(ALL, deny([REPLACE, DELETE], Resource="LogicalResourceId/Group"))
    tried.create(body(template()), StackPolicyBody=guard)
    assert tried.cfn.get_stack_policy(StackName="guarded")["StackPolicyBody"] == guard
    before = tried.ids()
    tried.update(body(template("second")), "UPDATE_ROLLBACK_COMPLETE")
    denied = "Action denied by stack policy: Statement [#2] does not allow [{}] for resource [LogicalResourceId/Group]"
    assert denied.format(REPLACE) in reasons(tried.cfn, "guarded")
    tried.update(body({"Vpc": template()["Vpc"]}), "UPDATE_ROLLBACK_COMPLETE")
    assert denied.format(DELETE) in reasons(tried.cfn, "guarded")
    assert tried.ids() == before
    tried.update(body(template(EnableDnsHostnames=True)))
    assert tried.ids() == before
    during = {"StackPolicyDuringUpdateBody": policy(ALL)}
    tried.update(body(template("second", EnableDnsHostnames=True)), **during)
    assert tried.ids()["Group"] != before["Group"]
    tried.update(body(template("third", EnableDnsHostnames=True)), "UPDATE_ROLLBACK_COMPLETE")  # it was for one update
    tried.cfn.set_stack_policy(StackName="guarded", StackPolicyBody=policy(ALL))
    tried.update(body(template("third", EnableDnsHostnames=True)))
    wrong = refusal(tried.cfn.set_stack_policy, StackName="guarded", StackPolicyBody="{}")
    assert wrong.startswith("Error validating stack policy")
