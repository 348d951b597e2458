"""An Amazon of one region on this machine: its API in front, real machines and networks behind it."""
