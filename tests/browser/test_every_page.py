"""Every page, wide and narrow, light and dark, empty and full: nothing sticks out, everything has a name."""

import asyncio
import io
from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Literal
from uuid import UUID

import msgspec
import pytest
from playwright.async_api import Page

from regulars import (
    channels,
    customers,
    delivery,
    dispatch,
    events,
    imports,
    integrations,
    rewards,
    shops,
    tenancy,
    tiers,
    triggers,
)
from regulars.customers import Customer, NewCustomer
from regulars.engagement import automations, campaigns, messages, segments
from regulars.orders import Line, OrderReport, Refund, RefundLine
from regulars.orders import check as checked
from regulars.tenancy import Workspace
from regulars.tiers import Ladder, Needs, Tier
from regulars.triggers import Rule
from tests.browser.conftest import Open, Site
from tests.browser.looking import problems

pytestmark = pytest.mark.asyncio(loop_scope="session")

PAGES = [
    *(
        "/",
        "/?days=90",
        "/customers",
        "/customers/new",
        "/customers?q=nobody",
        "/triggers",
        "/triggers/new",
        "/orders",
        "/orders?q=x",
        "/orders?payment=paid&from=2026-01-01",
        "/rewards",
        "/rewards?state=refused",
    ),
    *(
        "/triggers/new?source=api",
        "/triggers/new?source=order",
        "/orders/import",
        "/customers/import",
        "/coins/import",
        "/reviews/import",
        "/partners",
        "/partners/new",
        "/events",
        "/events?event=lead_create",
    ),
    *("/events/send", "/events/send/new", "/integrations", "/integrations/new/omnisend", "/integrations/new/webhook"),
    *(
        "/deliveries",
        "/deliveries?state=failed&q=x",
        *(
            "/sandbox",
            "/sandbox/inbox",
            "/senders",
            "/senders/new/smtp",
            "/senders/new/twilio",
            "/senders/new/whatsapp",
        ),
        "/checkout",
        "/checkout?customer=nobody&amount=x",
        "/settings/reminders",
        "/settings",
        "/settings/shop",
        "/settings/kept",
        "/settings/storefront",
        "/settings/programs",
        "/settings/coins",
        "/settings/earning",
        "/keys",
        "/keys/new",
        "/staff",
        "/staff/new",
    ),
    *("/sources", "/sources/new/shopify", "/sources/new/woocommerce", "/sources/new/website"),
    *("/sources/hooks", "/sources/hooks?state=failed"),
    *("/reviews", "/reviews?kind=question", "/settings/reviews"),
    *("/offers", "/offers/new", "/coupons", "/coupons?q=x&status=redeemed"),
    *("/templates", "/templates/new", "/templates/new?channel=whatsapp", "/messages", "/messages?state=failed"),
    *("/messages/suppressed", "/messages/suppressed/new", "/settings/messages", "/settings/customers"),
    *("/automations", "/automations/new"),
    "/referrals",
    *("/referrals?review=waiting", "/settings/referrals", "/segments", "/segments?kind=live", "/segments/new"),
    *("/campaigns", "/campaigns/new"),
    *("/tiers", "/tiers/step", "/tiers/members", "/tiers/change", "/tiers/rules", "/tiers/preview"),
    *("/password", "/audit", "/customers/00000000-0000-7000-8000-000000000000"),
]
LONG = "Maximiliana " + "Wolfeschlegelsteinhausen" * 3
NAMES = [LONG, "محمد عبد الرحمن بن أحمد", "", "Ann Example"]


