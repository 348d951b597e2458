"""`lab aws`: the AWS CLI asks the cloud, whatever service it is about."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from coreos_lab import run
from coreos_lab.commands import aws
from coreos_lab.records import clouds
from tests.unit.cloud.conftest import Served

pytest.importorskip("awscli", reason="the extra `cloud` is not installed")


@pytest.mark.parametrize(("words", "says"), [("sqs list-queues", "sqs"), ("emr list-clusters", "elasticmapreduce")])
def test_a_service_whose_endpoint_the_cli_knows_better_is_asked_of_the_cloud(
    served: Served, monkeypatch: pytest.MonkeyPatch, words: str, says: str
) -> None:
    begun: list[tuple[Sequence[Any], Mapping[str, str | None]]] = []
    monkeypatch.setattr(clouds, "load", lambda _name: served.cloud)
    monkeypatch.setattr(run, "replace", lambda argv, env: begun.append((argv, env)))
    aws.aws("try", [*words.split(), "--cli-connect-timeout", "5"])
    ((argv, more),) = begun
    given = {**os.environ, **more, "AWS_MAX_ATTEMPTS": "1"}
    env = {name: value for name, value in given.items() if value is not None}
    done = subprocess.run([str(word) for word in argv], env=env, capture_output=True, text=True, check=False)
    assert f"{says}: not part of this cloud, which has: " in done.stderr
