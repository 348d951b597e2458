"""What of a cloud is still on the host, asked of the kernel and not of our records."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

from coreos_lab import mounts, run
from coreos_lab.cloud import names, router
from coreos_lab.cloud.balancing import teardown
from coreos_lab.cloud.functions import teardown as of_functions
from coreos_lab.errors import LabError
from coreos_lab.model import Cloud, Leftovers
from coreos_lab.providers.base import InstanceProvider
from coreos_lab.records.clouds import CloudFolder


def audit(cloud: Cloud, provider: InstanceProvider) -> Leftovers:
    """Looks for anything that is left, before the cloud's folder is removed."""
    found: list[str] = []
    unseen: list[str] = []
    parts: dict[str, Callable[[], Iterable[str]]] = {
        "network namespaces": lambda: [f"network namespace {names.namespace(cloud, i)}" for i in router.numbers(cloud)],
        "load balancers": lambda: teardown.left(cloud),
        "functions": lambda: of_functions.left(cloud),
        "interfaces": lambda: _links(cloud),
        "nftables": lambda: _tables(cloud),
        "cgroups": lambda: [f"cgroup {path}" for path in provider.cgroups(cloud.name)],
        "processes": lambda: _processes(cloud),
        "mounts": lambda: [f"mount {each.point}" for each in mounts.on(CloudFolder(cloud.name).path)],
    }
    for what, look in parts.items():
        try:
            found += look()
        except LabError as error:
            unseen.append(f"{what}: {error.message}")
        except (OSError, ValueError) as error:
            unseen.append(f"{what}: {error}")
    return Leftovers(found, unseen)


def _links(cloud: Cloud) -> list[str]:
    listed = json.loads(run.run(["ip", "-json", "link", "show"]).stdout or "[]")
    bridge = names.bridge(cloud)
    own = [link for link in listed if link["ifname"] == bridge or link["ifname"].startswith(f"{bridge}-")]
    return [f"interface {link['ifname']}" for link in own]


def _tables(cloud: Cloud) -> list[str]:
    listed = run.run(["nft", "list", "tables"]).stdout.splitlines()
    return [f"nft {line}" for line in listed if line.split()[-1:] == [names.table(cloud)]]


def _processes(cloud: Cloud) -> list[str]:
    """Processes that were started with a path in the cloud's folder, or that serve the cloud."""
    folder, serving = f"{CloudFolder(cloud.name).path}/", f"\0cloud\0serve\0--name\0{cloud.name}\0"
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with suppress(FileNotFoundError, ProcessLookupError):
                words = (entry / "cmdline").read_bytes().decode(errors="replace")
                program = Path(words.partition("\0")[0]).name
                known = ("sh", "systemd-nspawn", "nsenter", "unshare", "haproxy", "docker-registry")
                ours = program in known or program.startswith("python")
                if ours and (folder in words or serving in words):
                    found.append(f"process {entry.name} ({words.replace(chr(0), ' ')[:60]})")
    return found
