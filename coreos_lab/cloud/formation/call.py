"""What a kind of resource is: how one is made and deleted, and the clients that this is done with."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

Values = Mapping[str, Any]
Attributes = dict[str, str]
TAGS = "Tags"


@dataclass(frozen=True)
class Call:
    """What a kind needs to make a resource: clients of boto3, and the tags that tell whose the resource is."""

    client: Callable[[str], Any]
    tags: tuple[tuple[str, str], ...]
    wait: Callable[[Callable[[], bool], str], None]

    @property
    def ec2(self) -> Any:
        """EC2's client."""
        return self.client("ec2")

    def tagged(self, kind: str, properties: Values) -> list[dict[str, Any]]:
        """The parameter TagSpecifications: the template's tags and the stack's."""
        own = [(str(each["Key"]), str(each["Value"])) for each in properties.get(TAGS, [])]
        return [{"ResourceType": kind, "Tags": [{"Key": key, "Value": value} for key, value in (*own, *self.tags)]}]


@dataclass(frozen=True)
class Kind:
    """One type. `make` returns the physical id and what Fn::GetAtt gives; `find` the id by the stack's tags."""

    properties: tuple[str, ...]
    required: tuple[str, ...]
    make: Callable[[Call, Values], tuple[str, Attributes]]
    delete: Callable[[Call, str, Values], None]
    attributes: tuple[str, ...] = ()
    resource: str = ""  # as EC2's tags call it; "" for what has no tags


def true(value: Any) -> bool:
    """A boolean, which a template may have as a text."""
    return str(value).lower() == "true"


def name_of(call: Call) -> str:
    """The physical name of a resource that has none in the template: the same whenever it is asked for."""
    tags = dict(call.tags)
    random = hashlib.sha256(tags["aws:cloudformation:stack-id"].encode()).hexdigest()[:12].upper()
    return f"{tags['aws:cloudformation:stack-name']}-{tags['aws:cloudformation:logical-id']}-{random}"
