"""`lab cloud`: what it prints, what it refuses, and that it costs other commands nothing."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from coreos_lab.cloud import lifecycle
from coreos_lab.commands import cloud
from coreos_lab.errors import LabError, UsageError
from coreos_lab.records import clouds


def test_exports_point_programs_at_the_cloud_and_nowhere_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_LAMBDA", "http://elsewhere")
    made = clouds.make("aws", "us-west-2", signed=True)
    lines = cloud.exports(made).splitlines()
    assert lines[0].startswith("unset ")
    assert {"AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL_LAMBDA"} <= set(lines[0].split())
    assert "export AWS_ENDPOINT_URL=http://127.0.0.1:5820" in lines
    assert f"export AWS_ACCESS_KEY_ID={made.access_key}" in lines
    assert lines[-1].endswith('/clouds/aws/aws/bin:"$PATH"')


def test_a_cloud_that_is_off_is_shown_as_such(capsys: pytest.CaptureFixture[str]) -> None:
    clouds.make("aws", "us-west-2", signed=True)
    with pytest.raises(LabError, match="does not answer"):
        cloud.status("aws", as_json=False)
    assert "is off" in capsys.readouterr().out
    cloud.status("aws", as_json=True)
    said = json.loads(capsys.readouterr().out)
    assert (said["running"], said["instances"]) == (False, None)


FRONT = {"name": "web", "kind": "application", "state": "active", "scheme": "internet-facing", "dns": "web-1.elb"}
INNER = {"name": "etcd", "kind": "classic", "state": "active", "scheme": "internal", "dns": "internal-etcd-1.elb"}
SAID = {
    "instances": [],
    "balancers": [{**FRONT, "addresses": ["198.18.0.101", "198.18.0.102"]}, {**INNER, "addresses": ["10.1.1.5"]}],
}


def test_names_of_load_balancers_for_etc_hosts(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    clouds.make("aws", "us-west-2", signed=True)
    with pytest.raises(LabError, match="does not answer"):
        cloud.hosts("aws")
    monkeypatch.setattr(lifecycle, "status", lambda _cloud: SAID)
    cloud.hosts("aws")
    assert capsys.readouterr().out.splitlines() == [
        "198.18.0.101 web-1.elb # cloud aws",
        "198.18.0.102 web-1.elb # cloud aws",
    ]
    cloud.status("aws", as_json=False)
    assert "internal-etcd-1.elb" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["", "A", "1a", "a_b", "a" * 25, "../x"])
def test_a_name_becomes_part_of_other_names(name: str) -> None:
    with pytest.raises(UsageError, match="not a cloud's name"):
        cloud.up(name, None, None, as_json=False)


def test_other_commands_import_nothing_of_it() -> None:
    shown = "print([name for name in sys.modules if 'cloud' in name or name in ('moto', 'boto3')])"
    code = f"import sys; from coreos_lab import cli; cli.called(['--help']); {shown}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
