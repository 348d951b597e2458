"""The part of `lab cloud` about its registry: container images are put into it, and its webhooks."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from coreos_lab import hints, screen
from coreos_lab.cloud import images
from coreos_lab.commands import webhooks
from coreos_lab.commands.options import Json, complete_labs, group
from coreos_lab.commands.webhooks import Repository, Url, Which
from coreos_lab.containers import pidfile
from coreos_lab.definition import catalog
from coreos_lab.model import Cloud
from coreos_lab.records import clouds
from coreos_lab.records.clouds import CloudFolder

hooks = group("Have URLs called when a tag is pushed to the cloud's registry, as Docker Hub does.")


def _about_cloud(name: str) -> str:
    hints.about_cloud(name)
    return name


CloudName = Annotated[str, typer.Option("--name", envvar="LAB_CLOUD", help="The cloud's name.", callback=_about_cloud)]
Lab = Annotated[str, typer.Argument(metavar="LAB", help="A lab's name, or its folder.", autocompletion=complete_labs)]


def publish(name: str, lab: str, *, as_json: bool) -> None:
    """Builds a lab's container images and puts them into the cloud's registry."""
    cloud, definition = clouds.require(name), catalog.load(lab)
    with screen.showing(), CloudFolder(name).lock(hints.lab("cloud", "publish", lab)):
        published = images.publish(cloud, definition.containers)
    if as_json:
        print(json.dumps({"cloud": name, "images": published}))
    else:
        print(
            f"{images.address(cloud)} has {', '.join(published) or 'nothing new: the lab builds no container images'}"
        )


@hooks.command("add")
def add_command(
    url: Url, repository: Repository = "", name: CloudName = hints.DEFAULT_CLOUD, as_json: Json = False
) -> None:
    """Have a URL called from now on."""
    cloud = clouds.require(name)
    with screen.showing(), CloudFolder(name).lock(hints.lab("cloud", "webhook", "add", url)):
        webhooks.add(images.webhooks(cloud), url, repository, lambda: _apply(cloud), as_json=as_json)


@hooks.command("list")
def list_command(name: CloudName = hints.DEFAULT_CLOUD, as_json: Json = False) -> None:
    """List the webhooks."""
    webhooks.show(images.webhooks(clouds.require(name)), as_json=as_json)


@hooks.command("deliveries")
def deliveries_command(name: CloudName = hints.DEFAULT_CLOUD, as_json: Json = False) -> None:
    """Show which pushes the webhooks were told of, and what they answered."""
    webhooks.deliveries(images.webhooks(clouds.require(name)), as_json=as_json)


@hooks.command("remove")
def remove_command(which: Which, name: CloudName = hints.DEFAULT_CLOUD, as_json: Json = False) -> None:
    """Have a URL called no more."""
    cloud = clouds.require(name)
    with screen.showing(), CloudFolder(name).lock(hints.lab("cloud", "webhook", "remove", which)):
        webhooks.remove(images.webhooks(cloud), which, lambda: _apply(cloud), as_json=as_json)


def _apply(cloud: Cloud) -> None:
    """Lets the registry know, if it runs; otherwise `lab cloud up` does."""
    if pidfile.running(CloudFolder(cloud.name).registry_pid) is not None:
        images.run(cloud)
