"""make soak: random commands, kills, signals and closed pipes, on two clusters at a time.

Each round starts both clusters and runs random commands on each at the same time, some of them interrupted. Then it
tests the promises: `lab heal`, `lab up`, the labs' checks and `lab destroy` must succeed, and the host must be as it
was before. The same seed gives the same rounds; `--first N` starts with a later round.

Exit code 1 if there are findings; each finding lists the commands before it. This is one long module because it shares
no code with `lab`, which it tests from outside.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shlex
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[1]
LAB = [sys.executable, "-c", "from coreos_lab.start import main; main()"]
NODES = ("core-01", "core-02", "core-03")
LABS = ("ch1", "ch3")
DISK = ("--disks", "1", "--disk-size", "64M")
FAULTS = (
    *("kill", "halt", "reboot", "pause", "isolate", "partition", "loss", "bandwidth", "lose-disk", "slow-disk"),
    *("cpu-quota", "memory-limit", "task-limit", "read-only", "stop", "crash", "freeze", "crash-loop"),
    *("keep-crashing", "lose-data", "corrupt-data", "remove-member", "remove-keys", "overwrite-keys", "fill"),
)
# How a command may be interrupted; "pipe": the reader of both streams closes them.
ENDS = ("SIGKILL", "SIGTERM", "SIGINT", "SIGINT twice", "SIGHUP", "pipe", "pipe and SIGINT")
CUT_SHORT = 0.6  # the share of commands that are interrupted
LONGEST = 12.0  # seconds until an interruption, at most
STUCK = 420.0  # seconds after which a command counts as stuck
ORDERLY = {0, 1, 2, 3, 4}  # exit codes of a command that ran to its end
SIGNALLED = {128 + number for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM)}
UNHEARD = 141  # the exit code when the reader closed the pipe
SYSCTLS = ("net/ipv4/ip_forward", "fs/inotify/max_user_instances", "fs/inotify/max_user_watches", "vm/swappiness")


@dataclass(frozen=True)
class Call:
    """A call of `lab`. `end` is how it is interrupted after `after` seconds; empty for not at all."""

    argv: tuple[str, ...]
    end: str = ""
    after: float = 0.0

    def __str__(self) -> str:
        cut = f"   # {self.end} after {self.after:.2f} s" if self.end else ""
        return f"lab {shlex.join(self.argv)}{cut}"


@dataclass
class Finding:
    """A broken promise, with its round, cluster and the calls before it."""

    number: int
    cluster: str
    what: str
    said: str  # the end of the output
    calls: list[str] = field(default_factory=list)


def some_calls(chance: random.Random) -> list[Call]:
    """One to four random calls, some interrupted."""
    return [_cut(chance, _call(chance)) for _ in range(chance.randint(1, 4))]


def _call(chance: random.Random) -> tuple[str, ...]:
    node, lab = chance.choice(NODES), chance.choice(LABS)
    fault = ("--fault", chance.choice(FAULTS))
    calls: Sequence[tuple[float, tuple[str, ...]]] = (
        (3, ("break", node, *fault, "--for", f"{chance.randint(1, 6)}s")),
        (3, ("break", node, *fault)),
        (2, ("break", node, *fault, "--verify", "--deadline", "30s")),
        (1, ("storm", "--for", "20s", "--seed", f"{chance.randint(0, 999)}", "--deadline", "30s", "--no-shrink")),
        (2, ("heal",)),
        (3, ("deploy", lab)),
        (2, ("undeploy", lab)),
        (1, ("check",)),
        (2, ("scale", str(chance.randint(3, 5)))),  # ch3 needs three
        (2, ("snapshot", "save", chance.choice("ab"))),
        (2, ("snapshot", "restore", chance.choice("ab"))),
        (1, ("up",)),
        (1, ("status", "--json")),
        (1, ("destroy",)),
    )
    return chance.choices([call for _weight, call in calls], [weight for weight, _call in calls])[0]


def _cut(chance: random.Random, argv: tuple[str, ...]) -> Call:
    if chance.random() >= CUT_SHORT:
        return Call(argv)
    return Call(argv, chance.choice(ENDS), round(chance.uniform(0.05, 1) ** 2 * LONGEST, 2))


def run(cluster: str, call: Call) -> tuple[int, str]:
    """Runs a call; returns its exit code and output."""
    if "pipe" in call.end:
        return _run_piped(cluster, call)
    with tempfile.TemporaryFile("w+", errors="replace") as out:
        process = _start(cluster, call, out.fileno())
        _end(process, call)
        code = _wait(process)
        out.seek(0)
        return code, out.read()


def _run_piped(cluster: str, call: Call) -> tuple[int, str]:
    """The same with a reader that closes the pipe."""
    reading, writing = os.pipe()
    process = _start(cluster, call, writing)
    os.close(writing)
    output = bytearray()

    def read() -> None:
        while chunk := os.read(reading, 4096):
            output.extend(chunk)

    end = time.monotonic() + call.after
    os.set_blocking(reading, False)
    while time.monotonic() < end and process.poll() is None:
        try:
            read()
        except BlockingIOError:
            time.sleep(0.02)
    os.close(reading)
    if "SIGINT" in call.end and process.poll() is None:
        process.send_signal(signal.SIGINT)
    return _wait(process), output.decode(errors="replace")


def _start(cluster: str, call: Call, out: int) -> subprocess.Popen[bytes]:
    env = {**os.environ, "PYTHONPATH": str(ROOT), "LAB_NAME": cluster, "PYTHONUNBUFFERED": "1"}
    return subprocess.Popen(
        [*LAB, *call.argv], stdin=subprocess.DEVNULL, stdout=out, stderr=out, env=env, start_new_session=True
    )


def _end(process: subprocess.Popen[bytes], call: Call) -> None:
    if not call.end:
        return
    try:
        process.wait(call.after)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.Signals[call.end.split()[0]])
        if call.end.endswith("twice"):
            time.sleep(0.3)
            process.send_signal(signal.SIGINT)


def _wait(process: subprocess.Popen[bytes]) -> int:
    try:
        return process.wait(STUCK)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait()


class Round:
    """One round on one cluster."""

    def __init__(self, number: int, cluster: str, seed: int) -> None:
        self._number, self._cluster = number, cluster
        self._chance = random.Random(f"{seed} {number} {cluster}")  # noqa: S311 - the same again from a seed
        self._calls: list[str] = []
        self.findings: list[Finding] = []

    def go(self) -> None:
        """Runs random calls, then tests the promises; each broken promise is a finding."""
        if self._must("up", "--nodes", "3", *DISK) and self._must("deploy", self._chance.choice(LABS)):
            for call in some_calls(self._chance):
                self._any(call)
            self._promises()
        self._must("destroy", also=(2,))  # 2: an earlier call has already destroyed the cluster

    def _promises(self) -> None:
        """After `lab heal` and repeating interrupted commands, all deployed labs must work."""
        if not self._exists():
            return
        if not self._must("heal"):
            return
        if not self._must("up"):
            return
        if broken := self._status()["faults"]:
            self._report("faults are on record after lab heal", json.dumps(broken))
        for lab in self._status()["labs"]:
            # The next deployment finishes an interrupted deploy or undeploy.
            if self._must("deploy", lab):
                self._must("check", lab)

    def _exists(self) -> bool:
        code, output = run(self._cluster, Call(("list", "--json")))
        return code == 0 and any(each["cluster"] == self._cluster for each in json.loads(output))

    def _status(self) -> dict[str, list[str]]:
        code, output = run(self._cluster, Call(("status", "--json")))
        if code:
            self._report(f"lab status: exit code {code}", output)
            return {"faults": [], "labs": []}
        return dict(json.loads(output))

    def _any(self, call: Call) -> None:
        self._calls.append(str(call))
        code, output = run(self._cluster, call)
        # A signal while Python itself starts ends the process before it has done anything. SIGINT then leaves a
        # traceback without any line of coreos_lab.
        crashed = "Traceback" in output and "coreos_lab" in output
        killed = (call.end == "SIGKILL" and code == -signal.SIGKILL) or (call.end and code < 0 and not crashed)
        unheard = "pipe" in call.end and code == UNHEARD
        if crashed or not (code in ORDERLY or (call.end and code in SIGNALLED) or killed or unheard):
            self._report(f"{call}: exit code {code}", output)

    def _must(self, *argv: str, also: Sequence[int] = ()) -> bool:
        call = Call(argv)
        self._calls.append(str(call))
        code, output = run(self._cluster, call)
        if code == 0 or code in also:
            return True
        self._report(f"{call}: exit code {code}", output)
        return False

    def _report(self, what: str, output: str) -> None:
        self.findings.append(Finding(self._number, self._cluster, what, output[-4000:], list(self._calls)))


class Host:
    """Everything on the host that a cluster could leave behind, as lines to compare."""

    def __init__(self, ours: Sequence[str]) -> None:
        self._ours = ours  # strings that occur only in the names of these clusters' objects

    def lines(self) -> set[str]:
        """These clusters' interfaces, addresses, routes, tables, loop devices, mounts, cgroups, processes; sysctls."""
        lines = [line for call in self._calls() for line in self._output(call)]
        lines += self._mounts()
        lines += self._cgroups()
        kept = {line for line in lines if any(word in line for word in self._ours)}
        return kept | {f"{name} = {Path('/proc/sys', name).read_text().strip()}" for name in SYSCTLS}

    @staticmethod
    def runs_machines() -> bool:
        """Whether a cluster or a cloud has running machines, whatever state folder it belongs to."""
        return any("systemd-nspawn" in args for args in Host._output(["ps", "-ewwo", "args="]))

    @staticmethod
    def _calls() -> Iterator[list[str]]:
        yield ["ip", "-oneline", "link"]
        yield ["ip", "-oneline", "address"]
        yield ["ip", "route"]
        yield ["nft", "list", "tables"]
        yield ["losetup", "--list", "--noheadings", "--output", "NAME,BACK-FILE"]
        yield ["ps", "-ewwo", "args="]

    @staticmethod
    def _output(call: Sequence[str]) -> list[str]:
        return subprocess.run(call, capture_output=True, text=True, check=True).stdout.splitlines()

    @staticmethod
    def _cgroups() -> list[str]:
        # os.walk ignores folders that vanish meanwhile, as other clusters' cgroups may at any time.
        folders = (Path(folder) for folder, _, _ in os.walk("/sys/fs/cgroup"))
        return [str(folder) for folder in folders if folder.parents[1].name == "coreos-lab"]

    @staticmethod
    def _mounts() -> Iterator[str]:
        seen: set[str] = set()
        for table in Path("/proc").glob("[0-9]*/mountinfo"):
            try:
                seen.update(line.split(" ", 2)[2] for line in table.read_text(errors="replace").splitlines())
            except OSError:  # the process has ended
                continue
        yield from seen


