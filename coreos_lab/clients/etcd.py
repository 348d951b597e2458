"""The part of etcd's version 2 API (https://etcd.io/docs/v2.3/api/) that the lab needs."""

from __future__ import annotations

import http.client
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import quote, urlencode

from coreos_lab.clients.http import CannotCheckError, Endpoints, request
from coreos_lab.errors import LabError

CLIENT_PORT = 2379
KEY_NOT_FOUND = 100  # etcd's error code


@dataclass(frozen=True)
class Member:
    """A member as etcd lists it; `name` is empty as long as it has not started."""

    id: str
    name: str
    peer_urls: tuple[str, ...]


@dataclass(frozen=True)
class Key:
    """A key: `ttl` in seconds, None for a lasting key; `created` is its createdIndex, which each set changes."""

    value: str
    ttl: int | None
    created: int


def parse_members(answer: Any) -> list[Member]:
    """The members in an answer of /v2/members; CannotCheckError for an answer that lists none."""
    if not isinstance(answer, dict) or not isinstance(answer.get("members"), list):
        raise CannotCheckError("etcd: its answer has no list of members", details=str(answer)[:200])
    return [Member(m["id"], m.get("name", ""), tuple(m.get("peerURLs") or ())) for m in answer["members"]]


def leaves(node: dict[str, Any]) -> dict[str, str]:
    """Every key below a node of an answer, in all folders, with its value."""
    if not node.get("dir"):
        return {node["key"]: node.get("value", "")}
    keys: dict[str, str] = {}
    for child in node.get("nodes", []):
        keys.update(leaves(child))
    return keys


def lasting(node: dict[str, Any]) -> dict[str, str]:
    """Every key below a node of an answer that does not expire, with its value. What is in a folder goes with it."""
    if "expiration" in node:
        return {}
    if not node.get("dir"):
        return {node["key"]: node.get("value", "")}
    keys: dict[str, str] = {}
    for child in node.get("nodes", []):
        keys.update(lasting(child))
    return keys


def is_healthy(address: str, *, timeout: float = 1.0) -> bool:
    """Whether the etcd at an address reports itself healthy: it has a leader and can write."""
    try:
        status, body = request(f"http://{address}:{CLIENT_PORT}", "GET", "/health", timeout=timeout)
    except (OSError, http.client.HTTPException):
        return False
    return status == http.client.OK and '"true"' in body


def answers(address: str, *, timeout: float = 1.0) -> bool:
    """Whether the etcd at an address answers at all, as a member or as a proxy."""
    try:
        status, _body = request(f"http://{address}:{CLIENT_PORT}", "GET", "/version", timeout=timeout)
    except (OSError, http.client.HTTPException):
        return False
    return status == http.client.OK


