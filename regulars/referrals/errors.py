"""What referrals refuse; nothing was kept."""

from regulars.kit import Conflict, NotFound, Refusal


class ReferralsOff(Refusal, code="referrals_off"):
    """This shop does not take referrals in this way."""


class UnknownReferralCode(NotFound, code="referral_code_unknown"):
    """This referral code does not exist."""


class SelfReferral(Refusal, code="self_referral"):
    """Nobody can refer themselves. The link is for friends who are not customers yet."""


class AlreadyCustomer(Refusal, code="already_customer"):
    """This friend is a customer already. Only somebody who has not ordered yet can be referred."""


class AlreadyReferred(Conflict, code="already_referred"):
    """This friend was referred before. Everybody can be referred once."""


class TooManyFriends(Refusal, code="too_many_friends"):
    """Too many friends were referred with this code today. Try again tomorrow."""


class NotDecidable(Conflict, code="referral_ended"):
    """The referral has ended already, or does not wait to be looked at."""
