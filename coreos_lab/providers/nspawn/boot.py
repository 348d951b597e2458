"""Boots a node: sets up its namespaces, file systems and devices, then executes systemd-nspawn. Called by launch.sh.

Root on a node has no rights on the host: the node runs in a user namespace whose user 0 is an unused user id of the
host. Files on disk keep the owners that the node knows (0, 500 ...), because the node sees them through idmapped mounts
(mount_setattr(2)). A node's folder can therefore be copied and booted with another range of user ids. util-linux makes
such mounts from 2.39 on (mount -o X-mount.idmap); Debian 12 has 2.38, hence the system calls here.

Only modules that import fast are used: this runs at every boot of every node.
"""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import stat
import sys
import time

from coreos_lab.providers.nspawn import slots

RANGE = 65536  # the number of user ids that a node has
SHOWN = "/run/systemd/nspawn/lab"  # where a node's folders are mounted, in this process's own mount namespace
# The host's root is mapped to this user id, the one that systemd uses (UID_MAPPED_ROOT in its source): the kernel
# creates overlayfs's work folders as the host's root.
MAPPED_ROOT = 2**31 - 2
NICE = -10  # the lowest that a node's units ask for (etcd2.service)
PLUG_DEADLINE = 60.0  # seconds until nspawn must have made the node's network namespace

# From the kernel's headers. These system call numbers are the same on all architectures.
OPEN_TREE, MOVE_MOUNT, MOUNT_SETATTR = 428, 429, 442
OPEN_TREE_CLONE, AT_EMPTY_PATH, AT_FDCWD, F_EMPTY_PATH, ATTR_IDMAP = 1, 0x1000, -100, 4, 0x00100000
CLONE_NEWNS, CLONE_NEWUSER = 0x00020000, 0x10000000
MS_RDONLY, MS_NODEV, MS_REC, MS_PRIVATE, MNT_DETACH = 1, 4, 16384, 1 << 18, 2
PR_SET_PDEATHSIG = 1


class _Attributes(ctypes.Structure):
    """struct mount_attr."""

    _fields_ = [(name, ctypes.c_uint64) for name in ("set", "clear", "propagation", "userns")]


libc = ctypes.CDLL(None, use_errno=True)


def done(result: int, what: str) -> int:
    """The result of a system call. OSError names what it was about if it failed."""
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), what)
    return result


def own_mounts() -> None:
    """Enters a new mount namespace, from which no mount propagates to the host."""
    done(libc.unshare(CLONE_NEWNS), "a mount namespace")
    mount("", "/", "", MS_REC | MS_PRIVATE)


def mount(source: str, target: str, kind: str, flags: int = 0, options: str = "") -> None:
    """mount(2). OSError names the target."""
    call = (source.encode(), target.encode(), kind.encode(), ctypes.c_ulong(flags), options.encode())
    done(libc.mount(*call), f"mount {target}")


def user_namespace(base: int) -> int:
    """A file descriptor of a new user namespace that maps user id 0 to the host's `base`. OSError if it is refused."""
    ready, go = os.pipe(), os.pipe()
    pid = os.fork()
    if pid == 0:
        failed = libc.unshare(CLONE_NEWUSER) != 0
        os.write(ready[1], bytes([ctypes.get_errno() if failed else 0]))
        os.close(go[1])
        os.read(go[0], 1)
        os._exit(0)
    try:
        number = os.read(ready[0], 1)[0]
        if number:
            raise OSError(number, os.strerror(number), "a user namespace")
        for kind in ("uid_map", "gid_map"):
            with open(f"/proc/{pid}/{kind}", "w", encoding="ascii") as out:  # noqa: PTH123 - pathlib is slow to import
                out.write(f"0 {base} {RANGE}\n{MAPPED_ROOT} 0 1\n")
        return os.open(f"/proc/{pid}/ns/user", os.O_RDONLY | os.O_CLOEXEC)
    finally:
        for end in (*ready, *go):
            os.close(end)
        os.waitpid(pid, 0)


def show(source: str, target: str, userns: int | None) -> None:
    """Bind-mounts a folder at `target`, with its owners mapped as the user namespace `userns` maps them."""
    tree = done(libc.syscall(OPEN_TREE, AT_FDCWD, source.encode(), OPEN_TREE_CLONE | os.O_CLOEXEC), source)
    try:
        if userns is not None:
            wanted = _Attributes(ATTR_IDMAP, 0, 0, userns)
            call = (MOUNT_SETATTR, tree, b"", AT_EMPTY_PATH, ctypes.byref(wanted), ctypes.sizeof(wanted))
            done(libc.syscall(*call), f"an idmapped mount of {source}")
        os.makedirs(target, exist_ok=True)  # noqa: PTH103
        done(libc.syscall(MOVE_MOUNT, tree, b"", AT_FDCWD, target.encode(), F_EMPTY_PATH), f"mount {target}")
    finally:
        os.close(tree)


def drop(folder: str) -> None:
    """Unmounts a folder that `show` mounted, and removes the mount point."""
    done(libc.umount2(folder.encode(), MNT_DETACH), f"umount {folder}")
    os.rmdir(folder)  # noqa: PTH106


def overlay(lower: str, upper: str, work: str, target: str) -> None:
    """Mounts an overlay. The folders' names must not contain overlayfs's separators (colon, comma)."""
    mount("overlay", target, "overlay", 0, f"lowerdir={lower},upperdir={upper},workdir={work}")


