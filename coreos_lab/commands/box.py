"""Build the Vagrant box for libvirt."""

from __future__ import annotations

import json

from coreos_lab import hints, screen
from coreos_lab.commands.options import Json, group
from coreos_lab.machine_image.box import box_name, ensure_box

app = group(__doc__)


@app.command("build")
def build_command(as_json: Json = False) -> None:
    """Build the box for libvirt from the machine image, for `vagrant box add`."""
    build(as_json=as_json)


def build(*, as_json: bool) -> None:
    """Builds the box if it is missing, and prints how to add it to Vagrant."""
    with screen.showing():
        path = ensure_box()
    if as_json:
        print(json.dumps({"name": box_name(), "file": str(path), "bytes": path.stat().st_size}, indent=2))
        return
    print(f"{path} ({path.stat().st_size / 2**20:.0f} MiB)")
    print(f"'{hints.lab('up', '--provider', 'vagrant')}' adds it to Vagrant by itself; by hand:")
    print(f"  vagrant box add {box_name()} {path}")
