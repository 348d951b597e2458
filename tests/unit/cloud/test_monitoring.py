"""CloudWatch: metrics by every protocol, alarms and what they do, on the API that boto3 asks."""

from __future__ import annotations

import gzip
import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from coreos_lab.cloud.monitoring import cbor, wire
from coreos_lab.cloud.monitoring.alarm import ALARM, OK, UNKNOWN, Alarm, judge
from coreos_lab.cloud.monitoring.keeper import AGAIN, Keeper
from coreos_lab.cloud.monitoring.meter import Meter, Metered
from coreos_lab.cloud.monitoring.series import Metric, Sample, Series, by_period
from coreos_lab.cloud.sigv4 import RefusedError, Request
from tests.unit.cloud.conftest import Client, Served
from tests.unit.cloud.formation.stacks import body, of, stack

ClientError = pytest.importorskip("botocore.exceptions").ClientError
IMAGE = "ami-7d11c51d"
ALARMED = {
    "AlarmName": "busy",
    "Namespace": "Shop",
    "MetricName": "Orders",
    "Statistic": "Average",
    "Period": 10,
    "EvaluationPeriods": 1,
    "Threshold": 5,
    "ComparisonOperator": "GreaterThanThreshold",
}


@pytest.fixture
def cloudwatch(served: Served) -> Client:
    return served.client("cloudwatch")


@pytest.fixture
def policy(served: Served, machines: None) -> Iterator[tuple[str, str]]:
    """A group without machines, and the ARN of its policy that adds one."""
    asg = served.client("autoscaling")
    subnet = served.client("ec2").describe_subnets()["Subnets"][0]["SubnetId"]
    asg.create_launch_configuration(LaunchConfigurationName="shop", ImageId=IMAGE, InstanceType="t2.small")
    limits = {"MinSize": 0, "MaxSize": 3, "DesiredCapacity": 0}
    asg.create_auto_scaling_group(
        AutoScalingGroupName="shop", LaunchConfigurationName="shop", VPCZoneIdentifier=subnet, **limits
    )
    asked = {"PolicyName": "out", "AdjustmentType": "ExactCapacity", "ScalingAdjustment": 0, "Cooldown": 0}
    yield "shop", asg.put_scaling_policy(AutoScalingGroupName="shop", **asked)["PolicyARN"]
    asg.delete_auto_scaling_group(AutoScalingGroupName="shop", ForceDelete=True)
    end = time.monotonic() + 20
    while asg.describe_auto_scaling_groups(AutoScalingGroupNames=["shop"])["AutoScalingGroups"]:
        assert time.monotonic() < end
        time.sleep(0.1)
    asg.delete_launch_configuration(LaunchConfigurationName="shop")


@pytest.mark.parametrize(
    "value",
    [
        *(0, 23, 24, 255, 256, 65536, 2**32, -1, -500, 1.5, True, False, None, "", "tür", b"\x00\xff", [], {}),
        {"a": [1, {"b": None}], "c": "x" * 300},
        datetime(2026, 11, 27, 4, 50, tzinfo=UTC),
    ],
)
def test_cbor_gives_back_what_it_got(value: Any) -> None:
    assert cbor.decode(cbor.encode(value)) == value


def test_cbor_reads_what_other_programs_write() -> None:
    """Examples of RFC 8949, appendix A."""
    assert cbor.decode(bytes.fromhex("f93c00")) == 1.0
    assert cbor.decode(bytes.fromhex("fa47c35000")) == 100000.0
    assert cbor.decode(bytes.fromhex("c11a514b67b0")) == datetime(2013, 3, 21, 20, 4, tzinfo=UTC)
    assert cbor.decode(bytes.fromhex("9f018202039f0405ffff")) == [1, [2, 3], [4, 5]]
    assert cbor.decode(bytes.fromhex("bf61610161629f0203ffff")) == {"a": 1, "b": [2, 3]}
    assert cbor.decode(bytes.fromhex("7f657374726561646d696e67ff")) == "streaming"


@pytest.mark.parametrize(
    "text", ["", "18", "6461", "0000", "ff", "9b7fffffffffffffff", "a1f6", "81" * 40, "1c", "f8ff"]
)
def test_cbor_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not CBOR"):
        cbor.decode(bytes.fromhex(text))


def asked(path: str = "/", body: bytes = b"", **headers: str) -> Request:
    return Request("POST", path, "", {key.replace("_", "-"): value for key, value in headers.items()}, body)


