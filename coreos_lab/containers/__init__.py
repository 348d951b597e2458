"""Container images without a hub and without a Docker engine: built on the host, served to the nodes.

    images = ensure_containers({"nginx": Path(".../containers/nginx")})   # build.py: buildah, cached by content
    registry.publish([base_image(), *images])                           # registry.py: files only, no process
    registry.start("172.17.8.1", 5000, pid_file)                        # a process that outlives us
    registry.stop(pid_file)

What a name means to the nodes is written in a storage: a folder that all clusters share, or one of the cluster's own
(`storage=`). Layers are kept once, whatever the storage. All of it lies under `containers` of the state folder and is
a cache: removing that folder while no registry runs loses nothing but time.
"""
