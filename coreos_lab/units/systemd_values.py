"""What systemd 252 takes for options that have certain values only. It ignores any other, with a warning."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from coreos_lab.units.option import Option
from coreos_lab.units.service_life import time_span

Takes = Callable[[str], bool]

_YES_OR_NO = "1 yes y true t on 0 no n false f off"
_SIGNALS = (
    "HUP INT QUIT ILL TRAP ABRT BUS FPE KILL USR1 SEGV USR2 PIPE ALRM TERM STKFLT CHLD CONT STOP TSTP TTIN TTOU URG "
    "XCPU XFSZ VTALRM PROF WINCH IO PWR SYS"
)
_REAL_TIME = 34  # the number of RTMIN in glibc
_SIGNAL_MAX = 64
_ACTIONS = "none reboot reboot-force reboot-immediate poweroff poweroff-force poweroff-immediate exit exit-force"
_WORDS: Mapping[str, Mapping[str, str]] = {
    "Unit": {
        "CollectMode": "inactive inactive-or-failed",
        "FailureAction": _ACTIONS,
        "JobTimeoutAction": _ACTIONS,
        "OnFailureJobMode": "fail replace replace-irreversibly isolate flush ignore-dependencies ignore-requirements",
        "StartLimitAction": _ACTIONS,
        "SuccessAction": _ACTIONS,
    },
    "Service": {
        "DevicePolicy": "auto closed strict",
        "ExitType": "main cgroup",
        "IOSchedulingClass": "none realtime best-effort idle 0 1 2 3 4 5 6 7",
        "KeyringMode": "inherit private shared",
        "KillMode": "control-group process mixed none",
        "ManagedOOMMemoryPressure": "auto kill",
        "ManagedOOMPreference": "none avoid omit",
        "ManagedOOMSwap": "auto kill",
        "NotifyAccess": "none main exec all",
        "OOMPolicy": "continue stop kill",
        "ProcSubset": "all pid",
        "ProtectProc": "noaccess invisible ptraceable default",
        "Restart": "no on-success on-failure on-abnormal on-watchdog on-abort always",
        "SyslogLevel": "emerg alert crit err warning notice info debug 0 1 2 3 4 5 6 7",
        "TimeoutStartFailureMode": "terminate abort kill",
        "TimeoutStopFailureMode": "terminate abort kill",
        "Type": "simple exec forking oneshot dbus notify idle",
        "UtmpMode": "init login user",
    },
}
_OR_WORDS: Mapping[tuple[str, str], str] = {  # yes or no, or one of these
    ("Service", "ProtectHome"): "read-only tmpfs",
    ("Service", "ProtectSystem"): "full strict",
    ("Service", "RuntimeDirectoryPreserve"): "restart",
    ("Socket", "BindIPv6Only"): "default both ipv6-only",
}
_BOOLEANS: Mapping[str, str] = {
    "Unit": "AllowIsolate DefaultDependencies IgnoreOnIsolate RefuseManualStart RefuseManualStop StopWhenUnneeded",
    "Service": "CPUSchedulingResetOnFork DynamicUser GuessMainPID IgnoreSIGPIPE LockPersonality MemoryDenyWriteExecute "
    "NoNewPrivileges NonBlocking PrivateDevices PrivateMounts PrivateNetwork PrivateTmp PrivateUsers ProtectClock "
    "ProtectControlGroups ProtectHostname ProtectKernelLogs ProtectKernelModules ProtectKernelTunables RemainAfterExit "
    "RemoveIPC RestrictRealtime RestrictSUIDSGID RootDirectoryStartOnly SendSIGHUP SendSIGKILL SyslogLevelPrefix "
    "TTYReset TTYVHangup",
    "Socket": "Accept Broadcast FlushPending FreeBind KeepAlive NoDelay PassCredentials RemoveOnStop Transparent "
    "Writable",
    "Timer": "FixedRandomDelay OnClockChange OnTimezoneChange Persistent RemainAfterElapse WakeSystem",
    "Path": "MakeDirectory",
}
_SPANS: Mapping[str, str] = {
    "Unit": "JobRunningTimeoutSec JobTimeoutSec StartLimitIntervalSec",
    "Service": "RestartSec RuntimeMaxSec RuntimeRandomizedExtraSec TimeoutAbortSec TimeoutSec TimeoutStartSec "
    "TimeoutStopSec WatchdogSec",
    "Timer": "AccuracySec OnActiveSec OnBootSec OnStartupSec OnUnitActiveSec OnUnitInactiveSec RandomizedDelaySec",
}
_OUTPUTS = (
    "inherit null tty journal journal+console kmsg kmsg+console syslog syslog+console socket fd file append truncate"
)
_INPUTS = "null tty tty-force tty-fail data socket fd file"


def _is_signal(value: str) -> bool:
    name = value.removeprefix("SIG")
    if real_time := re.fullmatch(r"RT(?:MIN(?:\+(\d+))?|MAX(?:-(\d+))?)", name):
        return int(real_time[1] or real_time[2] or 0) <= _SIGNAL_MAX - _REAL_TIME
    return name in _SIGNALS.split() or (value.isdecimal() and 0 < int(value) <= _SIGNAL_MAX)


def _is_output(value: str) -> bool:
    return value in _OUTPUTS.split() or bool(re.match(r"fd:|(file|append|truncate):[/%]", value))


def _is_input(value: str) -> bool:
    return value in _INPUTS.split() or bool(re.match(r"fd:|file:[/%]", value))


def _table() -> dict[tuple[str, str], tuple[Takes, str]]:
    """What each option takes: as a test, and in words."""
    yes_or_no: tuple[Takes, str] = (lambda value: value.lower() in _YES_OR_NO.split(), "yes or no")
    span: tuple[Takes, str] = (lambda value: time_span(value) is not None, "a time such as 90s, or infinity")
    signal: tuple[Takes, str] = (_is_signal, "a signal's name such as SIGTERM")
    table = {(section, name): yes_or_no for section, names in _BOOLEANS.items() for name in names.split()}
    table |= {(section, name): span for section, names in _SPANS.items() for name in names.split()}
    table |= {
        ("Service", name): signal for name in ("KillSignal", "RestartKillSignal", "FinalKillSignal", "WatchdogSignal")
    }
    for section, options in _WORDS.items():
        for name, words in options.items():
            table[section, name] = (frozenset(words.split()).__contains__, _listed(words.split()))
    for place, words in _OR_WORDS.items():
        more = words.split()
        table[place] = (
            lambda value, more=more: value in more or value.lower() in _YES_OR_NO.split(),  # type: ignore[misc]
            _listed(["yes", "no", *more]),
        )
    for name in ("StandardOutput", "StandardError"):
        table["Service", name] = (
            _is_output,
            f"{_listed(_OUTPUTS.split()[:7])}, or file:, append:, truncate: and a path",
        )
    table["Service", "StandardInput"] = (_is_input, f"{_listed(_INPUTS.split()[:6])}, or file: and a path")
    return table


def _listed(words: list[str]) -> str:
    return ", ".join(words)


_TABLE = _table()


def ignored(option: Option) -> str:
    """What an option takes, in words, where systemd would ignore its value; "" where it takes it, or is not known here.

    An empty value is not judged: for many options it stands for what holds without them.
    """
    takes, words = _TABLE.get((option.section, option.name), (None, ""))
    return words if takes is not None and option.value and not takes(option.value) else ""


def known() -> list[tuple[str, str]]:
    """The options that are judged, each with its section."""
    return sorted(_TABLE)
