"""What is wrong in pinned Go modules and no release of their series corrects: put right while they are built."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Event

from coreos_lab import namespaces, run
from coreos_lab.errors import LabError


@dataclass(frozen=True)
class Correction:
    """`wrong` stands once in `file` of the Go module `module`, and is to be `right`."""

    module: str
    file: str
    wrong: str
    right: str


# After a gap in what it sees of etcd, flanneld compares the leases that are there with those that it knew. Leases of
# IPv4 have no IPv6 subnet, so any of them passed for any other: a machine that was still there could lose its route.
LEASES = Correction(
    "github.com/flannel-io/flannel",
    "subnet/watch.go",
    "ol.EnableIPv4 && !ol.EnableIPv6 && ol.IPv6Subnet.Equal(nl.IPv6Subnet)",
    "!ol.EnableIPv4 && ol.EnableIPv6 && ol.IPv6Subnet.Equal(nl.IPv6Subnet)",
)
# rkt opens libacl when it runs, so that it needs no more of it than these declarations: without its header, the build
# does not depend on what else is installed. (The interface is that of POSIX 1003.1e, draft 17.)
ACL = Correction(
    "github.com/rkt/rkt",
    "pkg/acl/acl.go",
    "// #include <sys/acl.h>\n",
    """\
// typedef void *acl_t, *acl_entry_t, *acl_permset_t;
// typedef unsigned int acl_type_t, acl_perm_t;
// typedef int acl_tag_t;
// enum { ACL_EXECUTE = 0x01, ACL_WRITE = 0x02, ACL_READ = 0x04 };
// enum { ACL_USER_OBJ = 0x01, ACL_USER = 0x02, ACL_GROUP_OBJ = 0x04, ACL_GROUP = 0x08 };
// enum { ACL_MASK = 0x10, ACL_OTHER = 0x20 };
// enum { ACL_TYPE_DEFAULT = 0x4000 };
""",
)


def correct(
    corrections: Sequence[Correction],
    go: Path,
    source: Path,
    copy: Path,
    *,
    log_file: Path,
    env: Mapping[str, str],
    stop: Event | None = None,
) -> None:
    """Makes `copy` of the Go module `source`, with all that it is built from beside it, corrected.

    go refuses to replace files of its cache of modules, so that they are copied (`go mod vendor`) and changed there.
    LabError where a module has other text than expected.
    """
    shutil.copytree(source, copy)
    vendor = namespaces.contained([go, "mod", "vendor"])
    run.stream(vendor, log_file=log_file, env=env, cwd=copy, stop=stop, outside=True)
    for each in corrections:
        path = copy / "vendor" / each.module / each.file
        text = path.read_text(encoding="utf-8")
        if text.count(each.wrong) != 1:
            raise LabError(
                f"{each.module}: {each.file}: what is to be corrected does not stand there once: {each.wrong}",
                "the pinned version has changed: see whether it needs the correction, in machine_image/corrections.py",
            )
        path.write_text(text.replace(each.wrong, each.right), encoding="utf-8")
