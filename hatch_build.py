"""Sets the version from git tags, and stores version, commit and the console's page in what is built."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface
from hatchling.metadata.plugin.interface import MetadataHookInterface


def _version(root: str) -> Any:
    """The version of the tree that is built, read with that tree's own code, not an installed `lab`'s."""
    sys.path.insert(0, root)
    try:
        from coreos_lab import version
    finally:
        sys.path.remove(root)
    return version.current(Path(root))


class NumberFromTags(MetadataHookInterface):
    """Sets the package's version."""

    def update(self, metadata: dict[str, Any]) -> None:
        """`metadata` is the `[project]` table."""
        metadata["version"] = _version(self.root).number


PAGE = "pages/console/build"


class WrittenDown(BuildHookInterface[Any]):
    """Adds coreos_lab/built.json to wheels and source distributions; an editable install asks its checkout.

    A wheel has the console's page, too, where scripts/build-console.sh has built it.
    """

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """`version` is the kind of build."""
        page = Path(self.root) / PAGE
        if version != "editable" and self.target_name == "wheel" and page.is_dir():
            build_data["force_include"][str(page)] = f"coreos_lab/data/{PAGE}"
        if version == "editable" or (Path(self.root) / "coreos_lab/built.json").exists():
            return
        with tempfile.NamedTemporaryFile("w", prefix="lab-built-", suffix=".json", delete=False) as out:
            out.write(_version(self.root).as_json())
        Path(out.name).chmod(0o644)
        self._written = out.name
        build_data["force_include"][out.name] = "coreos_lab/built.json"

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Removes the temporary file, which is in the archive now."""
        del version, build_data, artifact_path
        if written := getattr(self, "_written", None):
            Path(written).unlink()
