"""Standard Webhooks (https://www.standardwebhooks.com): what a secret is, and how a call is signed with it."""

import base64
import hmac
import re
import secrets
from binascii import b2a_base64
from datetime import datetime
from functools import lru_cache

import msgspec

from regulars import limits
from regulars.kit.clock import wire_time

_SECRET_BYTES = 24
# What the specification asks of a secret's length.
SECRET_BYTES_MIN, SECRET_BYTES_MAX = 24, 64


def payload(kind: str, at: datetime, data: str) -> bytes:
    """What is said of an event of this kind: its data, which is JSON, goes out as the text it is."""
    return f'{{"type":{msgspec.json.encode(kind).decode()},"timestamp":"{wire_time(at)}","data":{data}}}'.encode()


def new_secret() -> str:
    """`whsec_` and 192 random bits in base64."""
    return "whsec_" + base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()


def key_bytes(secret: str) -> bytes:
    """The key inside a secret, whose base64 may lack its padding. Raises ValueError."""
    return base64.b64decode(secret.removeprefix("whsec_") + "==")


def is_secret(text: str) -> bool:
    if re.fullmatch(r"whsec_[A-Za-z0-9+/]+=*", text) is None:
        return False
    try:
        return SECRET_BYTES_MIN <= len(key_bytes(text)) <= SECRET_BYTES_MAX
    except ValueError:
        return False


@lru_cache(limits.SIGNING_KEYS_REMEMBERED_MAX)
def _begun(key: bytes) -> hmac.HMAC:
    """To set a key up costs more than to sign a body."""
    return hmac.new(key, digestmod="sha256")


def signature(key: bytes, webhook_id: str, timestamp: str, body: bytes) -> str:
    """What stands behind `v1,`."""
    signing = _begun(key).copy()
    signing.update(f"{webhook_id}.{timestamp}.".encode("utf-8", "surrogateescape"))
    signing.update(body)
    return b2a_base64(signing.digest(), newline=False).decode()
