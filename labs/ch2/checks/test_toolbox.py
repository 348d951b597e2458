"""ch2: the debug container sees the machine, and goes without trace."""

import os


def test_toolbox_sees_the_machine(nodes, machine):
    # As root, so that a toolbox that the reader (core) has filled is left alone.
    host, path = machine(nodes[0]), f"/home/core/lab-check-{os.getpid()}"
    before = host.run("sudo docker container inspect toolbox-root").rc == 0
    try:
        done = host.run(f"sudo toolbox touch /media/root{path}")
        assert done.rc == 0, f"{nodes[0]}: toolbox: {done.stderr.strip()}"
        assert host.file(path).exists, f"{nodes[0]}: a file touched in toolbox is not on the machine"
    finally:
        host.run(f"sudo rm -f {path}")
        if not before:
            host.run("sudo docker rm --force toolbox-root")
