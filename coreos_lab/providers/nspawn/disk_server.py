"""Answers an instance that asks for one of its disks to be mounted (mount_ext4.sh), on a socket that only its root has.

The socket lies in a folder that the instance sees at SEEN_AT. The cloud's process listens there, also for machines that
an earlier process of the cloud has started.
"""

from __future__ import annotations

import os
import socket
import struct
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

import coreos_lab
from coreos_lab import run
from coreos_lab.errors import LabError
from coreos_lab.model import Disk
from coreos_lab.providers.nspawn import disks

FOLDER, SEEN_AT = "disks", "/run/lab/disks"
MOST = 8192  # bytes of a request
PATIENCE = 10.0  # seconds for the instance to say what it wants
MOUNT_TIME = 50.0  # seconds for a mount, whose journal may have to be replayed
CREDENTIALS = struct.Struct("3i")  # struct ucred: pid, uid, gid
# Called with -P, -E and -s: nothing of the user's is imported.
CALL = (
    "import sys; sys.path.insert(0, sys.argv.pop(1))\nfrom coreos_lab.providers.nspawn.disk_mount import main; main()"
)


class DiskServer:
    """Listens for one instance. `pid` returns its first process, `base` is the host's user id of its root."""

    def __init__(self, folder: Path, own: Sequence[Disk], base: int, pid: Callable[[], int | None]) -> None:
        self.folder, self.own, self.base, self.pid = folder, own, base, pid
        self._socket = _listen(folder / FOLDER)
        threading.Thread(target=self._run, daemon=True, name=f"disks of {folder.name}").start()

    def stop(self) -> None:
        """Ends listening."""
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()

    def _run(self) -> None:
        """Serves one request after the other, so that an instance cannot make the cloud's process busy with many."""
        while True:
            try:
                connection, _address = self._socket.accept()
            except OSError:
                return  # stopped
            self._serve(connection)

    def _serve(self, connection: socket.socket) -> None:
        with connection, suppress(OSError, LabError):
            connection.settimeout(PATIENCE)
            _pid, user, _group = CREDENTIALS.unpack(
                connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, CREDENTIALS.size)
            )
            asked = _read(connection)
            said = self.mount(asked) if user == self.base else "only root may mount a disk"
            connection.sendall(f"{said}\n".encode())

    def mount(self, asked: str) -> str:
        """Mounts what a request asks for: device, folder and options, a line each. Returns what became of it."""
        device, folder, options, *_rest = [*asked.split("\n"), "", "", ""]
        wanted = next((each for each in self.own if each.device == device), None)
        if wanted is None or not folder.startswith("/") or "\0" in folder:
            own = ", ".join(each.device for each in self.own) or "none"
            return f"{device}: not a disk of this instance, which has: {own}"
        loop, pid = disks.attached(self.folder, wanted), self.pid()
        if loop is None or pid is None:
            return f"{device}: the disk is not attached"
        mode = "ro" if "ro" in options.split(",") else "rw"
        packages = Path(coreos_lab.__file__).parents[1]
        call: list[str | Path] = [sys.executable, "-PEs", "-c", CALL, packages]
        call += [str(pid), str(self.base), loop, device, folder, mode]
        try:
            done = run.run(call, check=False, timeout=MOUNT_TIME)
        except LabError as error:
            return f"{device}: {error.message}"
        return "mounted" if done.returncode == 0 else f"{device}: {(done.stderr.strip() or 'failed').splitlines()[-1]}"


def _listen(folder: Path) -> socket.socket:
    """A socket in a folder. Only root of the host, and of the instance, to whom it is shown, may use it."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / "socket"
    path.unlink(missing_ok=True)
    listening = socket.socket(socket.AF_UNIX)
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        listening.bind(f"/proc/self/fd/{handle}/socket")  # the folder's own path may be longer than a socket's may be
    finally:
        os.close(handle)
    path.chmod(0o600)
    listening.listen()
    return listening


def _read(connection: socket.socket) -> str:
    """What the instance says, up to its end of the connection."""
    data = b""
    while len(data) < MOST and (block := connection.recv(MOST)):
        data += block
    return data.decode("utf-8", "replace")
