"""Updating a running cluster's machine image: by the nodes' own update engines, one machine after the other."""