def words(state: Path, clusters: Sequence[str]) -> list[str]:
    """Strings that occur only in the names of these clusters' folders, bridges and tables."""
    names = [f"clusters/{name}" for name in clusters] + [f"coreos-lab/{name}/" for name in clusters]
    return names + [word for name, index in indices(state).items() if name in clusters for word in _words_of(index)]


def _words_of(index: int) -> list[str]:
    return [f"lab{index}:", f"lab{index}@", f"lab{index}-", f"lab{index} ", f"coreos_lab_{index}"]


def indices(state: Path) -> dict[str, int]:
    """The network index of every existing cluster, by name: other clusters may take free indices."""
    by_name = {}
    for plan in (state / "clusters").glob("*/cluster.json"):
        try:
            by_name[plan.parent.name] = json.loads(plan.read_text(encoding="utf-8"))["network"]["index"]
        except FileNotFoundError:  # destroyed meanwhile
            continue
    return by_name


def settings_before() -> set[str]:
    """The kernel's settings without any cluster; while clusters exist, from the host's record."""
    record = Path("/run/coreos-lab-host.json")
    changes = json.loads(record.read_text(encoding="utf-8"))["changes"] if record.exists() else {}
    now = dict(line.split(" = ") for line in Host([]).lines())
    return {f"{name} = {changes[name]['before'] if name in changes else value}" for name, value in now.items()}


