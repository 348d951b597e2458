"""Pages of what is described: as many rows as a request asks for, and a token for the next ones.

moto pages some of EC2's answers and not others; here all are, and those of our own services, in one way.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from xml.etree import ElementTree

from coreos_lab.cloud import query
from coreos_lab.cloud.sigv4 import RefusedError

ROWS = ("item", "member")  # what a list's parts are called, in EC2's answers and in the others'


@dataclass(frozen=True)
class Words:
    """How a service calls the number of rows, a token in a request and in an answer, and a wrong one."""

    most: str
    token: str
    next: str
    refusal: str


WORDS = {
    "ec2": Words("MaxResults", "NextToken", "nextToken", "InvalidParameterValue"),
    "autoscaling": Words("MaxRecords", "NextToken", "NextToken", "InvalidNextToken"),
    "elasticloadbalancing": Words("PageSize", "Marker", "NextMarker", "ValidationError"),
}


# Of these, moto answers with a page of its own, even if it was not asked for one.
PAGED = ("DescribeInstances", "DescribeLaunchTemplates", "DescribeLaunchTemplateVersions")
ALL = "100000"


def without(service: str, action: str, parameters: Mapping[str, str]) -> dict[str, str]:
    """The parameters that the service is to get: it answers with all rows."""
    words = WORDS.get(service)
    if words is None or not action.startswith("Describe"):
        return dict(parameters)
    if words.most in parameters and "InstanceId.1" in parameters:
        message = "The parameter InstancesSet cannot be used with the parameter MaxResults"
        raise RefusedError("InvalidParameterCombination", message)
    found = {key: value for key, value in parameters.items() if key not in (words.most, words.token)}
    many = service == "ec2" and action in PAGED and "InstanceId.1" not in parameters
    return {**found, words.most: ALL} if many else found


def page(service: str, action: str, parameters: Mapping[str, str], body: bytes) -> bytes:
    """The page of an answer that a request asks for. RefusedError for a number or a token that makes no sense."""
    words = WORDS.get(service)
    if words is None or not action.startswith("Describe") or not {words.most, words.token} & set(parameters):
        return body
    first, most = _first(words, parameters.get(words.token, "")), parameters.get(words.most, "")
    if most and (not query.is_number(most) or int(most) < 1):
        raise RefusedError(words.refusal, f"Value ( {most} ) for parameter {words.most} is invalid.")
    root = ElementTree.fromstring(body)  # noqa: S314 - our own answer
    space = root.tag.partition("}")[0].lstrip("{") if root.tag.startswith("{") else ""
    whole = root if service == "ec2" else root[0]
    rows = next((each for each in whole if len(each) and all(_name(row) in ROWS for row in each)), None)
    if rows is None:
        return body
    end = first + int(most) if most else len(rows)
    if end < len(rows):
        token = ElementTree.SubElement(whole, f"{{{space}}}{words.next}" if space else words.next)
        token.text = urlsafe_b64encode(str(end).encode()).decode()
    for row in [*rows[:first], *rows[end:]]:
        rows.remove(row)
    ElementTree.register_namespace("", space)
    shown: bytes = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
    return shown


def _first(words: Words, token: str) -> int:
    try:
        return int(urlsafe_b64decode(token.encode()) or 0)
    except ValueError:
        raise RefusedError(words.refusal, f"{words.token} {token}: not a token of this cloud") from None


def _name(element: ElementTree.Element) -> str:
    return element.tag.rpartition("}")[2]
