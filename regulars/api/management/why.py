"""Why, and why not."""

from regulars import why
from regulars.api.management.api import Call, management
from regulars.api.management.items import Whose, named
from regulars.kit import Reading, Shown, copied
from regulars.why import Question, Why


class WhyItem(Shown[Why], frozen=True):
    """`facts` are what happened, the newest first, each with all that followed. `now` is what the trigger would say of
    the customer's newest fact, where one is asked about."""

    customer: Whose


@management.get("/why", "Why, and why not", tag="Triggers", area="data")
async def ask_why(call: Call[Question, None], tx: Reading) -> WhyItem:
    """The way from a fact (an order, a call, a fact of your own, a new customer, a birthday) to each trigger that could
    react, to the transaction, its event, and what each Send Events rule made of that, with its delivery. Ask by one id,
    or by a customer and a trigger. Each step says why, in `words` and as a `code`: of a trigger the `reason` of its
    firing, of a transaction what it does in the book. A trigger that was not asked says why not (`made_later`,
    `trigger_inactive`, `not_asked`, `not_kept`), and below that what it would say, which is worked out by the version
    it names, of the fact as it is kept now; `nothing_happened` where there is none. Nothing is written."""
    found = await why.answer(tx, call.workspace, call.query, call.now)
    return copied(WhyItem, found, customer=named(found.customer))
