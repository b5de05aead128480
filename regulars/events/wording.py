"""An event as one sentence, made of nothing but its body: `93 coins to Asha Rao for order #1028, balance 240`."""

from collections.abc import Callable
from typing import Any

import msgspec

from regulars.conditions import Part
from regulars.events.catalogue import TOPICS
from regulars.kit import counted, money

_Said = list[str | Part]


def label(topic: str) -> str:
    """What kind of event it is, as people choose it; a kind that this version does not know by its name on the wire."""
    return TOPICS[topic].label if topic in TOPICS else topic


def sentence(topic: str, body: str) -> str:
    """Without a full stop. An event of a topic that this version does not know is said by its customer alone."""
    return "".join(part.text for part in sentence_parts(topic, body))


def sentence_parts(topic: str, body: str) -> list[Part]:
    """The same in pieces; strong ones are names that people gave, in whatever script."""
    facts = msgspec.json.decode(body, type=_Facts)
    say = _SENTENCES.get(topic)
    said: _Said = say(facts) if say else [f"{label(topic)}: ", _who(facts)]
    return [Part(piece) if isinstance(piece, str) else piece for piece in said]


class _Facts(msgspec.Struct, gc=False):
    """What sentences are made of, of any topic. A property without a value is ''."""

    business_coin_name: str = "coins"
    business_currency_code: str = ""
    business_currency_symbol: str = ""
    user_name: str = ""
    user_email: str = ""
    user_customer_id: str = ""
    user_available_balance: Any = 0
    referred_by_referral_code: str = ""
    changed_properties: list[str] = []
    direction: str = ""
    formatted_tier: str = ""
    formatted_ends_at: str = ""
    reference_order_name: str = ""
    currency_code: str = ""
    fiat_amount: Any = 0
    status: str = ""
    financial_status: str = ""
    delivery_status: str = ""
    wallet: str = "coins"
    operation: str = ""
    type: str = ""
    title: str = ""
    amount: Any = 0
    closing_balance: Any = 0
    wallet_expiry_amount: Any = 0
    wallet_expiry_formatted_estimated_on: str = ""
    name: str = ""
    value: str = ""
    formatted_expire: str = ""
    rating: Any = ""
    reference_product_name: str = ""
    referred_by_name: str = ""
    referred_to_name: str = ""
    segment_name: str = ""


_CHANGED = {
    "email": "e-mail",
    "mobile": "mobile number",
    "dob": "date of birth",
    "accept_email": "consent to e-mail",
    "accept_mobile": "consent to messages",
}

# What a txn does to the coins of whom, by its type and operation.
_MOVES = {
    ("adjust", "cr"): "given by hand to",
    ("adjust", "dr"): "taken away by hand from",
    ("expire", "dr"): "expired for",
    ("revert", "dr"): "taken back from",
    ("revert", "cr"): "given back to",
    ("import", "cr"): "brought along for",
    ("redeem", "dr"): "spent by",
}


def _who(facts: _Facts) -> Part:
    return Part(facts.user_name or facts.user_email or facts.user_customer_id or "somebody", strong=True)


def _named(name: str, other: str) -> Part:
    return Part(name or other, strong=bool(name))


def _amount(facts: _Facts, amount: float) -> str:
    if facts.wallet == "credits":
        return money(amount, facts.business_currency_code, facts.business_currency_symbol)
    return counted(amount, facts.business_coin_name)


def _customer_created(facts: _Facts) -> _Said:
    said: _Said = [_who(facts), " became a customer"]
    if facts.referred_by_referral_code:
        said += [", referred by ", Part(facts.referred_by_referral_code, strong=True)]
    return said


def _customer_updated(facts: _Facts) -> _Said:
    if facts.changed_properties == ["referred_by_referral_code"] and facts.referred_by_referral_code:
        return [_who(facts), " came by the code ", Part(facts.referred_by_referral_code, strong=True)]
    changed = [_CHANGED.get(name, name.replace("_", " ")) for name in facts.changed_properties]
    return [_who(facts), f": {', '.join(changed) or 'details'} changed"]


def _tier_ends(facts: _Facts) -> _Said:
    tier = Part(facts.formatted_tier, strong=True)
    return [_who(facts), " stays in ", tier, " until ", facts.formatted_ends_at, ", and does not qualify any more"]


