"""Reports of runs: pages made from their records alone, which no machine is asked for.

`sources.py` finds a run's record and the reader for it. A reader (`breaks.py`) makes a `Report` (`values.py`), which
has no HTML and no file in it; `page.py` and `markdown.py` write it down, and `index.py` many of them. A further kind of
record needs a reader and a line in `sources.py`.

Records are read line by line and kept as sums, because one may have hundreds of megabytes; and whatever is damaged in
them is said on the page.
"""
