"""The host's end of nodes' cables: firewall rules on a bridge, in tables of our own.

Rules of the family `bridge` see every frame that passes, ARP included, and are independent of all other rules.
"""

from __future__ import annotations

from collections.abc import Sequence

from coreos_lab import run
from coreos_lab.errors import LabError
from coreos_lab.model import Network

BURST = 65536  # bytes that pass at once: with segmentation offload a frame may be as long as that
Ways = Sequence[tuple[Sequence[str], Sequence[str]]]  # from these interfaces to those


def table(network: Network, name: str) -> str:
    """The table of one fault."""
    return f"coreos_lab_{network.index}_{name}"


def require_able() -> None:
    """Raises LabError where this kernel cannot filter on bridges."""
    if run.which("nft") is None:
        raise run.MissingProgramError("nft")
    # --check has the kernel check the rules, and changes nothing.
    tried = run.run(["nft", "--check", "--file", "-"], input_text=_text("coreos_lab_try", unplugged("lo")), check=False)
    if tried.returncode != 0:
        raise LabError(
            "this kernel has no nftables for bridges",
            "use a kernel with CONFIG_NF_TABLES_BRIDGE",
            details=tried.stderr.strip(),
        )


def unplugged(cable: str) -> list[str]:
    """The rules that drop every frame on a cable."""
    return [
        _chain("came", "prerouting", [f'iifname "{cable}" counter drop']),
        _chain("goes", "postrouting", [f'oifname "{cable}" counter drop']),
    ]


def dropped(ways: Ways, port: str) -> list[str]:
    """The rules that drop traffic between nodes in these directions; with a port, only traffic to it."""
    only = f" meta l4proto {{ tcp, udp }} th dport {port}" if port else ""
    rules = [
        f"iifname {{ {_names(source)} }} oifname {{ {_names(target)} }}{only} counter drop" for source, target in ways
    ]
    return [_chain("between", "forward", rules)]


def limited(cable: str, rate: int) -> list[str]:
    """The rules that drop traffic beyond `rate` bytes a second, each way."""
    over = f"limit rate over {rate} bytes/second burst {BURST} bytes counter drop"
    return [
        _chain("came", "prerouting", [f'iifname "{cable}" {over}']),
        _chain("goes", "postrouting", [f'oifname "{cable}" {over}']),
    ]


def lossy(cable: str, percent: str) -> list[str]:
    """The rules that drop so many of a hundred frames, each way."""
    some = f"numgen random mod 100 < {percent} counter drop"
    return [
        _chain("came", "prerouting", [f'iifname "{cable}" {some}']),
        _chain("goes", "postrouting", [f'oifname "{cable}" {some}']),
    ]


def require_netem() -> None:
    """Raises LabError where this kernel has no netem. Tries it in a network namespace that ends with the call."""
    tried = run.run(
        ["unshare", "--net", "tc", "qdisc", "add", "dev", "lo", "root", "netem", "delay", "1ms"], check=False
    )
    if tried.returncode != 0:
        raise LabError(
            "this kernel has no network emulator (netem)", "modprobe sch_netem", details=tried.stderr.strip()
        )


def emulate(cable: str, how: Sequence[str]) -> None:
    """Sends what goes to the machine through netem (tc-netem(8)) from now on."""
    run.run(["tc", "qdisc", "replace", "dev", cable, "root", "netem", *how])


def emulates(cable: str) -> bool:
    """Whether what goes to the machine goes through netem. CommandError where that cannot be found out."""
    done = run.run(["tc", "qdisc", "show", "dev", cable], check=False)
    if done.returncode != 0 and "Cannot find device" not in done.stderr:
        raise run.CommandError(done)
    return " netem " in done.stdout


def stop_emulating(cable: str) -> None:
    """Removes netem from a cable, if it is there."""
    if emulates(cable):
        run.run(["tc", "qdisc", "delete", "dev", cable, "root"])


def _names(interfaces: Sequence[str]) -> str:
    return ", ".join(f'"{name}"' for name in interfaces)


def _chain(name: str, hook: str, rules: Sequence[str]) -> str:
    lines = "\n".join(f"    {rule}" for rule in rules)
    return f"  chain {name} {{\n    type filter hook {hook} priority 0; policy accept;\n{lines}\n  }}"


def _text(name: str, chains: Sequence[str]) -> str:
    """A table as nft reads it. The first two lines make loading it idempotent."""
    whole = "\n".join(chains)
    return f"table bridge {name}\ndelete table bridge {name}\ntable bridge {name} {{\n{whole}\n}}\n"


def cut(name: str, chains: Sequence[str]) -> None:
    """Loads a table with its rules into the kernel, atomically."""
    run.run(["nft", "--file", "-"], input_text=_text(name, chains))


def mend(name: str) -> None:
    """Removes a table, if it is there."""
    done = run.run(["nft", "delete", "table", "bridge", name], check=False)
    if done.returncode != 0 and "No such file or directory" not in done.stderr:
        raise run.CommandError(done)


def mend_all(network: Network) -> None:
    """Removes the tables of all faults of a network, also of those that are not on record."""
    for name in cuts(network):
        mend(name)


def cuts(network: Network) -> list[str]:
    """The tables of a network's faults that are in the kernel."""
    if run.which("nft") is None:
        return []
    words = [line.split() for line in run.run(["nft", "list", "tables", "bridge"], check=False).stdout.splitlines()]
    return [line[-1] for line in words if line and line[-1].startswith(table(network, ""))]
