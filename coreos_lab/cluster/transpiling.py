"""Container Linux Configs and Ignition configs of the command line, read by ct and by Ignition's own parser."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from coreos_lab import run
from coreos_lab.disk import shown
from coreos_lab.machine_image.transpiler import CT, ensure_transpiler
from coreos_lab.model import CloudConfig
from coreos_lab.spelling import closest
from coreos_lab.user_data import ignition, kinds
from coreos_lab.user_data.parsed import Problem, refuse

DEADLINE = 60.0  # seconds: ct needs some hundredths of one
UNKNOWN_KEY = "Config has unrecognized key: "
REMEDIES = {
    "local files require": ("contents: local: lab reads this one file", "write inline:"),
    "unsupported config version": ("no version that nodes take", "write ignition: version: 2.0.0 to 2.4.0"),
    "no filesystem specified": ("no filesystem", "write filesystem: root"),
}
KEYS = """
    append certificate_authorities compression config contents create device directories disks dropins enable enabled
    files filesystem filesystems flags format gecos gid group groups hard hash home_dir id inline links local locksmith
    mask mode mount name network_config no_create_home no_log_init no_user_group options overwrite partitions passwd
    password_hash path primary_group raid reboot_strategy remote replace security server shell source
    ssh_authorized_keys storage system systemd target timeouts tls uid units update url user users verification version
    window_length window_start
"""


def needed(configs: Sequence[CloudConfig] | None) -> bool:
    """Whether one of the configs is ct's to read."""
    return any(is_needed(config) for config in configs or ())


def transpiled(configs: tuple[CloudConfig, ...] | None) -> tuple[CloudConfig, ...] | None:
    """The configs, each that is no cloud-config with what ct made of it.

    Raises UsageError with file and line for what ct does not accept, and for what a node cannot do.
    """
    return configs and tuple(_read(config) if is_needed(config) else config for config in configs)


def is_needed(config: CloudConfig) -> bool:
    """Whether the config is ct's to read."""
    return bool(config.text) and not config.transpiled and kinds.kind(config.text) != kinds.CLOUD_CONFIG


def _read(config: CloudConfig) -> CloudConfig:
    answer = run.run([ensure_transpiler()], input_text=config.text, timeout=DEADLINE).stdout
    found: dict[str, Any] = json.loads(answer)
    refuse(list(_problems(found.pop("report"), config)))
    result = replace(config, transpiled=json.dumps({"version": ignition.VERSION, **found}))
    ignition.read(result)
    return result


def _problems(report: list[dict[str, Any]], config: CloudConfig) -> Iterator[Problem]:
    """The errors of a report, and the keys that are unknown, which ct would leave out. Other warnings name defaults."""
    file, what = shown(Path(config.path)), kinds.kind(config.text)
    article = "an" if what == kinds.IGNITION else "a"
    for entry in report:
        message, line = str(entry["message"]), max(1, int(entry["line"]))
        if message.startswith(UNKNOWN_KEY):
            key = message.removeprefix(UNKNOWN_KEY)
            yield Problem(file, line, f"{key[:60]}: no key of {article} {what} at this place", _meant(key, what))
        elif entry["kind"] == "error":
            # The YAML library names lines in its messages: from 0 for what is no YAML, from 1 for wrong types.
            parts = re.findall(r"^(yaml:)? +line (\d+): (.+)$", message, re.MULTILINE)
            for from_0, number, part in parts or [("", line, message)]:
                yield _error(file, int(number) + bool(from_0), " ".join(part.split()))


def _error(file: str, line: int, message: str) -> Problem:
    for begin, (words, remedy) in REMEDIES.items():
        if message.startswith(begin):
            return Problem(file, line, words, remedy)
    return Problem(
        file, line, f"ct {CT.version}: {message[:300]}", f"the documentation of ct {CT.version} has all keys"
    )


def _meant(key: str, what: str) -> str:
    written = re.sub(r"[A-Z]", lambda match: f"_{match[0].lower()}", key)
    near = closest(written, KEYS.split())
    if what == kinds.IGNITION:
        near = re.sub(r"_([a-z])", lambda match: match[1].upper(), near)
    return f"did you mean {near}?" if near and near != key else "leave it out, or write it where it belongs"
