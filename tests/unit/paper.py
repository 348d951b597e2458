"""Providers of paper, for tests that need something which counts as one of a provider's protocols."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

Made = TypeVar("Made", bound=type)


def stands_for(*protocols: type) -> Callable[[Made], Made]:
    """Gives a class every member of these protocols that it lacks, by its own `__getattr__`.

    Since Python 3.12 isinstance() looks at what a class really has, not at what it would answer.
    """

    def fill(made: Made) -> Made:
        for protocol in protocols:
            for name in dir(protocol):
                if not name.startswith("_") and not hasattr(made, name):
                    setattr(made, name, _by_getattr(name))
            for base in protocol.__mro__:
                for name in getattr(base, "__annotations__", {}):
                    if not name.startswith("_") and not hasattr(made, name):
                        setattr(made, name, None)
        return made

    return fill


def _by_getattr(name: str) -> Callable[..., Any]:
    return lambda self, *args: self.__getattr__(name)(*args)
