"""Backups of a cluster's data: etcd's keys, and what the deployed labs say is theirs."""