def test_a_request_is_the_same_in_each_protocol() -> None:
    values = {"AlarmNames": ["busy"]}
    path = f"/service/{wire.TARGET}/operation/DescribeAlarms"
    by_cbor = asked(path, cbor.encode(values), smithy_protocol="rpc-v2-cbor")
    by_json = asked(body=json.dumps(values).encode(), x_amz_target=f"{wire.TARGET}.DescribeAlarms")
    by_query = asked(body=b"Action=DescribeAlarms&Version=2010-08-01&AlarmNames.member.1=busy")
    packed = asked(path, gzip.compress(cbor.encode(values)), smithy_protocol="rpc-v2-cbor", content_encoding="gzip")
    for each in (by_cbor, by_json, by_query, packed):
        found = wire.read(each)
        assert (found.action, found.values) == ("DescribeAlarms", values)
    found = wire.read(by_query)
    (text,) = wire.answer(found, {"MetricAlarms": [{"AlarmName": "busy"}]}).body
    assert b"<AlarmName>busy</AlarmName>" in text


@pytest.mark.parametrize(
    "wrong",
    [
        asked(f"/service/{wire.TARGET}/operation/DescribeAlarms", b"\xff", smithy_protocol="rpc-v2-cbor"),
        asked(f"/service/{wire.TARGET}/operation/DescribeAlarms", cbor.encode([]), smithy_protocol="rpc-v2-cbor"),
        asked(body=b"{", x_amz_target=f"{wire.TARGET}.DescribeAlarms"),
        asked(body=b"\x1f", content_encoding="gzip"),
    ],
)
def test_a_request_that_cannot_be_read_says_so(wrong: Request) -> None:
    with pytest.raises(RefusedError, match="the request"):
        wire.read(wrong)


def test_what_a_request_unpacks_to_has_a_limit() -> None:
    with pytest.raises(RefusedError, match="at most"):
        wire.read(asked(body=gzip.compress(b"x" * (wire.LARGEST + 1)), content_encoding="gzip"))


def alarm(periods: int = 3, needed: int = 3, treatment: str = "missing", state: str = OK) -> Alarm:
    more = {"statistic": "Average", "period": 60, "threshold": 1.0, "comparison": "GreaterThanOrEqualToThreshold"}
    return Alarm("a", "arn", "N", "M", [], periods=periods, needed=needed, treatment=treatment, state=state, **more)  # type: ignore[arg-type]


RETAIN = IGNORED = "as before"


@pytest.mark.parametrize(
    ("figures", "missing", "ignore", "breaching", "not_breaching"),
    [
        # AWS's own table, for 3 out of 3; 0 does not breach, X does, - is missing
        ("0-X-X", OK, OK, OK, OK),
        ("0----", OK, OK, OK, OK),
        ("-----", UNKNOWN, IGNORED, ALARM, OK),
        ("0XX-X", ALARM, ALARM, ALARM, ALARM),
        ("--X--", ALARM, RETAIN, ALARM, OK),
    ],
)
def test_alarms_are_judged_as_by_aws(
    figures: str, missing: str, ignore: str, breaching: str, not_breaching: str
) -> None:
    numbers = [{"0": 0.0, "X": 1.0, "-": None}[each] for each in figures]
    wanted = {"missing": missing, "ignore": ignore, "breaching": breaching, "notBreaching": not_breaching}
    for treatment, state in wanted.items():
        for before in (OK, ALARM):
            expected = before if state == RETAIN else state
            assert judge(alarm(treatment=treatment, state=before), numbers) == expected, treatment


def test_some_of_several_periods_may_be_enough() -> None:
    assert judge(alarm(periods=3, needed=2), [0, 0, 1.0, 0, 1.0]) == ALARM
    assert judge(alarm(periods=3, needed=2), [1.0, 1.0, 0, 0, 1.0]) == OK


def test_samples_become_figures_by_periods() -> None:
    listed = [Sample.of(each, moment) for moment, each in ((60.0, 1.0), (119.0, 3.0), (120.0, 7.0))]
    (first, second) = by_period(listed, 60)
    assert (first.moment, first.value("Average"), first.value("Maximum"), first.value("SampleCount")) == (60, 2, 3, 2)
    assert (second.moment, second.value("Sum")) == (120, 7)


