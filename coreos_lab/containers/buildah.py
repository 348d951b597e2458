"""How buildah is called: a storage of our own, a configuration of our own, and nothing left over however it ends."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from coreos_lab import disk, events, run, settings

POLICY = {"default": [{"type": "insecureAcceptAnything"}]}  # what we build ourselves is not signed


def store() -> Path:
    """Everything that buildah keeps for us. What the user's own buildah or podman keeps is never touched."""
    return settings.state_dir() / "containers" / "builds"


@dataclass(frozen=True)
class Session:
    """One build's calls of buildah. What they leave behind besides the storage lies in `folder`; it goes with it.

    Only one session may be open at a time (the caller holds the storage's lock).
    """

    folder: Path
    log_file: Path

    def call(self, *arguments: str | Path, on_line: Callable[[str], None] = lambda _line: None) -> run.Completed:
        """Runs buildah to its end. Raises CommandError with the end of its output, all of which is in the log."""
        argv = ["buildah", "--root", store() / "root", "--runroot", self.folder / "run", *arguments]
        return run.stream(run.contained(argv), log_file=self.log_file, on_line=on_line, env=self._environment())

    def policy(self) -> str:
        """The option that lets buildah use container images that nobody signed (some distributions ship no policy)."""
        path = self.folder / "policy.json"
        if not path.exists():
            disk.write_atomic(path, json.dumps(POLICY))
        return f"--signature-policy={path}"

    def _environment(self) -> dict[str, str]:
        """Keeps the user's configuration out: other storages, other drivers, hooks."""
        containers, storage, temporary = (self.folder / name for name in ("containers.conf", "storage.conf", "tmp"))
        if not temporary.is_dir():
            disk.write_atomic(containers, "")
            disk.write_atomic(storage, f'[storage]\ndriver = "{_driver()}"\n')
            temporary.mkdir()
        return {
            "CONTAINERS_CONF": str(containers),
            "CONTAINERS_STORAGE_CONF": str(storage),
            "TMPDIR": str(temporary),
        }


def _driver() -> str:
    """The storage driver: overlay, or vfs where the file system cannot carry overlays. Found out once."""
    chosen = store() / "driver"
    if not chosen.exists():
        overlay = _carries_overlays(store() / "try")
        if not overlay:
            events.note(
                "container image",
                f"{store()}: no overlays on this file system: each build copies whole trees, which is slow",
            )
        disk.write_atomic(chosen, "overlay" if overlay else "vfs")
    return chosen.read_text(encoding="utf-8").strip()


def _carries_overlays(folder: Path) -> bool:
    disk.remove_tree(folder)
    lower, upper, work, root = (folder / name for name in ("lower", "upper", "work", "root"))
    for path in (lower, upper, work, root):
        path.mkdir(parents=True)
    options = f"lowerdir={lower},upperdir={upper},workdir={work}"
    done = run.run(run.contained(["mount", "-t", "overlay", "overlay", "-o", options, root]), check=False)
    disk.remove_tree(folder)
    return done.returncode == 0
