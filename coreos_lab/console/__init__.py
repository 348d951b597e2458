"""The live page of a cluster: what is so now, and the verbs that change it, in a browser on this machine.

One collector asks the cluster while somebody looks (`collector.py`) and puts what it finds into the feed (`feed.py`).
Each browser has a connection (`live.py`) and gets what has changed since it was last told. What a click does is a call
of `lab` (`acts.py`), so breaking and healing have the verbs' own locks, records and undo.
"""
