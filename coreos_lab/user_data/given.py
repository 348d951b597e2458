"""`--cloud-config` and `--metadata` of the command line: read, and refused in one line where they are no use."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from coreos_lab.disk import shown
from coreos_lab.errors import UsageError
from coreos_lab.model import CloudConfig, MachineMetadata
from coreos_lab.user_data import document, kinds, metadata


def cloud_configs(options: Sequence[str] | None) -> tuple[CloudConfig, ...] | None:
    """The cloud-configs of `--cloud-config [NODE:]FILE`; with an empty FILE it has an empty text, which removes it.

    Raises UsageError with file and line.
    """
    if not options:
        return None
    found: dict[str, CloudConfig] = {}
    for option in options:
        node, file = _scope(option)
        if node in found:
            raise UsageError(
                f"--cloud-config {option}: a second one for {node or 'all nodes'}", "write both into one file"
            )
        text = _text(file) if file else ""
        found[node] = CloudConfig(node, str(Path(file).absolute()) if file else "", text)
        if file and kinds.kind(text) == kinds.CLOUD_CONFIG:
            document.read(text, shown(Path(file)))
        elif file:
            kinds.check(text, shown(Path(file)))
    return tuple(found.values())


def machine_metadata(options: Sequence[str] | None) -> tuple[MachineMetadata, ...] | None:
    """The metadata of `--metadata [NODE:]KEY=VALUE,...`, which may name the same node several times.

    Without pairs (`core-01:`) it has an empty text, which removes it. Raises UsageError that names the option.
    """
    if not options:
        return None
    found: dict[str, str] = {}
    for option in options:
        head, colon, rest = option.partition(":")
        node, text = (head, rest) if colon and "=" not in head else ("", option)
        if text:
            text = metadata.checked(text, f"--metadata {option}")
        found[node] = ",".join(part for part in (found.get(node, ""), text) if part)
        if found[node]:
            metadata.checked(found[node], f"--metadata {option}")
    return tuple(MachineMetadata(node, text) for node, text in found.items())


def _scope(option: str) -> tuple[str, str]:
    """A node, "" for all, and a file: `core-01:FILE`, or a file whose own name has a colon."""
    head, colon, rest = option.partition(":")
    try:
        is_file = Path(option).exists()
    except (OSError, ValueError):  # a name that no file can have
        is_file = False
    return (head, rest) if colon and "/" not in head and not is_file else ("", option)


def _text(file: str) -> str:
    """A file's text, which may also come from a pipe. Not more is read than a cloud-config may have."""
    path = Path(file)
    try:
        with path.open("rb") as source:
            data = source.read(document.SIZE_MAX + 1)
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise UsageError(f"--cloud-config {file}: {why}", "name a file, for one node as core-01:FILE") from None
    if len(data) > document.SIZE_MAX:
        raise UsageError(
            f"{shown(path)}: more than {document.SIZE_MAX} bytes are too much for a cloud-config",
            "let a unit fetch what is big, or put it into a container image",
        )
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise UsageError(f"{shown(path)}:{line}: not UTF-8", "save the file as UTF-8") from None
