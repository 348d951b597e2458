"""Units on a real machine: systemd and Docker there understand them as lab says they do."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable
from pathlib import Path

from coreos_lab.units import command_lines, docker_options, systemd_grammar
from tests.e2e.calls import Result

Lab = Callable[..., Result]
# What stands in [Service] of a unit, whose ExecStart= and Environment= are compared.
TEXTS = (
    "ExecStart=/bin/echo a  b\tc\n",
    "ExecStart=/bin/echo \\\n  one \\\n# a comment\n  ; another \\\n  two\n",
    "ExecStart=/bin/echo one \\ \nEnvironment=A=1\n",
    "ExecStart=/bin/echo one \\\\\nEnvironment=A=1\n",
    "ExecStart=/bin/echo one \\\r\n  two\r\nEnvironment=A=1\r\n",
    "ExecStart=/bin/echo one \\\n\nEnvironment=A=1\n",
    "# a comment \\\nExecStart=/bin/echo one\n; another \\\nEnvironment=A=1\n",
    "  ExecStart  =  /bin/echo one  \n\tEnvironment\t=\tA=1\n",
    "ExecStart=/bin/echo 'a b' \"c d\" e'f g'h '' \"\"\n",
    "ExecStart=/bin/echo a\\x20b \\\"x\\\" a\\sb \\101 '\\t'\n",
    "ExecStart=/bin/echo %n %N %p %i %j %% 80%i:80\n",
    "ExecStart=@/bin/echo echo -n\nExecStart=/bin/echo two\n",
    "ExecStart=-/bin/echo one\n",
    'Environment=X=1 "Y=some X=2 b" \'Z=a b\'\nEnvironment="RATE=5"\nExecStart=/bin/true\n',
    "Environment=A=1\nEnvironment=\nEnvironment=B=%i\nExecStart=/bin/true\n",
    'Environment=A=1 \\\n  B=2 \\\n  "C=3 \\\n  4"\nExecStart=/bin/true\n',
    "Type=oneshot\nExecStart=/bin/echo one ; /bin/echo two \\; three\n",
    "ExecStart=/bin/echo one\n[Unit]\nDescription=x\n[Service]\nEnvironment=A=1\n",
)
NAME = "reading@{0}.service"
DOCKERFILE = 'FROM debian\nRUN echo {} > /version\nCMD ["sh", "-c", "trap exit TERM; sleep 999 & wait"]\n'
# Writes down what the containers are made of whenever the check runs.
VERSION_CHECK = """
def test_version(machine, node_of):
    for name in {}:
        version = machine(node_of(name + ".service").name).check_output("docker exec " + name + " cat /version")
        with open({!r}, "a") as seen:
            seen.write(name + " " + version + "\\n")
"""
SCRIPT = """
cd /run/systemd/system
while read name text; do echo "$text" | base64 -d > "$name"; done
systemctl daemon-reload
systemd=org.freedesktop.systemd1
for n in $(seq 1 COUNT); do
    path=$(busctl call $systemd /org/freedesktop/systemd1 $systemd.Manager LoadUnit s "reading@$n.service")
    path=$(echo "$path" | cut -d'"' -f2)
    for property in ExecStart Environment; do
        busctl --json=short get-property $systemd "$path" $systemd.Service $property
    done
