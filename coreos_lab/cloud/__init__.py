"""An Amazon of one region on this machine: its API in front, real machines and networks behind it.

`lifecycle.py` starts a cloud's process, `supervisor.py`. That serves the API (`front.py`, `api.py`; `engine.py` is
moto), and makes the host's networks and machines what the API's objects say (`view.py`, `router.py`, `machines.py`). A
cloud knows neither clusters nor labs. Only `moto_changes.py` and the modules that it calls change moto.
"""
