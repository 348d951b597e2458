"""CloudWatch Logs as boto3 sees it: groups, streams, events, pages, patterns, retention, and what is refused."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from coreos_lab.cloud import sessions
from coreos_lab.cloud.logs import patterns
from coreos_lab.cloud.logs.events import DAY, HOUR
from coreos_lab.cloud.logs.service import Logs
from coreos_lab.cloud.logs.shelf import Group
from coreos_lab.cloud.sigv4 import RefusedError, Request
from tests.unit.cloud.conftest import Client, Served, refusal

ClientError = pytest.importorskip("botocore.exceptions").ClientError


@pytest.fixture
def logs(served: Served) -> Client:
    return served.client("logs")


@pytest.fixture
def group(logs: Client) -> Iterator[str]:
    """A group with the stream `one`."""
    name = f"/a/{uuid4().hex}"
    logs.create_log_group(logGroupName=name)
    logs.create_log_stream(logGroupName=name, logStreamName="one")
    yield name
    logs.delete_log_group(logGroupName=name)


def now() -> int:
    return int(time.time() * 1000)


def put(logs: Client, group: str, *messages: str, stream: str = "one", at: int | None = None) -> dict[str, Any]:
    begin = now() - 10_000 if at is None else at
    events = [{"timestamp": begin + i, "message": each} for i, each in enumerate(messages)]
    answer: dict[str, Any] = logs.put_log_events(logGroupName=group, logStreamName=stream, logEvents=events)
    return answer


def found(logs: Client, group: str, **more: Any) -> list[str]:
    pages = logs.get_paginator("filter_log_events").paginate(logGroupName=group, **more)
    return [each["message"] for page in pages for each in page["events"]]


def test_groups_and_streams_are_listed_with_what_is_in_them(logs: Client, group: str) -> None:
    put(logs, group, "first", "second")
    (shown,) = logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"]
    assert shown["storedBytes"] == len("firstsecond") + 2 * 26
    assert shown["arn"] == f"arn:aws:logs:us-west-2:123456789012:log-group:{group}:*"
    (stream,) = logs.describe_log_streams(logGroupName=group)["logStreams"]
    assert stream["lastEventTimestamp"] == stream["firstEventTimestamp"] + 1
    logs.delete_log_stream(logGroupName=group, logStreamName="one")
    assert logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"][0]["storedBytes"] == 0


def test_streams_are_listed_by_pages_and_by_the_time_of_their_last_event(logs: Client, group: str) -> None:
    for i in range(60):
        logs.create_log_stream(logGroupName=group, logStreamName=f"s{i:02}")
    pages = list(logs.get_paginator("describe_log_streams").paginate(logGroupName=group, logStreamNamePrefix="s"))
    assert [len(page["logStreams"]) for page in pages] == [50, 10]
    put(logs, group, "late", stream="s30")
    latest = logs.describe_log_streams(logGroupName=group, orderBy="LastEventTime", descending=True, limit=1)
    assert latest["logStreams"][0]["logStreamName"] == "s30"


def test_a_stream_is_read_from_its_end_and_from_its_head_and_goes_on_where_it_was(logs: Client, group: str) -> None:
    its = {"logGroupName": group, "logStreamName": "one"}

    def read(**more: Any) -> tuple[list[str], dict[str, Any]]:
        answer = logs.get_log_events(**its, **more)
        return [each["message"] for each in answer["events"]], answer

    nothing, answer = read()
    assert nothing == []
    put(logs, group, "a", "b", "c")
    assert read(nextToken=answer["nextForwardToken"])[0] == ["a", "b", "c"]
    messages, answer = read(limit=2)
    assert messages == ["b", "c"]
    messages, earlier = read(limit=2, nextToken=answer["nextBackwardToken"])
    assert messages == ["a"]
    assert read(nextToken=earlier["nextForwardToken"])[0] == ["b", "c"]
    messages, head = read(limit=2, startFromHead=True)
    assert messages == ["a", "b"]
    messages, rest = read(nextToken=head["nextForwardToken"])
    assert messages == ["c"]
    messages, end = read(nextToken=rest["nextForwardToken"])
    assert (messages, end["nextForwardToken"]) == ([], rest["nextForwardToken"])


def test_events_of_all_streams_are_found_in_their_order_with_the_streams_that_were_searched(
    logs: Client, group: str
) -> None:
    logs.create_log_stream(logGroupName=group, logStreamName="two")
    begin = now() - HOUR
    put(logs, group, "1", at=begin)
    put(logs, group, "2", stream="two", at=begin + 1)
    put(logs, group, "3", at=begin + 2)
    assert found(logs, group) == ["1", "2", "3"]
    assert found(logs, group, logStreamNames=["two"]) == ["2"]
    assert found(logs, group, logStreamNamePrefix="o") == ["1", "3"]
    assert found(logs, group, startTime=begin + 1, endTime=begin + 2) == ["2"]
    answer = logs.filter_log_events(logGroupName=group)
    assert [each["logStreamName"] for each in answer["searchedLogStreams"]] == ["one", "two"]
    assert len({each["eventId"] for each in answer["events"]}) == 3


def test_pages_have_each_event_once(logs: Client, group: str) -> None:
    put(logs, group, *(f"{i}" for i in range(2500)))
    pages = logs.get_paginator("filter_log_events").paginate(
        logGroupName=group, filterPattern="7", PaginationConfig={"PageSize": 100}
    )
    messages = [each["message"] for page in pages for each in page["events"]]
    assert messages == [f"{i}" for i in range(2500) if "7" in f"{i}"]


@pytest.mark.parametrize(
    ("pattern", "matching"),
    [
        ("", ["ERROR 1 disk full", "WARN slow", "error: x"]),
        ("ERROR", ["ERROR 1 disk full"]),
        ("ERROR full", ["ERROR 1 disk full"]),
        ("ERROR slow", []),
        ('"disk full"', ["ERROR 1 disk full"]),
        ("-ERROR", ["WARN slow", "error: x"]),
        ('-"error:" -slow', ["ERROR 1 disk full"]),
        ("?slow ?disk", ["ERROR 1 disk full", "WARN slow"]),
    ],
)
def test_patterns_have_terms_texts_exclusions_and_alternatives(pattern: str, matching: list[str]) -> None:
    read = patterns.parse(pattern)
    assert [each for each in ("ERROR 1 disk full", "WARN slow", "error: x") if read.matches(each)] == matching


@pytest.mark.parametrize("pattern", ["{ $.a = 1 }", "[a, b]", "%a.*%", "core-01", '"open', "ERROR ?slow", "x" * 1025])
def test_a_pattern_that_is_not_carried_out_is_refused(pattern: str) -> None:
    with pytest.raises(RefusedError):
        patterns.parse(pattern)


def test_events_that_are_too_old_or_too_new_are_told_and_left_out(logs: Client, group: str) -> None:
    for at, part in ((now() - 15 * DAY, "tooOldLogEventEndIndex"), (now() + 3 * HOUR, "tooNewLogEventStartIndex")):
        said = put(logs, group, "x", at=at)["rejectedLogEventsInfo"]
        assert said == {part: 1 if part.startswith("tooOld") else 0}
    assert found(logs, group) == []


def test_what_amazon_would_not_take_is_refused(logs: Client, group: str) -> None:
    its = {"logGroupName": group, "logStreamName": "one"}
    late, early = {"timestamp": now(), "message": "x"}, {"timestamp": now() - 2 * DAY, "message": "x"}
    invalid = "InvalidParameterException"
    assert refusal(logs.put_log_events, **its, logEvents=[late, early]) == invalid
    assert refusal(logs.put_log_events, **its, logEvents=[early, late]) == invalid
    assert refusal(logs.put_log_events, **its, logEvents=[{**late, "message": "x" * 2**20}]) == invalid
    assert refusal(logs.put_retention_policy, logGroupName=group, retentionInDays=2) == invalid
    assert refusal(logs.create_log_group, logGroupName="a b") == invalid
    assert refusal(logs.create_log_stream, logGroupName=group, logStreamName="a:b") == invalid
    assert refusal(logs.create_log_group, logGroupName=group) == "ResourceAlreadyExistsException"
    assert refusal(logs.filter_log_events, logGroupName="none") == "ResourceNotFoundException"
    assert (
        refusal(logs.put_log_events, **{**its, "logStreamName": "no"}, logEvents=[late]) == "ResourceNotFoundException"
    )
    assert refusal(logs.create_log_group, logGroupName="b", kmsKeyId="k") == "UnsupportedOperation"
    assert refusal(logs.start_query, logGroupName=group, startTime=0, endTime=1, queryString="x") == (
        "UnsupportedOperation"
    )


def test_what_no_client_should_send_is_refused_too(served: Served, logs: Client, group: str) -> None:
    its = {"logGroupName": group, "logStreamName": "one"}
    assert refusal(logs.get_log_events, **its, startTime=10**30) == "SerializationException"
    assert refusal(logs.get_log_events, **its, nextToken=f"f/{10**18 * 9}9/1") == "InvalidParameterException"
    half = Request("POST", "/", "", {"x-amz-target": "Logs.DeleteLogGroup"}, b'{"logGroupName": "\\ud800"}')
    for body in (half.body, b"[" * 100_000, b'{"logGroupName": 1'):
        with pytest.raises(RefusedError, match="the body is no JSON"):
            served.api.logs.read(replace(half, body=body))


def test_events_do_not_outlive_their_group(tmp_path: Path) -> None:
    kept = Logs("us-west-2", tmp_path / "logs.sqlite")
    kept.write("g", "s", [(now(), "old")])
    kept.shelf.delete_group("g")
    with pytest.raises(RefusedError, match="does not exist"):  # as for a request that was checked before
        kept.shelf.put("g", "s", [(now(), "late")], now())
    kept.write("g", "s", [(now(), "new")])
    assert [each.message for each in kept.shelf.events("g", None, (0, 2**62), limit=9)] == ["new"]


def test_two_environments_write_the_first_lines_of_a_group(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept, begun = Logs("us-west-2", tmp_path / "logs.sqlite"), threading.Event()
    make = kept.shelf.make_group

    def slowly(new: Group) -> None:
        begun.set()
        time.sleep(0.2)
        make(new)

    monkeypatch.setattr(kept.shelf, "make_group", slowly)
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(kept.write, "g", "one", [(now(), "a")])
        assert begun.wait(10)
        pool.submit(kept.write, "g", "two", [(now(), "b")]).result()
        first.result()
    assert [each.name for each in kept.shelf.streams("g")] == ["one", "two"]


def test_tags_of_a_group_come_and_go(logs: Client, group: str) -> None:
    arn = f"arn:aws:logs:us-west-2:123456789012:log-group:{group}"
    logs.tag_resource(resourceArn=arn, tags={"a": "1", "b": "2"})
    logs.untag_resource(resourceArn=arn, tagKeys=["a"])
    assert logs.list_tags_for_resource(resourceArn=arn)["tags"] == {"b": "2"}


def test_events_are_kept_for_as_long_as_their_group_says_and_over_a_restart(tmp_path: Path) -> None:
    kept = Logs("us-west-2", tmp_path / "logs.sqlite")
    kept.write("g", "s", [(now() - 4 * DAY, "old"), (now(), "new")])
    kept.shelf.change_group("g", retention=3)
    kept.expire(time.time())
    again = Logs("us-west-2", tmp_path / "logs.sqlite").shelf
    assert [each.message for each in again.events("g", None, (0, 2**62), limit=9)] == ["new"]
    assert again.group("g").size == len("new") + 26


def test_a_role_may_log_what_its_policy_allows(served: Served, group: str) -> None:
    iam = served.client("iam")
    iam.create_role(RoleName="logger", AssumeRolePolicyDocument='{"Statement": []}')
    role = as_role(served, "logger")
    event = {"timestamp": now(), "message": "x"}
    its = {"logGroupName": group, "logStreamName": "one", "logEvents": [event]}
    assert refusal(role.put_log_events, **its) == "AccessDeniedException"
    policy = (
        '{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": ["logs:PutLogEvents"], "Resource": "*"}}'
    )
    iam.put_role_policy(RoleName="logger", PolicyName="p", PolicyDocument=policy)
    role.put_log_events(**its)
    assert refusal(role.delete_log_group, logGroupName=group) == "AccessDeniedException"


def as_role(served: Served, role: str) -> Client:
    """A client with a role's credentials, as an instance gets them."""
    given = sessions.give(served.cloud, role, "i-1", datetime.now(UTC))
    return served.client("logs", key=given.access_key, secret=given.secret_key, token=given.token)


def test_a_signature_that_is_wrong_is_told_as_this_service_tells_it(served: Served) -> None:
    wrong = served.client("logs", secret="x").describe_log_groups  # noqa: S106
    assert refusal(wrong) == "InvalidSignatureException"
