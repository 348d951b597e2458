"""What both generations of the API work on: the records, and EC2's objects."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from uuid import uuid4

from coreos_lab import run
from coreos_lab.cloud.balancing import asked_for, interfaces
from coreos_lab.cloud.balancing.control import Control, Seen
from coreos_lab.cloud.balancing.kept import CLASSIC, INTERNAL, PUBLIC, Balancer, Kept
from coreos_lab.cloud.balancing.plan import CROSS_ZONE, Machine
from coreos_lab.cloud.balancing.process import place_of
from coreos_lab.cloud.engine import Engine
from coreos_lab.cloud.metadata import ACCOUNT
from coreos_lab.cloud.moments import now
from coreos_lab.cloud.sigv4 import RefusedError
from coreos_lab.cloud.states import ENDED
from coreos_lab.model import Cloud
from coreos_lab.providers.conditions import BALANCER

MOST = 50  # load balancers that a cloud may have


class Shelf:
    """The load balancers of one cloud. `lock` is held while anything of them changes, `changed` is set afterwards."""

    def __init__(self, cloud: Cloud, path: Path, engine: Engine) -> None:
        self.cloud, self.engine = cloud, engine
        self.kept = Kept.load(path)
        self.lock = threading.RLock()
        self.changed = threading.Event()

    def save(self) -> None:
        """Writes the records, and lets the keeper look."""
        self.kept.save()
        self.changed.set()

    def seen(self, balancer: Balancer) -> dict[tuple[str, str], Seen]:
        """A load balancer's servers, asked of its process; none where it does not run."""
        return Control(place_of(self.cloud, balancer.number).socket).servers()

    def machines(self) -> dict[str, Machine]:
        """The instances that are not terminated."""
        with self.engine.objects(save=False) as backend:
            return {
                each.id: Machine(
                    each.id, each.state_code, each.nics[0].private_ip_address, each.availability_zone, each.vpc_id
                )
                for each in backend.all_instances()
                if each.state_code != ENDED
            }

    def arn(self, path: str) -> str:
        """The ARN of something of this service."""
        return f"arn:aws:elasticloadbalancing:{self.cloud.region}:{ACCOUNT}:{path}"

    def zones_of(self, subnets: list[str]) -> tuple[str, dict[str, str]]:
        """The VPC of some subnets, and the zone of each."""
        with self.engine.objects(save=False) as backend:
            found = [each for zone in backend.subnets.values() for each in zone.values() if each.id in subnets]
        if missing := sorted(set(subnets) - {each.id for each in found}):
            raise RefusedError("SubnetNotFound", f"The subnet ID '{missing[0]}' does not exist")
        zones = {each.id: str(each.availability_zone) for each in found}
        if len(set(zones.values())) < len(zones):
            raise RefusedError(
                "InvalidConfigurationRequest",
                "A load balancer cannot be attached to multiple subnets in the same Availability Zone",
            )
        vpcs = {str(each.vpc_id) for each in found}
        if len(vpcs) != 1:
            raise RefusedError("InvalidConfigurationRequest", "Subnets of one VPC are needed")
        return vpcs.pop(), {name: zones[name] for name in subnets}

    def require_gateway(self, vpc: str) -> None:
        """InvalidSubnet for a VPC that nobody can reach from the internet."""
        with self.engine.objects(save=False) as backend:
            attached = [each.vpc.id for each in backend.internet_gateways.values() if each.vpc is not None]
        if vpc not in attached:
            raise RefusedError("InvalidSubnet", f"VPC {vpc} has no internet gateway")

    def groups_of(self, vpc: str, asked: list[str]) -> list[str]:
        """The security groups that were asked for, or the VPC's default one."""
        with self.engine.objects(save=False) as backend:
            there = backend.groups.get(vpc, {})
            if missing := sorted(set(asked) - set(there)):
                raise RefusedError("InvalidSecurityGroup", f"One or more security groups are invalid: {missing[0]}")
            return asked or [backend.get_default_security_group(vpc).id]

    def make(
        self, name: str, kind: str, arn: str, scheme: str, subnets: list[str], groups: list[str], **more: Any
    ) -> Balancer:
        """Records a load balancer, and takes its addresses. The caller holds the lock."""
        if run.which(BALANCER) is None:
            need = f"load balancers need {BALANCER} on this machine: apt-get install {BALANCER}"
            raise RefusedError("UnsupportedOperation", need)
        if len(self.kept.balancers) >= MOST:
            raise RefusedError("TooManyLoadBalancers", f"a cloud has {MOST} load balancers at most")
        if scheme not in (PUBLIC, INTERNAL):
            raise RefusedError("InvalidScheme", f"Scheme: {scheme}: must be {PUBLIC} or {INTERNAL}")
        vpc, zones = self.zones_of(subnets)
        if scheme == PUBLIC:
            self.require_gateway(vpc)
        number = self.kept.free_number()
        digits = int(hashlib.sha256(uuid4().bytes).hexdigest(), 16) % 10**10
        host = f"{name}-{digits:010}.{self.cloud.region}.elb.amazonaws.com"
        dns = f"internal-{host}" if scheme == INTERNAL else host
        own = self.groups_of(vpc, groups)
        balancer = Balancer(name, kind, number, arn, dns, now(), scheme, vpc, zones, own, **more)
        self.kept.balancers.append(balancer)
        self.kept.save()
        try:
            self.fit(balancer)
        except RefusedError:
            balancer.deleting = True
            self.save()
            raise
        return balancer

    def fit(self, balancer: Balancer) -> None:
        """Gives a load balancer the interfaces that it should have."""
        with self.engine.objects() as backend:
            interfaces.ensure(backend, balancer)
        self.engine.changed.set()

    def _addresses(self, balancer: Balancer) -> dict[str, str]:
        """The address in each zone by which clients reach it: the public one, if it has such."""
        with self.engine.objects(save=False) as backend:
            own = interfaces.of(backend, balancer)
            return {balancer.subnets[each.subnet.id]: each.public_ip or each.private_ip_address for each in own}

    def listed(self) -> list[dict[str, Any]]:
        """All load balancers, for `lab cloud`: name, state, DNS name, and the addresses that it resolves to."""
        with self.lock:
            found = [each for each in self.kept.balancers if not each.deleting]
            return [
                {
                    "name": each.name,
                    "kind": each.kind,
                    "state": each.state,
                    "scheme": each.scheme,
                    "dns": each.dns,
                    "addresses": self.look_up(each.dns.lower()),
                }
                for each in found
            ]

    def look_up(self, name: str) -> list[str] | None:
        """The addresses of a load balancer's name; None for one that no load balancer has.

        An address that forwards to its own zone alone is left out while nothing there is healthy, as at AWS.
        """
        with self.lock:
            found = next((each for each in self.kept.balancers if each.dns.lower() == name and not each.deleting), None)
            if found is None:
                return None
            addresses = self._addresses(found)
            if found.kind == CLASSIC and found.attributes[CROSS_ZONE] == "false":
                up = {pool for (pool, _name), server in self.seen(found).items() if server.up}
                healthy = [each for zone, each in addresses.items() if any(pool.endswith(f"-{zone}") for pool in up)]
                return healthy or list(addresses.values())
            return list(addresses.values())


def tagged(tags: list[dict[str, str]], asked: Mapping[str, Any]) -> list[dict[str, str]]:
    """Tags with those that a request adds."""
    added = {asked_for.part(each, "Key"): str(each.get("Value", "")) for each in asked.get("Tags", [])}
    kept = {each["Key"]: each["Value"] for each in tags} | added
    return [{"Key": key, "Value": value} for key, value in kept.items()]


def untagged(tags: list[dict[str, str]], keys: list[str]) -> list[dict[str, str]]:
    """Tags without some."""
    return [each for each in tags if each["Key"] not in keys]
