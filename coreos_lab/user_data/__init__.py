"""The reader's own cloud-config and fleet metadata: read, checked and merged into the lab's. No machine, no file."""
