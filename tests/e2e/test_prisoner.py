"""Root on a node plays the prisoner: what reaches for the host is refused, and the host is as it was after it."""

from __future__ import annotations

import json
import re
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from coreos_lab.providers.nspawn import user_ids
from coreos_lab.records import store
from tests.e2e.calls import NAME, SOON, STATE, Result, ended, lab

Lab = Callable[..., Result]
OTHER = f"{NAME[:19]}-next"
NUMBERS = 3000  # that a node's processes get in some minutes
# Each line is a try, with the words of the host that it needs, under what must be said of it. A try that fails for
# another reason, such as a program or a file that is not there, proves nothing.
REFUSED = "(?i)operation not permitted|permission denied|read-only file system"
TRIES = {
    REFUSED: r"""
sysctl -w vm.swappiness=61
sysctl -w kernel.panic=61
mount -o remount,rw /proc/sys && sysctl -w vm.swappiness=61
unshare --user --map-root-user sysctl -w vm.swappiness=61
mount -t proc proc /mnt && echo 61 >/mnt/sys/vm/swappiness
echo '|/tmp/x' >/proc/sys/kernel/core_pattern
mount -t proc proc /mnt && echo '|/tmp/x' >/mnt/sys/kernel/core_pattern
mkdir -p /tmp/m; mount -t cgroup -o memory cgroup /tmp/m && echo /x >/tmp/m/release_agent
mkdir -p /tmp/p; mount -t cgroup -o pids cgroup /tmp/p && echo /x >/tmp/p/release_agent
mknod /tmp/disk b $DISK
mknod /tmp/mem c 1 1
mknod /tmp/kmsg c 1 11
mknod /tmp/loop-control c 10 237
mount -t debugfs debugfs /mnt
mount -t tracefs tracefs /mnt
mount -t securityfs securityfs /mnt
mount -t devtmpfs devtmpfs /mnt
mount -i -t ext4 /dev/sdb /mnt
mount -t bpf bpf /mnt && ls /mnt/host
dmesg
mount -t proc proc /mnt && head -c 1 /mnt/kmsg
date -s '2001-02-03 04:05:06'
date -s +1hour
mount -o remount,rw,bind /usr && touch /usr/x
touch /opt/coreos-lab/layers/x
mount -o remount,rw,bind /opt/coreos-lab/layers && touch /opt/coreos-lab/layers/x
echo 1 >/sys/class/block/$DISKNAME/uevent
renice -n -20 -p 1
head -c 1M /dev/zero >/var/swap; chmod 600 /var/swap; mkswap -q /var/swap; swapon /var/swap
""",
    # What is locked cannot be uncovered: the kernel says that of it.
    "umount: /usr: not mounted": "findmnt /usr >/dev/null && unshare --mount umount /usr",
    # What the host has, and the test looks at there.
    "No such process": "kill -9 $HOSTPID",
    "No such file or directory": r"""
head -c 1 /proc/$HOSTPID/mem
ls /proc/$HOSTPID/root
nsenter --target $HOSTPID --mount ls
ls $STATE/clusters
ls /proc/1/root$STATE/clusters
ls /dev/$DISKNAME
""",
    "Cannot find device": "ip link set $BRIDGE down",
}
# Its first argument is for how many seconds each of the others is tried.
REACH = (
    'wait=$1; shift; for to in "$@"; do '
    'timeout $wait bash -c "exec 3<>/dev/tcp/$to" 2>/dev/null && echo "$to"; done; true'
)


def root(node: str, script: str, *arguments: str) -> str:
    """What root on a node gets out of a script."""
    return lab("ssh", node, "--", "sudo", "bash", "-c", script, "prisoner", *arguments).out


def watched() -> dict[str, str]:
    """What of the host a prisoner might change: its settings, loop devices, modules, and what lies in our folders."""

    def read(path: str) -> str:
        try:
            return Path(path).read_text(encoding="utf-8", errors="replace")
        except OSError as error:
            return str(error)

    keys = ("vm/swappiness", "vm/overcommit_memory", "kernel/core_pattern", "kernel/panic", "kernel/printk")
    found = {key: read(f"/proc/sys/{key}") for key in keys}
    found["modules"] = " ".join(line.split()[0] for line in read("/proc/modules").splitlines())
    found["agents"] = "".join(read(str(path)) for path in sorted(Path("/sys/fs/cgroup").glob("*/release_agent")))
    folders = [STATE, STATE / "image", *sorted((STATE / "image").glob("*/rootfs/usr")), STATE / "clusters" / NAME]
    found["folders"] = "\n".join(f"{path} {path.stat().st_mode:o}" for path in folders)
    return found


def _process(node: str) -> subprocess.Popen[bytes]:
    """A process on the host with a number that none on a node has, or gets in the next minutes."""
    there = {int(name) for name in root(node, "ls /proc").split() if name.isdigit()}
    last = int(root(node, "cut -d ' ' -f 5 /proc/loadavg"))
    while (started := subprocess.Popen(["sleep", "1800"])).pid in there | {*range(last, last + NUMBERS)}:
        started.kill()
        started.wait()
    return started


