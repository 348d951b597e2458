"""Putting a lab onto a cluster and taking it off: submitting units, seeing them run, and leaving nothing behind."""
