"""A page is walked on a real cluster: with a reader's lines, alone, and back to where it began."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests import paged_lab
from tests.e2e.calls import NAME, Result, lab

PAGE = """\
# Mine

```console within=10m
$ lab status
core-01 ... running member, healthy ...
```

```console on=core-02
$ hostname
core-02
```

```console terminal=watch within=10m
$ while sleep 0.3; do lab etcdctl get /walk-e2e; done
Error: 100: Key not found ...
```

### Task: set a key

```console check within=10m
$ etcdctl get /walk-e2e
hello
```

<details><summary>Solution</summary>

```console
$ lab etcdctl set /walk-e2e hello
```

</details>

```console terminal=watch within=10m
hello
```

```console
$ lab etcdctl rm /walk-e2e
$ curl -s -o /dev/null http://$CORE_01:2379/version
```
"""


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    """A lab with a page."""
    return paged_lab.write(tmp_path / "mine", PAGE)


def test_a_walk_alone(cluster: Callable[..., Result], mine: Path, tmp_path: Path) -> None:
    done = cluster("walk", str(mine), "--test", "--json", "--junit", str(tmp_path / "walk.xml"))
    assert [step["outcome"] for step in done.json["steps"]] == ["pass"] * 6
    assert 'tests="6"' in (tmp_path / "walk.xml").read_text(encoding="utf-8")
    assert cluster("report", "--markdown").out.startswith("## ✅ PASS: walk of mine")


def test_a_step_that_no_longer_works(cluster: Callable[..., Result], mine: Path) -> None:
    page = mine / "page.md"
    page.write_text(page.read_text(encoding="utf-8").replace("hostname", "hostnam"), encoding="utf-8")
    done = cluster("walk", str(mine), "--test", code=1)
    assert "page.md:8: hostnam: exit code 127 instead of 0 (step 2 of 6)" in done.err
    assert "command not found" in done.err
    assert f"lab walk {mine} --test --from 2 --name {NAME}" in done.err


def test_a_reader_stops_goes_on_and_goes_back_to_the_beginning(cluster: Callable[..., Result], mine: Path) -> None:
    began = cluster("walk", str(mine), stdin="\n:skip\n:skip\netcdctl set /walk-e2e hello\n\n:stop\n")
    assert "✓ as expected" in began.out
    assert "Stopped before step 5 of 6" in began.out, "Enter looks whether the task is done"
    went_on = cluster("walk", str(mine), stdin=":back\n\n\n:stop\n")
    assert "goes on with step 5" in went_on.out
    assert "This is so already." in went_on.out
    assert "Terminal watch goes on: while sleep 0.3;" in went_on.out
    assert "Stopped before step 6 of 6" in went_on.out, "the second terminal shows the key"
    cluster("walk", str(mine), "--reset", stdin=":stop\n")
    assert "Key not found" in lab("etcdctl", "get", "/walk-e2e", code=4).err
    ended = cluster("walk", str(mine), stdin=":skip\n" * 6)
    assert "That was mine: Mine." in ended.out
    assert cluster("snapshot", "list", "--json").json == []
