"""Updating a running cluster's machine image: by the nodes' own update engines, one machine after the other.

`target.py` decides what each node is to have. `update.py` offers it and ends with a verdict, as a break does.
`watch.py` looks until all nodes have it: `look.py` asks a node, `phase.py` says how far it has come, `stuck.py` why it
does not go on. Nothing here reboots a node or takes a lock: the nodes do, and go on if `lab` is killed.
"""
