"""Offers and coupons by the room's own functions: what each refuses, and what holds however many buy at once."""

import asyncio
from collections import Counter
from typing import Any
from uuid import UUID

import pytest

from regulars import ledger, orders, rewards, tenancy, triggers
from regulars.customers import Customer, NewCustomer
from regulars.kit.clock import HandClock
from regulars.kit.db import Database, again_when_raced
from regulars.kit.errors import Invalid, Refusal
from regulars.orders import OrderReport
from regulars.rewards import Ask, Cart, CartLine, Issued, Offer, Terms, Use
from tests import make

FIVE_OFF = {"discount": "amount", "value": 5, "price": "fixed", "coins": 100}


class Desk:
    """The shop's desk of a test: one workspace, one clock."""

    def __init__(self, db: Database, workspace: tenancy.Workspace, clock: HandClock) -> None:
        self.db, self.workspace, self.clock = db, workspace, clock

    async def offer(self, name: str = "Five off", **terms: Any) -> Offer:
        async with self.db.transaction() as tx:
            given = FIVE_OFF | terms
            return await rewards.create_offer(tx, self.workspace, name, Terms(**given), self.clock.now())

    async def people(self, *names: str, coins: int = 250) -> dict[str, Customer]:
        found = await make.some_customers(self.db, self.workspace, self.clock.now(), *names)
        entries = [make.credit(person.id, coins, self.clock.now()) for person in found.values()] if coins else []
        await make.posted(self.db, self.workspace, entries, self.clock.now())
        return found

    async def issue(self, *asks: Ask) -> list[Issued | Refusal]:
        async def once() -> list[Issued | Refusal]:
            async with self.db.transaction() as tx:
                return await rewards.issue(tx, self.workspace, asks, self.clock.now())

        return await again_when_raced(once)

    async def bought(self, offer: Offer, person: Customer, **more: Any) -> rewards.Coupon:
        (answer,) = await self.issue(Ask(customer_id=person.id, offer_id=offer.id, **more))
        assert isinstance(answer, Issued), answer
        return answer.coupon

    async def no(self, offer: Offer, person: Customer, **more: Any) -> str:
        (answer,) = await self.issue(Ask(customer_id=person.id, offer_id=offer.id, **more))
        assert isinstance(answer, Refusal), answer
        return answer.code

    async def available(self, person: Customer) -> int:
        async with self.db.reading() as tx:
            return (await ledger.available(tx, self.workspace, [person.id], self.clock.now()))[person.id]

    async def redeem(self, code: str, reference: str = "1028", cart: Cart | None = None, **more: Any) -> Any:
        async with self.db.transaction() as tx:
            (answer,) = await rewards.redeem(tx, self.workspace, [Use(code, reference, cart, **more)], self.clock.now())
        if isinstance(answer, Refusal):
            raise answer
        return answer

    async def coupon(self, id: UUID) -> rewards.Coupon:
        async with self.db.reading() as tx:
            return (await rewards.find_coupon(tx, self.workspace.id, id))[0]

    async def order(self, person: Customer, *codes: str, **more: Any) -> None:
        now = self.clock.now()
        said: dict[str, Any] = {
            "source": "shopify",
            "reference_id": "1028",
            "customer": NewCustomer(customer_id=person.customer_id),
            "amount_minor": 10_000,
            "currency_code": self.workspace.currency_code,
            "placed_at": now,
            "source_version": now,
            "coupon_codes": codes,
        }
        report = orders.check(OrderReport(**(said | more)))
        async with self.db.transaction() as tx:
            await triggers.take_orders(tx, self.workspace, [report], now)

    async def events(self, topic: str) -> int:
        async with self.db.reading() as tx:
            found: int = await tx.fetchval(
                "SELECT count(*) FROM events_event WHERE workspace_id = $1 AND topic = $2", self.workspace.id, topic
            )
        return found


@pytest.fixture
def desk(db: Database, workspace: tenancy.Workspace, clock: HandClock) -> Desk:
    return Desk(db, workspace, clock)


async def test_coins_buy_a_coupon_which_is_used_once_and_told(desk: Desk) -> None:
    offer = await desk.offer(minimum_cart=20, expires_after_days=30)
    asha = (await desk.people("Asha"))["Asha"]
    coupon = await desk.bought(offer, asha, coin_amount=100)
    assert (coupon.status, coupon.coins, coupon.type) == ("issued", 100, "manual_redeem")
    assert len(coupon.code) == 10
    assert not set(coupon.code) & set("01IO")
    assert await desk.available(asha) == 150
    assert await desk.events("coupon_create") == 1

    with pytest.raises(rewards.NotEligible, match="20"):
        await desk.redeem(coupon.code, cart=Cart(amount_minor=1_999))
    used = await desk.redeem(coupon.code.lower(), cart=Cart(amount_minor=2_000))
    assert used.taken_off_minor == 500
    assert (await desk.redeem(coupon.code, "1028")).taken_off_minor == 500, "the same reference again"
    with pytest.raises(rewards.CouponUsed):
        await desk.redeem(coupon.code, "1029")
    assert await desk.events("coupon_update") == 1, "told once"
    assert await make.audited(desk.db, desk.workspace.id) is None


