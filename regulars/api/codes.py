"""Every code that an answer, a firing, a rule or a delivery can carry: when it is said, and what to do then.

A code is raised where it is found out, in a room; what it asks of an integrator is said here once, and told by the
OpenAPI documents and docs/generated. Tests hold both against the code, and every answer of every story against this.
"""

from __future__ import annotations

from typing import NamedTuple

from regulars import limits


class Told(NamedTuple):
    """`status` is the management API's; the merchant API says 422 of what is 404 or 409 there."""

    status: int
    when: str
    do: str


class Meaning(NamedTuple):
    when: str
    do: str


_FILE = "Hand the file over again."
_WAIT = "Call again after `Retry-After` seconds."

REFUSALS: dict[str, Told] = {
    "malformed": Told(400, "The body is no JSON at all.", "Mend how the body is written."),
    "customer_proof_missing": Told(
        401,
        "A STOREFRONT key called without the proof of a customer.",
        "Send `x-leaddigest` and `x-timestamp`, or the `x-leadtoken` that an answer gave.",
    ),
    "customer_proof_wrong": Told(
        401,
        "The proof is forged, garbled or too old.",
        "Ask your server for a fresh digest, and look the customer up with it.",
    ),
    "key_missing": Told(
        401, "The call carries no API key, or not the workspace's id.", "Send the key and `x-workspaceid`, both."
    ),
    "unauthenticated": Told(
        401, "The key is unknown to this workspace, or revoked.", "Take a key of the shop's list of API keys."
    ),
    "hook_of_another_shop": Told(
        401,
        "The hook comes from another shop than the source's.",
        "Give each shop's webhooks its own source's address.",
    ),
    "customer_proof_of_another": Told(
        403, "The proof is good, but the call is about somebody else.", "Ask only about the customer who is proven."
    ),
    "forbidden": Told(403, "The key has no right to this.", "Take a key with the right that the operation names."),
    "trigger_not_open": Told(
        403,
        "A READ key fired a trigger that is not Open.",
        "Fire it from your server with a WRITE key, or make the trigger Open.",
    ),
    "signature_wrong": Told(
        401,
        "A call to a source's or a checkout's address is not signed with its secret, or was signed too long ago.",
        "Sign each call anew, by the secret that both sides have.",
    ),
    "checkout_not_connected": Told(404, "The shop's checkout is not connected.", "Connect it: `PUT /checkout`."),
    "checkout_unknown": Told(404, "No shop's checkout has this address.", "Copy the address from the Checkout page."),
    "coupon_unknown": Told(
        404, "There is no such coupon, or it is somebody else's.", "Look at the customer's coupons."
    ),
    "offer_unknown": Told(404, "There is no such offer.", "Take an id of `GET /offers`."),
    "file_gone": Told(404, "The file was handed over too long ago, or too many after it.", _FILE),
    "hook_unknown": Told(404, "No source has this address for hooks.", "Take the address from the source's page."),
    "not_found": Told(404, "There is no such thing in this workspace.", "Look its id up in the list of such things."),
    "route_not_found": Told(404, "There is nothing at this address.", "Compare the path with this document."),
    "method_not_allowed": Told(405, "The address takes another method.", "See the `Allow` header."),
    "coupon_used": Told(
        409, "The coupon was redeemed for something else before.", "Nothing: `fields` and the message say for what."
    ),
    "coins_held": Told(
        409, "A hold is open in the wallet that is to be merged.", "Capture or void it, or wait for its time limit."
    ),
    "conflict": Told(
        409,
        "As things stand this can't be done, as `detail` says.",
        "Read the thing anew, mend what it says, try again.",
    ),
    "customer_erased": Told(
        409,
        "The customer was erased: nothing is known of them any more, and nothing can be.",
        "Nothing is to be done. If the person comes back, they are a new customer.",
    ),
    "currency_in_use": Told(
        409,
        "The shop has orders, and what they count for changes with its currency.",
        "Ask a person; then send the change with `currency_confirmed`.",
    ),
    "customer_exists": Told(
        409, "A customer with this `customer_id` exists.", "Nothing, if they need only to exist; else change them."
    ),
    "delivery_queued": Told(409, "The delivery is queued and due already.", "Nothing: it goes out by itself."),
    "events_off": Told(409, "Events are off, so a test is not sent.", "Set `events_on` of the workspace, then test."),
    "hold_ended": Told(
        409, "The hold was captured or voided, or its time is over.", "Nothing; or hold the coins anew."
    ),
    "last_owner": Told(409, "A workspace keeps at least one owner.", "Make another owner first."),
    "one_secret_alive": Told(409, "Only one storefront secret is alive.", "Make a new one before you retire it."),
    "secret_unreadable": Told(
        409,
        "Stored secrets can't be read with the server's REGULARS_SECRET_KEY.",
        "Tell the operator: the key that encrypted them is needed, or the secrets once more.",
    ),
    "staff_exists": Told(409, "Somebody with this e-mail is on the staff.", "Change them, or take another address."),
    "two_secrets_alive": Told(409, "Two storefront secrets are alive.", "Retire the older one first."),
    "workspace_exists": Told(409, "Another workspace has the chosen id.", "Choose another id."),
    "body_too_large": Told(
        413, f"The body is longer than {limits.BODY_BYTES_MAX:,} bytes.", "Send fewer things in a call."
    ),
    "event_too_large": Told(
        413,
        f"The event that tells of it would be longer than {limits.EVENT_BODY_BYTES_MAX:,} bytes.",
        "Shorten the texts; nothing was done.",
    ),
    "unsupported_media_type": Told(
        415, "The body is said to be something else than JSON.", "Send `Content-Type: application/json`."
    ),
    "checkout_cart_changed": Told(
        422,
        "A cart was performed before under this `reference_order_id`, for another customer or amount.",
        "Revert it, and perform the new cart under a reference of its own.",
    ),
    "checkout_reverted": Told(
        422,
        "This `reference_order_id` was reverted: it takes nothing any more.",
        "Perform the cart under another reference.",
    ),
    "codes_out": Told(422, "No code of the offer's list is left; nothing was taken.", "Upload more codes."),
    "coupon_ended": Told(422, "The coupon has expired or was cancelled.", "Nothing."),
    "not_eligible": Told(
        422, "The offer, or the coupon, is not for this customer or cart.", "The message says for whom it is."
    ),
    "offer_closed": Told(
        422, "The offer is switched off, has not begun, is over, or is only given.", "Ask `GET /offers` what is open."
    ),
    "offer_limit_reached": Told(
        422, "The stock or the budget is used up, or the customer has had all that one may have.", "Nothing."
    ),
    "price_changed": Told(
        422,
        "The price or the number of steps that was named is not the offer's; nothing was taken.",
        "Show the price that `fields` says, and ask again.",
    ),
    "hash_reused": Told(
        422,
        "This `hash` names a wallet transaction of another customer, operation or amount.",
        "Name each transaction after what it is for.",
    ),
    "idempotency_answer_gone": Told(
        409,
        "The request was carried out before under its Idempotency-Key, longer ago than the shop keeps answers.",
        "Nothing was done again. Read what it made, such as the customer's transactions.",
    ),
    "hook_unreadable": Told(
        422, "A hook's body is not what its platform sends by its topic.", "Look at its body; then replay it."
    ),
    "idempotency_key_reused": Told(
        422, "The Idempotency-Key came before with another request.", "Name each key after what the call is for."
    ),
    "insufficient_balance": Told(
        422, "The wallet holds less than was to be taken; nothing was taken.", "Take at most what `fields` says."
    ),
    "invalid": Told(
        422, "Fields hold something else than was expected.", "Mend what `fields` names: all of them are named at once."
    ),
    "key_taken": Told(
        422, "The same act came before with other contents, and was done then.", "Nothing, or name the new act anew."
    ),
    "not_reversible": Told(
        422, "The transaction brought or took nothing that could be reversed.", "Name the one that did."
    ),
    "refused": Told(422, "The request can't be taken, as the message says.", "Mend what the message says."),
    "unknown_customer": Told(
        422, "No customer has this `lead_id`.", "Name them by `customer_id`: then they are made, if need be."
    ),
    "unknown_trigger": Told(422, "No trigger of this workspace has this id.", "Take the id from the trigger's page."),
    "wallet_full": Told(
        422,
        f"More than {limits.WALLET_CREDITED_MAX:,} would have been credited to the wallet in all.",
        "Nothing: no customer needs that many.",
    ),
    "too_many_requests": Told(429, "The key made more calls than it may; nothing was done.", _WAIT),
    "broken": Told(
        500, "A fault of this product; nothing was changed.", "Tell the operator the reference: it stands in the log."
    ),
    "unavailable": Told(
        503,
        "The database does not answer; whether the call was carried out is not known.",
        "Make the same call again, with the same Idempotency-Key.",
    ),
}