def disk_of_host() -> tuple[str, str]:
    """A block device of the host's own: its name, and its numbers as mknod takes them."""
    for path in sorted(Path("/sys/class/block").iterdir()):
        if not path.name.startswith(("loop", "ram")):
            return path.name, (path / "dev").read_text(encoding="ascii").strip().replace(":", " ")
    return "loop0", "7 0"


@pytest.fixture
def next_door(cluster: Lab) -> Iterator[Lab]:
    """Another cluster on the same host."""
    try:
        lab("up", "--name", OTHER, "--nodes", "1")
        yield cluster
    finally:
        lab("destroy", "--name", OTHER)


def tried(tries: list[str], told: dict[str, str]) -> list[tuple[str, int, str]]:
    """Has root on a node try each line. Returns its words, its exit code and what it said."""
    script = "\n".join(f"export {key}='{value}'" for key, value in told.items())
    script += r"""
while read -r try; do
    umount -l /mnt 2>/dev/null
    said=$(timeout 60 bash -c "$try" </dev/null 2>&1)
    printf '%s\t%s\n' "$?" "$(printf %s "$said" | tr '\n\t' '  ')"
done"""
    done = lab("ssh", "core-01", "--", "sudo", "bash", "-c", script, stdin="\n".join(tries) + "\n")
    answers = [line.split("\t") for line in done.out.splitlines()]
    return [(words, int(code), said) for words, (code, said) in zip(tries, answers, strict=True)]


@pytest.mark.whole_host
def test_what_root_on_a_node_tries_on_the_host_is_refused(cluster: Lab) -> None:
    name, numbers = disk_of_host()
    victim = _process("core-01")
    told = {
        "DISK": numbers,
        "DISKNAME": name,
        "HOSTPID": str(victim.pid),
        "STATE": str(STATE),
        "BRIDGE": f"lab{store.require(NAME).network.index}",
    }
    assert (Path("/sys/class/net") / told["BRIDGE"]).exists()
    assert (STATE / "clusters").is_dir()
    expected = [(words, reason) for reason, tries in TRIES.items() for words in tries.strip().splitlines()]
    before = watched()
    with ended(victim):
        found = tried([words for words, _reason in expected], told)
        assert victim.poll() is None
    wrong = [
        each
        for each, (_words, reason) in zip(found, expected, strict=True)
        if not each[1] or not re.search(reason, each[2])
    ]
    assert wrong == [], "it was let, or fails for another reason"
    assert watched() == before
    assert lab("ssh", "core-01", "--", "systemctl", "is-system-running").out == "running\n"


def test_root_on_a_node_loads_no_module(cluster: Lab) -> None:
    """The kernel asks whether one may before it looks at the file, so what it says shows which of both it was."""
    load = "head -c 64 /dev/zero >/tmp/x.ko; insmod /tmp/x.ko"
    # A kernel that has no modules at all refuses everybody.
    refusal = "Operation not permitted" if Path("/proc/modules").exists() else "Function not implemented"
    [(_words, code, said)] = tried([load], {})
    assert (code, refusal in said) == (1, True), said


def test_each_node_has_users_of_its_own_and_the_disk_does_not_know(cluster: Lab) -> None:
    found = store.require(NAME)
    for node in found.nodes:
        base = user_ids.of_node(found, node)
        assert root(node.name, "cat /proc/1/uid_map /proc/1/gid_map").split() == ["0", str(base), "65536"] * 2
    assert all(node["isolated"] for node in cluster("status", "--json").json["nodes"])
    root("core-01", "touch /var/mine && chown 500:999 /var/mine && chmod 4755 /var/mine")
    folder = STATE / "clusters" / NAME / "nodes"
    on_disk = (folder / "core-01/upper/var/mine").stat()
    assert (on_disk.st_uid, on_disk.st_gid) == (500, 999)
    assert folder.stat().st_mode & 0o077 == 0, "nobody on the host may run what a node's root has made"


def test_what_a_node_reaches(next_door: Lab) -> None:
    ours, theirs = store.require(NAME), store.require(OTHER)
    with socket.create_server(("0.0.0.0", 0)) as service:
        threading.Thread(target=lambda: [service.accept() for _ in range(9)], daemon=True).start()
        port = service.getsockname()[1]
        host = {
            line.split()[3].partition("/")[0]
            for line in subprocess.run(
                ["ip", "-4", "-o", "address"], capture_output=True, text=True, check=True
            ).stdout.splitlines()
        } - {"127.0.0.1"}
        with socket.create_connection((ours.network.gateway, port), timeout=SOON):
            pass
        closed = [*(f"{address}/{port}" for address in sorted(host)), f"{theirs.network.gateway}/5808"]
        closed += [f"{theirs.nodes[0].address}/{each}" for each in (22, 2379, 49153)]
        opened = [f"{ours.network.gateway}/5808", *(f"{node.address}/2379" for node in ours.nodes)]
        assert root("core-01", REACH, "60", *opened).split() == opened
        assert root("core-01", REACH, "2", *closed).split() == []
    assert root("core-01", f"ping -c 1 -W 60 {ours.network.gateway} >/dev/null && echo answers") == "answers\n"
    delete = "curl -s -o /dev/null -w '%{http_code}' -X DELETE http://$1/v2/library/debian/manifests/latest"
    assert root("core-01", delete, f"{ours.network.gateway}:5808") != "202"


