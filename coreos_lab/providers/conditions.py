"""Conditions that more than one provider checks."""

from __future__ import annotations

import shutil
import sys
from importlib.util import find_spec
from pathlib import Path

from coreos_lab import run, settings
from coreos_lab.model import Finding

BALANCER = "haproxy"  # the program and its Debian package
CONSOLE = ("markdown_it", "starlette", "uvicorn", "websockets")  # packages of the extra `console`
CLOUD = ("moto", "flask", "flask_cors", "boto3")  # packages of the extra `cloud`


def program(name: str, package: str) -> Finding:
    """Whether a program is installed; `package` is the Debian package that has it."""
    path = run.which(name)
    return Finding(name, path is not None, str(path or "not found"), f"apt-get install {package}")


def space(gib: int) -> Finding:
    """Whether there is enough space for the state: machine image, container images and nodes."""
    folder = settings.state_dir()
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free / 2**30
    message = f"{free:.1f} GiB free for {settings.state_dir()}"
    return Finding("disk space", free >= gib, message, f"{gib} GiB are needed: make room, or set LAB_STATE_DIR")


def aws_cli() -> Path:
    """Where the AWS CLI is that the extra `cloud` installs."""
    return Path(sys.executable).with_name("aws")


def missing_for_clouds() -> list[str]:
    """What of the extra `cloud` is not installed."""
    return [*(name for name in CLOUD if find_spec(name) is None), *([] if aws_cli().exists() else ["awscli"])]


def boto3() -> Finding:
    """Whether what asks AWS's API is installed: the extra `cloud`."""
    missing = missing_for_clouds()
    told = f"not installed: {', '.join(missing)}" if missing else "installed"
    return Finding("AWS's API", not missing, told, "pip install 'coreos-lab[cloud]'")


def clouds() -> Finding:
    """Whether `lab cloud` works. Clusters do without it."""
    missing = missing_for_clouds()
    if missing:
        told = f"not for now: {', '.join(missing)} missing: pip install 'coreos-lab[cloud]'"
    elif run.which(BALANCER) is None:
        told = f"installed, but load balancers need {BALANCER}: apt-get install {BALANCER}"
    else:
        told = "installed"
    return Finding("clouds", True, told)


def missing_for_console() -> list[str]:
    """What of the extra `console` is not installed."""
    return [name for name in CONSOLE if find_spec(name) is None]


def console_page() -> Path:
    """The folder of the console's page as scripts/build-console.sh builds it; without `main.js` it is not built."""
    return settings.data("pages") / "console" / "build"


def console() -> Finding:
    """Whether `lab console` works. Clusters do without it."""
    if missing := missing_for_console():
        told = f"not for now: {', '.join(missing)} missing: pip install 'coreos-lab[console]'"
    elif not (console_page() / "main.js").is_file():
        told = "not for now: its page is not built: scripts/build-console.sh"
    elif run.which("dot") is None:
        told = "installed, but labs' maps need Graphviz: apt-get install graphviz"
    else:
        told = "installed"
    return Finding("console", True, told)
