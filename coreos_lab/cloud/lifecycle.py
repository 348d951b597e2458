"""Starting a cloud's process, and removing a cloud with everything that it has made."""

from __future__ import annotations

import http.client
import json
from typing import Any

from coreos_lab import disk, events, hints, settings
from coreos_lab.cloud import audit, clients, discovery, ground, images, router
from coreos_lab.cloud.balancing import teardown
from coreos_lab.cloud.functions import teardown as of_functions
from coreos_lab.cloud.router import Router
from coreos_lab.cloud.supervisor import STATUS_PATH
from coreos_lab.containers import pidfile
from coreos_lab.containers.server import Server
from coreos_lab.errors import LabError, UnknownError, UsageError
from coreos_lab.model import Cloud
from coreos_lab.model.cloud import DEFAULT_REGION
from coreos_lab.providers.base import InstanceProvider
from coreos_lab.records import clouds
from coreos_lab.records.clouds import CloudFolder

DEADLINE = 120.0  # seconds for the API to answer; it takes about two, and many on a host with far more to do than cores


def bring_up(name: str, region: str | None, signed: bool | None) -> Cloud:
    """Plans a cloud if there is none of that name, and starts its process if it does not run."""
    clients.require_extra()
    cloud = clouds.load(name)
    if cloud is None:
        wanted = region or DEFAULT_REGION
        _require_region(wanted)
        cloud = clouds.make(name, wanted, signed=signed is not False)
    for option, given, has in (("--region", region, cloud.region), ("--signatures", signed, cloud.signed)):
        if given not in (None, has):
            raise UsageError(
                f"{option}: cloud {name} was made with {has}", f"destroy it first: {hints.lab('cloud', 'destroy')}"
            )
    clients.write(cloud)
    pid_file, place = CloudFolder(name).supervisor_pid, f"127.0.0.1:{cloud.port}"
    server = Server("the cloud", pid_file, (place,), lambda: status(cloud) is not None)
    if not server.runs():
        server.start([*settings.PROGRAM, "cloud", "serve", "--name", name], DEADLINE)
    images.run(cloud)
    return cloud


def _require_region(region: str) -> None:
    """UsageError for a region that AWS does not have."""
    import botocore.session

    known = botocore.session.get_session().get_available_regions("ec2")
    if region not in known:
        raise UsageError(f"--region {region}: no such region of AWS", f"such as: {', '.join(known[:6])}")


def status(cloud: Cloud) -> dict[str, Any] | None:
    """What the cloud's process says of itself; None where it does not answer."""
    try:
        code, said = _ask(cloud, STATUS_PATH, {"Authorization": f"Bearer {cloud.secret_key}"})
        found: dict[str, Any] | None = json.loads(said) if code == http.client.OK else None
    except (OSError, ValueError, http.client.HTTPException):
        return None
    return found


def new_token(cloud: Cloud, size: int) -> str:
    """The URL of a new discovery token, by which so many members of an etcd find each other."""
    try:
        code, said = _ask(cloud, f"{discovery.NEW}?size={size}", {"Host": discovery.NAME})
    except (OSError, http.client.HTTPException):
        raise silent(cloud) from None
    if code != http.client.OK:
        raise UsageError(f"--size {size}: {said.strip()}")
    return said.strip()


def _ask(cloud: Cloud, path: str, headers: dict[str, str]) -> tuple[int, str]:
    """The status and the text of an answer of the cloud's process. OSError and HTTPException pass through."""
    connection = http.client.HTTPConnection("127.0.0.1", cloud.port, timeout=10)
    try:
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        return answer.status, answer.read().decode("utf-8", "replace")
    finally:
        connection.close()


def silent(cloud: Cloud) -> LabError:
    """The error for a cloud whose process does not answer."""
    return LabError(f"{cloud.name}: the cloud's process does not answer", f"start it: {hints.lab('cloud', 'up')}")


def take_down(cloud: Cloud, provider: InstanceProvider) -> None:
    """Ends the process, removes what it has made, and looks for what is left. May be repeated after an interruption."""
    folder = CloudFolder(cloud.name)
    with events.step("destroy", cloud.name):
        pidfile.end(folder.supervisor_pid)
        images.stop(cloud)
        for instance in provider.there(cloud.name):
            provider.remove(cloud.name, instance)
        of_functions.remove_all(cloud, provider)
        teardown.remove_all(cloud)
        for number in router.numbers(cloud):
            Router(cloud, number).remove()
        ground.take_away(cloud)
        provider.sweep(cloud.name)
        provider.give_settings_back()
        left = audit.audit(cloud, provider)
        disk.remove_tree(folder.path)
    if left.found:
        raise LabError(
            f"{cloud.name}: destroyed, but there is something left on this machine", details="\n".join(left.found)
        )
    if left.unseen:
        raise UnknownError(
            f"{cloud.name}: destroyed, but not everything could be looked at", details="\n".join(left.unseen)
        )
