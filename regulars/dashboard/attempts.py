"""How often a password may be guessed: by whom, at which account, and in all.

    drawn --wrong--> kept         so many that are tried at once are counted before the first is looked at
      `-----right, or not looked at--> given back

A browser that signed in as this person before is counted by itself: whatever strangers do, its owner gets in. Who has
the same e-mail address in another shop is another person, since any shop may put anybody on its staff.
Others are counted by the address that calls together with the account, by that address alone, by the account, and all
together. An address counts only where it tells people apart: behind a proxy it is everybody's, unless the proxy is
named (`REGULARS_TRUSTED_PROXIES`) and says for whom it calls.
"""

import hmac
import secrets
from collections.abc import AsyncIterator, Iterator, Sequence
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
from regulars.tenancy import Known, Person
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


def at_sign_in(
    app: App, request: Call, email: str, people: Sequence[Known]
) -> Iterator[tuple[list[Count], list[Known]]]:
    """Whose passwords are looked at, and what that counts for; who is known in this browser first."""
    # What people type into the field for an e-mail address may be a password, so it is not written down as it is.
    whose = f"sign-in {hidden(email)}"
    drawn, _, mark = security.read_cookie(app.settings, request, security.KNOWN_COOKIE).partition(".")
    here = [one for one in people if mark and same(mark, _mark(app, one.person, drawn))]
    others = [one for one in people if one not in here]
    if here:
        yield [Count(f"{whose} known {drawn}", limits.SIGN_IN_FAILURES_MAX)], here
    if others or not here:
        yield _of_anybody(whose, client_address(app.settings, request)), others


def _of_anybody(whose: str, client: str) -> list[Count]:
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


def known_browser(app: App, request: Call, person: Person) -> Cookie:
    """For the browser in which somebody has just signed in."""
    drawn = secrets.token_urlsafe(12)
    text = f"{drawn}.{_mark(app, person, drawn)}"
    return security.cookie(app.settings, request, security.KNOWN_COOKIE, text, max_age_s=limits.BROWSER_KNOWN_S)


def _mark(app: App, person: Person, drawn: str) -> str:
    key = derived(app.settings.secret(), b"known browsers")
    return hmac.new(key, f"{person.id}\0{drawn}".encode(), sha256).hexdigest()


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
        # On a socket for both, IPv4 callers have their address inside one network of IPv6.
        address = getattr(address, "ipv4_mapped", None) or address
        if not any(address in network for network in settings.trusted_proxies):
            if not (n or address.is_global):
                return ""
            return str(ip_network((address, 64), strict=False) if isinstance(address, IPv6Address) else address)
    return ""


def hidden_address(app: App, request: Call) -> str:
    """'' where it does not tell callers apart."""
    address = client_address(app.settings, request)
    return hidden(address) if address else ""


async def count_claim(app: App, request: Call) -> None:
    """Raises TooMany where too many friends were claimed from this address, or from all."""
    counts = [Count("claims all", limits.SIGN_IN_FAILURES_IN_ALL_MAX, limits.SIGN_IN_IN_ALL_WINDOW_S)]
    if address := hidden_address(app, request):
        counts.insert(0, Count(f"claims from {address}", limits.CLAIMS_FROM_MAX))
    async with app.db.transaction() as tx:
        for count in counts:
            await count.draw(tx, app.clock.now(), 1)


def hidden(text: str) -> str:
    return sha256(text.encode("utf-8", "replace")).hexdigest()
