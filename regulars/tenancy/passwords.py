"""Passwords: which may be chosen, and the slow hash by which they are known.

Making or checking a hash costs a core some hundredths of a second and 64 MiB, on purpose. So it is done outside of
transactions, in threads, a few at a time; who would have to wait long is told to come back.
"""

import asyncio
import secrets
from base64 import b64encode
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import NewType, TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.low_level import ARGON2_VERSION

from regulars import limits
from regulars.kit import TooMany, invalid

Hashed = NewType("Hashed", str)
"""What is stored of a password."""

T = TypeVar("T")

_hasher = PasswordHasher()
_threads = ThreadPoolExecutor(limits.PASSWORDS_AT_ONCE, thread_name_prefix="passwords")
_at_work = 0


def _nobodys() -> Hashed:
    """Of no password that anybody knows, drawn rather than computed: every process would pay for that as it starts."""
    costs = f"m={_hasher.memory_cost},t={_hasher.time_cost},p={_hasher.parallelism}"
    salt, digest = (
        b64encode(secrets.token_bytes(n)).decode().rstrip("=") for n in (_hasher.salt_len, _hasher.hash_len)
    )
    return Hashed(f"$argon2id$v={ARGON2_VERSION}${costs}${salt}${digest}")


# Verified against when the e-mail is unknown, so that the answer takes as long as for a known one.
NOBODYS = _nobodys()


def draw_password() -> str:
    """96 random bits, for somebody to sign in with until they choose their own."""
    return secrets.token_urlsafe(12)


def check_password(password: str, *about: str) -> None:
    """`about`: what a stranger would try first, such as the e-mail address. Raises Invalid.

    Sign-in lets a stranger guess some millions of times a year at most, so a password must stand a hundred million
    guesses of somebody who knows the common ones, names, words, dates and how people bend them.
    """
    # Loaded when somebody chooses a password: its lists of words are no business of other processes.
    from zxcvbn import zxcvbn  # type: ignore[import-untyped]

    if not limits.PASSWORD_CHARS_MIN <= len(password) <= limits.NAME_CHARS_MAX:
        raise invalid("password", f"{limits.PASSWORD_CHARS_MIN} to {limits.NAME_CHARS_MAX} characters")
    known = [part for text in about for part in (text, *text.replace("@", " ").replace(".", " ").split())]
    # What stands behind the first characters makes it no weaker, and costs time.
    if zxcvbn(password[: limits.PASSWORD_CHARS_WEIGHED_MAX], user_inputs=known)["score"] < limits.PASSWORD_SCORE_MIN:
        raise invalid("password", "one that is harder to guess: three or four words that have nothing to do with you")


async def hashed(password: str, *about: str) -> Hashed:
    """Raises Invalid, as `check_password` does, and TooMany. Not to be called inside a transaction."""
    check_password(password, *about)
    return Hashed(await _in_turn(lambda: _hasher.hash(password)))


async def verified(known: Hashed, password: str) -> bool:
    """Raises TooMany. Not to be called inside a transaction."""
    return await _in_turn(lambda: _matches(known, password))


async def _in_turn(work: Callable[[], T]) -> T:
    global _at_work
    if _at_work >= limits.PASSWORDS_WAITING_MAX:
        raise TooMany("Many people sign in at this moment. Wait some seconds, then try again.", retry_after_s=3)
    _at_work += 1
    try:
        return await asyncio.get_running_loop().run_in_executor(_threads, work)
    finally:
        _at_work -= 1


def _matches(known: Hashed, password: str) -> bool:
    try:
        return _hasher.verify(known, password)
    except (VerificationError, InvalidHashError):
        return False
