"""The live cluster as its machines show it now: nodes, members, units; and the wait for them. Changes no node."""
