"""A lab's secrets: read from files, and shown nowhere."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path

import pytest

from coreos_lab.definition import lab_secrets
from coreos_lab.errors import UsageError
from coreos_lab.model import Lab, LabSecret
from tests.unit.definition.settable import settable

KEY = "/config/worker/auth"


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    secrets = {"account": LabSecret("yours", KEY, ("key", "secret")), "token": LabSecret("yours", "/token")}
    return replace(settable(tmp_path), secrets=secrets)


def file(tmp_path: Path, text: str | bytes) -> str:
    path = tmp_path / "secret.json"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return str(path)


def test_a_secret_is_read_from_its_file_or_from_standard_input(
    lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = json.dumps({"key": "k", "secret": "hush", "more": 1})
    assert lab_secrets.read(lab, {"account": file(tmp_path, f"{text}\n")}) == {KEY: text}
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"hush\n")))
    assert lab_secrets.read(lab, {"token": "-"}) == {"/token": "hush"}
    assert lab_secrets.read(lab, {}) == {}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("hush", "--secret account: not JSON"),
        ('["hush"]', "--secret account: without key, secret"),
        ('{"key": "hush"}', "--secret account: without secret"),
        ('{"key": "hush", "secret": ""}', "--secret account: without secret"),
        ('{"key": "hush", "secret": 5}', "--secret account: without secret"),
        ("", "--secret account: it is empty"),
        (b"hush\xff", "cannot be read as text in UTF-8"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_shown(lab: Lab, tmp_path: Path, text: str | bytes, message: str) -> None:
    with pytest.raises(UsageError) as refused:
        lab_secrets.read(lab, {"account": file(tmp_path, text)})
    assert message in refused.value.message
    assert "hush" not in f"{refused.value.message} {refused.value.hint} {refused.value.details}"
    assert refused.value.__context__ is None or refused.value.__suppress_context__, "a traceback would show it"


def test_no_such_secret_and_no_such_file(lab: Lab, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="mine has no such secret") as refused:
        lab_secrets.require(lab, {"accaunt": "x"})
    assert "account" in refused.value.hint
    with pytest.raises(UsageError, match="lists no secrets|no such secret"):
        lab_secrets.require(replace(lab, secrets={}), {"account": "x"})
    with pytest.raises(UsageError, match="No such file"):
        lab_secrets.read(lab, {"account": str(tmp_path / "none")})
