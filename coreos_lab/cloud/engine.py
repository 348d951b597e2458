"""moto as the services behind the API. One request runs at a time; its changes are on disk before it is answered."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from coreos_lab.cloud import policy, services
from coreos_lab.cloud.state import Store
from coreos_lab.cloud.states import ENDED, RUNNING, SHUTTING_DOWN, STOPPED
from coreos_lab.model import Cloud

PARTITION = "aws"
TRUSTED = "ec2.amazonaws.com"  # whom a role must trust to be an instance's
Answer = tuple[int, list[tuple[str, str]], bytes]


class Engine:
    """The services of one cloud. A process has one, as moto's objects are the process's."""

    def __init__(self, cloud: Cloud, folder: Path, console: Callable[[str], str]) -> None:
        os.environ["MOTO_EC2_LOAD_DEFAULT_AMIS"] = "false"  # read when a backend is made
        from moto import __version__
        from moto.moto_server.werkzeug_app import create_backend_app

        from coreos_lab.cloud import moto_changes

        self.cloud = cloud
        self.changed = threading.Event()
        self.version = __version__
        self._store = Store(folder, __version__)
        self._lock = threading.RLock()
        moto_changes.apply(cloud, console)
        self._load()
        self._apps = {name: create_backend_app(name) for name in services.OF_MOTO}

    def _load(self) -> None:
        from moto.core import DEFAULT_ACCOUNT_ID
        from moto.ec2.models import ec2_backends
        from moto.iam.models import iam_backends

        from coreos_lab.cloud import moto_changes, moto_policies

        known = {"ec2": (ec2_backends, self.cloud.region), "iam": (iam_backends, PARTITION)}
        self._backends = {}
        for service, (backends, place) in known.items():
            found = self._store.load(service)
            if found is not None:
                dict.__setitem__(backends[DEFAULT_ACCOUNT_ID], place, found)
            elif service == "ec2":
                moto_changes.furnish(self.cloud)
            self._backends[service] = backends[DEFAULT_ACCOUNT_ID][place]
        moto_policies.furnish(self._backends["iam"], self.cloud.region)
        self.save()

    def save(self) -> None:
        """Writes what has changed."""
        for service, backend in self._backends.items():
            self._store.save(service, backend)

    @contextmanager
    def objects(self, *, save: bool = True) -> Iterator[Any]:
        """EC2's objects, while no request changes them. What the block changes is saved, unless it only reads."""
        with self._lock:
            yield self._backends["ec2"]
            if save:
                self.save()

    def forget_ended(self) -> None:
        """Drops instances that were terminated an hour ago, as AWS does."""
        from coreos_lab.cloud import moto_instances

        with self._lock:
            if moto_instances.forget(self._backends["ec2"], time.time()):
                self.save()

    def become(self, name: str, before: int, code: int, reason: str = "") -> None:
        """Sets an instance's state, unless a request has changed it since it was `before`."""
        from coreos_lab.cloud import moto_instances

        with self.objects() as backend:
            instance = backend.get_instance(name)
            if instance.state_code != before:
                return
            if code == ENDED:
                moto_instances.end(instance, reason)
            elif before == RUNNING and code in (STOPPED, SHUTTING_DOWN):
                moto_instances.switch_off(instance, code)
            else:
                moto_instances.set_state(instance, code)

    def settle_disks(self, name: str, devices: Collection[str]) -> None:
        """Notes which volumes are attached to an instance by now, and which are not any more."""
        from coreos_lab.cloud import moto_volumes

        with self.objects() as backend:
            moto_volumes.settle(backend, backend.get_instance(name), set(devices))

    def volumes(self) -> set[str]:
        """The ids of all volumes."""
        with self._lock:
            return set(self._backends["ec2"].volumes)

    def rebooted(self, name: str, count: int) -> None:
        """Notes that so many reboots which were asked for are done."""
        with self.objects() as backend:
            backend.get_instance(name).lab_rebooted += count

    def call(self, service: str, action: str, environ: dict[str, Any]) -> Answer:
        """Carries a request out; returns status, headers and body."""
        from werkzeug.test import run_wsgi_app

        with self._lock:
            body, status, headers = run_wsgi_app(self._apps[service], environ, buffered=True)
            answer = int(status.split()[0]), list(headers), b"".join(body)
            if services.changes(action):
                self.save()
        if services.changes(action):
            self.changed.set()
        return answer

    def role_of(self, profile: str) -> str:
        """The role of an instance profile that EC2 may take for an instance, "" where there is none."""
        with self._lock:
            found = self._backends["iam"].instance_profiles.values()
            roles = [role for each in found if each.name == profile for role in each.roles]
            trusting = [role.name for role in roles if policy.trusts(role.assume_role_policy_document, TRUSTED)]
        return str(trusting[0]) if trusting else ""

    def trusts(self, role: str, service: str) -> bool:
        """Whether a service may take a role."""
        with self._lock:
            found = (each for each in self._backends["iam"].roles.values() if each.name == role)
            return any(policy.trusts(each.assume_role_policy_document, service) for each in found)

    def role_arn(self, role: str) -> str:
        """The ARN of a role, "" where there is none of that name."""
        with self._lock:
            found = (each.arn for each in self._backends["iam"].roles.values() if each.name == role)
            return str(next(found, ""))

    def policies(self, role: str) -> list[str]:
        """The policies of a role; none where the role is gone."""
        with self._lock:
            found = (each for each in self._backends["iam"].roles.values() if each.name == role)
            one = next(found, None)
            if one is None:
                return []
            versions = (version for each in one.managed_policies.values() for version in each.versions)
            return [*one.policies.values(), *(each.document for each in versions if each.is_default)]
