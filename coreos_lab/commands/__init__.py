"""One verb, one file: options, help text and doing.

The module of a verb has:
- as its docstring the verb's help text. `lab --help` shows the first sentence of its first line, and reads that line
  from the file: importing all verbs would take several times as long as the rest of `lab --help`;
- `app`, the typer app that `cli.py` calls. Its function `command` declares the options, converts their values, and
  calls the function that does the work;
- that function, which is named as the verb and takes plain values. Tests and other verbs call it.

The module of a verb with subcommands has such a pair for each of them: `save_command` declares, `save` does.

`options.py` declares the options that several verbs have. Verbs share `planning.py`, `table.py`, `tools.py` and
`view.py`, too, and `described.py` says what a run is about. `targets.py` is a part of `break_.py`, `deploying.py` of
`deploy.py`; `trial.py` and `starting_point.py` are parts of `walk.py`.
"""
