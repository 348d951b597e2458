"""A changed cloud-config, applied to nodes that exist: at their next boot, or at once by coreos-cloudinit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from coreos_lab import events, hints
from coreos_lab.clients import ssh
from coreos_lab.cluster import cloud_config
from coreos_lab.errors import LabError
from coreos_lab.model import Cluster, Node, NodeState
from coreos_lab.records.store import ClusterFolder

DEADLINE = 300.0  # seconds: coreos-cloudinit waits for each unit that it starts
# The services that coreos-cloudinit gives settings, with the files in which it does. It restarts none of them.
SETTINGS = {
    "etcd2.service": "",
    "fleet.service": "",
    "flanneld.service": "/run/flannel/options.env",
    "locksmithd.service": "/etc/coreos/update.conf",
    "docker.service": "",
}
# What the node boots from is mounted from the host, or lies on its disk: then it is replaced, too.
APPLY = f"""
set -eu
umask 077
file=/run/coreos-lab-user-data
cat >$file
for disk in /var/lib/coreos-install/user_data /var/lib/flatcar-vagrant/vagrantfile-user-data; do
    if [ -f $disk ] && ! mountpoint -q $disk; then cp $file $disk; fi
done
settings() {{
    for unit in {" ".join(SETTINGS)}; do
        echo "$unit $(systemctl cat --no-pager $unit 2>/dev/null | cat - $(files $unit) 2>/dev/null | sha256sum)"
    done | sort
}}
files() {{
    case $1 in
{"".join(f"        {unit}) echo {file} ;;{chr(10)}" for unit, file in SETTINGS.items() if file)}    esac
}}
settings >$file.before
set -a
. /etc/environment
set +a
PATH=/opt/coreos-lab/bin:$PATH
umask 022
coreos-cloudinit --from-file=$file >&2 || exit
settings | comm -13 $file.before - | cut -d " " -f 1
rm -f $file $file.before
"""


def renew(cluster: Cluster, states: Mapping[str, NodeState]) -> list[Node]:
    """Rewrites what the nodes that exist boot from; returns those for which it is another text now."""
    made = [
        node
        for node in cluster.staying
        if states[node.name] is not NodeState.ABSENT and ClusterFolder(cluster.name).user_data(node).exists()
    ]
    return [node for node in made if cloud_config.rewrite(cluster, node)]


def apply(cluster: Cluster, nodes: Sequence[Node]) -> list[str]:
    """Applies the nodes' cloud-configs to the running nodes, one after the other; returns what is left to do, in lines.

    coreos-cloudinit starts, stops and restarts what the cloud-config says, and nothing else. A service that has new
    settings is named, not restarted: etcd would lose a member for that time, Docker its containers, and fleet would
    move its units. Raises LabError for the first node on which coreos-cloudinit fails.
    """
    left = []
    for node in nodes:
        with events.step("cloud-config", node.name):
            changed = _on(cluster, node)
        if changed:
            command = hints.lab("ssh", node.name, "--", "sudo", "systemctl", "restart", *changed)
            left.append(f"{node.name}: has new settings of {', '.join(changed)}, used after '{command}'.")
    return left


def _on(cluster: Cluster, node: Node) -> list[str]:
    """Runs coreos-cloudinit on a node; returns the services whose settings changed."""
    text = ClusterFolder(cluster.name).user_data(node).read_text(encoding="utf-8")
    call = ["sudo", "bash", "-c", APPLY]
    done = ssh.node_run(cluster, node, call, check=False, timeout=DEADLINE, input_text=text)
    if done.returncode != 0:
        files = [each for each in cluster.cloud_configs if each.node in ("", node.name)]
        given = [f"--cloud-config={each.node}{':' * bool(each.node)}{each.path}" for each in files]
        raise LabError(
            f"{node.name}: coreos-cloudinit has failed, so its cloud-config is applied in part",
            f"correct the cloud-config, then: {hints.lab('up', *given, '--apply')}",
            "\n".join(done.stderr.strip().splitlines()[-8:]),
        )
    return done.stdout.split()
