"""The release and the commit of this `lab`.

In a checkout they come from git at each call, because they change after the installation. A wheel has what
hatch_build.py wrote, an archive what `git archive` filled into .git_archival.txt.
"""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass
from pathlib import Path

from coreos_lab import run
from coreos_lab.errors import LabError

ROOT = Path(__file__).parents[1]
ARCHIVED = ".git_archival.txt"
BUILT = "coreos_lab/built.json"
TAGS = "v[0-9]*"
# Before the first release, and where no tag is known: a shallow clone has none.
NO_RELEASE = "0.0.dev0"


@dataclass(frozen=True)
class Version:
    """`number` is the release's, as Python's packages number them; `.post3` means three commits after the release.

    `commit` is an abbreviated hash, empty where it is not known; `modified`: the files differ from the commit.
    """

    number: str = NO_RELEASE
    commit: str = ""
    modified: bool = False

    def __str__(self) -> str:
        """As `lab --version` prints it."""
        commit = f"commit {self.commit}" if self.commit else "commit unknown"
        return f"{self.number} ({commit}{', modified' if self.modified else ''})"

    def as_json(self) -> str:
        """The content of BUILT in a wheel."""
        return json.dumps(asdict(self))


def current(root: Path = ROOT) -> Version:
    """The version of the source tree, or of the folder of installed packages, at `root`. Never fails."""
    if (root / ".git").exists():
        return _of_checkout(root)
    if (built := root / BUILT).is_file():
        return Version(**json.loads(built.read_text(encoding="utf-8")))
    if (archived := root / ARCHIVED).is_file():
        return _of_archive(archived.read_text(encoding="utf-8"))
    return Version()


def _of_checkout(root: Path) -> Version:
    call = ["git", "describe", "--tags", "--match", TAGS, "--long", "--always", "--abbrev=12", "--dirty"]
    try:
        described = run.run(call, cwd=root, check=False).stdout.strip()
    except LabError:  # no git on this machine
        return Version()
    release, _, commit = described.removesuffix("-dirty").rpartition("-g")
    return Version(_number(release), commit, described.endswith("-dirty"))


def _of_archive(text: str) -> Version:
    """From the two lines that `git archive` fills in; elsewhere they still have its placeholders."""
    commit, release = (re.search(rf"^{name}: (?!\$)(\S+)$", text, re.MULTILINE) for name in ("commit", "release"))
    return Version(_number(release[1].partition("-g")[0] if release else ""), commit[1] if commit else "")


def _number(described: str) -> str:
    """`v1.2.0-3` is three commits after the tag v1.2.0."""
    match = re.fullmatch(r"v(.+?)(?:-(\d+))?", described)
    if match is None:
        return NO_RELEASE
    return match[1] if int(match[2] or 0) == 0 else f"{match[1]}.post{match[2]}"
