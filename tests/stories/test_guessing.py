"""Every place where a secret can be guessed: those that people choose have a limit, the others are too long."""

import asyncio
import base64
import math
import threading
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import ClassVar
from weakref import WeakKeyDictionary

import httpx
import pytest

from regulars import limits, tenancy
from regulars.api.app import Doors
from regulars.dashboard import attempts, security
from regulars.kit.clock import HandClock
from regulars.kit.secrets import storefront_secret
from regulars.wiring import App
from tests import make
from tests.doors import Shop, a_shop
from tests.stories.browsing import PASSWORD, Browser, person, signed_in

WRONG = "another horse altogether"


class Visitor:
    """A browser of its own at the sign-in page, seen from one address."""

    _doors: ClassVar[WeakKeyDictionary[App, Doors]] = WeakKeyDictionary()

    def __init__(self, app: App, address: str = "8.8.8.8", **headers: str) -> None:
        doors = self._doors.get(app) or self._doors.setdefault(app, Doors(app))
        transport = httpx.ASGITransport(doors, client=(address, 4711))
        self.client = httpx.AsyncClient(transport=transport, base_url="http://shop.test", headers=headers)

    async def sign_in(self, email: str, password: str = WRONG) -> httpx.Response:
        if security.DOOR_COOKIE not in self.client.cookies:
            await self.client.get("/sign-in")
        token = security.csrf_token(self.client.cookies[security.DOOR_COOKIE])
        return await self.client.post("/sign-in", data={"email": email, "password": password, "_csrf": token})


@pytest.fixture(autouse=True)
async def nobody_guessed_before(app: App) -> None:
    async with app.db.transaction() as tx:
        await tx.execute("DELETE FROM kit_allowance WHERE workspace_id = $1", attempts._NO_WORKSPACE)


Guess = Callable[[], Awaitable[httpx.Response]]


async def at_sign_in(shop: Shop, browser: Browser, email: str) -> Guess:
    visitor = Visitor(shop.app)
    await visitor.sign_in("nobody@shop.example")
    return lambda: visitor.sign_in(email)


async def at_own_password(shop: Shop, browser: Browser, email: str) -> Guess:
    new = "lantern kiosk gravel"
    return lambda: browser.post("/password", current_password=WRONG, password=new, again=new)


async def in_a_known_browser(shop: Shop, browser: Browser, email: str) -> Guess:
    visitor = Visitor(shop.app)
    assert (await visitor.sign_in(email, PASSWORD)).status_code == 303
    return lambda: visitor.sign_in(email)


PLACES = [at_sign_in, at_own_password, in_a_known_browser]


@pytest.mark.parametrize("place", PLACES)
async def test_sixty_guesses_at_once_are_ten_guesses(
    shop: Shop, clock: HandClock, monkeypatch: pytest.MonkeyPatch, place: Callable[..., Awaitable[Guess]]
) -> None:
    tried = 0

    async def verified(known: str, password: str) -> bool:
        nonlocal tried
        tried += password == WRONG
        await asyncio.sleep(0.05)
        return password == PASSWORD

    monkeypatch.setattr("regulars.tenancy.staff.verified", verified)
    asha = await person(shop, "asha")
    guess = await place(shop, await signed_in(shop, asha), asha.email)
    tried = 0
    answers = await asyncio.gather(*[guess() for _ in range(60)])
    assert tried == limits.SIGN_IN_FAILURES_MAX
    refused = [answer for answer in answers if answer.status_code == 429]
    assert len(refused) == 60 - limits.SIGN_IN_FAILURES_MAX
    assert {"Too many attempts. Wait 1 minute, then try again." in answer.text for answer in refused} == {True}
    assert {int(answer.headers["retry-after"]) for answer in refused} == {60}
    clock.advance(seconds=61)
    assert (await guess()).status_code in (401, 422), "one comes back each minute"
    assert (await guess()).status_code == 429


async def test_right_ones_are_not_counted(shop: Shop) -> None:
    asha = await person(shop, "asha")
    for _ in range(limits.SIGN_IN_FAILURES_MAX + 2):
        visitor = Visitor(shop.app)
        assert (await visitor.sign_in(asha.email, PASSWORD)).status_code == 303


async def test_a_stranger_does_not_lock_the_owner_out(shop: Shop) -> None:
    asha, owner = await person(shop, "asha"), Visitor(shop.app, "9.9.9.9")
    assert (await owner.sign_in(asha.email, PASSWORD)).status_code == 303
    stranger = Visitor(shop.app, "9.9.9.9")
    while (await stranger.sign_in(asha.email)).status_code != 429:
        pass
    assert (await owner.sign_in(asha.email, PASSWORD)).status_code == 303, "this browser was in before"
    assert (await Visitor(shop.app, "1.1.1.1").sign_in(asha.email, PASSWORD)).status_code == 303, "nor elsewhere"
    forged = Visitor(shop.app, "9.9.9.9", cookie=f"{security.KNOWN_COOKIE}=abc.{'0' * 64}")
    assert (await forged.sign_in(asha.email, PASSWORD)).status_code != 303


