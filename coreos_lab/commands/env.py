"""Print exports for plain fleetctl, etcdctl and ssh: eval "$(lab env)"."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

from coreos_lab import hints
from coreos_lab.clients import agent
from coreos_lab.commands.options import Name, verb
from coreos_lab.commands.tools import environment, fleetctl_call, running_nodes
from coreos_lab.machine_image.userland import ensure_userland
from coreos_lab.model import Cluster
from coreos_lab.observed import node_states
from coreos_lab.records import store
from coreos_lab.shell_words import quoted

# Variables that would point fleetctl and etcdctl elsewhere. sudo hides which of them the user's shell has set, so all
# are unset.
ELSEWHERE = (
    *("FLEETCTL_TUNNEL", "FLEETCTL_CERT_FILE", "FLEETCTL_KEY_FILE", "FLEETCTL_CA_FILE", "FLEETCTL_ETCD_KEY_PREFIX"),
    *("FLEETCTL_ETCD_CERTFILE", "FLEETCTL_ETCD_KEYFILE", "FLEETCTL_ETCD_CAFILE", "FLEETCTL_SSH_USERNAME"),
    *("ETCDCTL_CERT_FILE", "ETCDCTL_KEY_FILE", "ETCDCTL_CA_FILE", "ETCDCTL_DISCOVERY_SRV", "ETCDCTL_USERNAME"),
    *("ETCDCTL_ENDPOINT", "ETCDCTL_PEERS", "ETCDCTL_CERT", "ETCDCTL_KEY", "ETCDCTL_CACERT", "ETCDCTL_USER"),
)

app = verb()


@app.command(help=__doc__)
def command(name: Name = hints.DEFAULT_NAME) -> None:
    env(name)


def env(name: str) -> None:
    """Prints shell lines for eval "$(lab env)"."""
    print(exports(store.require(name)))


def exports(cluster: Cluster) -> str:
    """Shell lines that set what fleetctl, etcdctl and ssh need, and unset what was set for another cluster or a proxy.

    Each node's address is in a variable, too, such as CORE_01, for commands that are written for any cluster.
    """
    variables = environment(cluster, running_nodes(cluster))
    programs = ensure_userland() / "bin"
    # Before the real fleetctl, the one that has the cluster's key: an agent of ours would outlive the shell.
    path = [agent.write_program(cluster, "fleetctl", fleetctl_call()), agent.PATH, programs]
    foreign = {name for name in os.environ if name.startswith(("FLEETCTL_", "ETCDCTL_"))} | set(ELSEWHERE)
    lines = [
        f"unset {' '.join(sorted(foreign - set(variables)))}",
        *(f"export {key}={quoted(value)}" for key, value in variables.items()),
        *without_proxy(os.environ, [cluster.network.subnet, *node_states.addresses(cluster.nodes)]),
        *(f"export {node.variable}={node.address}" for node in cluster.nodes),
        f'export PATH={quoted(":".join(map(str, path)))}:"$PATH"',
    ]
    return "\n".join(lines)


def without_proxy(environ: Mapping[str, str], addresses: Sequence[str]) -> list[str]:
    """Shell lines after which no program uses a proxy for these addresses; none if that is so already.

    Some programs read no_proxy and some NO_PROXY, and not all of them understand networks.
    """
    excluded = environ.get("no_proxy") or environ.get("NO_PROXY") or ""
    missing = [address for address in addresses if address not in excluded.split(",")]
    if not missing and environ.get("no_proxy") == environ.get("NO_PROXY"):
        return []
    before = "${no_proxy:-${NO_PROXY:-}}"
    return [f'export no_proxy="{before}{"".join(f",{each}" for each in missing)}"', 'export NO_PROXY="$no_proxy"']
