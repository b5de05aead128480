"""A shop with real purchases to look at: 69,659 orders of 23,570 customers of a CD shop, 1997 and 1998.

The purchases are the CDNOW data set as the package `lifetimes` carries it; only its text file is read. The shop sends
what happens to the sandbox's look-alikes of a webhook receiver and of Omnisend.

    prepare (a shop, once) --> connect (Initialize, as an owner would) --> feed (purchases and what they led to, once)
"""

from regulars.demo.feeding import connect, feed
from regulars.demo.headless import DemoFailed, run
from regulars.demo.purchases import NoPurchases, purchases
from regulars.demo.shop import SANDBOX_COMMAND, SignIn, prepare, sandbox_receivers
