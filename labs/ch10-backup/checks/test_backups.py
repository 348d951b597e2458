"""ch10-backup: both backups are in the bucket, none is older than the rhythm, and a dump holds what it should."""

import json
import re
import time

import pytest

UNITS = {"etcd": "etcd-backup.service", "store": "couchbase-backup.service"}
LATE = 60  # seconds beyond the rhythm: a backup's own time, or a move to another machine with the first pull there
SECONDS = {"": 1, "s": 1, "min": 60, "m": 60, "h": 3600}


@pytest.fixture
def setting(fleet):
    """setting("RestartSec", "etcd-backup.service"): an option of a unit, or a variable in its Environment= lines."""

    def find(name, unit=UNITS["store"]):
        options = [each for found in fleet.units() if found.name == unit for each in found.options]
        values = [value for _section, option, value in options if option == name]
        lines = [value for _section, option, value in options if option == "Environment"]
        words = [word.partition("=") for line in lines for word in line.split()]
        values += [value for variable, _equals, value in words if variable == name]
        assert values, f"{unit}: fleet has no such unit with {name}"
        return values[-1]

    return find


@pytest.fixture
def s3cmd(setting, machine, nodes):
    """s3cmd("ls", "etcd/"): what s3cmd prints of a place in the bucket."""

    def run(verb, place, *more):
        call = f"docker run --rm --net host --env S3={setting('S3')} s3cmd --region=us-west-2 {verb}"
        done = machine(nodes[0]).run(" ".join([call, f"s3://{setting('BUCKET')}/{place}", *more]))
        assert done.rc == 0, f"{verb} s3://{setting('BUCKET')}/{place}: {(done.stderr or done.stdout).strip()[-300:]}"
        return done.stdout

    return run


@pytest.fixture
def backups(s3cmd):
    """backups("etcd"): when each of the backups of a kind in the bucket was begun, in seconds since the epoch."""

    def find(kind):
        found = sorted(map(int, re.findall(rf"/{kind}/(\d+)/?$", s3cmd("ls", f"{kind}/"), re.MULTILINE)))
        assert found, f"no backup of {kind} is in the bucket: the journal of {UNITS[kind]} has the reason"
        return found

    return find


def seconds(text):
    number, unit = re.fullmatch(r"(\d+)\s*([a-z]*)", text).groups()
    return int(number) * SECONDS[unit]


@pytest.mark.survives
def test_each_backup_has_its_unit(fleet):
    held = {unit.name: unit.desired for unit in fleet.units()}
    for unit in UNITS.values():
        state = held.get(unit, "unknown")
        assert state == "launched", f"{unit} is {state} to fleet, so that no backup is made"


@pytest.mark.survives
@pytest.mark.parametrize("kind", UNITS)
def test_the_newest_backup_is_not_older_than_the_rhythm(kind, backups, setting):
    rhythm = seconds(setting("RestartSec", UNITS[kind]))
    age = time.time() - backups(kind)[-1]
    assert age <= rhythm + LATE, f"the newest backup of {kind} is {age:.0f} s old, and one is due every {rhythm} s"


def test_the_bucket_forgets(s3cmd):
    rules = s3cmd("getlifecycle", "")
    assert "<Days>10</Days>" in rules, f"the bucket's rules: {rules}"


def test_the_newest_dump_of_the_store_is_whole(backups, s3cmd):
    newest = backups("store")[-1]
    for line in s3cmd("get", f"store/{newest}", "-", "--quiet").splitlines():
        key, value = json.loads(line)
        assert isinstance(key, int), f"store/{newest}: {line[:100]}"
        assert json.loads(value), f"store/{newest}: {line[:100]}"
