"""Webhooks of a registry: whoever pushes a tag has URLs called with the payload that Docker Hub sends."""