def test_metrics_go_in_and_come_out(cloudwatch: Client) -> None:
    now, dimensions = datetime.now(UTC), [{"Name": "Shop", "Value": "north"}]
    data = {"MetricName": "Sold", "Dimensions": dimensions, "Timestamp": now, "Unit": "Count"}
    cloudwatch.put_metric_data(
        Namespace="Shop",
        MetricData=[
            {**data, "Value": 4.0},
            {**data, "Values": [1.0, 2.0], "Counts": [3.0, 1.0]},
            {**data, "StatisticValues": {"SampleCount": 2, "Sum": 20.0, "Minimum": 8.0, "Maximum": 12.0}},
        ],
    )
    found = cloudwatch.get_metric_statistics(
        Namespace="Shop",
        MetricName="Sold",
        Dimensions=dimensions,
        StartTime=now - timedelta(minutes=5),
        EndTime=now + timedelta(minutes=5),
        Period=3600,
        Statistics=["SampleCount", "Sum", "Average", "Minimum", "Maximum"],
    )
    (point,) = found["Datapoints"]
    assert {key: point[key] for key in ("SampleCount", "Sum", "Minimum", "Maximum", "Unit")} == {
        "SampleCount": 7.0,
        "Sum": 29.0,
        "Minimum": 1.0,
        "Maximum": 12.0,
        "Unit": "Count",
    }
    (listed,) = cloudwatch.list_metrics(Namespace="Shop", MetricName="Sold")["Metrics"]
    assert listed["Dimensions"] == dimensions
    assert not cloudwatch.list_metrics(Namespace="Shop", Dimensions=[{"Name": "Shop", "Value": "south"}])["Metrics"]


def test_an_alarm_is_shown_as_it_was_put_and_survives_the_process(cloudwatch: Client, served: Served) -> None:
    cloudwatch.put_metric_alarm(**ALARMED, AlarmDescription="too many", TreatMissingData="notBreaching")
    (found,) = cloudwatch.describe_alarms(AlarmNames=["busy"])["MetricAlarms"]
    assert {key: found[key] for key in ALARMED} == ALARMED
    assert (found["DatapointsToAlarm"], found["TreatMissingData"], found["ActionsEnabled"]) == (1, "notBreaching", True)
    assert type(served.api.monitoring.kept).load(served.api.monitoring.kept.path).alarms["busy"].description
    cloudwatch.delete_alarms(AlarmNames=["busy"])
    with pytest.raises(ClientError, match="busy: no such alarm") as error:
        cloudwatch.set_alarm_state(AlarmName="busy", StateValue="OK", StateReason="x")
    assert error.value.response["Error"]["Code"] == "ResourceNotFound"


