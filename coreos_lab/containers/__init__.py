"""Container images without a hub and without a Docker engine: built on the host, served to the nodes.

    images = ensure_containers({"nginx": Path(".../containers/nginx")})   # build.py: buildah, cached by content
    registry.publish([base_image(), *images], storage)                  # registry.py: files only, no process
    registry.start("172.17.8.1", 5000, pid_file, storage=storage)       # a process that outlives this one
    registry.stop(pid_file)

The container images behind names are in a storage, a folder of each cluster's own: two clusters may each have a `web`.
Layers are kept once, under `containers` of the state folder, which is a cache: removing it while no registry runs
costs only time.
"""
