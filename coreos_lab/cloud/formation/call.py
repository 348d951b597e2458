"""What a kind of resource is: how one is made, updated and deleted, and the clients that this is done with."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from coreos_lab.cloud.formation.errors import invalid

Values = Mapping[str, Any]
Attributes = dict[str, str]
TAGS = "Tags"


class Wait(Protocol):
    """Waits until something is true, for so many seconds. RefusedError says what is missing."""

    def __call__(self, true: Callable[[], bool], missing: str, patience: float = ...) -> None: ...


@dataclass(frozen=True)
class Call:
    """What a kind needs to make a resource: clients of boto3, and the tags that tell whose the resource is.

    `seed` is "" but for a resource that replaces another one of the same stack: their generated names must differ.
    `signals` are those that the resource has got: SUCCESS or FAILURE by the id of who sent it.
    `policy` is its UpdatePolicy.
    """

    client: Callable[[str], Any]
    tags: tuple[tuple[str, str], ...]
    wait: Wait
    seed: str = ""
    signals: Callable[[], Mapping[str, str]] = dict
    policy: Values = field(default_factory=dict)

    @property
    def ec2(self) -> Any:
        """EC2's client."""
        return self.client("ec2")

    def tagged(self, kind: str, properties: Values) -> list[dict[str, Any]]:
        """The parameter TagSpecifications: the template's tags and the stack's."""
        own = [(str(each["Key"]), str(each["Value"])) for each in properties.get(TAGS, [])]
        return [{"ResourceType": kind, "Tags": [{"Key": key, "Value": value} for key, value in (*own, *self.tags)]}]


def _no_update(_call: Call, _name: str, _old: Values, _new: Values) -> tuple[str, Attributes]:
    raise invalid("this type has no property that can be updated in place")


@dataclass(frozen=True)
class Kind:
    """One type.

    `make` returns the physical id and what Fn::GetAtt gives. `resource` is the type's name in EC2's tags, by which a
    resource is found whose making was interrupted; "" for a type without such tags.

    A change of a property in `in_place` is carried out by `update`, which gets the properties before and after, and
    returns the physical id and those attributes that have changed. It may be repeated after an interruption. A change
    of any other property replaces the resource; `replacing` decides by the values before and after, where AWS does.
    An update may change the attributes in `volatile`. `name` is the property that gives the resource its name.
    `propagates`: each of its tags says whether instances get it, too.
    """

    properties: tuple[str, ...]
    required: tuple[str, ...]
    make: Callable[[Call, Values], tuple[str, Attributes]]
    delete: Callable[[Call, str, Values], None]
    attributes: tuple[str, ...] = ()
    resource: str = ""
    in_place: tuple[str, ...] = ()
    update: Callable[[Call, str, Values, Values], tuple[str, Attributes]] = _no_update
    replacing: Mapping[str, Callable[[Any, Any], bool]] = field(default_factory=dict)
    volatile: tuple[str, ...] = ()
    name: str = ""
    propagates: bool = False


def only(where: str, its: Values, known: Iterable[str]) -> None:
    """RefusedError for a part of a property that would be passed over in silence. `where` it is: its type and place."""
    if unknown := sorted(set(its) - set(known)):
        type_, _space, place = where.partition(" ")
        raise invalid(f"{type_}: Encountered unsupported property {place}/{unknown[0]}")


def true(value: Any) -> bool:
    """A boolean, which a template may have as a text."""
    return str(value).lower() == "true"


def name_of(call: Call) -> str:
    """The physical name of a resource that has none in the template: the same whenever it is asked for."""
    tags = dict(call.tags)
    random = hashlib.sha256(f"{tags['aws:cloudformation:stack-id']}{call.seed}".encode()).hexdigest()[:12].upper()
    return f"{tags['aws:cloudformation:stack-name']}-{tags['aws:cloudformation:logical-id']}-{random}"


def code_of(error: BaseException) -> str:
    """The code of an error of the API, "" for any other error."""
    return str(getattr(error, "response", {}).get("Error", {}).get("Code", ""))


def unless(codes: tuple[str, ...], act: Callable[[], Any]) -> None:
    """Does something unless it is done already, as these codes of errors say: an update may be repeated."""
    try:
        act()
    except Exception as error:
        if code_of(error) not in codes:
            raise
