"""Clients of what runs on nodes: etcd and fleet by HTTP, machines by SSH. They know no lab and no chapter."""
