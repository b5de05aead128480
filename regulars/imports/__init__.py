"""Streams of orders, taken in many to a commit; and files that a server takes in beside its requests.

Promises: a stop at any moment loses nothing and repeats nothing; each row that was left out is named; how far a file is
stands in the database, so that whichever server is asked can say it.

Does not know where a stream comes from: the command line, the dashboard and the demo each bring their own.

    run of a file:  running --> done
                       `------> stopped (the server ended, or broke; the file is simply imported again)
"""

from regulars.imports.runs import Run, begin, get_run, newest_runs
from regulars.imports.taking import Progress, import_orders

__all__ = ["Progress", "Run", "begin", "get_run", "import_orders", "newest_runs"]
