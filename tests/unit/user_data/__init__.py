"""The reader's own cloud-config and metadata, on paper."""
