"""Two labs on one cluster that use the same names."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e.calls import Result

Lab = Callable[..., Result]


def serving_lab(folder: Path, port: int, down_at_most: str) -> Path:
    """A lab whose one unit answers over HTTP, with a probe `front`."""
    name = folder.name
    (folder / "units").mkdir(parents=True)
    (folder / "checks").mkdir()
    (folder / "units" / f"{name}.service").write_text(
        f"[Service]\nExecStart=/usr/bin/socat TCP-LISTEN:{port},reuseaddr,fork"
        ' "SYSTEM:echo HTTP/1.0 200 OK; echo; echo here"\n'
    )
    (folder / "checks" / "test_ok.py").write_text(
        "import pytest\n\n\n@pytest.mark.survives\ndef test_ok():\n    pass\n"
    )
    (folder / "lab.yaml").write_text(
        f"title: {name}\nsummary: A front.\nports: [{port}]\nkeys: [/services/{name}]\n"
        f"units:\n  - units/{name}.service\nprobes:\n  front: {{ unit: {name}.service, port: {port} }}\n"
        f"objectives:\n  front: {{ down-at-most: {down_at_most} }}\n"
    )
    return folder


@pytest.fixture
def two_labs(cluster: Lab, tmp_path: Path) -> Lab:
    for other in cluster("status", "--json").json["labs"]:
        cluster("undeploy", other)
    cluster("deploy", str(serving_lab(tmp_path / "strict", 8101, "1s")))
    cluster("deploy", str(serving_lab(tmp_path / "patient", 8102, "5m")))
    return cluster


def test_probes_and_objectives_of_one_name_are_told_apart(two_labs: Lab, tmp_path: Path) -> None:
    stopped = ("break", "unit:strict.service", "--fault", "stop", "--set", "service=strict.service")
    # Far longer than the other lab's front may be silent because the host is busy.
    failed = two_labs(*stopped, "--for", "20s", "--verify", "--json", code=1)
    assert failed.json["outcome"] == "fail"
    assert failed.json["objectives"] == {"strict/front": 1.0, "patient/front": 300.0}
    outages = failed.json["outages"]
    assert outages["strict/front"] > max(1, outages["patient/front"])
    assert "objectives: strict/front was down for" in failed.err
    assert two_labs("verdict", "--json", code=1).json == failed.json
    checks = two_labs("check", "--json").json["checks"]
    assert [(check["lab"], check["name"]) for check in checks] == [("strict", "ok"), ("patient", "ok")]

    twin = serving_lab(tmp_path / "elsewhere" / "strict", 8103, "1s")
    assert "its name is held by the lab in" in two_labs("deploy", str(twin), code=2).err

    two_labs("undeploy", "patient")
    alone = two_labs(*stopped, "--for", "3s", "--verify", "--json", code=1)
    assert alone.json["objectives"] == {"strict/front": 1.0}
    two_labs("undeploy", "strict")
