"""The sections of a Container Linux Config for the system's services, as the keys that a cloud-config has for them.

ct writes them as drop-ins for containers that rkt runs. A node runs the same programs by the units that it has.
"""

from __future__ import annotations

import json
import re
from typing import Any

from coreos_lab.user_data.draft import Draft
from coreos_lab.user_data.keys import ETCD2, FLANNEL, LOCKSMITH, TEXT
from coreos_lab.user_data.parsed import Path

FIELD = re.compile(r"\{([^{}]*)\}")
FIELDS = {"PRIVATE_IPV4": "$private_ipv4", "PUBLIC_IPV4": "$public_ipv4"}
# Settings of etcd 3 that a cloud-config has no keys for: etcd takes them from its environment.
BY_ENVIRONMENT = {
    "auto_compaction_mode",
    "auto_compaction_retention",
    "grpc_keepalive_interval",
    "grpc_keepalive_min_time",
    "grpc_keepalive_timeout",
    "listen_metrics_urls",
    "max_request_bytes",
    "max_txn_ops",
    "metrics",
    "quota_backend_bytes",
}
NAMES = {"etcd_endpoints": "endpoint"}  # of locksmith


def translate(draft: Draft, sections: dict[str, dict[str, Any]]) -> None:
    """etcd, flannel, locksmith, update and docker."""
    _etcd(draft, sections.get("etcd", {}))
    _flannel(draft, sections.get("flannel", {}))
    for key, value in sections.get("locksmith", {}).items():
        here: Path = ("locksmith", key)
        if key == "reboot_strategy":
            draft.setting("update", key, str(value).lower(), here)
        else:
            _setting(draft, "locksmith", NAMES.get(key, key), value, here, LOCKSMITH)
    for key, value in sections.get("update", {}).items():
        draft.setting("update", key, value, ("update", key))
    if flags := sections.get("docker", {}).get("flags"):
        where: Path = ("docker", "flags")
        line = _quoted(f"DOCKER_OPTS={' '.join(flags)}")
        draft.drop_in("docker.service", "20-clct-docker.conf", f"[Service]\nEnvironment={line}\n", where, where)


def _etcd(draft: Draft, etcd: dict[str, Any]) -> None:
    environment = []
    for key, value in etcd.items():
        here: Path = ("etcd", key)
        if key == "version":
            if not str(value).startswith("3."):
                draft.refuse(here, f"{value}: a node's etcd is of version 3")
        elif key == "name" and value == "{HOSTNAME}":
            pass  # the lab's own name of the member
        elif key == "enable_v2":
            if not value:
                draft.refuse(here, "fleet, flannel and locksmith speak this version")
        elif key in BY_ENVIRONMENT:
            text = _filled(draft, str(value), here)
            environment.append(f"Environment={_quoted(f'ETCD_{key.upper()}={text}')}")
        else:
            _setting(draft, "etcd2", key, value, here, ETCD2)
    if environment:
        content = "\n".join(["[Service]", *environment]) + "\n"
        draft.drop_in("etcd2.service", "20-clct-etcd-member.conf", content, ("etcd",), ("etcd",))


def _flannel(draft: Draft, flannel: dict[str, Any]) -> None:
    for key, value in flannel.items():
        here: Path = ("flannel", key)
        if key == "version":
            if not str(value).startswith("0."):
                draft.refuse(here, f"{value}: a node's flannel is of version 0")
        elif key == "network_config":
            call = f"ExecStartPre=/usr/bin/etcdctl set /coreos.com/network/config {_quoted(str(value), dollars=True)}"
            draft.drop_in("flanneld.service", "20-clct-flannel.conf", f"[Service]\n{call}\n", here, ("flannel",))
        else:
            _setting(draft, "flannel", key, value, here, FLANNEL)


def _setting(draft: Draft, service: str, key: str, value: Any, here: Path, known: dict[str, Any]) -> None:
    if key not in known:
        draft.refuse(here, "a node has no way to set it")
    elif known[key] == TEXT:
        draft.setting(service, key, _filled(draft, str(value), here), here)
    else:
        draft.setting(service, key, value, here)


def _filled(draft: Draft, text: str, here: Path) -> str:
    """A value with ct's {PRIVATE_IPV4} as coreos-cloudinit's variables."""
    for field in FIELD.findall(text):
        if field not in FIELDS:
            remedy = f"known are: {', '.join(f'{{{name}}}' for name in FIELDS)}"
            draft.refuse(here, f"{{{field[:40]}}}: a node does not know it", remedy)
    return FIELD.sub(lambda match: FIELDS.get(match[1], match[0]), text)


def _quoted(text: str, *, dollars: bool = False) -> str:
    """A word of a unit file. In a command, a dollar would begin a variable."""
    word = json.dumps(text, ensure_ascii=False).replace("%", "%%")
    return word.replace("$", "$$") if dollars else word