async def fill(site: Site, shop: Workspace) -> list[str]:
    """A shop with one of everything; the addresses of the pages about them."""
    now = site.app.clock.now()
    async with site.app.db.transaction() as tx:
        shop = await tenancy.change_workspace(tx, shop.id, {"events_on": True}, now)
        await tenancy.issue_key(tx, shop.id, LONG, access="WRITE", made_by="cli", now=now)
        by_order = await triggers.create_trigger(tx, shop, LONG, "order", Rule(coins_per_unit=1), now)
        people = [
            NewCustomer(f"shopify-{n:012d}", name=name, email=f"c{n}@example.com") for n, name in enumerate(NAMES)
        ]
        known = await customers.ensure(tx, shop, people, now)
        tool = await integrations.add(
            tx,
            shop.id,
            site.app.box,
            tool="omnisend",
            name=LONG,
            given={"api_key": "wrong", "host": f"{site.sandbox_url}/omnisend"},
            now=now,
        )
        lane = tool.integration.id
        condition = {"property": "amount", "operator": "at_least", "value": 1}
        rule = await dispatch.create_rule(
            tx, shop.id, topic="walletreward_create", integration_id=lane, condition=condition, now=now
        )
        reports = [
            checked(
                OrderReport(
                    source="shopify",
                    reference_id=f"{n}" * 20,
                    name=f"#{n}" * 20,
                    customer=person,
                    amount_minor=1_234_500 * n,
                    currency_code="usd",
                    placed_at=now - timedelta(days=n),
                    source_version=now,
                    discount_minor=n * 100,
                    tax_minor=n * 100,
                    shipping_minor=n * 100,
                    coupon_codes=(LONG,) * n,
                    tags=(LONG,) * n,
                    note=LONG,
                    lines=(Line(product_id=f"{n}" * 20, title=LONG, collections=(LONG,)), Line(amount_minor=100)),
                    refunds=(Refund(refund_id=f"{n}" * 20, amount_minor=n, lines=(RefundLine(),)),),
                )
            )
            for n, person in enumerate(people)
        ]
        taken = await triggers.take_orders(tx, shop, reports, now)
        await delivery.resume_lane(tx, shop.id, lane, now)
    order = next(t.recorded.order for t in taken if isinstance(t, triggers.Taken))
    first = known[people[0].customer_id]
    assert isinstance(first, customers.Ensured)
    who = first.customer.id
    await climbed(site, shop, first.customer)
    event, one = await told(site, shop)
    async with site.app.db.reading() as tx:
        member = (await tenancy.list_staff(tx, shop.id))[0]
    return [
        *[f"/orders/import/{await imported(site, shop, run=run)}" for run in (True, False)],
        *await tried(site, shop, by_order.id),
        *(f"/staff/{member.id}{end}" for end in ("", "/remove")),
        *(f"/customers/{who}{end}" for end in ("", "?show=refusals", "/edit", "/coins", "/merge", "/erase", "/tier")),
        *(f"/customers/{who}/{end}" for end in ("tier/release", "consent")),
        *("/tiers/step?step=gold", f"/triggers/{by_order.id}", f"/events/{event}", f"/deliveries/{one}"),
        *(f"/orders/{order.id}", f"/why?customer_id={people[0].customer_id}&trigger_id={by_order.id}"),
        *(f"/events/send/{rule.id}{end}" for end in ("", "/test", "/delete")),
        *(f"/integrations/{lane}{end}" for end in ("", "/delete", "/missed")),
        *(*await sold(site, shop), *await bought(site, shop, first.customer), *await sending(site, shop)),
    ] + await automated(site, shop)


async def automated(site: Site, shop: Workspace) -> list[str]:
    """An automation with two versions that runs, with every place to look at."""
    now = site.app.clock.now()
    async with site.app.db.transaction() as tx:
        id = (await automations.create_from(tx, shop, "unused_coupon", now, actor="cli")).id
        await automations.publish(tx, shop, id, now, actor="cli")
        await automations.launch(tx, shop, id, now)
        draft = (await automations.rename(tx, shop, id, LONG, now)).draft
        await automations.change_draft(
            tx, shop, id, draft | {"filter": None, "steps": draft["steps"][:1]}, revision=1, now=now, actor="cli"
        )
        await automations.publish(tx, shop, id, now, actor="cli")
    looks = (
        "",
        "?put=:0",
        "?step=remind",
        "?step=goal",
        "?step=leave",
        "/launch",
        "/versions?before=1",
        "/people",
        "/delete",
    )
    return [f"/automations/{id}{look}" for look in looks]


