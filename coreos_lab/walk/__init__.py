"""Going through a lab's page: by a reader, step by step, or by a test that judges every step.

`judge.py` runs a step's commands in the shells of `session.py` and compares what came with the page. `guide.py` goes
through a page with a reader, `alone.py` without. What a command does is not known here, not even of `lab`'s own: each
is a program in a shell.
"""