_EARNS_LATER = "Nothing: report the order again when it is, and it earns."
_RAISE = "Nothing; or raise the limit in the trigger."
_BUDGET = "Nothing; or raise the budget in the trigger."
_COUNTS = "Nothing: it rewards when the mark is reached."

FIRINGS: dict[str, Meaning] = {
    "trigger_inactive": Meaning("The trigger is switched off.", "Switch it on, then fire it again."),
    "effect_unavailable": Meaning(
        "The trigger is of a kind that does not act yet: only wallet triggers do.", "Nothing; or make a wallet trigger."
    ),
    "not_started": Meaning("What happened, happened before the trigger's `starts_at`.", "Nothing."),
    "already_ended": Meaning("What happened, happened at or after the trigger's `ends_at`.", "Nothing."),
    "amount_not_matched": Meaning("The amount is outside of `on_order_amount_matched`.", "Nothing."),
    "rule_unreadable": Meaning(
        "This version does not understand the trigger's condition.", "Write the condition anew."
    ),
    "conditions_not_met": Meaning("The trigger's condition does not hold: `value` says what was found.", "Nothing."),
    "activities_not_reached": Meaning("The customer's activities are fewer than the rule's mark so far.", _COUNTS),
    "amount_not_reached": Meaning("The customer's amounts come to less than the rule's mark so far.", _COUNTS),
    "cooling_down": Meaning("It gave to the customer less than `cool_down_minutes` before.", "Nothing."),
    "day_budget_spent": Meaning("What it may give to all customers in a day does not suffice.", _BUDGET),
    "budget_spent": Meaning("What it may give to all customers in all does not suffice.", _BUDGET),
    "already_given": Meaning("The trigger has given for this very thing before.", "Nothing."),
    "customer_limit_reached": Meaning("The customer got from it as often as the trigger gives in all.", _RAISE),
    "day_limit_reached": Meaning("The customer got from it as often as it gives in a day of the shop.", _RAISE),
    "month_limit_reached": Meaning("The customer got from it as often as it gives in a month of the shop.", _RAISE),
    "insufficient_balance": Meaning(
        "The trigger takes coins, and there are too few.", "Fire it when there are enough."
    ),
    "wallet_full": Meaning("The wallet can't be credited that much more.", "Nothing."),
    "key_taken": Meaning("The order has earned by this trigger before.", "Nothing."),
    "order_cancelled": Meaning("The order was cancelled, voided or paid back.", "Nothing."),
    "order_other_currency": Meaning(
        "The order is in another currency than the shop.", "Nothing; or correct `currency_code` and report it again."
    ),
    "order_amount_zero": Meaning("The order's amount is 0.", "Nothing."),
    "order_amount_below_unit": Meaning("The amount is less than one whole unit of its currency.", "Nothing."),
    "order_nothing_earns": Meaning(
        "None of the order's money earns: by its `basis`, or as it was given back.", "Nothing; or change the `basis`."
    ),
    "order_not_paid": Meaning("The trigger waits until the order is paid.", _EARNS_LATER),
    "order_not_fulfilled": Meaning("The trigger waits until the order is fulfilled.", _EARNS_LATER),
    "order_earns_too_much": Meaning(
        "The order would earn more coins than there are numbers for.", "Lower the trigger's `coins_per_unit`."
    ),
}

