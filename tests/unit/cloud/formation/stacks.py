"""What the tests of stacks share: a stack from a dictionary, its events, its resources."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.unit.cloud.conftest import Client, Served
from tests.unit.cloud.test_formation import deleted, reasons, settled

Resources = dict[str, Any]


def of(type_: str, **properties: Any) -> Resources:
    """A resource of a template, such as of("EC2::VPC", CidrBlock="10.0.0.0/16")."""
    return {"Type": f"AWS::{type_}", "Properties": properties}


def body(resources: Resources, **sections: Any) -> str:
    """A template's text."""
    return json.dumps({"Resources": resources, **sections})


def given(**values: str) -> list[dict[str, Any]]:
    """Parameters; a value of "" stands for the previous one."""
    return [
        {"ParameterKey": key, **({"ParameterValue": value} if value else {"UsePreviousValue": True})}
        for key, value in values.items()
    ]


class Tried:
    """A stack of a test."""

    def __init__(self, served: Served, name: str) -> None:
        self.served, self.name = served, name
        self.cfn: Client = served.client("cloudformation")

    def create(self, text: str, **more: Any) -> dict[str, Any]:
        self.cfn.create_stack(StackName=self.name, TemplateBody=text, Capabilities=["CAPABILITY_IAM"], **more)
        return self.ends("CREATE_COMPLETE")

    def update(self, text: str, end: str = "UPDATE_COMPLETE", **more: Any) -> dict[str, Any]:
        self.cfn.update_stack(StackName=self.name, TemplateBody=text, Capabilities=["CAPABILITY_IAM"], **more)
        return self.ends(end)

    def ends(self, status: str) -> dict[str, Any]:
        found = settled(self.cfn, self.name)
        assert found["StackStatus"] == status, reasons(self.cfn, self.name)
        return found

    def outputs(self) -> dict[str, str]:
        (stack,) = self.cfn.describe_stacks(StackName=self.name)["Stacks"]
        return {each["OutputKey"]: each["OutputValue"] for each in stack.get("Outputs", [])}

    def ids(self) -> dict[str, str]:
        """The physical id of each resource that has one: one that is being made has none yet."""
        rows = self.cfn.describe_stack_resources(StackName=self.name)["StackResources"]
        return {each["LogicalResourceId"]: each["PhysicalResourceId"] for each in rows if "PhysicalResourceId" in each}

    def events(self, name: str = "") -> list[tuple[str, str]]:
        """Status and physical id of a resource's events, or the stack's own, the first first."""
        listed = self.cfn.describe_stack_events(StackName=self.name)["StackEvents"]
        return [
            (each["ResourceStatus"], each.get("PhysicalResourceId", ""))
            for each in reversed(listed)
            if each["LogicalResourceId"] == (name or self.name)
        ]

    def statuses(self, name: str = "") -> list[str]:
        return [status for status, _id in self.events(name)]


@contextmanager
def stack(served: Served, name: str) -> Iterator[Tried]:
    """A stack that is deleted at the end, which must be possible."""
    tried = Tried(served, name)
    yield tried
    if any(each.name == name for each in served.api.formation.stacks.there()):
        deleted(tried.cfn, name)
