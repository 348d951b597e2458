"""What is wrong with a request or a template, with CloudFormation's code for it."""

from __future__ import annotations

from coreos_lab.cloud.sigv4 import RefusedError


def invalid(message: str) -> RefusedError:
    """The error for a template, a parameter or a stack that is not as it must be."""
    return RefusedError("ValidationError", message)