RULES: dict[str, Meaning] = {
    "queued": Meaning("A delivery was made and waits to be sent.", "Nothing; if the tool is paused, Initialize it."),
    "delivered": Meaning("The tool has it.", "Nothing."),
    "failed": Meaning("The delivery was given up.", "Read its attempts, mend the cause, replay it."),
    "waiting": Meaning("The event is about to be looked at.", "Wait some seconds."),
    "would_send": Meaning("Of a test: the rule lets such an event through.", "Nothing."),
    "restricted": Meaning("The event does not meet the rule's conditions: `restrictions`.", "Change the rule, or not."),
    "rule_off": Meaning("The rule is, or was, switched off.", "Switch it on for the events to come."),
    "rule_unreadable": Meaning("This version does not understand the rule's condition.", "Write the condition anew."),
    "rule_deleted": Meaning("The rule was deleted before it looked at the event.", "Nothing."),
    "made_later": Meaning("The rule is younger than the event.", "Nothing: send a test to see what it would send."),
    "events_off": Meaning("The shop's events were off.", "Set `events_on` of the workspace for the events to come."),
    "too_deep": Meaning(
        f"More than {limits.EVENT_DEPTH_MAX} events led to this one, so it was told to nobody.",
        "Break the circle of rules that lead to each other.",
    ),
}

ATTEMPTS: dict[str, Meaning] = {
    "delivered": Meaning("The tool took it.", "Nothing."),
    "retry": Meaning("Not now: the tool asked for a wait, failed, or did not answer.", "Nothing: `next_at` says when."),
    "gave_up": Meaning(
        "It can't be taken as it is, or was tried as often as is done; `reason` quotes the tool.",
        "Mend the cause, then replay it.",
    ),
    "paused": Meaning(
        "The tool takes nothing of the integration: the key or the address is wrong.",
        "Mend that, then Initialize: the delivery is still queued.",
    ),
}


def table(head: str, codes: dict[str, Told] | dict[str, Meaning]) -> str:
    """As Markdown, codes in their order."""
    first = next(iter(codes.values()))
    status = isinstance(first, Told)
    lines = [
        f"| {head} |{' status |' if status else ''} when | what to do |",
        f"|---|---|---|{'---|' if status else ''}",
    ]
    for code, told in codes.items():
        lines.append(f"| `{code}` | {' | '.join(str(part) for part in told)} |")
    return "\n".join(lines)