@pytest.mark.parametrize(
    ("peer", "told", "trusted", "address"),
    [
        ("203.0.113.7", [], "", ""),
        ("8.8.8.8", [], "", "8.8.8.8"),
        ("8.8.8.8", ["9.9.9.9"], "", "8.8.8.8"),
        ("10.0.0.7", ["9.9.9.9"], "", ""),
        ("10.0.0.7", ["9.9.9.9"], "10.0.0.7", "9.9.9.9"),
        ("10.0.0.7", ["1.1.1.1, 9.9.9.9"], "10.0.0.0/8", "9.9.9.9"),
        ("10.0.0.7", ["1.1.1.1, 9.9.9.9, 10.0.0.8"], "10.0.0.0/8, 127.0.0.1", "9.9.9.9"),
        ("10.0.0.7", ["1.1.1.1", "9.9.9.9,10.0.0.8"], "10.0.0.0/8", "9.9.9.9"),
        ("10.0.0.7", ["192.168.1.4"], "10.0.0.0/8", "192.168.1.4"),
        ("10.0.0.7", ["unknown"], "10.0.0.0/8", ""),
        ("10.0.0.7", [], "10.0.0.0/8", ""),
        ("2606:4700::1111", [], "", "2606:4700::/64"),
        ("::1", ["2606:4700:0:0:1::5"], "::1", "2606:4700::/64"),
        ("::ffff:8.8.8.8", [], "", "8.8.8.8"),
        ("::ffff:10.0.0.7", ["::ffff:9.9.9.9"], "10.0.0.7", "9.9.9.9"),
    ],
)
def test_the_callers_address(app: App, peer: str, told: list[str], trusted: str, address: str) -> None:
    settings = type(app.settings)(**{**app.settings.model_dump(), "trusted_proxies": trusted})
    headers = [(b"x-forwarded-for", value.encode()) for value in told]
    scope = {"type": "http", "client": (peer, 1), "headers": headers, "state": {}}
    assert attempts.client_address(settings, security.Request(scope)) == address  # type: ignore[arg-type]


async def test_behind_a_proxy_callers_are_told_apart_only_when_it_is_named(shop: Shop) -> None:
    asha = await person(shop, "asha")
    for n in range(limits.SIGN_IN_FAILURES_MAX + 1):
        assert (await Visitor(shop.app, "10.0.0.7").sign_in(asha.email)).status_code == 401, n
    assert (await Visitor(shop.app, "10.0.0.7").sign_in(asha.email, PASSWORD)).status_code == 303
    named = type(shop.app.settings)(**{**shop.app.settings.model_dump(), "trusted_proxies": "10.0.0.0/8"})
    shop.app.settings = named
    stranger = {"x-forwarded-for": "9.9.9.9"}
    counted = Counter(
        [(await Visitor(shop.app, "10.0.0.7", **stranger).sign_in(asha.email)).status_code for _ in range(12)]
    )
    assert counted == {401: limits.SIGN_IN_FAILURES_MAX, 429: 2}
    owner = Visitor(shop.app, "10.0.0.7", **{"x-forwarded-for": "9.9.9.8"})
    assert (await owner.sign_in(asha.email, PASSWORD)).status_code == 303


