"""Look-alikes of the outside tools, so that everything can be tried, and can be made to go wrong, without one.

Promises: each look-alike refuses what the real tool refuses (headers, keys, bodies, signatures, rates), in the same
words where those are known; what it received can be seen at `/`; what shall go wrong is put to `/faults`. Each shop has
look-alikes of its own below `/shop/NAME`, and what is received and goes wrong there is its alone.

Knows nothing of the rest of the product: it is on the other side of the network.
"""

from regulars.sandbox.faults import Fault
from regulars.sandbox.server import run, running
from regulars.sandbox.settings import Receiver, Settings
from regulars.sandbox.shops import Sandbox
