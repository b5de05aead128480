"""What referrals refuse; nothing was kept."""

from regulars.kit import Conflict, NotFound, Refusal


class ReferralsOff(Refusal):
    """The shop does not have referrals, or not in this way."""

    code = "referrals_off"
    message = "This shop does not take referrals in this way."


class UnknownReferralCode(NotFound):
    """No customer has this referral code."""

    code = "referral_code_unknown"
    message = "This referral code does not exist."


class SelfReferral(Refusal):
    """The friend is the very customer who refers: by e-mail address, by number, or as the same customer."""

    code = "self_referral"
    message = "Nobody can refer themselves. The link is for friends who are not customers yet."


class AlreadyCustomer(Refusal):
    """The friend has ordered before, and only those who have not can be referred."""

    code = "already_customer"
    message = "This friend is a customer already. Only somebody who has not ordered yet can be referred."


class AlreadyReferred(Conflict):
    """A friend is referred once, and somebody else has done so."""

    code = "already_referred"
    message = "This friend was referred before. Everybody can be referred once."


class TooManyFriends(Refusal):
    """More friends than one customer can refer in a day."""

    code = "too_many_friends"
    message = "Too many friends were referred with this code today. Try again tomorrow."


class NotDecidable(Conflict):
    """The referral has ended already, or does not wait to be looked at."""

    code = "referral_ended"
