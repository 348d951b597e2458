"""The keys of a cloud-config that coreos-cloudinit 1.14 reads, each with the type of its value.

Source: package config of github.com/coreos/coreos-cloudinit 1.14.0. It takes "-" and "_" in a key for the same; here
all have "_".
"""

from __future__ import annotations

TEXT, WHOLE, NUMBER, FLAG = "text", "a whole number", "a number", "true or false"

Shape = str | list["Shape"] | dict[str, "Shape"]


def _all(kind: str, names: str) -> dict[str, Shape]:
    return dict.fromkeys(names.split(), kind)


_DROP_IN: Shape = _all(TEXT, "name content")
UNIT: dict[str, Shape] = {**_all(TEXT, "name content command"), **_all(FLAG, "mask enable runtime")}
UNIT["drop_ins"] = [_DROP_IN]
FILE: dict[str, Shape] = _all(TEXT, "path content encoding owner permissions")
USER: dict[str, Shape] = {
    **_all(
        TEXT,
        "name passwd gecos homedir primary_group shell coreos_ssh_import_github coreos_ssh_import_url",
    ),
    **_all(FLAG, "no_create_home no_user_group system no_log_init"),
    "groups": [TEXT],
    "ssh_authorized_keys": [TEXT],
    "coreos_ssh_import_github_users": [TEXT],
}
ETCD2: dict[str, Shape] = {
    **_all(
        TEXT,
        "advertise_client_urls ca_file cert_file cors data_dir discovery discovery_fallback discovery_srv"
        " discovery_proxy initial_advertise_peer_urls initial_cluster initial_cluster_state initial_cluster_token"
        " key_file listen_client_urls listen_peer_urls log_package_levels name peer_ca_file peer_cert_file"
        " peer_key_file peer_trusted_ca_file proxy trusted_ca_file wal_dir",
    ),
    **_all(
        FLAG,
        "client_cert_auth debug enable_pprof force_new_cluster peer_client_cert_auth strict_reconfig_check",
    ),
    **_all(
        WHOLE,
        "election_timeout heartbeat_interval max_snapshots max_wals proxy_dial_timeout proxy_failure_wait"
        " proxy_read_timeout proxy_refresh_interval proxy_write_timeout snapshot_count",
    ),
}
FLEET: dict[str, Shape] = {
    **_all(
        TEXT,
        "agent_ttl authorized_keys_file etcd_cafile etcd_certfile etcd_keyfile etcd_key_prefix etcd_servers"
        " etcd_username etcd_password metadata public_ip",
    ),
    **_all(FLAG, "disable_engine verify_units"),
    **_all(NUMBER, "engine_reconcile_interval etcd_request_timeout"),
    **_all(WHOLE, "token_limit verbosity"),
}
FLANNEL: dict[str, Shape] = _all(
    TEXT,
    "etcd_endpoints etcd_cafile etcd_certfile etcd_keyfile etcd_prefix etcd_username etcd_password ip_masq"
    " subnet_file interface public_ip",
)
LOCKSMITH: dict[str, Shape] = _all(
    TEXT,
    "endpoint etcd_cafile etcd_certfile etcd_keyfile etcd_username etcd_password group window_start window_length",
)
COREOS: dict[str, Shape] = {
    "etcd": {},  # known, so that it is refused by name: etcd 0.4 is not on the nodes
    "etcd2": ETCD2,
    "flannel": FLANNEL,
    "fleet": FLEET,
    "locksmith": LOCKSMITH,
    "oem": _all(TEXT, "id name version_id home_url bug_report_url"),
    "update": _all(TEXT, "reboot_strategy group server"),
    "units": [UNIT],
}
SHAPE: dict[str, Shape] = {
    "ssh_authorized_keys": [TEXT],
    "coreos": COREOS,
    "write_files": [FILE],
    "hostname": TEXT,
    "users": [USER],
    "manage_etc_hosts": TEXT,
}

# What identifies an entry of a list: entries of two cloud-configs with the same value are merged into one.
IDENTITY = {"units": "name", "drop_ins": "name", "users": "name", "write_files": "path"}