async def sending(site: Site, shop: Workspace) -> list[str]:
    """A sender whose server refused it."""
    given = {"sender_name": LONG, "sender_email": "c1@example.com", "server": "127.0.0.1", "security": "none"}
    async with site.app.db.transaction() as tx:
        made = await channels.add(
            tx, shop.id, site.app.box, tool="smtp", name=LONG, given=given, now=site.app.clock.now()
        )
        await channels.pause(tx, shop.id, made.sender.id, f"The mail server answered 535 to AUTH: {LONG}.")
        said, now = messages.model.Content(subject=LONG, body=LONG), site.app.clock.now()
        text = await messages.create_template(tx, shop.id, LONG, "email", "", said, now, actor="")
        terms = campaigns.Terms(name=LONG, variants=(campaigns.Variant(text.id, made.sender.id),), latest_at=now)
        one = await campaigns.create_campaign(tx, shop, terms, now)
    drafted = [f"/campaigns/{one.id}{end}" for end in ("", "/launch", "/delete")]
    return [f"/senders/{made.sender.id}", f"/senders/{made.sender.id}/delete", *drafted]


async def bought(site: Site, shop: Workspace, customer: Customer) -> list[str]:
    """An offer for a segment, with codes of a list, of which the customer was given one."""
    now, word = site.app.clock.now(), LONG[:40]
    async with site.app.db.transaction() as tx:
        bought = {"done": "order_create", "count": {"operator": "at_most", "value": 9}, "when": {"last_days": 30}}
        tree = {"any": [bought, {"property": "customer_email", "operator": "contains", "value": LONG}]}
        one = await segments.create_segment(tx, shop, segments.NewSegment(name=LONG, condition=tree), now)
        await segments.find(tx, shop, [], now)
        only = {"segments": (one.id,), "minimum_cart": 49.9}
        terms = rewards.Terms(discount="percent", value=12.5, value_max=9, code="list", title=LONG, **only)
        offer = await rewards.create_offer(tx, shop, LONG, terms, now)
        await rewards.upload(tx, shop.id, offer.id, [word.replace(" ", "-"), "SPRING-2"], rehearsed=False)
        ask = rewards.Ask(customer_id=customer.id, offer_id=offer.id, type="reward")
        (issued,) = await rewards.issue(tx, shop, [ask], now)
    assert isinstance(issued, rewards.Issued)
    coupon = f"/coupons/{issued.coupon.id}"
    return [
        *(f"/segments/{one.id}{end}" for end in ("", "/delete", f"/why?customer={customer.id}")),
        f"/segments/members?segment_id={one.id}",
        f"/offers/{offer.id}",
        f"/offers/{offer.id}/codes",
        coupon,
        f"{coupon}/cancel",
        f"/customers/{customer.id}/offer",
    ]


async def climbed(site: Site, shop: Workspace, customer: Customer) -> None:
    """A ladder with all that a step can hold, and somebody who was placed on it."""
    now, needs = site.app.clock.now(), Needs(1, 1, 1.5, 1)
    low = Tier(key="silver", name=LONG, enter=needs, leave=needs, perks=(LONG,) * 3)
    high = msgspec.structs.replace(low, key="gold", factors={"order": 1.5, "api": 2.0}, colour="#c9971c")
    async with site.app.db.transaction() as tx:
        await tiers.change_ladder(tx, shop, Ladder(tiers=(low, high), grace_days=3), now)
        until = now + timedelta(days=9)
        await tiers.place_by_hand(tx, shop, customer, "silver", LONG, until, now, actor="staff:ann@example.com")


async def sold(site: Site, shop: Workspace) -> list[str]:
    """A source that was told what can be read and what can't, and its calls that were turned away."""
    now = site.app.clock.now()
    async with site.app.db.transaction() as tx:
        given = {"shop_domain": "corner.myshopify.com", "secret": "a-secret"}
        made = await shops.connect(tx, shop.id, site.app.box, platform="shopify", name=LONG, given=given, now=now)
        source = made.source
        await shops.note_wrong(tx, source, 7, "It carries no signature.", now)
        bodies = [shops.PLATFORMS["shopify"].example(now, "usd", given)[1], {"id": LONG}]
        hooks = [shops.NewHook(source.id, "orders/paid", "", msgspec.json.encode(body)) for body in bodies]
        kept = await shops.keep(tx, shop.id, hooks, now)
    return [*(f"/sources/{source.id}{end}" for end in ("", "/delete")), *(f"/sources/hooks/{id}" for id in kept)]