@pytest.mark.parametrize(
    ("terms", "ask", "code"),
    [
        ({}, {"coin_amount": 90}, "price_changed"),
        ({}, {"step": 2}, "price_changed"),
        ({"coins": 300}, {}, "insufficient_balance"),
        ({"price": "free", "coins": 0}, {}, "offer_closed"),
        ({"tiers": ("gold",)}, {}, "not_eligible"),
        ({"balance_min": 251}, {}, "not_eligible"),
        ({"ends_at": "2026-03-14"}, {}, "offer_closed"),
        ({"starts_at": "2026-03-15"}, {}, "offer_closed"),
        ({"expires_on": "2026-03-13"}, {}, "offer_closed"),
        ({"code": "list"}, {}, "codes_out"),
    ],
)
async def test_what_can_not_be_bought_costs_nothing(
    desk: Desk, terms: dict[str, Any], ask: dict[str, Any], code: str
) -> None:
    offer = await desk.offer(**terms)
    asha = (await desk.people("Asha"))["Asha"]
    assert await desk.no(offer, asha, **ask) == code
    assert await desk.available(asha) == 250
    assert await desk.events("coupon_create") == 0


async def test_a_dynamic_price_is_so_many_steps(desk: Desk) -> None:
    offer = await desk.offer(price="dynamic", coins=10, value=1, steps_min=5, steps_max=20)
    asha = (await desk.people("Asha"))["Asha"]
    assert await desk.no(offer, asha, step=4) == "price_changed"
    coupon = await desk.bought(offer, asha, step=20, coin_amount=200)
    assert await desk.available(asha) == 50
    assert (await desk.redeem(coupon.code, cart=Cart(amount_minor=10_000))).taken_off_minor == 2_000


async def test_a_stock_of_twenty_is_twenty_coupons_however_many_ask(desk: Desk) -> None:
    offer = await desk.offer(stock=20)
    people = await desk.people(*[f"Customer{n:03}" for n in range(60)])
    batches = [list(people.values())[n : n + 5] for n in range(0, 60, 5)]
    answers = await asyncio.gather(
        *(desk.issue(*(Ask(customer_id=one.id, offer_id=offer.id) for one in batch)) for batch in batches)
    )
    came = Counter(type(one).__name__ for answer in answers for one in answer)
    assert came == {"Issued": 20, "OfferLimit": 40}
    spent = sum([250 - await desk.available(one) for one in people.values()])
    assert spent == 20 * 100
    async with desk.db.reading() as tx:
        assert (await rewards.find_offer(tx, desk.workspace.id, offer.id)).issued == 20


async def test_limits_for_each_customer_hold_in_all_and_in_a_period(desk: Desk) -> None:
    offer = await desk.offer(coins=1, per_customer_max=3, per_period_max=2, period="day")
    people = await desk.people("Asha", "Bela")
    asha, bela = people["Asha"], people["Bela"]
    answers = await desk.issue(*[Ask(customer_id=asha.id, offer_id=offer.id)] * 3)
    assert [type(one).__name__ for one in answers] == ["Issued", "Issued", "OfferLimit"]
    await desk.bought(offer, bela)
    desk.clock.advance(days=1)
    await desk.bought(offer, asha)
    assert await desk.no(offer, asha) == "offer_limit_reached"


async def test_what_is_given_for_one_fact_is_given_once(desk: Desk) -> None:
    offer = await desk.offer(price="free", coins=0)
    asha = (await desk.people("Asha", coins=0))["Asha"]
    ask = Ask(customer_id=asha.id, offer_id=offer.id, type="reward", key="firing:1")
    first, second = await desk.issue(ask, ask)
    (third,) = await desk.issue(ask)
    assert isinstance(first, Issued)
    assert isinstance(second, Issued)
    assert isinstance(third, Issued)
    assert first.coupon == second.coupon == third.coupon
    assert (first.repeated, second.repeated, third.repeated) == (False, True, True)
    assert await desk.events("coupon_create") == 1


