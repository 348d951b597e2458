"""Run the AWS CLI against a cloud."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NoReturn

import typer

from coreos_lab import hints, run
from coreos_lab.cloud import clients
from coreos_lab.commands.cloud_images import CloudName
from coreos_lab.commands.options import PASS_THROUGH, verb
from coreos_lab.providers import conditions
from coreos_lab.records import clouds

app = verb()


@app.command(help=__doc__, context_settings=PASS_THROUGH)
def command(ctx: typer.Context, name: CloudName = hints.DEFAULT_CLOUD) -> None:
    aws(name, ctx.args)


def aws(name: str, argv: Sequence[str]) -> NoReturn:
    """Becomes the AWS CLI: its exit code is the command's.

    Of the CLI's version 1, `sqs`, `emr`, `health` and others ask AWS's own endpoint whatever AWS_ENDPOINT_URL says,
    unless the option says another.
    """
    cloud = clouds.require(name)
    clients.require_extra()
    cleared: dict[str, str | None] = dict.fromkeys(clients.ELSEWHERE)
    run.replace(
        [conditions.aws_cli(), "--endpoint-url", cloud.endpoint, *argv], env={**cleared, **clients.variables(cloud)}
    )