def _devices(names: str, base: int) -> None:
    """Copies of the host's device nodes, owned by the node's root, which cannot create device nodes itself."""
    folder = f"{SHOWN}/dev"
    os.makedirs(folder, exist_ok=True)  # noqa: PTH103
    for name in names.split(",") if names else ():
        found = os.stat(name)  # noqa: PTH116
        copy = f"{folder}/{name.rpartition('/')[2]}"
        os.mknod(copy, found.st_mode, found.st_rdev)
        os.chmod(copy, stat.S_IMODE(found.st_mode))  # noqa: PTH101 - whatever our umask is
        os.chown(copy, base + found.st_uid % RANGE, base + found.st_gid % RANGE)


def _only_version_2() -> None:
    """Shows the node only the version 2 hierarchy on a host with version 1 or hybrid cgroups."""
    with open("/proc/self/mounts", encoding="utf-8", errors="replace") as mounts:  # noqa: PTH123
        kinds = [line.split()[2] for line in mounts if line.split()[1] == "/sys/fs/cgroup"]
    if kinds and kinds[-1] != "cgroup2":
        done(libc.umount2(b"/sys/fs/cgroup", MNT_DETACH), "umount /sys/fs/cgroup")
        mount("cgroup2", "/sys/fs/cgroup", "cgroup2")


def _forget_boots_before(group: str) -> None:
    """Removes cgroups that a killed boot left behind: their owner may be the root of another range of user ids."""
    for folder, _children, _files in os.walk(group, topdown=False):
        if folder != group:
            try:
                os.rmdir(folder)  # noqa: PTH106
            except OSError:
                continue  # a process still runs in it; nspawn reports that


def _plug_when_there(cgroup: str, plug: list[str]) -> None:
    """Runs `plug` in a child process as soon as nspawn has created the node's network namespace.

    nspawn creates it inside the user namespace, so it does not exist earlier. The child ends with nspawn.
    """
    nspawn = os.getpid()
    if os.fork():
        return
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    ours, payload = os.stat("/proc/self/ns/net").st_ino, f"{cgroup}/machine/payload"  # noqa: PTH116
    end = time.monotonic() + PLUG_DEADLINE
    while time.monotonic() < end and os.getppid() == nspawn:
        for group in (payload, f"{payload}/init.scope"):
            try:
                with open(f"{group}/cgroup.procs", encoding="ascii") as listed:  # noqa: PTH123
                    pid = listed.readline().strip()
                if pid and os.stat(f"/proc/{pid}/ns/net").st_ino != ours:  # noqa: PTH116
                    os.execv("/bin/sh", ["/bin/sh", *plug, pid])  # noqa: S606
            except OSError:
                continue  # not yet
        time.sleep(0.004)
    os._exit(1)


def _room_for_nice() -> list[str]:
    """Options of nspawn that let the node's units set a negative Nice=, which root in a user namespace may not.

    Raises RLIMIT_NICE. Where the host does not permit that either, the node itself starts at the highest priority, and
    its units can only lower it.
    """
    limit = 20 - NICE
    try:
        resource.setrlimit(resource.RLIMIT_NICE, (limit, limit))
    except (OSError, ValueError):
        try:
            os.setpriority(os.PRIO_PROCESS, 0, NICE)
        except OSError:
            print("Nice= has no effect in this node: the host withholds CAP_SYS_NICE and CAP_SYS_RESOURCE", flush=True)
        return []
    return [f"--rlimit=NICE={limit}"]


def boot(cgroup: str, script: str, arguments: list[str]) -> None:
    """Executes the node's nspawn; the arguments are described in launch.sh. OSError names what the host refuses."""
    folder, lower, layers, first, devices, *cable = arguments[:10]
    base = int(first)
    lower = slots.boot(f"{folder}/upper", lower)
    _forget_boots_before(f"{cgroup}/machine")
    _plug_when_there(cgroup, [script, "plug", *cable])
    with open(f"{cgroup}/machine/cgroup.procs", "w", encoding="ascii") as out:  # noqa: PTH123
        out.write(str(os.getpid()))
    own_mounts()
    _only_version_2()
    # nspawn expects a tmpfs here. A private one also lets two clusters have a machine of the same name.
    os.makedirs("/run/systemd/nspawn", exist_ok=True)  # noqa: PTH103
    mount("tmpfs", "/run/systemd/nspawn", "tmpfs", 0, "mode=0755")
    userns = user_namespace(base) if base else None
    for source, name in ((lower, "lower"), (folder, "node"), (layers, "layers")):
        show(source, f"{SHOWN}/{name}", userns)
    _devices(devices, base)
    overlay(f"{SHOWN}/lower", f"{SHOWN}/node/upper", f"{SHOWN}/node/work", f"{folder}/root")
    nice = _room_for_nice() if base else []
    # Docker, flannel and readers set sysctls of the node's own network namespace.
    os.environ["SYSTEMD_NSPAWN_API_VFS_WRITABLE"] = "network"
    call = ["systemd-nspawn", f"--directory={folder}/root", *nice, *arguments[10:]]
    os.execvp(call[0], call)  # noqa: S606


def main() -> None:
    """boot CGROUP LAUNCH.SH ARGUMENT ..."""
    try:
        boot(sys.argv[1], sys.argv[2], sys.argv[3:])
    except OSError as error:
        sys.exit(f"{error.filename}: {error.strerror}")