async def tried(site: Site, shop: Workspace, trigger_id: UUID) -> list[str]:
    """Applied, and three back-tests: one that waits or is done, compared with one that is done, and one of the rule."""
    app, actor = site.app, "staff:ann@example.com"
    applied = await imports.begin_applying(app, shop, trigger_id, actor=actor)
    async with app.db.transaction() as tx:
        trigger = await triggers.find_trigger(tx, shop.id, trigger_id)
        made = [
            await imports.order_backtest(
                tx, shop, trigger, imports.Terms(1, trigger.rule, False, name, further), app.clock.now(), actor=actor
            )
            for name, further in (("A year of it", False), ("", False), ("", True))
        ]
    await asyncio.gather(*app.tasks)
    while await imports.run_backtest(app.db, app.clock):
        pass
    paths = [f"/triggers/{trigger_id}/backtests/{one.id}" for one in made]
    return [f"/triggers/{trigger_id}/runs/{applied}", *paths, f"{paths[1]}?beside={made[0].id}"]


async def imported(site: Site, shop: Workspace, *, run: bool) -> UUID:
    """A file of which rows can't be used and much has to be chosen; `run`: it is taken in."""
    rows = (
        "order_id;customer_id;amount;placed_at;Kundenname mit Umlauten\n1;shop-00001;84.95;2026-03-14;Žemaitė\n"
        f"2;shop-00001;much;2026-03-14;{LONG}\n3;shop-00002;1.000;2026-03-13;\n4;shop-00003;5;03/04/2026;\n"
    )
    file = io.BytesIO(rows.encode())
    id = await imports.upload(site.app, shop, file, filename=f"{LONG}.csv", actor="staff:ann@example.com")
    if run:
        await imports.begin(site.app, shop, id, actor="staff:ann@example.com")
        await asyncio.gather(*site.app.tasks)
    return id


async def told(site: Site, shop: Workspace) -> tuple[UUID, UUID]:
    """An event and its delivery, once the worker has tried it: the key is wrong, so it pauses the tool."""
    for _ in range(200):
        async with site.app.db.reading() as tx:
            found = (await delivery.search_deliveries(tx, shop.id)).items
        if found and any(one.attempts_made for one in found):
            one = next(one for one in found if one.attempts_made)
            return one.event_id, one.id
        await asyncio.sleep(0.05)
    raise TimeoutError("the worker delivers nothing")


Look = tuple[int, Literal["light", "dark"]]
_SETTLE = """document.getAnimations().forEach((one) => {
    if (one.effect.getComputedTiming().endTime !== Infinity) one.finish(); })"""
"""Colours go over into those of the other scheme, and are looked at when they have."""


async def wrong_on(page: Page, addresses: Sequence[str], *looks: Look) -> dict[str, Any]:
    """What is wrong with each of these pages. Each is asked for once, at the first width, and made narrower."""
    found = {}
    for address in addresses:
        for n, (width, scheme) in enumerate(looks):
            await page.set_viewport_size({"width": width, "height": 860})
            await page.emulate_media(color_scheme=scheme)
            if n == 0:
                await page.goto(address)
            await page.evaluate(_SETTLE)
            found[f"{address} at {width}, {scheme}"] = await problems(page)
    return {look: wrong for look, wrong in found.items() if wrong}


async def test_pages_of_an_empty_shop(site: Site, visit: Open) -> None:
    shop = await site.shop()
    page = await visit(await site.staff(shop, name=LONG))
    assert await wrong_on(page, PAGES, (1280, "dark"), (390, "light")) == {}


@pytest.mark.parametrize("role", ["owner", "reader"])
async def test_pages_of_a_full_shop(site: Site, visit: Open, role: str) -> None:
    shop = await site.shop(LONG)
    email = await site.staff(shop, role)
    addresses = await fill(site, shop)
    page = await visit(email)
    looks: list[Look] = [(1280, "light"), (390, "dark")] if role == "owner" else [(390, "light")]
    assert await wrong_on(page, [*PAGES, *addresses], *looks) == {}


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
async def test_styleguide(site: Site, visit: Open, width: int, scheme: str) -> None:
    shop = await site.shop()
    page = await visit(await site.staff(shop), at=site.style_url, width=width, color_scheme=scheme)
    await page.goto("/styleguide")
    assert await problems(page) == []


async def test_topics_are_offered(site: Site, visit: Open) -> None:
    shop = await site.shop()
    page = await visit(await site.staff(shop))
    await page.goto("/events")
    offered = await page.locator("#event option").evaluate_all("options => options.map(o => o.value).filter(Boolean)")
    assert sorted(offered) == sorted(events.TOPICS)