def _tier(facts: _Facts) -> _Said:
    if not facts.formatted_tier:
        return [_who(facts), " is in no tier any more"]
    return [_who(facts), f" moved {facts.direction} to ", Part(facts.formatted_tier, strong=True)]


def _order(facts: _Facts) -> _Said:
    own = facts.currency_code == facts.business_currency_code
    paid = money(facts.fiat_amount or 0, facts.currency_code, facts.business_currency_symbol if own else "")
    states = [facts.financial_status, facts.delivery_status, facts.status if facts.status == "cancelled" else ""]
    said = ", ".join(state.replace("_", " ") for state in dict.fromkeys(states) if state not in ("", "pending"))
    name = Part(facts.reference_order_name, strong=True)
    return ["Order ", name, " of ", _who(facts), f" over {paid}, {said or 'not paid yet'}"]


def _order_updated(facts: _Facts) -> _Said:
    return [*_order(facts), " now"]


def _coins(facts: _Facts) -> _Said:
    came = facts.operation == "cr"
    move = _MOVES.get((facts.type, facts.operation), "to" if came else "from")
    reason: _Said = []
    if facts.reference_order_name:
        reason = [" for order ", Part(facts.reference_order_name, strong=True)]
    elif facts.title:
        reason = [" for “", Part(facts.title, strong=True), "”"]
    balance = f"{facts.closing_balance:,}" if facts.wallet == "coins" else _amount(facts, facts.closing_balance)
    return [f"{_amount(facts, facts.amount)} {move} ", _who(facts), *reason, f", balance {balance}"]


def _coins_updated(facts: _Facts) -> _Said:
    return [*_coins(facts), f": now {facts.status}"]


def _expiring(facts: _Facts) -> _Said:
    on = facts.wallet_expiry_formatted_estimated_on
    return [f"{counted(facts.wallet_expiry_amount, facts.business_coin_name)} of ", _who(facts), f" expire on {on}"]


def _unused(facts: _Facts) -> _Said:
    return [f"{counted(facts.user_available_balance, facts.business_coin_name)} of ", _who(facts), " lie unused"]


def _coupon(what: str) -> Callable[[_Facts], _Said]:
    return lambda facts: ["Coupon ", Part(facts.value or facts.name, strong=True), what.format(facts), _who(facts)]


def _review(what: str) -> Callable[[_Facts], _Said]:
    def say(facts: _Facts) -> _Said:
        stars = counted(facts.rating, "stars") if isinstance(facts.rating, int | float) else "No stars"
        return [f"{stars} for ", _named(facts.reference_product_name, "a product"), what, _who(facts)]

    return say


def _referral(what: str) -> Callable[[_Facts], _Said]:
    return lambda facts: [
        _named(facts.referred_to_name, "A friend"),
        ", referred by ",
        _named(facts.referred_by_name, "a customer"),
        what,
    ]


_SENTENCES: dict[str, Callable[[_Facts], _Said]] = {
    "lead_create": _customer_created,
    "lead_update": _customer_updated,
    "viptier_create": _tier,
    "viptierends_create": _tier_ends,
    "order_create": _order,
    "order_update": _order_updated,
    "walletreward_create": _coins,
    "wallettrasaction_update": _coins_updated,
    "coinexpirynotify_create": _expiring,
    "unusedwalletcoinrequest_create": _unused,
    "coupon_create": _coupon(" for "),
    "coupon_update": _coupon(" is {0.status}: "),
    "unusedcouponrequest_create": _coupon(" lies unused with "),
    "review_create": _review(" from "),
    "review_update": _review(", review changed, from "),
    "reviewrequest_create": lambda facts: [
        _who(facts),
        " is asked to review order ",
        Part(facts.reference_order_name, strong=True),
    ],
    "refereenotify_create": _referral(": the discount is ready"),
    "referrernotify_create": _referral(": the referral is complete"),
    "incompletereferralrequest_create": _referral(": has not ordered yet"),
    "segment_enter": lambda facts: [_who(facts), " entered ", Part(facts.segment_name, strong=True)],
    "segment_leave": lambda facts: [_who(facts), " left ", Part(facts.segment_name, strong=True)],
}
