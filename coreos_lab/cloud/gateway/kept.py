"""REST APIs as they are kept, in one file of the cloud. A deployment is a copy of an API's resources."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from coreos_lab.records.formats import Format, Record

FORMAT = Format("APIs")
ROOT = "/"
Values = dict[str, Any]


@dataclass
class Resource:
    """A part of an API's path. `methods` has each method as the API shows it, with its integration."""

    id: str
    parent: str
    part: str
    methods: dict[str, Values] = field(default_factory=dict)


@dataclass
class Deployment:
    """An API's resources as they were at `created` (seconds since 1970)."""

    id: str
    created: int
    description: str
    resources: dict[str, Resource]


@dataclass
class Stage:
    """A name under which a deployment answers. `settings` are method settings by their paths, as `~1hook/POST`."""

    name: str
    deployment: str
    created: int
    updated: int
    description: str = ""
    variables: dict[str, str] = field(default_factory=dict)
    settings: dict[str, Values] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)


@dataclass
class Api:
    """A REST API. `created` in seconds since 1970."""

    id: str
    name: str
    created: int
    description: str = ""
    tags: dict[str, str] = field(default_factory=dict)
    resources: dict[str, Resource] = field(default_factory=dict)
    deployments: dict[str, Deployment] = field(default_factory=dict)
    stages: dict[str, Stage] = field(default_factory=dict)

    @property
    def root(self) -> Resource:
        """The resource whose path is /."""
        return next(each for each in self.resources.values() if not each.parent)

    def copy(self) -> dict[str, Resource]:
        """The resources as they are now, for a deployment."""
        return deepcopy(self.resources)


def path(resources: Mapping[str, Resource], resource: Resource) -> str:
    """A resource's path, such as /pets/{id}."""
    parts = []
    while resource.parent:
        parts.append(resource.part)
        resource = resources[resource.parent]
    return ROOT + "/".join(reversed(parts))


def below(resources: Mapping[str, Resource], resource: Resource) -> Iterator[Resource]:
    """A resource and all under it."""
    yield resource
    for each in resources.values():
        if each.parent == resource.id:
            yield from below(resources, each)


@dataclass
class Kept:
    """All APIs of a cloud."""

    path: Path
    apis: dict[str, Api] = field(default_factory=dict)

    @classmethod
    def load(cls, path: Path) -> Kept:
        """What the file says; nothing where there is none."""
        return FORMAT.read(path, lambda raw: _parse(path, raw)) if path.exists() else cls(path)

    def save(self) -> None:
        """Writes everything; it is on the disk when this returns."""
        FORMAT.write(self.path, {"apis": [asdict(each) for each in self.apis.values()]}, 0o600)


def _parse(path: Path, raw: Record) -> Kept:
    return Kept(path, {each["id"]: _api(each) for each in raw["apis"]})


def _api(raw: Mapping[str, Any]) -> Api:
    parts = {
        "resources": _resources(raw["resources"]),
        "deployments": {
            key: Deployment(**{**each, "resources": _resources(each["resources"])})
            for key, each in raw["deployments"].items()
        },
        "stages": {key: Stage(**each) for key, each in raw["stages"].items()},
    }
    return Api(**{**raw, **parts})


def _resources(raw: Mapping[str, Any]) -> dict[str, Resource]:
    return {key: Resource(**each) for key, each in raw.items()}
