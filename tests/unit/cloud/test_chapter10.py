"""Chapter 10's template against chapter 8's, and the script that takes members out of etcd."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from coreos_lab.cloud.formation import template
from tests import chapter8

FOLDER = Path(__file__).parents[3] / "labs/ch10"
DATABASE = '  fleet:\n    metadata: "role=database"\n'
AWSLOGS = (
    'Environment="DOCKER_OPTS=--log-driver=awslogs --log-opt awslogs-region=${AWS::Region} '
    '--log-opt awslogs-group=${LogGroup} --log-opt mode=non-blocking"'
)
ETCDCTL = """#!/bin/sh
if [ "$1" = cluster-health ]; then cat "$MEMBERS"; exit 5; fi
sed -i "/$3/d" "$MEMBERS"
echo "Removed member $3 from cluster"
"""


def chapter10() -> template.Template:
    return template.parse((FOLDER / "cluster.yml").read_text())


def resource(name: str) -> dict[str, Any]:
    return dict(chapter10().resources[name].properties)


def user_data(name: str) -> str:
    return str(resource(name)["UserData"]["Fn::Base64"]["Fn::Sub"])


def test_logs_are_kept_for_a_week_and_the_machines_may_write_them() -> None:
    assert resource("LogGroup") == {"RetentionInDays": 7}
    assert chapter10().outputs["LogGroup"]["Value"] == {"Ref": "LogGroup"}
    first = resource("CoreOSRole")["Policies"][0]["PolicyDocument"]["Statement"][0]
    assert {"logs:CreateLogStream", "logs:PutLogEvents"} <= set(first["Action"])


def test_nothing_of_chapter_8_is_gone() -> None:
    before, after = chapter8.whole(), chapter10()
    assert set(before.resources) < set(after.resources)
    assert set(before.outputs) < set(after.outputs)
    assert set(before.parameters) < set(after.parameters)
    assert after.parameters["DesiredCapacity"]["MinValue"] == after.parameters["DesiredCapacity"]["Default"] == 3
    assert resource("CoreOSServerAutoScale")["DesiredCapacity"] == {"Ref": "DesiredCapacity"}


@pytest.mark.parametrize("config", ["CoreOSServerLaunchConfig", "DatabaseCoreOSServerLaunchConfig"])
def test_docker_sends_all_logs_without_waiting_for_them(config: str) -> None:
    assert AWSLOGS in user_data(config)


def test_the_database_s_machines_differ_in_their_metadata_alone() -> None:
    own, other = user_data("DatabaseCoreOSServerLaunchConfig"), user_data("CoreOSServerLaunchConfig")
    assert own.count(DATABASE) == 1
    assert own.replace(DATABASE, "") == other
    configs = [resource(name) for name in ("DatabaseCoreOSServerLaunchConfig", "CoreOSServerLaunchConfig")]
    for each in configs:
        del each["UserData"], each["InstanceType"]
    assert configs[0] == configs[1]


@pytest.mark.parametrize(
    ("states", "code", "said", "left"),
    [
        ("healthy healthy healthy", 0, "all 3 members are reachable: nothing to do", 3),
        ("healthy healthy unreachable", 0, "Removed member 3", 2),
        ("healthy healthy healthy unreachable unreachable", 0, "Removed member 5", 3),
        ("healthy unreachable unreachable", 1, "2 stays: 1 of 3 members live", 3),
        ("healthy unhealthy unreachable", 1, "3 stays: 1 of 3 members live", 3),
        ("", 1, "etcd does not say which members it has", 0),
    ],
)
def test_members_that_are_gone_leave_as_long_as_a_majority_lives(
    tmp_path: Path, states: str, code: int, said: str, left: int
) -> None:
    members, etcdctl = tmp_path / "members", tmp_path / "etcdctl"
    lines = [f"member {number} is {state}: ...\n" for number, state in enumerate(states.split(), start=1)]
    members.write_text("".join(lines))
    etcdctl.write_text(ETCDCTL)
    etcdctl.chmod(0o755)
    known = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}", "MEMBERS": str(members), "PATIENCE": "0"}
    done = subprocess.run([FOLDER / "reap-members"], env=known, capture_output=True, text=True, check=False)
    assert (done.returncode, members.read_text().count("member")) == (code, left), done.stderr
    assert said in done.stdout + done.stderr