def left_over(seen: Sequence[str], before: set[str], state: Path, clusters: Sequence[str]) -> set[str]:
    """What the host has more than before, without what belongs to other clusters, which may come and go."""
    others = {index for name, index in indices(state).items() if name not in clusters}
    taken = {word for index in others for word in _words_of(index)}
    now = Host([word for word in seen if word not in taken]).lines()
    # Other clusters, of this state folder or of another, keep settings raised.
    return now - before - (Host([]).lines() if others or Host.runs_machines() else set())


def round_on_both(number: int, seed: int, before: set[str], state: Path, clusters: Sequence[str]) -> list[Finding]:
    """Runs a round on each cluster at the same time; then the host must be as it was."""
    rounds = [Round(number, cluster, seed) for cluster in clusters]
    seen: list[str] = []
    over = threading.Event()

    def watch() -> None:
        while not over.wait(0.5):
            seen.extend(word for word in words(state, clusters) if word not in seen)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        with ThreadPoolExecutor(max_workers=len(rounds)) as pool:
            for job in [pool.submit(each.go) for each in rounds]:
                job.result()
    finally:
        over.set()
        watcher.join()
    findings = [finding for each in rounds for finding in each.findings]
    settled = time.monotonic() + 5  # the kernel takes a moment to clear a dead node's cable and cgroup away
    while (left := left_over(seen, before, state, clusters)) and time.monotonic() < settled:
        time.sleep(0.2)
    if left:
        output = "\n".join(sorted(left))
        findings.append(
            Finding(number, "both", "the host is not as it was", output, [c for r in rounds for c in r._calls])
        )
    return findings


