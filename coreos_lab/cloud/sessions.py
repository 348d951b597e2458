"""Temporary credentials of roles, as instances get them. None is stored: they can be verified by themselves.

The token says whose they are and until when, under a seal of the cloud's own secret; the secret key follows from it.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from coreos_lab.cloud import sigv4
from coreos_lab.cloud.sigv4 import Secret
from coreos_lab.model import Cloud

LIFETIME, RENEWED = timedelta(hours=6), timedelta(hours=1)  # how long they last, and how often there are new ones
ID_LENGTH = 16


@dataclass(frozen=True)
class Session:
    """Whose credentials they are: a role's, given to an instance."""

    role: str
    instance: str
    expires: datetime


@dataclass(frozen=True)
class Credentials:
    """What an instance is given."""

    access_key: str
    secret_key: str
    token: str
    given: datetime
    expires: datetime


def give(cloud: Cloud, role: str, instance: str, now: datetime) -> Credentials:
    """A role's credentials for an instance: the same ones within an hour."""
    given = datetime.fromtimestamp(now.timestamp() // RENEWED.seconds * RENEWED.seconds, UTC)
    expires = given + LIFETIME
    said = json.dumps([role, instance, int(expires.timestamp())]).encode()
    token = f"{urlsafe_b64encode(said).decode()}.{_seal(cloud, said).hex()}"
    access_key = f"ASIA{_digest(token)[:ID_LENGTH].upper()}"
    return Credentials(access_key, _secret(cloud, token), token, given, expires)


def read(cloud: Cloud, access_key: str, token: str) -> tuple[Session, Secret] | None:
    """Whose credentials these are, and their secret; None for those that this cloud has not given."""
    text, _dot, seal = token.partition(".")
    try:
        said = urlsafe_b64decode(text)
    except ValueError:
        return None
    if not sigv4.equal(seal, _seal(cloud, said).hex()) or access_key != f"ASIA{_digest(token)[:ID_LENGTH].upper()}":
        return None
    role, instance, expires = json.loads(said)  # what it says is only looked at once it is known to be ours
    end = datetime.fromtimestamp(expires, UTC)
    return Session(role, instance, end), Secret(_secret(cloud, token), token, end)


def _seal(cloud: Cloud, said: bytes) -> bytes:
    return hmac.digest(cloud.secret_key.encode(), b"session " + said, "sha256")


def _secret(cloud: Cloud, token: str) -> str:
    return urlsafe_b64encode(hmac.digest(cloud.secret_key.encode(), b"secret " + token.encode(), "sha256")).decode()[
        :40
    ]


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
