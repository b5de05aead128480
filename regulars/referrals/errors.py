"""What referrals refuse; nothing was kept."""

from regulars.kit import Conflict, NotFound, Refusal


class ReferralsOff(Refusal, code="referrals_off"):
    """The shop does not have referrals, or not in this way."""

    message = "This shop does not take referrals in this way."


class UnknownReferralCode(NotFound, code="referral_code_unknown"):
    """No customer has this referral code."""

    message = "This referral code does not exist."


class SelfReferral(Refusal, code="self_referral"):
    """The friend is the very customer who refers: by e-mail address, by number, or as the same customer."""

    message = "Nobody can refer themselves. The link is for friends who are not customers yet."


class AlreadyCustomer(Refusal, code="already_customer"):
    """The friend has ordered before, and only those who have not can be referred."""

    message = "This friend is a customer already. Only somebody who has not ordered yet can be referred."


class AlreadyReferred(Conflict, code="already_referred"):
    """A friend is referred once, and somebody else has done so."""

    message = "This friend was referred before. Everybody can be referred once."


class TooManyFriends(Refusal, code="too_many_friends"):
    """More friends than one customer can refer in a day."""

    message = "Too many friends were referred with this code today. Try again tomorrow."


class NotDecidable(Conflict, code="referral_ended"):
    """The referral has ended already, or does not wait to be looked at."""
