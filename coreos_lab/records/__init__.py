"""What is written down about a cluster, or a cloud: its plan, what is deployed on it, its faults, its runs.

What has which version (see `formats.py`; a record without one has version 1), and what writes it:

- a version of its own
  - in a cluster's folder: the plan `cluster.json` (`store.py`; also in a snapshot), each line of `faults.jsonl`
    (`fault_journal.py`), `deployed/LAB.json` (`deployed.py`), `walks/LAB.json` (`walks.py`), `console.json`
    (`consoles.py`), `restore.json` (`restores.py`), `snapshots/NAME/snapshot.json` (`cluster/snapshots.py`), and the
    provider's `user-ids.json` (`providers/nspawn/user_ids.py`);
  - in a run's: `about.json` (`about.py`), `verdict.json` (`chaos/verdict.py`), `storm.json` (`chaos/storm_record.py`),
    `judgement.json` (`chaos/history/judgement.py`);
  - in a backup's: `manifest.json` (`backup/manifest.py`); of a bench: `bench.json` (`figures.py`);
  - in a cloud's: `cloud.json` (`clouds.py`), each of `stacks/` (`cloud/formation/stack.py`), `scaling.json`
    (`cloud/scaling/group.py`), `balancers.json` (`cloud/balancing/kept.py`), `functions.json`
    (`cloud/functions/kept.py`), `apis.json` (`cloud/gateway/kept.py`), `monitoring/alarms.json`
    (`cloud/monitoring/alarm.py`). Its `state/` has the version of moto (`cloud/state.py`).
- the plan's version: everything else in a cluster's or a cloud's folder (key, token, host keys, nodes' folders,
  `docker-stopped/`, `restoring`, webhooks, SQLite files, a run's other files). A change of one of these raises the
  version of the plan, which every command reads first.
- none: what each command writes anew before it is read (`ssh_config`, `inventory.json`, Vagrant's files).

For a new version of a record, raise the `version` of its `Format`, and add to `upgrades` what makes the old record
the new one. An old record is taken over as it is read, and has the new version when it is next written.
"""
