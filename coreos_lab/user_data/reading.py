"""The reader's config of any kind, as a cloud-config."""

from __future__ import annotations

from pathlib import Path

from coreos_lab.disk import shown
from coreos_lab.model import CloudConfig
from coreos_lab.user_data import document, ignition
from coreos_lab.user_data.parsed import Document


def read(config: CloudConfig) -> Document:
    """What a config says. Raises UsageError with file and line."""
    if config.transpiled:
        return ignition.read(config)
    return document.read(config.text, shown(Path(config.path)))
