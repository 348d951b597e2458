"""Change sets: what an update would change is told before it is done."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import pytest

from tests.unit.cloud.conftest import Client, Served
from tests.unit.cloud.formation.stacks import Tried, body, given, stack
from tests.unit.cloud.formation.test_update import NETWORK, network
from tests.unit.cloud.test_formation import refusal, settled

pytest.importorskip("botocore.exceptions")
pytestmark = pytest.mark.usefixtures("machines")


@pytest.fixture
def tried(served: Served) -> Iterator[Tried]:
    with stack(served, "planned") as one:
        yield one


def planned(tried: Tried, text: str, **more: Any) -> dict[str, Any]:
    """A change set, as it is described."""
    which = {"StackName": "planned", "ChangeSetName": "one"}
    tried.cfn.create_change_set(**which, TemplateBody=text, Capabilities=["CAPABILITY_IAM"], **more)
    return dict(tried.cfn.describe_change_set(**which))


def changes(found: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {each["ResourceChange"]["LogicalResourceId"]: each["ResourceChange"] for each in found["Changes"]}


def details(change: dict[str, Any]) -> list[tuple[str, str, str, str, str]]:
    return [
        (
            each["Target"].get("Name", ""),
            each["Target"]["RequiresRecreation"],
            each["Evaluation"],
            each["ChangeSource"],
            each.get("CausingEntity", ""),
        )
        for each in change["Details"]
    ]


def test_a_stack_is_created_by_a_change_set(tried: Tried, ec2: Client) -> None:
    before = len(ec2.describe_vpcs()["Vpcs"])
    found = planned(tried, network(), ChangeSetType="CREATE", Description="at first")
    assert (found["Status"], found["ExecutionStatus"], found["Description"]) == (
        "CREATE_COMPLETE",
        "AVAILABLE",
        "at first",
    )
    assert {change["Action"] for change in changes(found).values()} == {"Add"}
    assert set(changes(found)) == set(NETWORK)
    assert settled_now(tried)["StackStatus"] == "REVIEW_IN_PROGRESS"
    assert len(ec2.describe_vpcs()["Vpcs"]) == before
    tried.cfn.execute_change_set(ChangeSetName=found["ChangeSetId"])
    tried.ends("CREATE_COMPLETE")
    assert tried.cfn.describe_change_set(ChangeSetName=found["ChangeSetId"])["ExecutionStatus"] == "EXECUTE_COMPLETE"
    again = {"StackName": "planned", "ChangeSetName": "two", "TemplateBody": network(), "ChangeSetType": "CREATE"}
    assert "already exists" in refusal(tried.cfn.create_change_set, **again)


def settled_now(tried: Tried) -> dict[str, Any]:
    (found,) = tried.cfn.describe_stacks(StackName="planned")["Stacks"]
    return dict(found)


def test_a_stack_that_was_only_reviewed_is_deleted(tried: Tried) -> None:
    found = planned(tried, network(), ChangeSetType="CREATE")
    tried.cfn.delete_stack(StackName="planned")
    assert settled(tried.cfn, found["StackId"])["StackStatus"] == "DELETE_COMPLETE"


def test_what_would_change_is_told_and_then_done(tried: Tried) -> None:
    tried.create(network())
    before = tried.ids()
    text = network(Group={"GroupDescription": "second"}, Subnet={"MapPublicIpOnLaunch": True})
    found = planned(tried, text, Parameters=given(Size="t2.micro"))
    told = changes(found)
    assert {name: (change["Action"], change["Replacement"]) for name, change in told.items()} == {
        "Subnet": ("Modify", "False"),
        "Group": ("Modify", "True"),
        "Machine": ("Modify", "False"),
    }
    assert told["Group"]["PhysicalResourceId"] == before["Group"]
    assert told["Group"]["PolicyAction"] == "ReplaceAndDelete"
    assert told["Group"]["Scope"] == ["Properties"]
    assert details(told["Group"]) == [("GroupDescription", "Always", "Static", "DirectModification", "")]
    assert details(told["Machine"]) == [
        ("InstanceType", "Never", "Static", "ParameterReference", "Size"),
        ("SecurityGroupIds", "Never", "Dynamic", "ResourceReference", "Group"),
    ]
    assert tried.ids() == before
    (listed,) = tried.cfn.list_change_sets(StackName="planned")["Summaries"]
    assert (listed["ChangeSetName"], listed["ExecutionStatus"]) == ("one", "AVAILABLE")
    tried.cfn.execute_change_set(StackName="planned", ChangeSetName="one")
    tried.ends("UPDATE_COMPLETE")
    after = tried.ids()
    assert {name for name in before if before[name] != after[name]} == {"Group"}
    executed = refusal(tried.cfn.execute_change_set, StackName="planned", ChangeSetName="one")
    assert "cannot be executed in its current status" in executed


def test_what_depends_on_a_replaced_resource_may_be_replaced(tried: Tried) -> None:
    tried.create(network())
    text = network(Vpc={"CidrBlock": "10.12.0.0/16"}, Subnet={"CidrBlock": "10.12.1.0/24"})
    told = changes(planned(tried, text))
    assert {name: change["Replacement"] for name, change in told.items()} == {
        **dict.fromkeys(("Vpc", "Subnet"), "True"),
        **dict.fromkeys(("Group", "Machine"), "Conditional"),
    }
    assert details(told["Group"]) == [("VpcId", "Always", "Dynamic", "ResourceReference", "Vpc")]


def test_resources_that_come_and_go_are_told(tried: Tried) -> None:
    tried.create(body({"Vpc": NETWORK["Vpc"], "Group": NETWORK["Group"]}))
    kept = {**NETWORK["Vpc"], "DeletionPolicy": "Retain"}
    told = changes(planned(tried, body({"Vpc": kept, "Subnet": NETWORK["Subnet"]})))
    assert {name: change["Action"] for name, change in told.items()} == {
        "Vpc": "Modify",
        "Group": "Remove",
        "Subnet": "Add",
    }
    assert (told["Vpc"]["Scope"], told["Vpc"]["Replacement"]) == (["DeletionPolicy"], "False")
    assert told["Group"]["PolicyAction"] == "Delete"


def test_a_change_set_without_changes_has_failed(tried: Tried) -> None:
    tried.create(network())
    found = planned(tried, network())
    assert (found["Status"], found["ExecutionStatus"]) == ("FAILED", "UNAVAILABLE")
    assert found["StatusReason"].startswith("The submitted information didn't contain changes.")
    refused = refusal(tried.cfn.execute_change_set, StackName="planned", ChangeSetName="one")
    assert "current status of [FAILED]" in refused
    tried.cfn.delete_change_set(StackName="planned", ChangeSetName="one")
    assert tried.cfn.list_change_sets(StackName="planned")["Summaries"] == []
    missing = refusal(tried.cfn.describe_change_set, StackName="planned", ChangeSetName="one")
    assert missing == "ChangeSet [one] does not exist"


def test_an_update_makes_other_change_sets_obsolete(tried: Tried) -> None:
    tried.create(network())
    planned(tried, network(Group={"GroupDescription": "second"}))
    tried.update(network(Subnet={"MapPublicIpOnLaunch": True}))
    which = {"StackName": "planned", "ChangeSetName": "one"}
    assert tried.cfn.describe_change_set(**which)["ExecutionStatus"] == "OBSOLETE"
    assert "cannot be executed" in refusal(tried.cfn.execute_change_set, **which)


def test_an_update_that_keeps_what_has_failed_is_refused(tried: Tried) -> None:
    tried.create(network())
    planned(tried, network(Group={"GroupDescription": "second"}))
    which = {"StackName": "planned", "ChangeSetName": "one"}
    assert "DisableRollback" in refusal(tried.cfn.execute_change_set, **which, DisableRollback=True)
    assert tried.cfn.describe_change_set(**which)["ExecutionStatus"] == "AVAILABLE"
    assert "IncludePropertyValues" in refusal(tried.cfn.describe_change_set, **which, IncludePropertyValues=True)
    text = network(Group={"GroupDescription": "second"})
    update = {"StackName": "planned", "TemplateBody": text, "DisableRollback": True}
    assert "DisableRollback" in refusal(tried.cfn.update_stack, **update)


def test_values_that_are_only_known_later_are_no_error(tried: Tried) -> None:
    def part(name: str) -> dict[str, Any]:
        return {"Fn::Select": [1, {"Fn::Split": ["-", {"Ref": name}]}]}

    group = deepcopy(NETWORK["Group"])
    group["Properties"]["Tags"] = [{"Key": "vpc", "Value": part("Vpc")}]
    text = body({"Vpc": NETWORK["Vpc"], "Group": group}, Outputs={"Part": {"Value": part("Group")}})
    planned(tried, text, ChangeSetType="CREATE")
    tried.cfn.execute_change_set(StackName="planned", ChangeSetName="one")
    tried.ends("CREATE_COMPLETE")
    assert tried.outputs()["Part"] == tried.ids()["Group"].removeprefix("sg-")


def test_a_kind_of_change_set_that_is_not_there(tried: Tried) -> None:
    which = {"StackName": "planned", "ChangeSetName": "one", "ChangeSetType": "IMPORT", "TemplateBody": network()}
    assert "CREATE and UPDATE" in refusal(tried.cfn.create_change_set, **which)
    named = {**which, "ChangeSetName": "1", "ChangeSetType": "CREATE"}
    assert "'changeSetName' failed to satisfy constraint" in refusal(tried.cfn.create_change_set, **named)
