"""A cloud's folder and its plan, which is there before anything of the cloud is."""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from coreos_lab import disk, hints, settings
from coreos_lab.errors import LabError, UsageError
from coreos_lab.model import Cloud, to_json
from coreos_lab.records import state_folders
from coreos_lab.records.formats import Format, Record
from coreos_lab.records.owned_folder import OwnedFolder

FORMAT = Format("plan of a cloud")
CLOUDS_MAX = 200


@dataclass(frozen=True)
class CloudFolder(OwnedFolder):
    """The folder of one cloud, and the paths in it."""

    @property
    def place(self) -> Path:
        return settings.clouds_dir()

    @property
    def plan(self) -> Path:
        return self.path / "cloud.json"

    @property
    def origin(self) -> Path:
        return self.plan

    @property
    def supervisor_pid(self) -> Path:
        """The process that is the cloud: it serves the API and looks after the instances. Its log lies beside it."""
        return self.path / "supervisor.pid"

    @property
    def state(self) -> Path:
        """moto's objects, a file for each of its services. Our own services have their files beside it."""
        return self.path / "state"

    @property
    def certificates(self) -> Path:
        """The cloud's certificate authority, and the API's certificate."""
        return self.path / "certificates"

    @property
    def instances(self) -> Path:
        """A folder for each instance, with its disks and its console."""
        return self.path / "nodes"

    @property
    def functions(self) -> Path:
        """A folder for each function, with its code and what runs it."""
        return self.path / "functions"

    @property
    def balancers(self) -> Path:
        """A folder for each load balancer, with its configuration and its log."""
        return self.path / "balancers"

    @property
    def aws(self) -> Path:
        """The configuration of the AWS CLI and boto3 for this cloud."""
        return self.path / "aws"


def meant() -> str:
    """The name of the cloud that a call is about which names none: what LAB_CLOUD says, or the default."""
    return os.environ.get("LAB_CLOUD") or hints.DEFAULT_CLOUD


def make(name: str, region: str, *, signed: bool) -> Cloud:
    """Plans a cloud: its place among the clouds of this host, and credentials that no other cloud has."""
    with state_folders.planning():
        taken = {_index(path) for path in state_folders.clouds()}
        index = next((i for i in range(CLOUDS_MAX) if i not in taken), None)
        if index is None:
            raise LabError(
                f"{name}: there are {CLOUDS_MAX} clouds already", f"destroy one: {hints.lab('cloud', 'destroy')}"
            )
        letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
        access = "AKIA" + "".join(secrets.choice(letters) for _ in range(16))
        cloud = Cloud(name, region, index, access, secrets.token_urlsafe(30), signed)
        FORMAT.write(CloudFolder(name).plan, to_json(cloud), 0o600)
        CloudFolder(name).path.chmod(0o700)
    return cloud


def _index(path: Path) -> int | None:
    """The place that a plan of any version takes; None where the cloud was destroyed since it was listed."""
    try:
        index: int | None = disk.read_json(path).get("index")
    except FileNotFoundError:
        return None
    return index


def read(path: Path) -> Cloud:
    """A plan that `make` has written. OtherVersionError for one that this lab does not understand."""
    return FORMAT.read(path, _parse)


def _parse(raw: Record) -> Cloud:
    return Cloud(**raw)


def load(name: str) -> Cloud | None:
    """A cloud's plan, None where there is none of that name."""
    state_folders.refuse_foreign()
    try:
        return read(CloudFolder(name).plan)
    except FileNotFoundError:
        return None


def names() -> list[str]:
    """The names of all clouds that have a plan on disk."""
    state_folders.refuse_foreign()
    folder = settings.clouds_dir()
    return sorted(path.parent.name for path in folder.glob("*/cloud.json")) if folder.is_dir() else []


def require(name: str) -> Cloud:
    """A cloud's plan; UsageError lists the existing clouds where there is none of that name."""
    cloud = load(name)
    if cloud is None:
        there = ", ".join(names()) or "none"
        raise UsageError(f"{name}: no such cloud (there is: {there})", f"make it: {hints.lab('cloud', 'up')}")
    return cloud
