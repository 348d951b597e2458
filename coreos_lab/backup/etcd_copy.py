"""A copy of etcd's data, taken at a member and tried there: a second etcd starts from it and lists its keys.

`etcdctl backup` writes a data folder without the member's identity, so that an etcd which starts from it is of a new
cluster. It reads the member's own disk: what only other members know is not in it.
"""

from __future__ import annotations

import json
import tarfile
from pathlib import Path

from coreos_lab import events, run, wait
from coreos_lab.backup import manifest
from coreos_lab.backup.manifest import EtcdPart
from coreos_lab.clients import etcd, ssh
from coreos_lab.errors import LabError
from coreos_lab.model import Cluster, Node

DEADLINE = 60.0  # seconds for the copy, for the second etcd to start from it, and for all of it to come here
DATA = "data"  # the folder of the copy in the archive
# The keys that etcd lists, and the hidden ones of Container Linux's own programs, which it lists only by name.
TREES = {"keys.json": "/", "hidden.json": "/_coreos.com"}
SCRATCH = "/var/tmp/coreos-lab-backup"  # noqa: S108 - root's alone, made anew with each copy
# A copy whose caller is gone may still run: each has a folder of its own, so that its end takes nothing from the next.
COPY = f"""
set -eu
exec 3>&1 >&2
work={SCRATCH}.$$ client=http://127.0.0.1:23790 peer=http://127.0.0.1:23800
for old in {SCRATCH}*; do
    [ ! -f $old/pid ] || kill -9 "$(cat $old/pid)" 2>/dev/null || true
    rm -rf $old
done
mkdir -m 700 $work
etcdctl backup --data-dir /var/lib/etcd2 --backup-dir $work/{DATA}
cp -r $work/{DATA} $work/tried
env -i /opt/coreos-lab/bin/etcd --name tried --data-dir $work/tried --force-new-cluster --enable-v2 --log-level error \\
    --listen-client-urls $client --advertise-client-urls $client \\
    --listen-peer-urls $peer --initial-advertise-peer-urls $peer --initial-cluster tried=$peer &
tried=$!
echo $tried >$work/pid
trap 'kill -9 $tried 2>/dev/null; wait; rm -rf $work' EXIT
until curl -sf $client/health | grep -q true; do kill -0 $tried; sleep 0.1; done
curl -s "$client/v2/keys/?recursive=true&quorum=true" >$work/keys.json
curl -s "$client/v2/keys/_coreos.com?recursive=true&quorum=true" >$work/hidden.json
tar -C $work -cz {DATA} keys.json hidden.json >&3
"""


def take(cluster: Cluster, member: Node, folder: Path, *, stale: bool) -> EtcdPart:
    """Copies what a member knows into a folder, and counts the keys of the copy.

    LabError where that cannot be done, or no etcd starts from the copy.
    """
    archive = folder / manifest.ETCD
    with events.step("etcd", member.name, "copied and tried"):
        try:
            deadline = wait.patiently(DEADLINE)
            # The node has the deadline, too: an etcd that never becomes healthy would be waited for without end.
            call = ssh.command(cluster, member, ["sudo", "timeout", f"{deadline:g}", "sh", "-c", COPY])
            run.transfer(call, target=archive, timeout=deadline)
        except run.CommandError as failed:
            raise LabError(f"{member.name}: no copy of etcd: {failed.message}", details=failed.details) from None
    keys = keys_in(archive)
    listed = folder / manifest.KEYS
    listed.write_text(json.dumps(keys, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    files = (manifest.described(archive), manifest.described(listed))
    return EtcdPart(member.name, len(keys), manifest.checksum(keys), stale, files)


def keys_in(archive: Path) -> dict[str, str]:
    """The keys that do not expire, as the etcd that was started from the copy listed them."""
    keys: dict[str, str] = {}
    try:
        with tarfile.open(archive) as parts:
            for name in TREES:
                answer = json.loads(parts.extractfile(name).read())  # type: ignore[union-attr]
                if answer.get("errorCode") != etcd.KEY_NOT_FOUND:  # a tree may have no keys
                    keys |= etcd.lasting(answer["node"])
    except (tarfile.TarError, EOFError, OSError, AttributeError, KeyError, ValueError) as error:
        raise LabError(f"{archive}: no whole copy of etcd: {error}", "take another backup") from None
    return keys
