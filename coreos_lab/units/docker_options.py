"""The options of docker 20.10's commands, and how to separate them from the other words of a command line."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

# An option as a word gives it: as it is written, its name, and its value where that is in the same word.
_Given = tuple[str, str, str | None]


@dataclass(frozen=True)
class Flags:
    """The options of a docker command: those that take a value, and those that do not. Short names beside long ones.

    Where `mixed` is false, the first word that is not an option ends them: the rest belongs to the container.
    """

    valued: dict[str, str]  # every name -> the option's long name
    plain: dict[str, str]
    mixed: bool = True


def _names(text: str) -> dict[str, str]:
    """Every name in `word`, `word/w` or `word/old-word`, each with the first: the one that all of them mean."""
    names = {}
    for each in text.split():
        first, *more = each.split("/")
        names.update(dict.fromkeys([first, *more], first))
    return names


_CONTAINER_VALUED = _names(
    "add-host attach/a blkio-weight blkio-weight-device cap-add cap-drop cgroup-parent cgroupns cidfile cpu-count"
    " cpu-percent cpu-period cpu-quota cpu-rt-period cpu-rt-runtime cpu-shares/c cpus cpuset-cpus cpuset-mems device"
    " device-cgroup-rule device-read-bps device-read-iops device-write-bps device-write-iops dns dns-option/dns-opt"
    " dns-search domainname entrypoint env/e env-file expose gpus group-add health-cmd health-interval health-retries"
    " health-start-period health-timeout hostname/h io-maxbandwidth io-maxiops ip ip6 ipc isolation kernel-memory"
    " label/l label-file link link-local-ip log-driver log-opt mac-address memory/m memory-reservation memory-swap"
    " memory-swappiness mount name network/net network-alias/net-alias oom-score-adj pid pids-limit platform publish/p"
    " pull restart runtime security-opt shm-size stop-signal stop-timeout storage-opt sysctl tmpfs ulimit user/u userns"
    " uts volume/v volume-driver volumes-from workdir/w"
)
_CONTAINER_PLAIN = _names(
    "disable-content-trust help init interactive/i no-healthcheck oom-kill-disable privileged publish-all/P read-only"
    " rm tty/t"
)
COMMANDS = {
    "run": Flags(
        {**_CONTAINER_VALUED, **_names("detach-keys")},
        {**_CONTAINER_PLAIN, **_names("detach/d sig-proxy")},
        mixed=False,
    ),
    "create": Flags(_CONTAINER_VALUED, _CONTAINER_PLAIN, mixed=False),
    "exec": Flags(
        _names("detach-keys env/e env-file user/u workdir/w"),
        _names("detach/d interactive/i privileged tty/t help"),
        mixed=False,
    ),
    "pull": Flags(_names("platform"), _names("all-tags/a disable-content-trust quiet/q help")),
    "build": Flags(
        _names(
            "add-host build-arg cache-from cgroup-parent cpu-period cpu-quota cpu-shares/c cpuset-cpus cpuset-mems"
            " file/f iidfile isolation label memory/m memory-swap network output/o platform progress secret"
            " security-opt shm-size ssh tag/t target ulimit"
        ),
        _names("compress disable-content-trust force-rm no-cache pull quiet/q rm squash stream help"),
    ),
    "rm": Flags({}, _names("force/f link/l volumes/v help")),
    "kill": Flags(_names("signal/s"), _names("help")),
    "stop": Flags(_names("time/t"), _names("help")),
    "restart": Flags(_names("time/t"), _names("help")),
    "start": Flags(_names("checkpoint checkpoint-dir detach-keys"), _names("attach/a interactive/i help")),
    "wait": Flags({}, _names("help")),
    "logs": Flags(_names("since until tail/n"), _names("details follow/f timestamps/t help")),
}
GLOBAL = Flags(
    _names("config context/c host/H log-level/l tlscacert tlscert tlskey"),
    _names("debug/D tls tlsverify version/v help"),
    mixed=False,
)


def split(words: Sequence[str], flags: Flags) -> tuple[dict[str, list[str]], list[str], list[str]]:
    """The values of options by their long names, the other words, and the options that docker does not have."""
    values: dict[str, list[str]] = {}
    rest: list[str] = []
    unknown: list[str] = []
    ahead = list(words)
    while ahead:
        word = ahead.pop(0)
        if word == "--":
            return values, [*rest, *ahead], unknown
        if not word.startswith("-") or word == "-":
            if not flags.mixed:
                return values, [word, *ahead], unknown
            rest.append(word)
            continue
        for shown, name, value in _long(word) if word.startswith("--") else _short(word, flags):
            if name in flags.valued:
                argument = value if value is not None else ahead.pop(0) if ahead else ""
                values.setdefault(flags.valued[name], []).append(argument)
            elif name in flags.plain:
                values.setdefault(flags.plain[name], []).append("true" if value is None else value)
            else:
                unknown.append(shown)
    return values, rest, unknown


def _long(word: str) -> list[_Given]:
    name, equals, value = word[2:].partition("=")
    # A single letter after -- is no option: --d is not -d.
    return [(f"--{name}", name if len(name) > 1 else "", value if equals else None)]


def _short(word: str, flags: Flags) -> Iterator[_Given]:
    """The options of a word such as -itp or -p80:80 or -d=false, up to the first that takes what follows."""
    cluster = word[1:]
    while cluster:
        name, cluster = cluster[0], cluster[1:]
        takes_rest = name in flags.valued or cluster.startswith("=") or name not in flags.plain
        yield f"-{name}", name, (cluster.removeprefix("=") or None) if takes_rest else None
        if takes_rest:
            return
