"""A customer's proof for calls from a shop's own pages, where everybody can read the key.

    shop's server: digest(secret, customer_id, timestamp) --> page --x-leaddigest--> GET /leads --x-leadtoken--> calls

A token is good for an hour and is renewed by a digest alone: whoever got hold of one can't make it last. The secret is
the workspace's (`tenancy/storefront.py`); while it is rotated two are alive, and either proves. The shop's owner finds
it in the dashboard's settings, and a program at `GET /api/v1/workspace/storefront-secret`. A shop's server may as well
sign the token itself: a JSON Web Token, HS256 by the secret's text, `{"lead_id": ..., "exp": ...}`.
"""

import hmac
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any
from uuid import UUID

import jwt

from regulars import limits
from regulars.kit import Forbidden, Unauthenticated, invalid
from regulars.kit.secrets import same


class ProofMissing(Unauthenticated, code="customer_proof_missing"):
    """The call needs to prove which customer it is made for."""


class ProofWrong(Unauthenticated, code="customer_proof_wrong"):
    """The proof is forged, garbled or too old."""


class ProofOfAnother(Forbidden, code="customer_proof_of_another"):
    """The customer's proof is of another customer."""


def digest(secret: str, customer_id: str, timestamp: str) -> str:
    """HMAC-SHA256 by the secret's text, over customer_id, a full stop and the timestamp as sent; 64 hex digits."""
    return hmac.new(secret.encode(), f"{customer_id}.{timestamp}".encode(), sha256).hexdigest()


def check_digest(secrets: Sequence[str], customer_id: str, timestamp: str, given: str, now: datetime) -> None:
    """`timestamp`: seconds or milliseconds since 1970. Raises Invalid, ProofMissing, ProofWrong."""
    if not given or not timestamp:
        raise ProofMissing(
            "This key is for a shop's pages: the call must prove its customer.",
            fields={"x-leadtoken": "expected a token, or x-leaddigest with x-timestamp"},
        )
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) in (10, 13)):
        raise ProofWrong(
            "x-timestamp is no time.", fields={"x-timestamp": "expected seconds or milliseconds since 1970"}
        )
    at_s = int(timestamp) / (1000 if len(timestamp) == 13 else 1)
    if abs(now.timestamp() - at_s) > limits.LEAD_PROOF_S:
        raise ProofWrong("x-leaddigest is too old.", fields={"x-timestamp": "expected a time within the last hour"})
    if not customer_id:
        raise invalid("customer_id", "the customer whom x-leaddigest proves")
    if not any(same(digest(secret, customer_id, timestamp), given.lower()) for secret in secrets):
        raise ProofWrong("x-leaddigest is not the digest of this customer_id and x-timestamp.")


def issue_token(secret: str, lead_id: UUID, now: datetime) -> str:
    claims = {"lead_id": str(lead_id), "iat": now, "exp": now + timedelta(seconds=limits.LEAD_PROOF_S)}
    return jwt.encode(claims, secret, algorithm="HS256")


def customer_of(secrets: Sequence[str], token: str, now: datetime) -> UUID:
    """The lead_id that the token proves. Raises ProofMissing, ProofWrong."""
    try:
        return UUID(str(proven(secrets, token, now)["lead_id"]))
    except (KeyError, ValueError):
        raise ProofWrong("x-leadtoken is not a token of this workspace.") from None


def proven(secrets: Sequence[str], token: str, now: datetime) -> dict[str, Any]:
    """What a token says that one of the secrets signed, and that is good now. Raises ProofMissing, ProofWrong."""
    if not token:
        raise ProofMissing(
            "The call must prove its customer.", fields={"x-leadtoken": "expected the token that GET /leads answers"}
        )
    try:
        claims = _claims(secrets, token)
        expires_at = datetime.fromtimestamp(float(claims["exp"]), UTC)
    except (jwt.InvalidTokenError, KeyError, TypeError, ValueError, OverflowError, OSError):
        raise ProofWrong("x-leadtoken is not a token of this workspace.") from None
    # Checked here, by the clock of the door. A token that a shop signed for longer is held to the hour all the same.
    if not now < expires_at <= now + timedelta(seconds=limits.LEAD_PROOF_S + limits.CLOCK_SKEW_S):
        raise ProofWrong("x-leadtoken has expired, or is good for more than an hour.")
    return claims


def _claims(secrets: Sequence[str], token: str) -> dict[str, Any]:
    """What the token says, if one of the secrets signed it. Raises jwt.InvalidTokenError."""
    *newer, oldest = secrets
    for secret in newer:
        with suppress(jwt.InvalidSignatureError):
            return _decode(token, secret)
    return _decode(token, oldest)


def _decode(token: str, secret: str) -> dict[str, Any]:
    return jwt.decode(
        token, secret, algorithms=["HS256"], options={"verify_exp": False, "verify_iat": False, "verify_nbf": False}
    )
