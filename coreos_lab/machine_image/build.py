"""python -m coreos_lab.machine_image.build userland|image: what `make userland` and `make image` call."""

from __future__ import annotations

import sys

from coreos_lab import screen, umask
from coreos_lab.machine_image.image import ensure_image
from coreos_lab.machine_image.userland import ensure_userland

if __name__ == "__main__":
    umask.fix()
    with screen.showing():
        print({"userland": ensure_userland, "image": ensure_image}[sys.argv[1]]())
