"""Which of the caller's environment variables the programs that we start get.

A variable that such a program reads could lead it to another cluster, server or configuration than the call's. Those
variables are for the user's own calls.
"""

from __future__ import annotations

from collections.abc import Mapping

PROXIES = ("http_proxy", "https_proxy", "ftp_proxy", "all_proxy", "no_proxy")  # read in both cases
FOREIGN_PREFIXES = (
    # Which cluster, with which keys.
    *("FLEETCTL_", "FLEET_", "ETCDCTL_", "ETCD_", "LOCKSMITHCTL_", "FLANNELD_", "COREOS_"),
    # Which container engine, storage and registry. The mirror's own configuration is overridden by REGISTRY_.
    *("DOCKER_", "BUILDAH_", "CONTAINER_", "CONTAINERS_", "STORAGE_", "REGISTRY_", "OTEL_"),
    # Variables from a service manager to its service, and those that change how systemd's programs behave.
    *("SYSTEMD_", "LISTEN_", "WATCHDOG_"),
    # Functions that a shell runs instead of programs.
    "BASH_FUNC_",
)
FOREIGN = frozenset(
    {
        *("NOTIFY_SOCKET", "REGISTRY", "STORAGE"),
        *("BASH_ENV", "ENV", "CDPATH", "SHELLOPTS", "BASHOPTS", "POSIXLY_CORRECT", "GLOBIGNORE"),
        *("GREP_OPTIONS", "TAR_OPTIONS", "GZIP", "XZ_OPT", "XZ_DEFAULTS", "ZSTD_CLEVEL"),
        *("SSH_AUTH_SOCK", "SSH_AGENT_PID", "SSH_ASKPASS", "SSH_ASKPASS_REQUIRE", "SSH_SK_PROVIDER"),
        # Which machines Vagrant means. Where it keeps its boxes (VAGRANT_HOME) is the user's choice.
        *("VAGRANT_CWD", "VAGRANT_VAGRANTFILE", "VAGRANT_DOTFILE_PATH", "VAGRANT_ALIAS_FILE"),
    }
)


def is_proxy(name: str) -> bool:
    """Whether a variable names a proxy."""
    return name.lower() in PROXIES


def is_foreign(name: str) -> bool:
    """Whether a variable is for the user's own calls, and is kept from programs that we start."""
    return name in FOREIGN or name.startswith(FOREIGN_PREFIXES)


def ours(environ: Mapping[str, str], *, outside: bool = False) -> dict[str, str]:
    """The environment of a program that we start.

    The cluster's machines are on a network of this host, which no proxy reaches. With `outside`, for a program that
    asks package registries, it has the user's proxy, which may be the only way to them.
    """
    return {k: v for k, v in environ.items() if not is_foreign(k) and (outside or not is_proxy(k))}
