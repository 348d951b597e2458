"""Container images without a hub and without a Docker engine: built on the host, served to the nodes.

    images = ensure_containers({"nginx": Path(".../containers/nginx")})   # build.py: buildah, cached by content
    registry.publish([base_image(), *images], storage)                  # registry.py: files only, no process
    registry.start("172.17.8.1", 5000, pid_file, storage=storage)       # a process that outlives us
    registry.stop(pid_file)

What a name means to the nodes is written in a storage, a folder of the cluster's own: two labs may each have a `web`.
Layers are kept once, under `containers` of the state folder, which is a cache: removing it while no registry runs
loses nothing but time.
"""
