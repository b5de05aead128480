"""Secrets: those we must be able to say again are encrypted, those we only need to recognise are hashed."""

import hmac
import os
import secrets
from base64 import urlsafe_b64encode
from functools import lru_cache
from hashlib import sha256
from uuid import UUID

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from regulars import limits
from regulars.kit.errors import Refusal

_VERSION = b"\x01"
_NONCE_BYTES = 12


@lru_cache(1024)
def storefront_secret(server_secret: str, workspace_id: UUID, version: int) -> str:
    """By which a shop's server proves its customers: 43 characters, always the same for this server's secret key, this
    workspace and this version."""
    info = b"regulars storefront secret " + workspace_id.bytes + version.to_bytes(4, "big")
    derived = HKDF(algorithm=SHA256(), length=32, salt=None, info=info).derive(server_secret.encode())
    return urlsafe_b64encode(derived).decode().rstrip("=")


def derived(server_secret: str, purpose: bytes) -> bytes:
    """32 bytes for one purpose, of which nothing can be learned about the secret or those for others."""
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=b"regulars " + purpose).derive(server_secret.encode())


class Unreadable(Refusal, code="secret_unreadable", status=409):
    """Stored secrets can't be read with this server's REGULARS_SECRET_KEY."""


class SecretBox:
    """Encrypts the secrets of one thing of one workspace (AES-256-GCM).

    Both ids are bound to what is sealed, so that a row copied to another workspace or thing can't be opened there.
    """

    def __init__(self, key: str) -> None:
        """`key` is any long random text; raises ValueError when it is too short to be one."""
        if len(key) < limits.SECRET_KEY_CHARS_MIN:
            raise ValueError(f"REGULARS_SECRET_KEY: expected at least {limits.SECRET_KEY_CHARS_MIN} characters")
        self._cipher = AESGCM(derived(key, b"secret box"))

    def seal(self, fields: dict[str, str], *, workspace_id: UUID, thing_id: UUID) -> bytes:
        nonce = os.urandom(_NONCE_BYTES)
        sealed = self._cipher.encrypt(nonce, msgspec.json.encode(fields), workspace_id.bytes + thing_id.bytes)
        return _VERSION + nonce + sealed

    def open(self, sealed: bytes, *, workspace_id: UUID, thing_id: UUID) -> dict[str, str]:
        """Raises Unreadable when it was sealed with another key, for another thing, or was changed since."""
        nonce, rest = sealed[1 : 1 + _NONCE_BYTES], sealed[1 + _NONCE_BYTES :]
        try:
            if sealed[:1] != _VERSION:
                raise InvalidTag
            plain = self._cipher.decrypt(nonce, rest, workspace_id.bytes + thing_id.bytes)
        except (InvalidTag, ValueError):
            raise Unreadable(
                "The stored secrets can't be read: this server's REGULARS_SECRET_KEY is not the one they were stored "
                "with. Paste them again."
            ) from None
        return msgspec.json.decode(plain, type=dict[str, str])


def new_token(prefix: str) -> str:
    """256 random bits behind a prefix that says what the token is for: `new_token("rg_read_")`."""
    return prefix + secrets.token_urlsafe(32)


def token_hash(token: str) -> bytes:
    """For tokens with enough randomness of their own (`new_token`); a password needs a slow hash instead."""
    return sha256(token.encode()).digest()


def same(left: str | bytes, right: str | bytes) -> bool:
    """Compares in a time that does not tell how much of it was right."""
    a = left.encode() if isinstance(left, str) else left
    b = right.encode() if isinstance(right, str) else right
    return hmac.compare_digest(a, b)
