"""What is written down about a cluster, or a cloud: its plan, what is deployed on it, its faults, its runs.

What has which version (see `formats`; a record without one has version 1):

- a version of its own: the plan `cluster.json` (also in a snapshot), `deployed/LAB.json`, each line of
  `faults.jsonl`, `snapshots/NAME/snapshot.json`, `console.json`, `restore.json`, a backup's `manifest.json`,
  the provider's `user-ids.json`, and a run's description and verdict (`about.py`, `chaos/verdict.py`).
  Of a cloud: `cloud.json`, each of `stacks/`, `scaling.json`. Its `state/` has the version of moto
  (`cloud/state.py`).
- the plan's version: everything else in a cluster's folder (key, token, host keys, nodes' folders,
  `docker-stopped/`, `restoring`, a run's other files). A change of one of these raises the version of the plan,
  which every command reads first.
- none: what each command writes anew before it is read (`ssh_config`, `inventory.json`, Vagrant's files).

For a new version of a record, raise the `version` of its `Format`, and add to `upgrades` what makes the old record
the new one. An old record is taken over as it is read, and has the new version when it is next written.
"""
