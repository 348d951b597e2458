"""A small Amazon on this machine: its API, and real machines and networks behind it."""

from __future__ import annotations

import json
import os
import shlex
from typing import Annotated, Any

import typer

from coreos_lab import disk, hints, screen
from coreos_lab.cloud import clients, images, lifecycle
from coreos_lab.cloud.balancing.kept import PUBLIC
from coreos_lab.commands import cloud_images
from coreos_lab.commands.cloud_images import CloudName, Lab
from coreos_lab.commands.env import without_proxy
from coreos_lab.commands.options import Json, group
from coreos_lab.commands.table import table
from coreos_lab.containers import pidfile
from coreos_lab.errors import LabError, UsageError
from coreos_lab.model import Cloud
from coreos_lab.model.cloud import DEFAULT_REGION
from coreos_lab.plan import check_name
from coreos_lab.providers.choose import instances
from coreos_lab.records import clouds
from coreos_lab.records.clouds import CloudFolder
from coreos_lab.settings import is_root

app = group(__doc__)
app.add_typer(cloud_images.hooks, name="webhook")


@app.command("up")
def up_command(
    name: CloudName = hints.DEFAULT_CLOUD,
    region: Annotated[
        str | None, typer.Option("--region", envvar="LAB_REGION", help=f"AWS's region that it is ({DEFAULT_REGION}).")
    ] = None,
    signatures: Annotated[
        bool | None,
        typer.Option(
            "--signatures/--no-signatures", help="Whether requests must be signed with the cloud's key (yes)."
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Start a cloud, or make one."""
    up(name, region, signatures, as_json=as_json)


def up(name: str, region: str | None, signatures: bool | None, *, as_json: bool) -> None:
    """Returns when the API answers. A cloud that runs already is left as it is."""
    check_name(name, "cloud")
    _require_root()
    with screen.showing(), CloudFolder(name).lock(hints.lab("cloud", "up")):
        cloud = lifecycle.bring_up(name, region, signatures)
    if as_json:
        print(json.dumps({"cloud": name, "region": cloud.region, "endpoint": cloud.endpoint}))
    else:
        shell = hints.lab("cloud", "env")
        print(f'{name}: {cloud.region} at {cloud.endpoint}. Next: eval "$({shell})" && aws ec2 describe-vpcs')


@app.command("status")
def status_command(name: CloudName = hints.DEFAULT_CLOUD, as_json: Json = False) -> None:
    """Show whether a cloud runs, its instances and its load balancers."""
    status(name, as_json=as_json)


def status(name: str, *, as_json: bool) -> None:
    """Prints a cloud's endpoint, instances and load balancers, as its process says them."""
    cloud = clouds.require(name)
    said = lifecycle.status(cloud)
    state = "runs" if said is not None else "is off"
    if as_json:
        values = {"cloud": name, "region": cloud.region, "endpoint": cloud.endpoint, "running": said is not None}
        parts = {part: said.get(part) if said else None for part in ("instances", "balancers", "apis")}
        print(json.dumps({**values, **parts}, indent=2))
        return
    print(f"{name}: {cloud.region} at {cloud.endpoint} {state}")
    rows = [tuple(each[part] or "-" for part in PARTS) for each in (said or {}).get("instances", [])]
    if rows:
        print(table(("INSTANCE", "STATE", "TYPE", "ZONE", "PRIVATE", "PUBLIC"), rows))
    fronts = [(each["name"], each["state"], each["dns"], " ".join(each["addresses"])) for each in _balancers(said)]
    if fronts:
        print(table(("LOAD BALANCER", "STATE", "NAME", "ADDRESSES"), fronts))
    apis = [(each["name"], each["dns"], cloud.gateway_address) for each in (said or {}).get("apis", [])]
    if apis:
        print(table(("API", "NAME", "ADDRESS"), apis))
    if said is None:
        raise lifecycle.silent(cloud)


def _balancers(said: dict[str, Any] | None) -> list[dict[str, Any]]:
    """The load balancers of a cloud that answered."""
    return list((said or {}).get("balancers", []))


@app.command("hosts")
def hosts_command(name: CloudName = hints.DEFAULT_CLOUD) -> None:
    """Print lines of /etc/hosts with the names of the load balancers and the APIs that this machine reaches."""
    hosts(name)


def hosts(name: str) -> None:
    """Each line ends with a comment by which it is found again: the addresses are the cloud's alone."""
    cloud = clouds.require(name)
    said = lifecycle.status(cloud)
    if said is None:
        raise lifecycle.silent(cloud)
    for each in _balancers(said):
        if each["scheme"] == PUBLIC:
            for address in each["addresses"]:
                print(f"{address} {each['dns']} # cloud {name}")
    for each in said.get("apis", []):  # absent from what a process of an older `lab` says
        print(f"{cloud.gateway_address} {each['dns']} # cloud {name}")


PARTS = ("id", "state", "type", "zone", "private", "public")


@app.command("env")
def env_command(name: CloudName = hints.DEFAULT_CLOUD) -> None:
    """Print exports for plain aws and boto3: eval "$(lab cloud env)"."""
    print(exports(clouds.require(name)))


def exports(cloud: Cloud) -> str:
    """Shell lines that point programs at the cloud, and unset what would point them elsewhere."""
    known = clients.variables(cloud)
    own = {each for each in os.environ if each.startswith("AWS_ENDPOINT_URL_")}
    return "\n".join(
        [
            f"unset {' '.join(sorted({*clients.ELSEWHERE, *own} - set(known)))}",
            *(f"export {key}={shlex.quote(value)}" for key, value in known.items()),
            f"export LAB_REGISTRY={images.address(cloud)}",
            *without_proxy(os.environ, ["127.0.0.1", cloud.public_subnet]),
            f'export PATH={shlex.quote(str(clients.programs(cloud)))}:"$PATH"',
        ]
    )


@app.command("discovery")
def discovery_command(
    size: Annotated[int, typer.Option("--size", metavar="N", help="For how many etcd members the token is (3).")] = 3,
    name: CloudName = hints.DEFAULT_CLOUD,
    as_json: Json = False,
) -> None:
    """Print the URL of a new discovery token, by which the members of a new etcd find each other."""
    url = lifecycle.new_token(clouds.require(name), size)
    print(json.dumps({"cloud": name, "size": size, "url": url}) if as_json else url)


@app.command("publish")
def publish_command(lab: Lab, name: CloudName = hints.DEFAULT_CLOUD, as_json: Json = False) -> None:
    """Build a lab's container images and put them into the cloud's registry, which instances pull from."""
    cloud_images.publish(name, lab, as_json=as_json)


@app.command("destroy")
def destroy_command(name: CloudName = hints.DEFAULT_CLOUD, as_json: Json = False) -> None:
    """Remove a cloud with its instances, then check that nothing of it is left."""
    destroy(name, as_json=as_json)


def destroy(name: str, *, as_json: bool) -> None:
    """Removes a cloud. A missing one is no error, as with rm -f."""
    check_name(name, "cloud")
    _require_root()
    with screen.showing(), CloudFolder(name).lock(hints.lab("cloud", "destroy")):
        cloud = clouds.load(name)
        if cloud is not None:
            lifecycle.take_down(cloud, instances())
        elif CloudFolder(name).path.exists():  # no plan was written yet
            disk.remove_tree(CloudFolder(name).path)
    if as_json:
        print(json.dumps({"destroyed": [name] if cloud else []}))
    else:
        print(f"Destroyed: {name}; nothing is left over." if cloud else "Nothing to destroy.")


@app.command("serve", hidden=True)
def serve_command(name: CloudName = hints.DEFAULT_CLOUD) -> None:
    """Be the cloud: what `lab cloud up` starts."""
    cloud = clouds.require(name)
    if pidfile.running(CloudFolder(name).supervisor_pid) != os.getpid():
        raise UsageError("cloud serve: is for the cloud's own process", hints.lab("cloud", "up"))
    from coreos_lab.cloud.supervisor import Supervisor

    Supervisor(cloud, instances()).run()


def _require_root() -> None:
    if not is_root():
        raise LabError(
            "a cloud's instances are machines of this host, which only root can make", "run lab as root: sudo"
        )
