"""ch2: the debug container sees the machine's files."""

import os


def test_toolbox_sees_the_machine(nodes, machine):
    # As root, because the user core's toolbox belongs to the reader.
    host, path = machine(nodes[0]), f"/home/core/lab-check-{os.getpid()}"
    existed = host.run("sudo docker container inspect toolbox-root").rc == 0
    try:
        toolbox = host.run(f"sudo toolbox touch /media/root{path}")
        assert toolbox.rc == 0, f"{nodes[0]}: toolbox: {toolbox.stderr.strip()}"
        assert host.file(path).exists, f"{nodes[0]}: a file touched in toolbox is not on the machine"
    finally:
        host.run(f"sudo rm -f {path}")
        if not existed:
            host.run("sudo docker rm --force toolbox-root")
