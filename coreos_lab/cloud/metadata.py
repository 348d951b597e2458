"""The instance metadata service: what an instance is told about itself. Versions 1 and 2 (with a session token).

Source: AWS's "Instance metadata categories" and "Use the Instance Metadata Service".
"""

from __future__ import annotations

import json
import re
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from coreos_lab.cloud.sessions import Credentials
from coreos_lab.cloud.view import Instance

ACCOUNT = "123456789012"  # moto's
TOKEN_PATH, LONGEST = "/latest/api/token", 21600  # seconds that a session may last
VERSION = re.compile(r"/(latest|\d{4}-\d\d-\d\d|1\.0)(?=/|$)")
STAMP = "%Y-%m-%dT%H:%M:%SZ"
Answer = tuple[int, str, bytes]
OK, BAD, UNAUTHORIZED, FORBIDDEN, NOT_FOUND = 200, 400, 401, 403, 404


def tree(instance: Instance, region: str, granted: tuple[str, Credentials] | None = None) -> dict[str, str]:
    """The values below /latest/, by their paths. `granted`: the instance's role with its credentials."""
    port = instance.port
    data = {
        "ami-id": instance.image,
        "ami-launch-index": str(instance.index),
        "hostname": instance.hostname,
        "instance-action": "none",
        "instance-id": instance.name,
        "instance-life-cycle": "on-demand",
        "instance-type": instance.size,
        "local-hostname": instance.hostname,
        "local-ipv4": port.address,
        "mac": port.mac,
        "placement/availability-zone": instance.zone,
        "placement/region": region,
        "profile": "default-hvm",
        "reservation-id": instance.reservation,
        "security-groups": "\n".join(instance.group_names),
        "services/domain": "amazonaws.com",
    }
    if port.public:
        data |= {"public-ipv4": port.public, "public-hostname": instance.public_hostname}
    data |= {f"network/interfaces/macs/{port.mac}/{name}": value for name, value in _of_interface(instance).items()}
    if instance.public_key:
        data["public-keys/0/openssh-key"] = instance.public_key
    if granted:
        data |= _of_role(instance, *granted)
    document = {
        "accountId": ACCOUNT,
        "architecture": "x86_64",
        "availabilityZone": instance.zone,
        "imageId": instance.image,
        "instanceId": instance.name,
        "instanceType": instance.size,
        "pendingTime": instance.launched.strftime(STAMP),
        "privateIp": port.address,
        "region": region,
        "version": "2017-09-30",
    }
    found = {f"meta-data/{path}": value for path, value in data.items()}
    return {**found, "dynamic/instance-identity/document": json.dumps(document, indent=2)}


def _of_interface(instance: Instance) -> dict[str, str]:
    """What there is of the one interface that an instance has."""
    port = instance.port
    data = {
        "device-number": "0",
        "interface-id": instance.interface,
        "local-hostname": instance.hostname,
        "local-ipv4s": port.address,
        "mac": port.mac,
        "owner-id": ACCOUNT,
        "security-group-ids": "\n".join(port.groups),
        "security-groups": "\n".join(instance.group_names),
        "subnet-id": port.subnet,
        "subnet-ipv4-cidr-block": instance.subnet_cidr,
        "vpc-id": instance.vpc,
        "vpc-ipv4-cidr-block": instance.vpc_cidr,
        "vpc-ipv4-cidr-blocks": instance.vpc_cidr,
    }
    if port.public:
        data |= {"public-ipv4s": port.public, "public-hostname": instance.public_hostname}
        data[f"ipv4-associations/{port.public}"] = port.address
    return data


def _of_role(instance: Instance, role: str, given: Credentials) -> dict[str, str]:
    since = given.given.strftime(STAMP)
    profile = f"arn:aws:iam::{ACCOUNT}:instance-profile/{instance.profile}"
    info = {"Code": "Success", "LastUpdated": since, "InstanceProfileArn": profile, "InstanceProfileId": role}
    credentials = {
        "Code": "Success",
        "LastUpdated": since,
        "Type": "AWS-HMAC",
        "AccessKeyId": given.access_key,
        "SecretAccessKey": given.secret_key,
        "Token": given.token,
        "Expiration": given.expires.strftime(STAMP),
    }
    return {
        "iam/info": json.dumps(info, indent=2),
        f"iam/security-credentials/{role}": json.dumps(credentials, indent=2),
    }


def look_up(instance: Instance, region: str, path: str, granted: tuple[str, Credentials] | None = None) -> bytes | None:
    """What is at a path behind the version: a value, or a folder's list. None where nothing is."""
    if path.strip("/") == "user-data":
        return instance.user_data
    values = tree(instance, region, granted)
    wanted = path.strip("/")
    if wanted in values:
        return values[wanted].encode()
    if wanted == "":
        return b"dynamic\nmeta-data" + (b"\nuser-data" if instance.user_data is not None else b"")
    if wanted == "meta-data/public-keys" and instance.public_key:
        return f"0={instance.key_name}".encode()
    below = [each.removeprefix(f"{wanted}/") for each in values if each.startswith(f"{wanted}/")]
    entries = {each.partition("/")[0] + ("/" if "/" in each else "") for each in below}
    return "\n".join(sorted(entries)).encode() if entries else None


@dataclass
class Service:
    """Answers instances. `of_address` finds the one that a request comes from, `granted` its role's credentials."""

    region: str
    of_address: Callable[[str], Instance | None]
    granted: Callable[[Instance], tuple[str, Credentials] | None] = lambda _instance: None
    clock: Callable[[], float] = time.monotonic
    _sessions: dict[str, tuple[str, float]] = field(default_factory=dict)

    def answer(self, source: str, method: str, path: str, headers: Mapping[str, str]) -> Answer:
        """Status, content type and body. Header names are in lower case."""
        instance = self.of_address(source)
        if instance is None or not instance.has_metadata:
            return FORBIDDEN, "text/plain", b""
        if method == "PUT" and path == TOKEN_PATH:
            return self._new_token(instance, headers)
        if method != "GET":
            return 405, "text/plain", b""
        token = headers.get("x-aws-ec2-metadata-token")
        if (token is None and instance.tokens_only) or (token is not None and not self._is_valid(token, instance)):
            return UNAUTHORIZED, "text/plain", b""
        if path == "/":
            return OK, "text/plain", b"1.0\n2009-04-04\nlatest"
        version = VERSION.match(path)
        rest = path[version.end() :] if version else ""
        found = look_up(instance, self.region, rest, self.granted(instance)) if version else None
        return (OK, "text/plain", found) if found is not None else (NOT_FOUND, "text/plain", b"")

    def _new_token(self, instance: Instance, headers: Mapping[str, str]) -> Answer:
        """AWS gives no token to a request that a proxy has passed on."""
        try:
            seconds = int(headers.get("x-aws-ec2-metadata-token-ttl-seconds", ""))
        except ValueError:
            seconds = 0
        if not 1 <= seconds <= LONGEST:
            return BAD, "text/plain", b""
        if "x-forwarded-for" in headers:
            return FORBIDDEN, "text/plain", b""
        now = self.clock()
        self._sessions = {each: known for each, known in self._sessions.items() if known[1] > now}
        token = secrets.token_urlsafe(40)
        self._sessions[token] = (instance.name, now + seconds)
        return OK, "text/plain", token.encode()

    def _is_valid(self, token: str, instance: Instance) -> bool:
        name, end = self._sessions.get(token, ("", 0.0))
        return name == instance.name and self.clock() < end
