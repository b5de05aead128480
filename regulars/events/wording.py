"""An event as one sentence, made of nothing but its body: `93 coins to Asha Rao for order #1028, balance 240`."""

from collections.abc import Callable
from typing import Any

import msgspec

from regulars.conditions import Part
from regulars.events.catalogue import TOPICS
from regulars.kit import counted, money


def label(topic: str) -> str:
    """What kind of event it is, as people choose it; a kind that this version does not know by its name on the wire."""
    return TOPICS[topic].label if topic in TOPICS else topic


def sentence(topic: str, body: str) -> str:
    """Without a full stop. An event of a topic that this version does not know is said by its customer alone."""
    return "".join(part.text for part in sentence_parts(topic, body))


def sentence_parts(topic: str, body: str) -> list[Part]:
    """The same in pieces; strong ones are names that people gave, in whatever script."""
    facts = msgspec.json.decode(body, type=_Facts)
    said = _SENTENCES.get(topic, _KIND)
    pieces = (said if isinstance(said, str) else said(facts)).split("*")
    return [_piece(piece, facts, name=n % 2 == 1, label=label(topic)) for n, piece in enumerate(pieces) if piece]


def _piece(text: str, facts: "_Facts", *, name: bool, label: str) -> Part:
    """Between stars stands a name, and behind a bar what is said where there is none."""
    named, _, other = text.partition("|")
    said = named.format(facts, label=label)
    return Part(said or other, strong=name and bool(said))


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

    @property
    def who(self) -> str:
        return self.user_name or self.user_email or self.user_customer_id or "somebody"

    @property
    def coupon(self) -> str:
        return self.value or self.name

    @property
    def changed(self) -> str:
        changed = [_CHANGED.get(name, name.replace("_", " ")) for name in self.changed_properties]
        return ", ".join(changed) or "details"

    @property
    def paid(self) -> str:
        own = self.currency_code == self.business_currency_code
        return money(self.fiat_amount or 0, self.currency_code, self.business_currency_symbol if own else "")

    @property
    def states(self) -> str:
        states = (self.financial_status, self.delivery_status, self.status if self.status == "cancelled" else "")
        said = (state.replace("_", " ") for state in dict.fromkeys(states) if state not in ("", "pending"))
        return ", ".join(said) or "not paid yet"

    @property
    def moved(self) -> str:
        move = _MOVES.get((self.type, self.operation), "to" if self.operation == "cr" else "from")
        return f"{self._amount(self.amount)} {move}"

    @property
    def balance(self) -> str:
        return f"{self.closing_balance:,}" if self.wallet == "coins" else self._amount(self.closing_balance)

    @property
    def expiring(self) -> str:
        return counted(self.wallet_expiry_amount, self.business_coin_name)

    @property
    def unused(self) -> str:
        return counted(self.user_available_balance, self.business_coin_name)

    @property
    def stars(self) -> str:
        return counted(self.rating, "stars") if isinstance(self.rating, int | float) else "No stars"

    def _amount(self, amount: float) -> str:
        if self.wallet == "credits":
            return money(amount, self.business_currency_code, self.business_currency_symbol)
        return counted(amount, self.business_coin_name)


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


def _customer_updated(facts: _Facts) -> str:
    if facts.changed_properties == ["referred_by_referral_code"] and facts.referred_by_referral_code:
        return "*{0.who}* came by the code *{0.referred_by_referral_code}*"
    return "*{0.who}*: {0.changed} changed"


def _coins(facts: _Facts) -> str:
    reason = " for “*{0.title}*”" if facts.title else ""
    if facts.reference_order_name:
        reason = " for order *{0.reference_order_name}*"
    return "{0.moved} *{0.who}*" + reason + ", balance {0.balance}"


_KIND = "{label}: *{0.who}*"
_ORDER = "Order *{0.reference_order_name}* of *{0.who}* over {0.paid}, {0.states}"
_REVIEW = "{0.stars} for *{0.reference_product_name}|a product*"
_REFERRAL = "*{0.referred_to_name}|A friend*, referred by *{0.referred_by_name}|a customer*: "
_COUPON = "Coupon *{0.coupon}*"
_SENTENCES: dict[str, str | Callable[[_Facts], str]] = {
    "lead_create": lambda facts: (
        "*{0.who}* became a customer"
        + (", referred by *{0.referred_by_referral_code}*" if facts.referred_by_referral_code else "")
    ),
    "lead_update": _customer_updated,
    "viptier_create": lambda facts: (
        "*{0.who}* moved {0.direction} to *{0.formatted_tier}*"
        if facts.formatted_tier
        else "*{0.who}* is in no tier any more"
    ),
    "viptierends_create": "*{0.who}* stays in *{0.formatted_tier}* until {0.formatted_ends_at},"
    " and does not qualify any more",
    "order_create": _ORDER,
    "order_update": f"{_ORDER} now",
    "walletreward_create": _coins,
    "wallettrasaction_update": lambda facts: _coins(facts) + ": now {0.status}",
    "coinexpirynotify_create": "{0.expiring} of *{0.who}* expire on {0.wallet_expiry_formatted_estimated_on}",
    "unusedwalletcoinrequest_create": "{0.unused} of *{0.who}* lie unused",
    "coupon_create": f"{_COUPON} for *{{0.who}}*",
    "coupon_update": f"{_COUPON} is {{0.status}}: *{{0.who}}*",
    "unusedcouponrequest_create": f"{_COUPON} lies unused with *{{0.who}}*",
    "review_create": f"{_REVIEW} from *{{0.who}}*",
    "review_update": f"{_REVIEW}, review changed, from *{{0.who}}*",
    "reviewrequest_create": "*{0.who}* is asked to review order *{0.reference_order_name}*",
    "refereenotify_create": f"{_REFERRAL}the discount is ready",
    "referrernotify_create": f"{_REFERRAL}the referral is complete",
    "incompletereferralrequest_create": f"{_REFERRAL}has not ordered yet",
    "segment_enter": "*{0.who}* entered *{0.segment_name}*",
    "segment_leave": "*{0.who}* left *{0.segment_name}*",
}
