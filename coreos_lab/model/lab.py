"""A chapter's lab: its units and container images, and what is measured of it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path


@dataclass(frozen=True)
class Counted:
    """A template's instances, where a setting says how many there are: from `first` to the setting's value."""

    first: int
    setting: str


@dataclass(frozen=True)
class LabUnit:
    """A unit of a lab: the file `path` is submitted as `name`; a template is started as `instances`.

    An `intermittent` unit ends by itself and is started again: to have run is enough to count as running. A template
    that is `per_node` has an instance for each node of the cluster that it is deployed on, and one that is `counted`
    has as many as a setting says, which may be none.
    """

    name: str
    path: Path
    instances: tuple[str, ...] = ()
    intermittent: bool = False
    per_node: bool = False
    counted: Counted | None = None

    @property
    def started(self) -> tuple[str, ...]:
        """The names that are started: the unit itself, or a template's instances."""
        if not self.instances:
            return () if self.counted else (self.name,)
        return tuple(self.name.replace("@.", f"@{instance}.") for instance in self.instances)


@dataclass(frozen=True, order=True)
class QualifiedName:
    """A name given inside a lab, together with that lab's name: several labs on a cluster may use the same name.

    `lab` is "" for what belongs to the cluster itself. Neither part has a slash, so the text form can be read back.
    """

    lab: str
    name: str

    def __str__(self) -> str:
        return f"{self.lab}/{self.name}" if self.lab else self.name

    @classmethod
    def parse(cls, text: str) -> QualifiedName:
        """The name that `str` made this text of."""
        lab, slash, name = text.partition("/")
        return cls(lab, name) if slash else cls("", text)


ETCD_PROBE = "etcd"  # the probe that every verdict has: whether etcd takes writes


@dataclass(frozen=True)
class LabProbe:
    """Something to measure while the cluster is broken: HTTP at `port` and `path` of the node that runs `unit`.

    The probe succeeds on status 200 with `expect` in the body.
    """

    name: str
    unit: str
    port: int
    path: str = "/"
    expect: str = ""


@dataclass(frozen=True)
class LabSecret:
    """Something that only the user has, such as an account: its text is put into etcd under `key`, and nowhere else.

    With `fields` it must be a JSON object that has a text for each of them.
    """

    about: str
    key: str
    fields: tuple[str, ...] = ()


@dataclass(frozen=True)
class LabBackup:
    """Data of a lab that is backed up: two commands for the shell of the node that runs `unit`.

    `dump` prints the data, a line for each item, and `restore` reads such lines and stores them. What was restored
    without another change must be dumped as the same lines, in any order.
    """

    name: str
    unit: str
    dump: str
    restore: str


@dataclass(frozen=True)
class Lab:
    """One chapter: what to deploy, and how to see that it works."""

    name: str
    title: str
    summary: str
    folder: Path
    units: tuple[LabUnit, ...]
    containers: dict[str, Path]  # container image name -> folder with its Dockerfile
    ports: tuple[int, ...] = ()  # ports that its units publish on the nodes
    nodes: int = 1  # the smallest cluster that it makes sense on
    disks: int = 0  # extra disks that each node must have
    keys: tuple[str, ...] = ()  # etcd folders and keys that belong to it and go with it
    folders: tuple[str, ...] = ()  # folders on the nodes that belong to it and go with it
    probes: tuple[LabProbe, ...] = ()
    objectives: dict[str, float] = field(default_factory=dict)  # probe -> seconds it may be down
    target: str = ""  # what `lab break` is advised to break here: a node, or unit:NAME
    settings: dict[str, str] = field(default_factory=dict)  # what may be set at deployment -> what it means
    secrets: dict[str, LabSecret] = field(default_factory=dict)  # what the user may give, by its name
    buckets: dict[str, int] = field(default_factory=dict)  # of the cluster's S3 -> days after which an object goes
    backups: tuple[LabBackup, ...] = ()  # its data that `lab backup` saves, besides its keys in etcd

    @property
    def unit_names(self) -> tuple[str, ...]:
        """Every unit that runs when the lab is deployed, in order of start."""
        return tuple(name for unit in self.units for name in unit.started)

    def on(self, nodes: int) -> Lab:
        """The lab as it is deployed on a cluster of so many nodes."""
        instances = tuple(str(number) for number in range(1, max(nodes, self.nodes) + 1))
        return replace(
            self, units=tuple(replace(unit, instances=instances) if unit.per_node else unit for unit in self.units)
        )
