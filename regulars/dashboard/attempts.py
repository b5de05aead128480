"""How often a password may be guessed: by whom, at which account, and in all.

    drawn --wrong--> kept         so many that are tried at once are counted before the first is looked at
      `-----right, or not looked at--> given back

A browser that signed in as this e-mail address before is counted by itself: whatever strangers do, its owner gets in.
Others are counted by the address that calls together with the account, by that address alone, by the account, and all
together. An address counts only where it tells people apart: behind a proxy it is everybody's, unless the proxy is
named (`REGULARS_TRUSTED_PROXIES`) and says for whom it calls.
"""

import hmac
import secrets
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from hashlib import sha256
from ipaddress import IPv6Address, ip_address, ip_network
from uuid import UUID

import msgspec
from litestar.datastructures import Cookie

from regulars import limits
from regulars.dashboard import security
from regulars.dashboard.desk import Call
from regulars.dashboard.words import plural
from regulars.kit import TooMany, Tx, allowance
from regulars.kit.secrets import derived, same
from regulars.kit.settings import Settings
from regulars.tenancy import Person
from regulars.wiring import App

_NO_WORKSPACE = UUID(int=0)
"""Of which shop somebody is who can't sign in, nobody knows."""


class Count(msgspec.Struct, frozen=True):
    """`most` wrong ones in `window_s`, after which they come back one by one."""

    name: str
    most: int
    window_s: float = limits.SIGN_IN_WINDOW_S

    async def draw(self, tx: Tx, now: datetime, wanted: int) -> None:
        """Raises TooMany."""
        per_s = self.most / self.window_s
        drawn = await allowance.draw(tx, _NO_WORKSPACE, self.name, now, wanted=wanted, most=self.most, per_s=per_s)
        if drawn.granted != wanted:
            wait_s = (1 - drawn.left) / per_s
            wait = plural(round(wait_s / 60), "minute") if wait_s >= 60 else plural(max(1, round(wait_s)), "second")
            raise TooMany(f"Too many attempts. Wait {wait}, then try again.", retry_after_s=wait_s)


def at_sign_in(app: App, request: Call, email: str) -> list[Count]:
    # What people type into the field for an e-mail address may be a password, so it is not written down as it is.
    whose = f"sign-in {hidden(email)}"
    known = _known_browser(app, request, email)
    if known:
        return [Count(f"{whose} known {known}", limits.SIGN_IN_FAILURES_MAX)]
    client = client_address(app.settings, request)
    counts = [
        Count(f"{whose} of", limits.SIGN_IN_FAILURES_ANYWHERE_MAX),
        Count("sign-in all", limits.SIGN_IN_FAILURES_IN_ALL_MAX, limits.SIGN_IN_IN_ALL_WINDOW_S),
    ]
    if not client:
        return counts
    return [
        Count(f"{whose} from {hidden(client)}", limits.SIGN_IN_FAILURES_MAX),
        Count(f"sign-in from {hidden(client)}", limits.SIGN_IN_FAILURES_FROM_MAX),
        *counts,
    ]


def at_own_password(person: Person) -> list[Count]:
    return [Count(f"password {person.id}", limits.SIGN_IN_FAILURES_MAX)]


@asynccontextmanager
async def attempt(app: App, counts: Sequence[Count], *wrong: type[Exception]) -> AsyncIterator[None]:
    """A secret is looked at inside of this; one that is wrong raises one of `wrong`. Raises TooMany before that."""
    async with app.db.transaction() as tx:
        # Rows are locked in the order of the kinds, of which each attempt has one of each: nobody waits in a circle.
        for count in counts:
            await count.draw(tx, app.clock.now(), 1)
        await allowance.forget_unused(tx, _NO_WORKSPACE, app.clock.now(), unused_s=limits.SIGN_IN_WINDOW_S)
    try:
        yield
    except wrong:
        raise
    except BaseException:
        await _give_back(app, counts)
        raise
    await _give_back(app, counts)


async def _give_back(app: App, counts: Sequence[Count]) -> None:
    async with app.db.transaction() as tx:
        for count in counts:
            await count.draw(tx, app.clock.now(), -1)


async def forget(tx: Tx, email: str) -> None:
    """Whoever is given a new password may try it at once."""
    await allowance.forget(tx, _NO_WORKSPACE, f"sign-in {hidden(email)} ")


def known_browser(app: App, request: Call, email: str) -> Cookie:
    """For the browser in which somebody has just signed in."""
    drawn = secrets.token_urlsafe(12)
    text = f"{drawn}.{_mark(app, email, drawn)}"
    return security.cookie(app.settings, request, security.KNOWN_COOKIE, text, max_age_s=limits.BROWSER_KNOWN_S)


def _known_browser(app: App, request: Call, email: str) -> str:
    """Its name; nothing when this browser did not sign in with this e-mail address before."""
    drawn, _, mark = security.read_cookie(app.settings, request, security.KNOWN_COOKIE).partition(".")
    return drawn if mark and same(mark, _mark(app, email, drawn)) else ""


def _mark(app: App, email: str, drawn: str) -> str:
    key = derived(app.settings.secret(), b"known browsers")
    return hmac.new(key, f"{email}\0{drawn}".encode(), sha256).hexdigest()


def client_address(settings: Settings, request: Call) -> str:
    """The address that calls, or its network where one caller has a whole one (IPv6); nothing when it does not tell
    callers apart: a private one is a proxy's, or a neighbour's, unless a proxy that is named says it."""
    told = ",".join(request.headers.getall("x-forwarded-for", [])).rsplit(",", limits.PROXIES_MAX)
    hops = [request.scope["client"][0] if request.scope["client"] else "", *reversed(told[-limits.PROXIES_MAX :])]
    for n, hop in enumerate(hops):
        try:
            address = ip_address(hop.strip())
        except ValueError:
            return ""
        if not any(address in network for network in settings.trusted_proxies):
            if not (n or address.is_global):
                return ""
            return str(ip_network((address, 64), strict=False) if isinstance(address, IPv6Address) else address)
    return ""


def hidden(text: str) -> str:
    return sha256(text.encode("utf-8", "replace")).hexdigest()