async def test_made_up_addresses_are_counted_together(
    shop: Shop, clock: HandClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def verified(known: str, password: str) -> bool:
        return False

    monkeypatch.setattr("regulars.tenancy.staff.verified", verified)
    monkeypatch.setattr(limits, "SIGN_IN_FAILURES_IN_ALL_MAX", 12)
    monkeypatch.setattr(limits, "SIGN_IN_FAILURES_FROM_MAX", 7)
    behind = Visitor(shop.app, "10.0.0.7")
    answers = [await behind.sign_in(f"{n}@shop.example") for n in range(15)]
    assert Counter(answer.status_code for answer in answers) == {401: 12, 429: 3}
    assert int(answers[-1].headers["retry-after"]) == 5
    clock.advance(seconds=60)
    outside = Visitor(shop.app)
    answers = [await outside.sign_in(f"{n}@shop.example") for n in range(10)]
    assert Counter(answer.status_code for answer in answers) == {401: 7, 429: 3}


async def test_the_limit_of_an_account_holds_from_everywhere_and_however_the_clock_is_set(
    shop: Shop, clock: HandClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "SIGN_IN_FAILURES_ANYWHERE_MAX", 5)
    asha, ben = await person(shop, "asha"), await person(shop, "ben")
    answers = [await Visitor(shop.app, f"8.8.8.{n}").sign_in(asha.email) for n in range(6)]
    assert Counter(answer.status_code for answer in answers) == {401: 5, 429: 1}
    assert (await Visitor(shop.app, "9.9.9.9").sign_in(ben.email, PASSWORD)).status_code == 303
    clock.advance(seconds=-3_600)
    assert (await Visitor(shop.app, "9.9.9.9").sign_in(asha.email)).status_code == 429
    clock.advance(seconds=3_600 + limits.SIGN_IN_WINDOW_S)
    assert (await Visitor(shop.app, "9.9.9.9").sign_in(asha.email, PASSWORD)).status_code == 303


async def test_what_is_remembered_of_failures_has_an_end(shop: Shop, clock: HandClock) -> None:
    await Visitor(shop.app).sign_in("old@shop.example")
    clock.advance(seconds=limits.SIGN_IN_WINDOW_S + 1)
    await Visitor(shop.app, "9.9.9.9").sign_in("new@shop.example")
    too_old = clock.now() - timedelta(seconds=limits.SIGN_IN_WINDOW_S)
    async with shop.app.db.reading() as tx:
        sql = "SELECT drawn_at FROM kit_allowance WHERE workspace_id = $1"
        kept = [row["drawn_at"] for row in await tx.fetch(sql, attempts._NO_WORKSPACE)]
    assert len(kept) >= 2
    assert min(kept) >= too_old


async def test_signing_in_holds_up_nobody_elses_call(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """Made-up addresses, many at once: no connection to the database waits for a hash, and few people do."""
    go = threading.Event()
    monkeypatch.setattr("regulars.tenancy.passwords._matches", lambda known, password: not go.wait(60))
    visitors = [Visitor(shop.app, "10.0.0.7") for _ in range(24)]
    guessing = [asyncio.create_task(visitor.sign_in(f"{n}@x.example")) for n, visitor in enumerate(visitors)]
    told = 24 - limits.PASSWORDS_WAITING_MAX
    first = asyncio.as_completed(guessing)
    for _ in range(told):
        await next(first)
    assert (await shop.manage("GET", "/workspace")).status_code == 200
    async with shop.app.db.reading() as tx:
        held = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in%'"
        assert await tx.fetchval(held) == 0
    go.set()
    answers = [await task for task in guessing]
    assert Counter(answer.status_code for answer in answers) == {429: told, 401: limits.PASSWORDS_WAITING_MAX}
    said = next(answer for answer in answers if answer.status_code == 429)
    assert "Many people sign in at this moment." in said.text
    assert said.headers["retry-after"] == "3"


async def test_whoever_is_given_a_new_password_may_try_it_at_once(shop: Shop) -> None:
    asha, ben = await person(shop, "asha"), await person(shop, "ben", "reader")
    visitor = Visitor(shop.app, "8.8.8.8")
    while (await visitor.sign_in(ben.email)).status_code != 429:
        pass
    owner = await signed_in(shop, asha)
    new = "lantern kiosk gravel"
    assert (await owner.post(f"/staff/{ben.id}/password", password=new)).status_code == 303
    assert (await visitor.sign_in(ben.email, new)).status_code == 303


async def test_what_nobody_chose_is_too_long_to_guess(shop: Shop) -> None:
    """API keys, sessions, and the secret by which a shop proves its customers: at least 128 bits each."""
    assert len(base64.urlsafe_b64decode(shop.write_key.removeprefix("rg_write_") + "=")) * 8 >= 128
    async with shop.app.db.transaction() as tx:
        await tenancy.add_staff(
            tx, shop.workspace.id, "z@shop.example", make.hashed(PASSWORD), now=shop.app.clock.now()
        )
        token = (await make.signed_in(tx, "z@shop.example", PASSWORD, shop.app.clock.now())).token
    assert (len(base64.urlsafe_b64decode(token)) - 16) * 8 >= 128
    secret = storefront_secret(shop.app.settings.secret(), shop.workspace.id, 1)
    assert len(secret) * math.log2(64) >= 128


async def test_who_puts_you_on_their_staff_has_no_more_guesses_at_your_shops_password(
    shop: Shop, app: App, clock: HandClock
) -> None:
    asha = await person(shop, "asha")
    other = await a_shop(app, shop.client, clock.now())
    async with app.db.transaction() as tx:
        now, theirs = clock.now(), "lantern kiosk gravel"
        same = await tenancy.add_staff(tx, other.workspace.id, asha.email, make.hashed(theirs), now=now)
    stranger = Visitor(app)
    assert (await stranger.sign_in(asha.email, theirs)).status_code == 303
    while (await stranger.sign_in(asha.email)).status_code != 429:
        pass
    owner = await signed_in(other, await person(other, "mallory"))
    assert (await owner.post(f"/staff/{same.id}/password", password="gravel kiosk lantern")).status_code == 303
    assert (await stranger.sign_in(asha.email)).status_code == 429, "nothing is forgotten"
    again = Visitor(app, "1.1.1.1")
    for _ in range(3):
        assert (await again.sign_in(asha.email, "gravel kiosk lantern")).status_code == 303, "known in the one shop"
        guesses = [(await again.sign_in(asha.email)).status_code for _ in range(5)]
    assert guesses == [429] * 5, "and a stranger in the other"
