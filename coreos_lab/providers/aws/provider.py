"""The provider of EC2's machines. A lost machine is replaced: by its Auto Scaling group, with other addresses."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

from coreos_lab import disk, events, hints
from coreos_lab.clients import ssh
from coreos_lab.errors import LabError, UnknownError
from coreos_lab.model import Cluster, Finding, Leftovers, Node, NodeState, Stack
from coreos_lab.providers.aws import bucket, group, rules, stacks
from coreos_lab.providers.aws.api import Api, CloudGoneError, stack_of
from coreos_lab.providers.aws.doctor import findings
from coreos_lab.providers.aws.group import Instance
from coreos_lab.providers.nspawn.instances import NspawnInstances
from coreos_lab.records.store import ClusterFolder
from coreos_lab.stack_plans import group_of

FRESH = 0.3  # seconds: while nodes boot, each is looked at ten times a second, and AWS limits requests


class AwsProvider:
    """Nodes as instances of one Auto Scaling group, in a stack of the cluster's own."""

    name = "aws"
    boot_deadline = 300.0  # seconds: EC2 takes a minute for an instance, and etcd's membership follows
    own_clocks = False  # of instances of a `lab cloud`
    boots_at_once: int | None = None

    def __init__(self) -> None:
        self._apis: dict[Stack, Api] = {}
        self._looks: dict[str, tuple[float, list[Instance]]] = {}  # by cluster: when (monotonic), and what was seen
        self._looking = threading.Lock()

    def _look(self, cluster: Cluster) -> dict[str, Instance]:
        """The instance that each node is. A look is shared by all that ask within FRESH seconds; an act ends it."""
        with self._looking:
            when, found = self._looks.get(cluster.name, (0.0, []))
            if not when or time.monotonic() - when > FRESH:
                when = time.monotonic()
                found = group.instances(self._api(cluster), cluster)
                self._looks[cluster.name] = when, found
            return group.by_node(found)

    @contextmanager
    def _acting(self, cluster: Cluster) -> Iterator[Api]:
        """The API, for a block that changes machines: what was seen before its end is not so any more."""
        try:
            yield self._api(cluster)
        finally:
            with self._looking:
                self._looks.pop(cluster.name, None)

    def _api(self, cluster: Cluster) -> Api:
        """The API of a cluster's stack. A process makes its clients once: they are slow to make."""
        stack = replace(stack_of(cluster), discovery="")
        if stack not in self._apis:
            self._apis[stack] = Api(stack)
        return self._apis[stack]

    def doctor(self) -> list[Finding]:
        return findings()

    def prepare(self, cluster: Cluster) -> str:
        """Makes the machine image that a `lab cloud` boots its instances from."""
        return "" if stack_of(cluster).at_aws else NspawnInstances().prepare()

    def create_network(self, cluster: Cluster) -> None:
        """The network is part of the stack, which `start` makes. Here its rules follow the machines that there are."""
        with suppress(CloudGoneError):
            rules.admit(self._api(cluster), cluster)

    def start(self, cluster: Cluster, nodes: Sequence[Node], user_data: Callable[[Node], Path]) -> None:
        """Has the group launch an instance for each node that has none; their addresses are known when they run.

        The machines are alike: all boot from the cloud-config of the first node that was started.
        """
        missing = [node for node in nodes if self.state(cluster, node) is not NodeState.RUNNING]
        if not missing:
            return
        with events.step("instances", message=", ".join(node.name for node in missing)), self._acting(cluster) as api:
            if stacks.find(api, cluster) is None:
                stacks.make(api, cluster, user_data(missing[0]).read_text(encoding="utf-8"), len(missing))
            stacks.await_made(api, cluster)
            bucket.fill(api, cluster)
            group.resize(api, cluster, missing)
            group.name_nodes(api, cluster, missing)
            rules.admit(api, cluster)

    def placed(self, cluster: Cluster) -> Cluster:
        found = group.by_node(group.instances(self._api(cluster), cluster))

        def at(node: Node) -> Node:
            one = found.get(node.name)
            if one is None or not one.serves or not one.public:
                return node
            return replace(node, address=one.public, private=one.private, instance=one.id)

        return replace(cluster, nodes=tuple(at(node) for node in cluster.nodes))

    def kill(self, cluster: Cluster, node: Node) -> None:
        """Terminates a node's instance, which EC2 shuts down in order. The group does not replace it before `start`."""
        with self._acting(cluster) as api:
            group.end(api, cluster, node)

    def halt(self, cluster: Cluster, node: Node) -> None:
        """The same as `kill`: a group ends an instance that is stopped."""
        with self._acting(cluster) as api:
            group.end(api, cluster, node)

    def reboot(self, cluster: Cluster, node: Node) -> None:
        if (one := self._look(cluster).get(node.name)) is not None:
            with self._acting(cluster) as api, api.asking():
                api.client("ec2").reboot_instances(InstanceIds=[one.id])

    def state(self, cluster: Cluster, node: Node) -> NodeState:
        try:
            return group.state_of(self._look(cluster).get(node.name))
        except CloudGoneError:
            return NodeState.ABSENT

    def boot_id(self, cluster: Cluster, node: Node) -> str:
        if self.state(cluster, node) is not NodeState.RUNNING:
            return ""
        return ssh.answer(cluster, node, ["cat", "/proc/sys/kernel/random/boot_id"]).stdout.strip()

    def memory(self, cluster: Cluster, node: Node) -> int | None:
        del cluster, node  # EC2 does not know it
        return None

    def stuck(self, cluster: Cluster, node: Node) -> bool:
        del cluster, node  # an instance cannot be looked into from outside
        return False

    def console(self, cluster: Cluster, node: Node) -> Path:
        """EC2's last copy of the node's console, which may be minutes old at AWS itself."""
        path, api = ClusterFolder(cluster.name).node(node) / "console", self._api(cluster)
        one = self._look(cluster).get(node.name)
        text = ""
        if one is not None:
            with api.asking(unless=lambda code, _message: code == "InvalidInstanceID.NotFound"):
                text = api.client("ec2").get_console_output(InstanceId=one.id).get("Output", "")
        disk.write_atomic(path, text)
        return path

    def journal_folders(self, cluster: Cluster, node: Node) -> Sequence[Path]:
        del cluster, node
        return []

    def docker_data(self, cluster: Cluster, node: Node) -> Path | None:
        del cluster, node
        return None

    def destroy(self, cluster: Cluster, nodes: Sequence[Node]) -> None:
        for node in nodes:
            with suppress(CloudGoneError), self._acting(cluster) as api:
                group.end(api, cluster, node)
            shutil.rmtree(ClusterFolder(cluster.name).node(node), ignore_errors=True)
        if len(nodes) < len(cluster.nodes):  # else their rules go with the stack
            rules.admit(self._api(cluster), cluster)

    def destroy_network(self, cluster: Cluster) -> None:
        """Deletes the stack with all that it has made, and the key pair."""
        try:
            stacks.delete(self._api(cluster), cluster)
        except CloudGoneError:
            events.note("destroy", f"cloud {stack_of(cluster).cloud} is gone, and the stack with it")

    def leftovers(self, cluster: Cluster) -> Leftovers:
        """What the API still lists. An instance that is shutting down is no part of the cluster any more."""
        api = self._api(cluster)
        try:
            stack = stacks.find(api, cluster)
            there = [each for each in group.instances(api, cluster) if each.state not in group.GONE]
            found = [
                *([f"stack {group_of(cluster)} ({stack['StackStatus']})"] if stack else []),
                *([f"key pair {group_of(cluster)}"] if stacks.has_key(api, cluster) else []),
                *(f"instance {each.id} ({each.state})" for each in there),
            ]
        except CloudGoneError:
            return Leftovers([], [])
        except UnknownError as error:
            return Leftovers([], [error.message])
        return Leftovers(found, [])

    def zone(self, cluster: Cluster, node: Node) -> str:
        one = self._look(cluster).get(node.name)
        if one is None:
            raise LabError(f"{node.name}: has no instance, and so no zone", f"start it with '{hints.lab('up')}'")
        return one.zone

    def close_zone(self, cluster: Cluster, zone: str) -> None:
        rules.set_zones(self._api(cluster), cluster, without=zone)

    def open_zone(self, cluster: Cluster, zone: str) -> None:
        rules.set_zones(self._api(cluster), cluster, adding=zone)

    def is_open(self, cluster: Cluster, zone: str) -> bool:
        return zone in rules.open_zones(self._api(cluster), cluster)
