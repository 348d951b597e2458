"""Reading what there is on the host."""

from __future__ import annotations

import pytest

from coreos_lab import run
from coreos_lab.providers.nspawn import host_settings, host_state
from coreos_lab.providers.nspawn.host_state import Interface


def test_kernel_tables_are_read() -> None:
    tcp = "  sl  local_address\n   0: 0109 110A:16B0 0 0A\n".replace("0109 110A", "010911AC")
    assert host_state.parse_listening(f"{tcp}   1: 0100007F:0016 0 01\n") == [("172.17.9.1", 5808)]
    unix = (
        "Num RefCount Protocol Flags Type St Inode Path\n0: 02 0 10000 0001 01 77 /run/a b\n0: 02 0 0 2 01 78 @/x\n0: 3"
    )
    assert host_state.parse_sockets(unix) == ["/run/a b"]
    links = '[{"ifname":"lo"},{"ifname":"lab1","ifalias":"coreos-lab:big:0123"}]'
    addresses = '[{"ifname":"lo","addr_info":[{"local":"127.0.0.1"}]},{}]'
    assert host_state.parse_interfaces(links, addresses) == [
        Interface("lo", "", ("127.0.0.1",)),
        Interface("lab1", "coreos-lab:big:0123"),
    ]


def test_what_cannot_be_looked_at_is_told_and_the_rest_is_still_read(monkeypatch: pytest.MonkeyPatch) -> None:
    def call(argv: list[str], **_options: object) -> run.Completed:
        if argv[0] == "nft":
            raise run.MissingProgramError("nft")
        return run.Completed(tuple(argv), 0, "", "")

    monkeypatch.setattr(run, "run", call)
    monkeypatch.setattr(host_settings, "still_changed", lambda: ["a.b"])
    host = host_state.look()
    assert "nftables: nft: program not found" in host.unseen
    assert host.settings == ["a.b"]
    assert host.processes
