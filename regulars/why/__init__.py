"""Why, and why not: of what happened all that followed from it, each step with its reason, in words and as a code.

Promises: asked about an order, a fact, a firing, a transaction or an event, the answer is the way from the fact to it
and on to the tools; asked about a customer and a trigger, all that came of the one for the other, and what the trigger
would say now. A trigger that was not asked says why not, and what it would say of the fact as it is kept. Nothing is
written; the statements are as few however much is found, and what is said of one thing has limits.

Of an event there is also what led to it and what it led to, as far as that is about its customer.

    fact --> trigger (granted, waiting, refused, reversed, not asked) --> transaction --> event (what rules made of it)
"""

from regulars.why.answering import answer
from regulars.why.leading import causes, effects
from regulars.why.model import Question, Step, Why

__all__ = ["Question", "Step", "Why", "answer", "causes", "effects"]