done
rm reading@*
systemctl daemon-reload
"""


def test_systemd_reads_units_as_we_do(cluster: Lab) -> None:
    files = {NAME.format(number): f"[Service]\n{text}" for number, text in enumerate(TEXTS, 1)}
    put = "".join(f"{name} {base64.b64encode(text.encode()).decode()}\n" for name, text in files.items())
    script = f"sudo sh -c {quoted(SCRIPT.replace('COUNT', str(len(files))))} <<'END'\n{put}END"
    lines = [json.loads(line)["data"] for line in cluster("ssh", "core-01", "--", script).out.splitlines()]
    assert len(lines) == 2 * len(files)
    for (name, text), started, variables in zip(files.items(), lines[::2], lines[1::2], strict=True):
        options = systemd_grammar.parse(text).options
        ours = [list(call.words) for call in command_lines.calls(options, name, "ExecStart")]
        # systemd says the program's path beside the words, of which the first may be another name.
        assert ours == [[path, *words[1:]] for path, words, *_rest in started], text
        said = command_lines.environment(options, name)
        assert [f"{key}={value}" for key, value in said.items()] == variables, text


def versions(cluster: Lab, *names: str) -> list[str]:
    """What the containers of these names are made of, on all nodes."""
    call = f"for n in {' '.join(names)}; do docker exec $n sed s/^/$n\\ / /version 2>/dev/null; done; true"
    said = [cluster("ssh", f"core-0{n}", "--", call).out for n in (1, 2, 3)]
    return sorted("".join(said).splitlines())


def quoted(script: str) -> str:
    """A script as one word of the node's shell."""
    return "'" + script.replace("'", "'\\''") + "'"


def test_dockers_options_are_those_of_the_nodes_docker(cluster: Lab) -> None:
    verbs = ("run", "create", "exec", "pull", "rm", "kill", "stop", "start", "logs")
    script = "; ".join(f"echo @@ {verb}; docker {verb} --help" for verb in verbs)
    texts = cluster("ssh", "core-01", "--", script).out.split("@@ ")[1:]
    assert [text.split()[0] for text in texts] == list(verbs)
    for verb, help_text in zip(verbs, texts, strict=True):
        flags = docker_options.COMMANDS[verb]
        found = re.findall(r"(?m)^ +(?:-(\w), )?--([\w-]+)(?: (\w[\w-]*))?(?: |$)", help_text)
        assert found
        for short, name, value in found:
            table = flags.valued if value else flags.plain
            assert name in table, f"docker {verb} --{name} {value}"
            assert not short or table[short] == name, f"docker {verb} -{short}"


def test_a_rebuilt_container_image_runs_however_it_is_named(cluster: Lab, tmp_path: Path) -> None:
    ways = {
        "global": ("", "ExecStartPre=-/usr/bin/docker --debug=true pull img\n", "img"),
        "tagged": ("", "ExecStartPre=-/usr/bin/docker pull img:latest\n", "img:latest"),
        "variable": ("Environment=IMAGE=img\n", "ExecStartPre=-/usr/bin/docker pull ${IMAGE}\n", "${IMAGE}"),
        "never": ("", "", "img"),
    }
    folder = tmp_path / "images"
    for name in ("units", "img"):
        (folder / name).mkdir(parents=True)
    (folder / "checks").mkdir()
    seen = tmp_path / "seen"
    (folder / "checks" / "test_version.py").write_text(VERSION_CHECK.format(sorted(ways), str(seen)))
    units = ""
    for name, (before, pull, image) in ways.items():
        text = f"[Service]\nTimeoutStartSec=0\n{before}{pull}ExecStartPre=-/usr/bin/docker rm --force {name}\n"
        text += f"ExecStart=/usr/bin/docker run --rm --name {name} {image}\n"
        (folder / "units" / f"{name}.service").write_text(text)
        units += f"  - units/{name}.service\n"
    (folder / "lab.yaml").write_text(f"title: T\nsummary: S.\ncontainers: {{img: img}}\nunits:\n{units}")
    try:
        for version in ("one", "two"):
            (folder / "img" / "Dockerfile").write_text(DOCKERFILE.format(version))
            seen.unlink(missing_ok=True)
            cluster("deploy", str(folder))
            wanted = sorted(f"{name} {version}" for name in ways)
            assert sorted({*seen.read_text().splitlines()}) == wanted, "a check met what was to be replaced"
            assert versions(cluster, *ways) == wanted
    finally:
        cluster("undeploy", "images")