class Etcd:
    """etcd through any of several nodes. Every method raises CannotCheckError when none of them answers."""

    def __init__(self, addresses: Sequence[str], *, timeout: float = 2.0) -> None:
        self._http = Endpoints("etcd", [f"http://{a}:{CLIENT_PORT}" for a in addresses], timeout=timeout)

    def get(self, key: str) -> str | None:
        """A key's value, None where there is no such key."""
        node = self._node(key, {"quorum": "true"})
        return node.get("value") if node else None

    def read(self, key: str) -> Key | None:
        """A key with its time to live; None where there is no such key, or it is a folder."""
        node = self._node(key, {"quorum": "true"})
        if not node or node.get("dir"):
            return None
        return Key(node.get("value", ""), node.get("ttl"), node["createdIndex"])

    def tree(self, key: str) -> dict[str, str]:
        """Every key below a folder with its value; empty where there is no such folder."""
        node = self._node(key, {"recursive": "true", "sorted": "true", "quorum": "true"})
        return leaves(node) if node and node.get("dir") else {}

    def lasting(self, key: str) -> dict[str, str]:
        """Every key below a folder that does not expire, with its value; empty where there is no such folder.

        etcd lists a hidden key, one whose name begins with `_`, only where the folder itself is asked for.
        """
        node = self._node(key, {"recursive": "true", "sorted": "true", "quorum": "true"})
        return lasting(node) if node else {}

    def set(self, key: str, value: str, *, ttl: int | None = None) -> None:
        """Sets a key, which expires after `ttl` seconds if given."""
        fields = {"value": value, **({"ttl": str(ttl)} if ttl is not None else {})}
        status, answer = self._http.json(
            "PUT",
            f"/v2/keys{quote(key)}",
            body=urlencode(fields),
            content_type="application/x-www-form-urlencoded",
        )
        if status not in (http.client.OK, http.client.CREATED):
            raise LabError(f"etcd: cannot set {key}: {_cause(answer)}")

    def remove(self, key: str) -> None:
        """Removes a key, or a folder with all in it, if it exists."""
        status, answer = self._http.json("DELETE", f"/v2/keys{quote(key)}?recursive=true")
        code = answer.get("errorCode") if isinstance(answer, dict) else None
        if status != http.client.OK and code != KEY_NOT_FOUND:
            raise LabError(f"etcd: cannot remove {key}: {_cause(answer)}")

    def remove_empty_folders_above(self, key: str) -> None:
        """Removes the empty folders above a key, from the innermost on."""
        for folder in [str(path) for path in PurePosixPath(key).parents][:-1]:
            status, _answer = self._http.json("DELETE", f"/v2/keys{quote(folder)}?dir=true")
            if status != http.client.OK:
                return

    def members(self) -> list[Member]:
        """The cluster's members."""
        _status, answer = self._http.json("GET", "/v2/members")
        return parse_members(answer)

    def add_member(self, peer_url: str) -> None:
        """Announces a member that will start at `peer_url`."""
        status, answer = self._http.json("POST", "/v2/members", body=json.dumps({"peerURLs": [peer_url]}))
        if status not in (http.client.CREATED, http.client.CONFLICT):
            raise LabError(f"etcd: cannot add the member {peer_url}: {_cause(answer)}")

    def add_learner(self, peer_url: str) -> str:
        """Announces a member that will start at `peer_url` and has no vote until it is promoted; returns its id.

        Version 3's API: version 2 knows no learners. (Its gateway: one JSON document for each message of gRPC.)
        """
        body = json.dumps({"peerURLs": [peer_url], "isLearner": True})
        status, answer = self._http.json("POST", "/v3/cluster/member/add", body=body)
        if status != http.client.OK:
            raise LabError(f"etcd: cannot add the learner {peer_url}: {_cause(answer)}")
        try:
            return str(answer["member"]["ID"])
        except (KeyError, TypeError):
            raise CannotCheckError("etcd: its answer has no member", details=str(answer)[:200]) from None

    def promote(self, member_id: str) -> bool:
        """Gives a learner its vote, unless it has one already. False while it has not yet what the leader has."""
        body = json.dumps({"ID": member_id})
        status, answer = self._http.json("POST", "/v3/cluster/member/promote", body=body)
        if status == http.client.OK or _cause(answer).endswith("can only promote a learner member"):
            return True  # the second: an earlier request was carried out, and its answer was lost
        if "in sync with leader" in _cause(answer):
            return False
        raise LabError(f"etcd: cannot promote the learner {member_id}: {_cause(answer)}")

    def move_member(self, member_id: str, peer_url: str) -> None:
        """Tells the members where one of them is reached from now on."""
        body = json.dumps({"peerURLs": [peer_url]})
        status, answer = self._http.json("PUT", f"/v2/members/{member_id}", body=body)
        if status != http.client.NO_CONTENT:
            raise LabError(f"etcd: cannot move the member {member_id} to {peer_url}: {_cause(answer)}")

    def remove_member(self, member_id: str) -> None:
        """Removes a member from the cluster for good."""
        status, answer = self._http.json("DELETE", f"/v2/members/{member_id}")
        if status not in (http.client.NO_CONTENT, http.client.GONE, http.client.NOT_FOUND):
            raise LabError(f"etcd: cannot remove the member {member_id}: {_cause(answer)}")

    def _node(self, key: str, query: dict[str, str]) -> dict[str, Any] | None:
        status, answer = self._http.json("GET", f"/v2/keys{quote(key)}?{urlencode(query)}")
        if not isinstance(answer, dict) or (status == http.client.OK and not isinstance(answer.get("node"), dict)):
            raise CannotCheckError(f"etcd: cannot read {key}: its answer has no key", details=str(answer)[:200])
        if status == http.client.OK:
            node: dict[str, Any] = answer["node"]
            return node
        if answer.get("errorCode") == KEY_NOT_FOUND:
            return None
        raise LabError(f"etcd: cannot read {key}: {_cause(answer)}")


def _cause(answer: Any) -> str:
    return str(answer.get("message") or answer) if isinstance(answer, dict) else str(answer)
