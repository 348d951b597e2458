"""What a lab says of its data: commands that dump and restore, and buckets."""

from __future__ import annotations

import pytest

from coreos_lab.definition import catalog
from coreos_lab.model import LabBackup
from tests.unit.definition.mylab import LAB, Folder

BACKUP = "backups:\n  files: {unit: web@1.service, dump: docker exec web dump, restore: docker exec -i web load}\n"


def test_commands_and_buckets_are_read(folder: Folder) -> None:
    folder.write("lab.yaml", f"{LAB}{BACKUP}buckets: {{backup: 10}}\n")
    lab = folder.load()
    assert lab.backups == (LabBackup("files", "web@1.service", "docker exec web dump", "docker exec -i web load"),)
    assert lab.buckets == {"backup": 10}


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("web@1.service, dump", "wbe@1.service, dump", "wbe@1.service: the lab starts no such unit"),
        (", restore: docker exec -i web load", "", "restore: missing"),
        ("dump:", "dmup:", "dmup: no such key"),
        ("docker exec web dump", "''", "is empty"),
        ("files:", "Files:", "Files: not a valid name here"),
    ],
)
def test_a_mistake_in_a_backup_names_its_line(folder: Folder, old: str, new: str, says: str) -> None:
    assert old in BACKUP
    folder.write("lab.yaml", LAB + BACKUP.replace(old, new))
    assert f"lab.yaml:{len(LAB.splitlines()) + 2}: " in str(folder.refused())
    assert says in str(folder.refused())


@pytest.mark.parametrize("bucket", ["backup: 0", "backup: soon", "Backup: 3", "b: 3"])
def test_a_bucket_that_s3_would_refuse(folder: Folder, bucket: str) -> None:
    folder.write("lab.yaml", f"{LAB}buckets: {{{bucket}}}\n")
    assert "lab.yaml" in str(folder.refused())


@pytest.mark.parametrize("name", ["ch6", "ch7"])
def test_the_store_of_a_chapter_is_backed_up(name: str) -> None:
    assert [backup.name for backup in catalog.load(name).backups] == ["store"]
