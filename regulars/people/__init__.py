"""A person as a whole, in whatever rooms they are known: merged with another, taken out, erased.

Promises: each is one transaction, so nobody is ever half merged or half erased. After a merge both ids answer as the
one customer, who has the lots of both with their expiry, their orders, what they were given and what happened to them,
and whose limits count both. After an erasure nothing says who it was: not the customer, their orders, the log, what was
sent to tools, what conditions found, the audit log and, within minutes, stored answers, hooks that nothing came of,
files that were handed over and their reports; a pseudonymous book stays, and still audits. What is reported of
their orders later makes nobody a customer again.

Does not know what the rooms keep: each moves, drops or tells its own.

    two customers --merge--> one, who answers to both ids --erase--> an id without a person
"""

from regulars.people.erasure import LOOK, also, erase, look, look_for
from regulars.people.exporting import Person, take_out
from regulars.people.merging import meet, merge
