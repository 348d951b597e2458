"""Values that systemd ignores: compared with systemd itself where the machine has it."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from coreos_lab.units import systemd_values
from coreos_lab.units.option import Option

WORDS = (
    "nosuch simple Simple oneshot notify idle always on-failure on-failures no yes Yes ON 1 0 t f maybe 90s 5 1min 1M "
    "1y .5s -5 soon infinity 2months 5us TERM SIGTERM SIGFOO 15 64 65 RTMIN+3 SIGRTMAX-2 RTMIN+30 RTMIN+31 process "
    "mixed control-group journal journal+console journal+tty null tty file file:/a file:a append:/x truncate:x fd:name "
    "socket data strict full read-only tmpfs restart default both main exec all kill abort reboot "
    "poweroff-force fail flush"
)
CHOSEN = [*WORDS.split(), "1 min 3s", "1 moment"]
# systemd warns of these and takes them.
OLD = {("KillMode", "none")} | {
    (f"Standard{which}", value) for which in ("Output", "Error") for value in ("syslog", "syslog+console")
}
FILES = {"Unit": "service", "Service": "service", "Socket": "socket", "Timer": "timer", "Path": "path"}
NEEDED = {
    "service": "ExecStart=/bin/true",
    "socket": "ListenStream=/x",
    "timer": "OnBootSec=1",
    "path": "PathExists=/x",
}


@pytest.mark.parametrize(
    ("line", "takes"),
    [
        ("Service Type=nosuch", "simple, exec, forking, oneshot, dbus, notify, idle"),
        ("Service Type=oneshot", ""),
        ("Service Restart=on-failures", "no, on-success, on-failure"),
        ("Service KillSignal=SIGFOO", "a signal's name"),
        ("Service RemainAfterExit=maybe", "yes or no"),
        ("Service RestartSec=1 moment", "a time such as 90s"),
        ("Service RestartSec=1 min 3s", ""),
        ("Service StandardOutput=journal+tty", "inherit, null, tty, journal"),
        ("Service StandardOutput=append:/var/log/%i", ""),
        ("Service Type=", ""),
        ("Unit Type=nosuch", ""),
        ("Service Description=nosuch", ""),
    ],
)
def test_what_an_option_takes_is_said_where_its_value_is_ignored(line: str, takes: str) -> None:
    section, _, rest = line.partition(" ")
    name, _, value = rest.partition("=")
    said = systemd_values.ignored(Option(section, name, value, 1))
    assert said.startswith(takes)
    assert bool(said) == bool(takes)


def ignored_by_systemd(folder: Path, section: str, name: str, values: list[str]) -> set[str]:
    kind = FILES[section]
    (folder / "o.service").write_text(f"[Service]\n{NEEDED['service']}\n")
    own = "\n".join([f"[{section}]", *(f"{name}={value}" for value in values)])
    (folder / f"o.{kind}").write_text(f"{own}\n[{kind.capitalize()}]\n{NEEDED[kind]}\n")
    call = ["systemd-analyze", "verify", "--man=no", str(folder / f"o.{kind}")]
    out = subprocess.run(call, capture_output=True, text=True, check=False, timeout=60).stderr
    lines = [int(number) - 2 for number in re.findall(rf"/o\.{kind}:(\d+): ", out)]
    return {values[line] for line in lines if line < len(values)}


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd to compare with")
@pytest.mark.parametrize(("section", "name"), systemd_values.known())
def test_systemd_agrees(tmp_path: Path, section: str, name: str) -> None:
    shown = subprocess.run(["systemd-analyze", "--version"], capture_output=True, text=True, check=True).stdout
    if not shown.startswith("systemd 252 "):
        pytest.skip(f"the table is that of systemd 252, which nodes have; here is {shown.splitlines()[0]}")
    # With a value that it ignores of these, systemd goes no further in the file.
    one_by_one = name == "DynamicUser"
    values = [value for value in CHOSEN if (name, value) not in OLD]
    calls = [[value] for value in values] if one_by_one else [values]
    theirs = {value for call in calls for value in ignored_by_systemd(tmp_path, section, name, call)}
    ours = {value for value in values if systemd_values.ignored(Option(section, name, value, 1))}
    assert ours == theirs
