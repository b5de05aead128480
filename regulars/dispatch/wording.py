"""A rule as a sentence:
`When coins are rewarded and the amount is at least 100, send walletreward_create to Omnisend`."""

from regulars import conditions
from regulars.conditions import Part
from regulars.dispatch.model import Rule
from regulars.events import TOPICS, label
from regulars.kit.errors import Invalid

# What happens, as it reads after "When".
_HAPPENINGS = {
    "lead_create": "a customer is created",
    "lead_update": "a customer is updated",
    "viptier_create": "a customer's VIP tier changes",
    "viptierends_create": "a VIP tier is about to end",
    "order_create": "an order is created",
    "order_update": "an order is updated",
    "walletreward_create": "coins are rewarded",
    "wallettrasaction_update": "a wallet transaction is updated",
    "coinexpirynotify_create": "coins are about to expire",
    "unusedwalletcoinrequest_create": "coins lie unused",
    "coupon_create": "a coupon is created",
    "coupon_update": "a coupon is updated",
    "unusedcouponrequest_create": "a coupon lies unused",
    "review_create": "a review is created",
    "review_update": "a review is updated",
    "reviewrequest_create": "a review is requested",
    "refereenotify_create": "a friend's discount is ready",
    "referrernotify_create": "a referral is completed",
    "incompletereferralrequest_create": "a referral waits for its order",
}


def rule_sentence(rule: Rule) -> str:
    """Without a full stop."""
    return "".join(part.text for part in rule_sentence_parts(rule))


def rule_sentence_parts(rule: Rule) -> list[Part]:
    """The same in pieces, those to emphasise marked strong."""
    happening = _HAPPENINGS.get(rule.topic) or f"“{label(rule.topic)}” happens"
    parts = [Part("When "), Part(happening, strong=True)]
    try:
        condition = rule.parsed_condition()
    except Invalid as no:
        condition = None
        if rule.topic in TOPICS:
            parts.append(Part(f" and a restriction holds that can't be read any more ({no.message})"))
    if condition is not None:
        parts += [Part(" and "), *conditions.sentence_parts(condition, TOPICS[rule.topic].restrictions)]
    to = rule.integration_name or "an integration that is gone"
    return [*parts, Part(", send "), Part(rule.event_name, strong=True), Part(" to "), Part(to, strong=True)]
