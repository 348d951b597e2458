"""lab box: the box that Vagrant makes machines from on libvirt."""

from __future__ import annotations

import json

from coreos_lab import screen
from coreos_lab.machine_image.box import box_name, ensure_box


def build(*, as_json: bool) -> None:
    """Builds the box if it is not there, and says how Vagrant is given it."""
    with screen.showing():
        path = ensure_box()
    if as_json:
        print(json.dumps({"name": box_name(), "file": str(path), "bytes": path.stat().st_size}, indent=2))
        return
    print(f"{path} ({path.stat().st_size / 2**20:.0f} MiB)")
    print("'lab up --provider vagrant' gives it to Vagrant by itself; by hand:")
    print(f"  vagrant box add {box_name()} {path}")