def main() -> None:
    """Runs the rounds, prints the result of each, and exits with 1 if there are findings."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--minutes", type=float, default=0.0, help="run for that time instead of --rounds")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--first", type=int, default=1, help="the number of the first round, to repeat a round")
    parser.add_argument("--json", type=Path, help="write the findings to this file")
    parser.add_argument("--name", default="soak", help="prefix of the clusters' names; two soaks at a time need two")
    options = parser.parse_args()
    clusters = (f"{options.name}-a", f"{options.name}-b")
    state = Path(os.environ.get("LAB_STATE_DIR", "/var/lib/coreos-lab"))
    sysctls = settings_before()
    findings: list[Finding] = []
    began = time.monotonic()
    number, passed = options.first, 0
    while (
        (time.monotonic() - began < options.minutes * 60)
        if options.minutes
        else (number < options.first + options.rounds)
    ):
        round_began = time.monotonic()
        new = round_on_both(number, options.seed, sysctls, state, clusters)
        findings += new
        passed += not new
        took = time.monotonic() - round_began
        print(f"round {number}: {'passed' if not new else 'FAILED'} in {took:.0f} s", flush=True)
        for finding in new:
            print(f"  {finding.cluster}: {finding.what}", flush=True)
            for line in [*finding.calls, *finding.said.splitlines()[-25:]]:
                print(f"      {line}", flush=True)
        number += 1
    if options.json:
        options.json.write_text(json.dumps([asdict(each) for each in findings], indent=2) + "\n", encoding="utf-8")
    print(f"{passed} passed, {number - options.first - passed} failed")
    raise SystemExit(bool(findings))


if __name__ == "__main__":
    main()
