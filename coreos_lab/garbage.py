"""Python's collector of garbage, for processes that live for a moment: what is imported stays, so it leaves that alone.

By default the collector looks at new objects each time that there are 700 more, and often at all others, too. Imports
make 100,000 objects, those of the cloud's services 300,000, and none is garbage: looking through them took a fifth of
the time of a short call, and half of the time in which a cloud starts.
"""

from __future__ import annotations

import gc

# New objects before the collector looks at them; how many such looks before it looks at older ones, too; and so on.
RARELY = (50_000, 20, 100)


def begin() -> None:
    """To be called before the imports: nothing is collected until `imported`."""
    gc.disable()


def imported() -> None:
    """To be called before the work: the collector works, rarely, and leaves out what there is by now.

    Does nothing without a `begin`, as where a test calls a verb.
    """
    if not gc.isenabled():
        gc.freeze()
        gc.set_threshold(*RARELY)  # slow imports stand inside functions
        gc.enable()


def end() -> None:
    """To be called as the last: the memory goes with the process."""
    gc.freeze()
