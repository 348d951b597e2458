"""Show a cluster live in a browser: machines, units, probes; break and heal them by clicks, with terminals."""

from __future__ import annotations

import json
from contextlib import ExitStack
from typing import Annotated

import typer

from coreos_lab import disk, hints
from coreos_lab.commands.options import Json, Name, verb
from coreos_lab.console import serving
from coreos_lab.errors import LabError
from coreos_lab.model import Cluster
from coreos_lab.providers.choose import provider as choose
from coreos_lab.records import consoles, store
from coreos_lab.records.consoles import Console

app = verb()


@app.command(help=__doc__)
def command(
    name: Name = hints.DEFAULT_NAME,
    port: Annotated[
        int | None,
        typer.Option(
            "--port",
            envvar="LAB_PORT",
            min=1,
            max=65535,
            help="The port on 127.0.0.1. By default, each cluster has its own; a port that is chosen is kept.",
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    console(name, port, as_json=as_json)


def console(name: str, port: int | None, *, as_json: bool) -> None:
    """Serves until Ctrl-C, or until the cluster is destroyed. Where the console runs already, its links are printed."""
    cluster = store.require(name)
    provider = choose(cluster.provider)
    serving.page()
    lock = store.ClusterFolder(name).console_lock
    with ExitStack() as held:
        try:
            held.enter_context(disk.lock(lock, hints.lab("console"), wait=False))
        except LabError:
            running = consoles.load(cluster)
            if running is None:  # it is about to write its record
                raise
            _print(cluster, running, as_json=as_json, remark=f"It runs already: {lock.read_text('utf-8').strip()}.")
            return
        settled = consoles.settled(cluster, port)
        opened = serving.listening(settled.port)
        remark = "Ctrl-C ends it; the cluster goes on."
        left = serving.serve(
            name, provider, settled, opened, lambda: _print(cluster, settled, as_json=as_json, remark=remark)
        )
    if left:
        print(f"'{left}' goes on to its end.")


def _print(cluster: Cluster, running: Console, *, as_json: bool, remark: str) -> None:
    act, look = running.link(running.token), running.link(running.look)
    if as_json:
        print(json.dumps({"cluster": cluster.name, "port": running.port, "url": act, "look": look}), flush=True)
        return
    print(f"The console of {cluster.name}: {act}")
    print(f"To look only, for others:  {look}")
    print(remark, flush=True)
