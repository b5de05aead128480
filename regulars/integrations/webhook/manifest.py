"""What a shop fills in to have a signed webhook."""

from __future__ import annotations

import base64
import re
import secrets as random
from collections.abc import Mapping
from typing import Any

from regulars.integrations.manifest import Manifest, rate_field
from regulars.kit.fields import Field, Option

_SECRET_BYTES = 24
# What the specification asks of a secret's length.
_SECRET_BYTES_MIN, _SECRET_BYTES_MAX = 24, 64


def new_secret() -> str:
    """As Standard Webhooks writes them: `whsec_` and 192 random bits in base64."""
    return "whsec_" + base64.b64encode(random.token_bytes(_SECRET_BYTES)).decode()


def key_bytes(secret: str) -> bytes:
    """The key inside a secret, whose base64 may lack its padding. Raises ValueError."""
    return base64.b64decode(secret.removeprefix("whsec_") + "==")


def is_standard(secret: str) -> bool:
    """Whether Standard Webhooks takes it for a secret."""
    if re.fullmatch(r"whsec_[A-Za-z0-9+/]+=*", secret) is None:
        return False
    try:
        return _SECRET_BYTES_MIN <= len(key_bytes(secret)) <= _SECRET_BYTES_MAX
    except ValueError:
        return False


def _secret_fits_style(settings: Mapping[str, Any], secrets: Mapping[str, str]) -> dict[str, str]:
    """Receivers of the older style may have any secret; Standard Webhooks says what one is."""
    if settings["style"] != "standard" or is_standard(secrets["secret"]):
        return {}
    return {"secret": f"expected whsec_ followed by {_SECRET_BYTES_MIN} to {_SECRET_BYTES_MAX} bytes in base64"}


MANIFEST = Manifest(
    tool="webhook",
    label="Webhook",
    category="developers",
    summary="Each event is posted, signed, to an address of your own.",
    help_text=(
        "Your receiver checks the signature with the secret, takes two calls with the same webhook-id for one, and "
        "answers with a status from 200 to 299 within 10 seconds."
    ),
    help_url="https://www.standardwebhooks.com",
    deduplicates=True,
    fields=(
        Field(
            name="url",
            label="Address of your receiver",
            kind="url",
            expected="an address such as https://shop.example/hooks/loyalty",
        ),
        Field(
            name="secret",
            label="Signing secret",
            kind="secret",
            help="Leave it empty to have one made. It is shown once.",
            required=False,
            pattern=r"[\x21-\x7e]{16,200}",
            expected="16 to 200 letters, digits and signs without spaces",
            generate=new_secret,
            # It only signs, so nobody learns it; but older receivers are sent its hash, and take that for a proof.
            sent_to=lambda settings: "" if settings["style"] == "standard" else str(settings["url"]),
        ),
        Field(
            name="style",
            label="Signature style",
            kind="select",
            help="Choose the older style only for a receiver that was written for it.",
            default="standard",
            options=(
                Option("standard", "Standard Webhooks"),
                Option("nector", "x-nector-webhook-hmac (older receivers)"),
            ),
        ),
        rate_field(60_000, "Lower it if your receiver can't keep up."),
    ),
    also=_secret_fits_style,
)
