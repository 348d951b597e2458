"""Histories: what clients read from registers in etcd and wrote there during a break, judged for linearizability."""
