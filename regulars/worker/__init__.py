"""The door through which time comes in: everything that happens without a request, in loops.

`loops.py` lists them all. A worker keeps nothing that matters: kill it at any moment, and another goes on where the
database says.
"""

from regulars.worker.carriers import Carriers
from regulars.worker.running import Drained, drain, run, work
