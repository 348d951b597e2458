"""What all tests share."""

from __future__ import annotations

from coreos_lab import garbage


def pytest_collection_finish() -> None:
    """Keeps the collector of garbage from what is imported: it would look through all tests again and again."""
    garbage.begin()
    garbage.imported()
