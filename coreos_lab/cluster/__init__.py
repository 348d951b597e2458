"""A cluster's life: brought up, scaled, saved, restored, taken down, and the registry that serves it."""
