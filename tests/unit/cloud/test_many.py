"""Many requests at once, pages of what is described, and the limit of requests."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from coreos_lab.cloud import paging
from coreos_lab.cloud.sigv4 import RefusedError
from coreos_lab.cloud.throttle import Bucket
from tests.unit.cloud.conftest import Client, Served

ClientError = pytest.importorskip("botocore.exceptions").ClientError
CALLS, CLIENTS = 100, 20
ITEMS = "".join(f"<item><n>{number}</n></item>" for number in range(3))
BODY = f'<R xmlns="urn:of:them"><requestId>1</requestId><theSet>{ITEMS}</theSet></R>'.encode()


@pytest.fixture
def patient(served: Served) -> Client:
    """A client as most programs have it: it tries again after Request limit exceeded."""
    import boto3
    from botocore.config import Config

    return boto3.client(
        "ec2",
        endpoint_url=served.cloud.endpoint,
        region_name=served.cloud.region,
        aws_access_key_id=served.cloud.access_key,
        aws_secret_access_key=served.cloud.secret_key,
        config=Config(retries={"mode": "standard", "total_max_attempts": 8}, max_pool_connections=CLIENTS),
    )


@pytest.fixture
def few(served: Served) -> Iterator[None]:
    """Far fewer requests are let through than otherwise."""
    before, served.api.bucket = served.api.bucket, Bucket(burst=10, rate=20)
    yield
    served.api.bucket = before


def test_two_hundred_calls_at_once_are_each_done_once(patient: Client, few: None) -> None:
    def one(number: int) -> tuple[str, str]:
        made = patient.create_security_group(GroupName=f"many-{number}", Description="one of many")["GroupId"]
        (found,) = patient.describe_security_groups(GroupIds=[made])["SecurityGroups"]
        return str(made), str(found["GroupName"])

    with ThreadPoolExecutor(CLIENTS) as pool:
        found = list(pool.map(one, range(CALLS // 2)))
    assert [name for _id, name in found] == [f"many-{number}" for number in range(CALLS // 2)]
    names = [{"Name": "group-name", "Values": ["many-*"]}]
    pages = patient.get_paginator("describe_security_groups").paginate(Filters=names, PaginationConfig={"PageSize": 7})
    listed = [[each["GroupId"] for each in page["SecurityGroups"]] for page in pages]
    assert [len(each) for each in listed] == [7, 7, 7, 7, 7, 7, 7, 1]
    assert {each for page in listed for each in page} == {name for name, _ in found}
    for name, _ in found:
        patient.delete_security_group(GroupId=name)


@pytest.mark.parametrize(
    ("service", "call", "code"),
    [
        ("ec2", "describe_vpcs", "RequestLimitExceeded"),
        ("cloudformation", "describe_stacks", "Throttling"),
        ("autoscaling", "describe_auto_scaling_groups", "Throttling"),
    ],
)
def test_too_many_requests_are_refused(served: Served, few: None, service: str, call: str, code: str) -> None:
    client = served.client(service)
    with pytest.raises(ClientError) as refused:
        for _ in range(1000):
            getattr(client, call)()
    assert refused.value.response["Error"]["Code"] == code


def test_what_is_let_through() -> None:
    moment = [0.0]
    bucket = Bucket(burst=2, rate=4, clock=lambda: moment[0])
    bucket.take("ec2")
    bucket.take("ec2")
    with pytest.raises(RefusedError):
        bucket.take("ec2")
    moment[0] = 0.25
    bucket.take("ec2")
    with pytest.raises(RefusedError):
        bucket.take("ec2")
    moment[0] = 100.0
    bucket.take("ec2")
    bucket.take("ec2")
    with pytest.raises(RefusedError):
        bucket.take("ec2")


def paged(action: str = "DescribeThem", **asked: str) -> str:
    return paging.page("ec2", action, asked, BODY).decode()


def test_pages_of_an_answer() -> None:
    first = paged(MaxResults="2")
    assert [f"<n>{number}</n>" in first for number in range(3)] == [True, True, False]
    assert 'xmlns="urn:of:them"' in first
    token = first.partition("<nextToken>")[2].partition("</nextToken>")[0]
    second = paged(MaxResults="2", NextToken=token)
    assert [f"<n>{number}</n>" in second for number in range(3)] == [False, False, True]
    assert "nextToken" not in second
    assert paged() == paged("ModifyThem", MaxResults="1") == BODY.decode()


@pytest.mark.parametrize("asked", [{"MaxResults": "0"}, {"MaxResults": "x"}, {"NextToken": "strange"}])
def test_a_page_that_cannot_be(asked: dict[str, str]) -> None:
    with pytest.raises(RefusedError) as refused:
        paged(**asked)
    assert refused.value.code == "InvalidParameterValue"


def by_ec2(client: Client) -> list[Any]:
    vpcs = client("ec2").get_paginator("describe_subnets").paginate(PaginationConfig={"PageSize": 5})
    return [page["Subnets"] for page in vpcs]


def by_scaling(client: Client) -> list[Any]:
    asg = client("autoscaling")
    for number in range(6):
        asg.create_launch_configuration(
            LaunchConfigurationName=f"page-{number}", ImageId="ami-7d11c51d", InstanceType="t2.small"
        )
    pages = asg.get_paginator("describe_launch_configurations").paginate(PaginationConfig={"PageSize": 5})
    found = [page["LaunchConfigurations"] for page in pages]
    for number in range(6):
        asg.delete_launch_configuration(LaunchConfigurationName=f"page-{number}")
    return found


def by_templates(client: Client) -> list[Any]:
    """moto alone shows fifteen and says nothing of the rest."""
    ec2 = client("ec2")
    for number in range(17):
        ec2.create_launch_template(LaunchTemplateName=f"page-{number}", LaunchTemplateData={"ImageId": "ami-7d11c51d"})
    found = [ec2.describe_launch_templates()["LaunchTemplates"]]
    for each in found[0]:
        ec2.delete_launch_template(LaunchTemplateId=each["LaunchTemplateId"])
    assert len(found[0]) >= 17
    return [found[0][:5], found[0][5:]]


@pytest.mark.parametrize("ask", [by_ec2, by_scaling, by_templates])
def test_services_answer_by_pages(served: Served, ask: Callable[[Any], list[Any]]) -> None:
    pages = ask(served.client)
    assert len(pages[0]) == 5 or len(pages) == 1
    rows = [str(row) for page in pages for row in page]
    assert len(rows) == len(set(rows)) > 3
