"""Program sets: programs of the userland that no node has until a lab brings them, in a container image of its own.

A container image's folder names the sets that it is built with (`containers/programs.py`).
"""

from __future__ import annotations

from coreos_lab.machine_image.corrections import ACL
from coreos_lab.machine_image.userland import Program

PLACE = "programs"  # below the state folder
_RKT = "github.com/rkt/rkt"
# The stage 1 that rkt takes unless it is told otherwise, and where it is trusted without a signature.
_STAGE1 = (
    "main.buildDefaultStage1Name=coreos.com/rkt/stage1-fly",
    "main.buildDefaultStage1Version=1.30.0",
    "main.buildDefaultStage1ImagesDir=/opt/rkt/stage1",
    "main.buildDefaultStage1ImageLoc=/opt/rkt/stage1/stage1-fly.aci",
    "main.buildDefaultStage1ImageInRktDir=stage1-fly.aci",
)

SETS: dict[str, tuple[Program, ...]] = {
    # rkt, and the four programs of its stage 1 `fly`: what makes a rootfs of an image's files, and becomes the app.
    "rkt": (
        Program("rkt", "rkt", f"{_RKT}/rkt", "1.30.0", stamp=f"{_RKT}/version.Version", constants=_STAGE1),
        # C: declarations of libacl, which `fly` never calls.
        Program("fly-run", "rkt", f"{_RKT}/stage1_fly/run", "1.30.0", cgo=True, corrections=(ACL,)),
        Program("fly-enter", "rkt", f"{_RKT}/stage1_fly/enter", "1.30.0", cgo=True, corrections=(ACL,)),
        Program("fly-gc", "rkt", f"{_RKT}/stage1_fly/gc", "1.30.0"),
        Program("fly-stop", "rkt", f"{_RKT}/stage1_fly/stop", "1.30.0"),
    ),
    # What makes and checks images of the App Container specification.
    "appc": (
        Program("actool", "appc", "github.com/appc/spec/actool", "0.8.11"),
        Program("docker2aci", "appc", "github.com/appc/docker2aci", "0.17.2"),
        Program("acbuild", "acbuild", ".", "1"),
    ),
}
