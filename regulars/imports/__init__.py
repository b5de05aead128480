"""Streams of orders, customers, coins or reviews, taken in many to a commit; files of them that a server looks at and
takes in beside its requests; and triggers that it applies to the orders that are in already, or that a worker tries.

Promises: what a file would give is said before it happens, by a rehearsal that writes nothing. A stop at any moment
loses nothing and repeats nothing; each row that was left out, and each that says otherwise than what is kept and newer,
is named. How far a file is stands in the database, and the file itself until it is done or a day has gone, so that
whichever server is asked can go on.

Does not know where a stream comes from: the command line, the dashboard, the API and the demo each bring their own.

    back-test: waiting --a worker takes it--> running --> done | failed;  waiting, running --> cancelled
                  ^                          |
                  `--the worker was killed---'
    run of a file:  uploaded (looked at, as often as its format is chosen anew) --> running --> done
                                                                                      |  ^
                                                                                      v  |
                                                                                    stopped (the server ended, or broke)
"""

from regulars.imports.applying import Application, begin_applying, get_application, newest_applications
from regulars.imports.backtests import (
    Backtest,
    Terms,
    Tested,
    drop_backtest,
    get_backtest,
    newest_backtests,
    order_backtest,
    run_backtest,
)
from regulars.imports.files import EXPIRY, FileGone, expire, forget
from regulars.imports.kinds import KINDS, Kind, correcting_of, opened_as
from regulars.imports.previewing import Preview, PreviewColumn, preview
from regulars.imports.progress import Progress, Why
from regulars.imports.runs import Run, State, begin, choose, get_run, look, newest_runs, upload
from regulars.imports.taking import import_rows