def test_an_alarm_executes_the_policy_of_a_group(
    cloudwatch: Client, served: Served, policy: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    name, arn = policy
    asg = served.client("autoscaling")
    asked = {"PolicyName": "out", "AdjustmentType": "ChangeInCapacity", "ScalingAdjustment": 1, "Cooldown": 300}
    asg.put_scaling_policy(AutoScalingGroupName=name, **asked)
    cloudwatch.put_metric_alarm(**ALARMED, AlarmActions=[arn])
    (shown,) = asg.describe_policies(AutoScalingGroupName=name)["ScalingPolicies"]
    assert [each["AlarmName"] for each in shown["Alarms"]] == ["busy"]
    cloudwatch.set_alarm_state(AlarmName="busy", StateValue="ALARM", StateReason="to see what happens")
    end = time.monotonic() + 20
    while "executed" not in (history(cloudwatch, "Action") or [""])[0]:
        assert time.monotonic() < end, history(cloudwatch, "")
        time.sleep(0.1)
    assert (
        asg.describe_auto_scaling_groups(AutoScalingGroupNames=[name])["AutoScalingGroups"][0]["DesiredCapacity"] == 1
    )
    assert any("OK to ALARM" in each or "DATA to ALARM" in each for each in history(cloudwatch, "StateUpdate"))
    cloudwatch.delete_alarms(AlarmNames=["busy"])


def history(cloudwatch: Client, kind: str) -> list[str]:
    asked = {"AlarmName": "busy", **({"HistoryItemType": kind} if kind else {})}
    return [each["HistorySummary"] for each in cloudwatch.describe_alarm_history(**asked)["AlarmHistoryItems"]]


class Kept:
    """Alarms that are not written down."""

    def __init__(self, *alarms: Alarm) -> None:
        self.alarms = {each.name: each for each in alarms}

    def save(self) -> None: ...


def test_the_actions_of_an_alarm_that_stays_are_repeated_each_minute(tmp_path: Any) -> None:
    one = alarm(periods=1, needed=1)
    one.period, one.actions = 10, {"ALARM": ["arn:out"], "OK": ["arn:in"]}
    done: list[str] = []

    class Asg:
        def execute_policy(self, PolicyName: str, HonorCooldown: bool) -> None:  # noqa: N803 - boto3's
            assert HonorCooldown
            done.append(PolicyName)

    series = Series(tmp_path / "metrics")
    series._swept = time.time()  # the moments of this test are long ago
    keeper = Keeper(Kept(one), series, lambda _service: Asg(), lambda _text: None)  # type: ignore[arg-type]
    for moment in range(1000, 1100, 10):
        series.add(one.watched, [Sample.of(2.0, moment + 5)])
    for now in range(1012, 1012 + int(AGAIN), 5):
        keeper.look("a", now)
    assert (one.state, done) == (ALARM, ["arn:out"])
    keeper.look("a", 1012 + AGAIN)
    assert done == ["arn:out", "arn:out"]
    one.enabled = False
    keeper.look("a", 1012 + 2 * AGAIN)
    assert len(done) == 2


def test_the_meter_measures_what_a_machine_uses_of_its_processors(tmp_path: Any) -> None:
    used = {"i-1": 10.0, "i-2": 1.0}
    series = Series(tmp_path / "metrics")
    series._swept = time.time()  # the moments of this test are long ago
    listed = [Metered("i-1", 2, "web"), Metered("i-2", 1), Metered("i-off", 1)]
    meter = Meter(series, lambda: listed, used.get)
    meter.look(100.0, 1000.0)
    used.update({"i-1": 15.0, "i-2": 0.5})  # the second one was powered on again
    meter.look(110.0, 1010.0)
    (own,) = series.read(Metric("AWS/EC2", "CPUUtilization", (("InstanceId", "i-1"),)), 0, 2000)
    assert (own.value("Average"), own.unit, own.moment) == (25.0, "Percent", 1010.0)
    assert series.read(Metric("AWS/EC2", "CPUUtilization", (("AutoScalingGroupName", "web"),)), 0, 2000) == [own]
    assert len(series.metrics("AWS/EC2")) == 2


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"Period": 15}, "Period: 15: must be 10, 20, 30 or a multiple of 60"),
        ({"DatapointsToAlarm": 2}, "DatapointsToAlarm: 2"),
        ({"Period": 60, "EvaluationPeriods": 10**9}, "across more than 86400 s"),
        ({"Period": 86400, "EvaluationPeriods": 8}, "across more than 604800 s"),
        ({"AlarmActions": ["arn:aws:sns:us-west-2:123456789012:mail"]}, "execute scaling policies"),
        ({"Statistic": "", "ExtendedStatistic": "p90"}, "ExtendedStatistic: not part of this cloud"),
        ({"TreatMissingData": "guess"}, "TreatMissingData: guess"),
        ({"Threshold": float("nan")}, "Threshold: (nan|NaN): must be a number"),
    ],
)
def test_alarms_that_are_wrong_are_refused(cloudwatch: Client, wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(ClientError, match=said):
        cloudwatch.put_metric_alarm(**{**ALARMED, **wrong})
    assert not cloudwatch.describe_alarms(AlarmNames=["busy"])["MetricAlarms"]


def test_what_is_not_there_is_refused_by_name(cloudwatch: Client) -> None:
    with pytest.raises(ClientError, match="cloudwatch PutDashboard: not part of this cloud"):
        cloudwatch.put_dashboard(DashboardName="x", DashboardBody="{}")
    with pytest.raises(ClientError, match="AWS's own"):
        cloudwatch.put_metric_data(Namespace="AWS/EC2", MetricData=[{"MetricName": "x", "Value": 1.0}])
    gone = "arn:aws:autoscaling:us-west-2:123456789012:scalingPolicy:0:autoScalingGroupName/x:policyName/y"
    with pytest.raises(ClientError, match="no such scaling policy"):
        cloudwatch.put_metric_alarm(**ALARMED, AlarmActions=[gone])


def test_a_stack_makes_updates_and_deletes_an_alarm(served: Served) -> None:
    its = {key: value for key, value in ALARMED.items() if key != "AlarmName"}
    with stack(served, "alarmed") as one:
        one.create(body({"Busy": of("CloudWatch::Alarm", **its)}))
        name = one.ids()["Busy"]
        assert name.startswith("alarmed-Busy-")
        one.update(body({"Busy": of("CloudWatch::Alarm", **{**its, "Threshold": "7.5", "ActionsEnabled": "false"})}))
        assert one.ids()["Busy"] == name
        (found,) = served.client("cloudwatch").describe_alarms(AlarmNames=[name])["MetricAlarms"]
        assert (found["Threshold"], found["ActionsEnabled"]) == (7.5, False)
    assert not served.client("cloudwatch").describe_alarms(AlarmNames=[name])["MetricAlarms"]
