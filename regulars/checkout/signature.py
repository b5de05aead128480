"""Whether a call was signed by the shop: Standard Webhooks, as this program signs what it sends itself."""

import hmac
from collections.abc import Mapping, Sequence
from datetime import datetime

from regulars import limits
from regulars.checkout.errors import SignatureWrong
from regulars.kit.webhooks import key_bytes, signature


def verify(secrets: Sequence[str], headers: Mapping[str, str], body: bytes, now: datetime) -> None:
    """By any of the secrets, in a time that tells nothing of how much of a signature was right. Raises
    SignatureWrong."""
    webhook_id, timestamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    given = headers.get("webhook-signature", "")
    for name, value in (("webhook-id", webhook_id), ("webhook-timestamp", timestamp), ("webhook-signature", given)):
        if not value:
            raise SignatureWrong(f"The header {name} is missing.", fields={name: "expected a value"})
    at_s = int(timestamp) if timestamp.isascii() and timestamp.isdigit() and len(timestamp) < 12 else 0
    if abs(now.timestamp() - at_s) > limits.CHECKOUT_SIGNED_S:
        minutes = limits.CHECKOUT_SIGNED_S // 60
        raise SignatureWrong(
            "The call was not signed just now.",
            fields={"webhook-timestamp": f"expected the Unix time in seconds, at most {minutes} minutes away"},
        )
    right = [signature(key_bytes(secret), webhook_id, timestamp, body).encode() for secret in secrets]
    claimed = [
        part.removeprefix("v1,").encode("utf-8", "surrogateescape")
        for part in given.split(" ")[: limits.CHECKOUT_SIGNATURES_MAX]
    ]
    if sum(hmac.compare_digest(one, other) for one in right for other in claimed) == 0:
        raise SignatureWrong(
            "The signature is not that of this call.",
            fields={"webhook-signature": "expected v1, and HMAC-SHA256 in base64 over id.timestamp.body"},
        )