async def test_codes_of_a_list_go_out_in_their_order_and_are_refused_by_line(desk: Desk) -> None:
    offer = await desk.offer(code="list", coins=1)
    asha = (await desk.people("Asha"))["Asha"]
    lines = ["SPRING-1", "", "spring-1", "SPRING-2", "with space", "SPRING-3"]
    async with desk.db.transaction() as tx:
        would = await rewards.upload(tx, desk.workspace.id, offer.id, lines, rehearsed=True)
        assert await rewards.codes_left(tx, desk.workspace.id, [offer.id]) == {offer.id: 0}
        did = await rewards.upload(tx, desk.workspace.id, offer.id, lines, rehearsed=False)
    assert would == did
    assert (did.added, did.refused, did.left) == (3, 2, 3)
    assert [(one.line, one.why[:12]) for one in did.named] == [(3, "stands in li"), (5, "up to 100 le")]
    assert [(await desk.bought(offer, asha)).code for _ in range(3)] == ["SPRING-1", "SPRING-2", "SPRING-3"]
    assert await desk.no(offer, asha) == "codes_out"
    assert await desk.available(asha) == 247
    async with desk.db.transaction() as tx:
        again = await rewards.upload(tx, desk.workspace.id, offer.id, ["spring-2", "SPRING-4"], rehearsed=False)
    assert (again.added, [(one.line, one.why) for one in again.named]) == (1, [(1, "is known already")])


async def test_a_code_for_everybody_is_each_customers_own(desk: Desk) -> None:
    offer = await desk.offer(code="fixed", fixed_code="HELLO", coins=1)
    people = await desk.people("Asha", "Bela")
    asha, bela = people["Asha"], people["Bela"]
    hers = await desk.bought(offer, asha)
    with pytest.raises(rewards.UnknownCoupon):
        await desk.redeem("hello", customer_id=bela.id)
    with pytest.raises(rewards.UnknownCoupon):
        await desk.redeem("hello")
    assert (await desk.redeem("hello", customer_id=asha.id)).coupon.id == hers.id


async def test_two_carts_at_once_use_a_coupon_once(desk: Desk) -> None:
    offer = await desk.offer()
    asha = (await desk.people("Asha"))["Asha"]
    coupon = await desk.bought(offer, asha)
    came = await asyncio.gather(*(desk.redeem(coupon.code, f"cart-{n % 2}") for n in range(8)), return_exceptions=True)
    used = {one.coupon.reference for one in came if isinstance(one, rewards.Verdict)}
    assert len(used) == 1
    assert sum(isinstance(one, rewards.CouponUsed) for one in came) == 4


async def test_an_order_with_the_code_uses_it_and_a_cancelled_one_gives_it_back(desk: Desk) -> None:
    offer = await desk.offer(expires_after_days=10)
    asha = (await desk.people("Asha"))["Asha"]
    coupon = await desk.bought(offer, asha)
    await desk.order(asha, coupon.code.lower())
    now = await desk.coupon(coupon.id)
    assert (now.status, now.reference) == ("redeemed", "1028")
    assert now.order_id
    desk.clock.advance(hours=1)
    await desk.order(asha, coupon.code, placed_at=desk.clock.now(), status="cancelled")
    assert (await desk.coupon(coupon.id)).status == "issued"
    desk.clock.advance(days=10)
    await make.done(desk.db, desk.clock)
    assert (await desk.coupon(coupon.id)).status == "expired"
    assert await desk.available(asha) == 150, "an expired coupon keeps its coins, unless the offer says otherwise"


async def test_what_orders_took_off_counts_for_the_budget_and_comes_back_with_them(desk: Desk) -> None:
    offer = await desk.offer(budget=9)
    asha = (await desk.people("Asha", coins=500))["Asha"]
    first, second = await desk.bought(offer, asha), await desk.bought(offer, asha)
    await desk.order(asha, first.code, reference_id="1", discount_minor=500)
    assert (await desk.coupon(first.id)).taken_off_minor == 500
    await desk.order(asha, second.code, reference_id="2", discount_minor=400)
    assert (await desk.coupon(second.id)).taken_off_minor == 400, "never more than the order says"
    assert await desk.no(offer, asha) == "offer_limit_reached"
    desk.clock.advance(hours=1)
    await desk.order(asha, second.code, reference_id="2", placed_at=desk.clock.now(), status="cancelled")
    assert (await desk.coupon(second.id)).taken_off_minor is None
    await desk.bought(offer, asha)


async def test_a_coupon_that_ends_unused_gives_its_coins_back_as_the_offer_says(desk: Desk) -> None:
    offer = await desk.offer(expires_after_days=10, coins_back_when_expired=True)
    asha = (await desk.people("Asha"))["Asha"]
    await desk.bought(offer, asha)
    cancelled = await desk.bought(offer, asha)
    async with desk.db.transaction() as tx:
        await rewards.cancel(tx, desk.workspace, cancelled.id, desk.clock.now())
    assert await desk.available(asha) == 150
    with pytest.raises(rewards.CouponEnded):
        await desk.redeem(cancelled.code)
    desk.clock.advance(days=10)
    await make.done(desk.db, desk.clock)
    assert await desk.available(asha) == 250
    assert await make.audited(desk.db, desk.workspace.id) is None


