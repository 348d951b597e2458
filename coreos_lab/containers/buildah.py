"""Calls of buildah, with a storage and a configuration of our own, that leave nothing behind however they end."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from coreos_lab import disk, events, namespaces, run, settings

POLICY = {"default": [{"type": "insecureAcceptAnything"}]}  # our own container images are not signed


def store() -> Path:
    """Our buildah's storage. The storage of the user's own buildah or podman is never touched."""
    return settings.state_dir() / "containers" / "builds"


@dataclass(frozen=True)
class Session:
    """One build's calls of buildah. Their temporary files are in `folder`, which the caller removes.

    Only one session may be open at a time (the caller holds the storage's lock).
    """

    folder: Path
    log_file: Path

    def call(self, *arguments: str | Path, on_line: Callable[[str], None] = lambda _line: None) -> run.Completed:
        """Runs buildah to its end. Raises CommandError with the end of its output, all of which is in the log."""
        argv = ["buildah", "--root", store() / "root", "--runroot", self.folder / "run", *arguments]
        return run.stream(
            namespaces.contained(argv), log_file=self.log_file, on_line=on_line, env=self._environment(), outside=True
        )

    def policy(self) -> str:
        """The option that lets buildah use unsigned container images (some distributions ship no policy)."""
        path = self.folder / "policy.json"
        if not path.exists():
            disk.write_atomic(path, json.dumps(POLICY))
        return f"--signature-policy={path}"

    def _environment(self) -> dict[str, str]:
        """Replaces the user's configuration, which may have other storages, drivers and hooks."""
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
    """The storage driver: overlay, or vfs where the file system cannot carry overlays. Tried once, then recorded."""
    chosen = store() / "driver"
    if not chosen.exists():
        overlay, _why = disk.carries_overlays(store())
        if not overlay:
            events.note(
                "container image",
                f"{store()}: no overlays on this file system: each build copies whole trees, which is slow",
            )
        disk.write_atomic(chosen, "overlay" if overlay else "vfs")
    return chosen.read_text(encoding="utf-8").strip()