@pytest.mark.usefixtures("ch3")
def test_containers_of_a_prisoner() -> None:
    """Docker works as ever: privileged containers get the node's devices, and no more."""
    run = "docker run --rm --privileged --net=host --pid=host -v /:/host"
    shown = root("core-01", f"{run} helloworld sh -c 'ls /dev; head -c 8 /dev/sdb | wc -c'").split()
    assert {"sdb", "8"} <= set(shown)
    tried = root("core-01", f"{run} helloworld sh -c 'mknod /x b 7 0; echo 1 >/proc/sys/vm/swappiness' 2>&1; true")
    assert tried.count("ermitted") + tried.count("denied") + tried.count("Read-only") >= 2, tried
    assert "sdb" not in root("core-01", "docker run --rm helloworld ls /dev").split()


def test_a_folder_that_a_layer_has_made_anew_is_empty(cluster: Lab, tmp_path: Path) -> None:
    """Overlay's mark of it counts for the host's root alone; the builder is that, and no node's Docker is."""
    mine = tmp_path / "anew"
    (mine / "units").mkdir(parents=True)
    (mine / "containers/anew").mkdir(parents=True)
    (mine / "containers/anew/Dockerfile").write_text(
        "FROM debian\nRUN rm -rf /etc/apt && mkdir /etc/apt && touch /etc/apt/mine\n"
    )
    (mine / "units/anew.service").write_text(
        "[Service]\nExecStartPre=/usr/bin/docker pull anew\nExecStart=/usr/bin/docker run --rm --name anew anew "
        "sh -c 'trap exit TERM; sleep 1000 & wait'\nExecStop=/usr/bin/docker stop anew\n"
    )
    (mine / "lab.yaml").write_text(
        "title: Anew\nsummary: A folder made anew.\nunits: [units/anew.service]\ncontainers: {anew: containers/anew}\n"
    )
    try:
        lab("deploy", str(mine), code=None)  # it has no checks
        assert root("core-01", "docker pull -q anew >/dev/null; docker run --rm anew ls /etc/apt").split() == ["mine"]
    finally:
        lab("undeploy", "anew")


def test_a_disk_with_ext4_is_mounted(cluster: Lab) -> None:
    made = "mkfs.ext4 -qF /dev/sdb && mount /dev/sdb /mnt && install -d -o core /mnt/mine && stat -c %U /mnt/mine"
    assert root("core-03", f"{made}; umount /mnt").strip() == "core"
    assert root("core-03", "mount -o ro /dev/sdb /mnt; touch /mnt/x 2>&1; umount /mnt").strip().endswith("file system")


def test_units_have_the_priority_that_they_ask_for(cluster: Lab) -> None:
    nice = "ps -o ni= -p $(systemctl show --property=MainPID --value $1)"
    assert [root("core-02", nice, unit).strip() for unit in ("etcd2", "fleet")] == ["-10", "-5"]
    assert root("core-02", "docker version >/dev/null; " + nice, "docker").strip() == "0"


def test_without_user_namespaces_it_is_said(cluster: Lab) -> None:
    name = f"{NAME[:19]}-bare"
    try:
        assert "was made with user namespaces, not none" in lab("up", "--no-userns", code=2).err
        lab("up", "--name", name, "--nodes", "1", "--no-userns")
        shown = lab("status", "--name", name, "--json").json
        assert (shown["userns"], [node["isolated"] for node in shown["nodes"]]) == (False, [False])
        assert "Not isolated: root on core-01 is root of this machine (made with --no-userns)" in (
            lab("status", "--name", name).out
        )
        bounds = lab("ssh", "--name", name, "core-01", "--", "grep CapBnd /proc/1/status").out.split()[1]
        for number, needless in ((16, "SYS_MODULE"), (17, "SYS_RAWIO"), (25, "SYS_TIME"), (34, "SYSLOG")):
            assert not int(bounds, 16) >> number & 1, needless
        assert json.loads((STATE / "clusters" / name / "cluster.json").read_text())["userns"] is False
        lab("up", "--name", name)  # it stays what it was made
        assert lab("status", "--name", name, "--json").json["userns"] is False
    finally:
        lab("destroy", "--name", name)
