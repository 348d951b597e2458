"""The host's side of a cloud's network: the bridge with the public addresses, and its firewall."""

from __future__ import annotations

import json
from ipaddress import IPv4Network

from coreos_lab import run
from coreos_lab.cloud import names
from coreos_lab.errors import LabError
from coreos_lab.model import Cloud


def rules(cloud: Cloud) -> str:
    """The host's tables for a cloud as nft reads them.

    The host reaches the instances, and they reach what lies beyond the host; not the host itself, no cluster and no
    other cloud, as those are no part of the internet that they are to see.
    """
    bridge, table = names.bridge(cloud), names.table(cloud)
    return "\n".join(
        [
            f"table inet {table}",
            f"delete table inet {table}",
            f"table inet {table} {{",
            "  chain to_host {",
            "    type filter hook input priority filter; policy accept;",
            f'    iifname != "{bridge}" accept',
            "    ct state established,related accept",
            "    counter drop",
            "  }",
            "  chain beyond {",
            "    type filter hook forward priority filter; policy accept;",
            f'    iifname "{bridge}" oifname "{bridge}" accept',
            "    ct state established,related accept",
            f'    oifname "{bridge}" counter drop',
            f'    iifname "{bridge}" oifname "lab*" counter drop',
            f'    iifname "{bridge}" ct status dnat counter drop',
            "  }",
            "  chain goes {",
            "    type nat hook postrouting priority srcnat; policy accept;",
            f'    ip saddr {cloud.public_subnet} oifname != "{bridge}" masquerade',
            "  }",
            "}",
            "",
        ]
    )


def lay(cloud: Cloud) -> None:
    """Makes the bridge and loads the rules. May be repeated. LabError where something else has the bridge's name."""
    name = names.bridge(cloud)
    found = _aliases()
    if name in found and found[name] not in ("", names.alias(cloud)):
        raise LabError(
            f"{name}: an interface of that name exists and is not the cloud's",
            f"remove it (ip link delete {name}) or destroy the cloud that it belongs to",
        )
    if name not in found:
        run.run(["ip", "link", "add", name, "type", "bridge"])
    run.run(["ip", "link", "set", name, "alias", names.alias(cloud)])
    length = IPv4Network(cloud.public_subnet).prefixlen
    run.run(["ip", "address", "replace", f"{cloud.host_address}/{length}", "dev", name])
    run.run(["nft", "--file", "-"], input_text=rules(cloud))
    run.run(["ip", "link", "set", name, "up"])


def take_away(cloud: Cloud) -> None:
    """Removes bridge and rules, if they are there."""
    name = names.bridge(cloud)
    found = _aliases()
    if found.get(name) in ("", names.alias(cloud)):
        for uplink in found:
            if uplink.startswith(f"{name}-"):
                run.run(["ip", "link", "delete", uplink], check=False)
        run.run(["ip", "link", "delete", name])
    run.run(["nft", "delete", "table", "inet", names.table(cloud)], check=False)


def _aliases() -> dict[str, str]:
    """The host's interfaces with their aliases."""
    listed = json.loads(run.run(["ip", "-json", "link", "show"]).stdout or "[]")
    return {link["ifname"]: link.get("ifalias", "") for link in listed}