async def test_coupons_that_are_out_keep_the_terms_they_were_bought_under(desk: Desk) -> None:
    offer = await desk.offer()
    asha = (await desk.people("Asha"))["Asha"]
    coupon = await desk.bought(offer, asha)
    async with desk.db.transaction() as tx:
        changed = await rewards.change_offer(
            tx, desk.workspace, offer.id, {"terms": Terms(**(FIVE_OFF | {"value": 1}))}, desk.clock.now()
        )
    assert changed.version == 2
    assert (await desk.redeem(coupon.code, cart=Cart(amount_minor=2_000))).taken_off_minor == 500


@pytest.mark.parametrize(
    ("terms", "field"),
    [
        ({"value": 0}, "value"),
        ({"discount": "percent", "value": 101}, "value"),
        ({"coins": 0}, "coins"),
        ({"price": "dynamic", "steps_min": 3, "steps_max": 2}, "steps_max"),
        ({"target": "products"}, "targets"),
        ({"code": "fixed"}, "fixed_code"),
        ({"starts_at": "tomorrow"}, "starts_at"),
        ({"starts_at": "2026-03-15", "ends_at": "2026-03-15"}, "ends_at"),
        ({"icon": "javascript:alert(1)"}, "icon"),
    ],
)
async def test_terms_that_make_no_offer_are_refused_by_field(desk: Desk, terms: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as refused:
        await desk.offer(**terms)
    assert field in refused.value.fields


@pytest.mark.parametrize(
    ("terms", "cart", "off"),
    [
        ({"discount": "percent", "value": 12.5}, Cart(amount_minor=9_999), 1_250),
        ({"discount": "percent", "value": 50, "value_max": 10}, Cart(amount_minor=9_999), 1_000),
        ({"value": 200}, Cart(amount_minor=9_999), 9_999),
        ({"discount": "free_shipping", "value": 0}, Cart(amount_minor=100, shipping_minor=490), 490),
        (
            {"target": "collections", "targets": ("tea",), "value": 30},
            Cart(amount_minor=9_000, lines=(CartLine(amount_minor=2_000, collections=("tea",)), CartLine())),
            2_000,
        ),
        (
            {"discount": "free_product", "value": 0, "target": "products", "targets": ("p1",)},
            Cart(amount_minor=9_000, lines=(CartLine(product_id="p1", amount_minor=2_000, quantity=2),)),
            1_000,
        ),
    ],
)
async def test_what_a_coupon_takes_off_a_cart(desk: Desk, terms: dict[str, Any], cart: Cart, off: int) -> None:
    offer = await desk.offer(**terms)
    asha = (await desk.people("Asha"))["Asha"]
    coupon = await desk.bought(offer, asha)
    async with desk.db.reading() as tx:
        verdict = await rewards.validate(tx, desk.workspace, Use(coupon.code, cart=cart), desk.clock.now())
    assert verdict.taken_off_minor == off


async def test_many_redeem_at_once_each_by_itself_and_a_code_that_all_have_as_often_as_one_has_it(desk: Desk) -> None:
    own, shared = await desk.offer(coins=1), await desk.offer(coins=1, code="fixed", fixed_code="HELLO", budget=100)
    people = await desk.people("Asha", "Bela")
    asha, bela = people["Asha"], people["Bela"]
    mine, theirs = await desk.bought(own, asha), await desk.bought(own, bela)
    for one in (asha, asha, bela):
        await desk.bought(shared, one)
    uses = [
        Use(mine.code, "1", Cart(amount_minor=10_000)),
        Use(mine.code, "2"),
        Use(mine.code, "1"),
        Use("NOTHING", "3"),
        Use(theirs.code, "4", customer_id=asha.id),
        *(Use("hello", reference, Cart(amount_minor=10_000), asha.id) for reference in ("5", "6", "7")),
        Use("HELLO", "5", None, bela.id),
    ]
    async with desk.db.transaction() as tx:
        answers = await rewards.redeem(tx, desk.workspace, uses, desk.clock.now())
    assert [one.code if isinstance(one, Refusal) else one.coupon.reference for one in answers] == [
        *("1", "coupon_used", "1", "coupon_unknown", "coupon_unknown", "5", "6", "coupon_used", "5")
    ]
    used = [one for one in answers if not isinstance(one, Refusal)]
    assert len({one.coupon.id for one in used}) == 4
    async with desk.db.reading() as tx:
        taken_off = (await rewards.find_offer(tx, desk.workspace.id, shared.id)).taken_off_minor
    assert taken_off == sum(one.taken_off_minor or 0 for one in used[2:])
