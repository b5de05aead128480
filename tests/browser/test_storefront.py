"""The widget in the pages of a shop, and on a page of its own: as a customer meets it, in pages that are against it."""

import re
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import jwt
import pytest
import pytest_asyncio
from playwright.async_api import Page, Route, expect

from regulars import customers, ledger, rewards, tenancy, tiers, triggers
from regulars.customers import NewCustomer
from regulars.rewards import Terms
from regulars.storefront.door import widget
from regulars.tenancy import Workspace
from regulars.tiers import Ladder, Needs, Tier
from regulars.triggers import Content, Rule
from tests import make
from tests.browser.conftest import Open, Site
from tests.browser.looking import problems

pytestmark = pytest.mark.asyncio(loop_scope="session")

SHOP = "https://corner.example"
HOSTILE = """
<style nonce="page">body * { display: none !important } div, iframe { all: unset !important; opacity: 0 !important }
</style>
<script nonce="page">
const no = () => { throw new Error("shadowed"); };
for (const of of [Array, Object, String, Promise, Map, Set, Number, RegExp])
  for (const name of Object.getOwnPropertyNames(of.prototype))
    try { if (typeof of.prototype[name] === "function" && name !== "constructor") of.prototype[name] = no; } catch {}
for (const of of [Document, Element, HTMLElement, ShadowRoot, Event, KeyboardEvent, CSSStyleSheet])
  for (const name of ["createElement", "attachShadow", "append", "replaceChildren", "querySelector", "setAttribute",
                      "getAttribute", "closest", "focus", "click", "preventDefault", "replaceSync"])
    if (name in of.prototype) of.prototype[name] = no;
Node.prototype.appendChild = EventTarget.prototype.addEventListener = no;
for (const name of ["then", "shop", "token", "name", "length", "headers", "method", "get"])
  Object.defineProperty(Object.prototype, name, { get: () => undefined, set: no, configurable: true });
window.fetch = window.JSON = window.Intl = window.URL = window.setTimeout = no;
Array.prototype[Symbol.iterator] = no;
window.Reflect = window.Promise = window.data = window.words = window.open = 1;
</script>
"""
POLICY = "default-src 'none'; script-src {0} 'nonce-page'; connect-src {0}; style-src 'nonce-page'"


class Store:
    """A shop with something to earn and to buy, and pages of its own that show the widget."""

    def __init__(self, site: Site, shop: Workspace) -> None:
        self.site, self.shop = site, shop

    def token(self, customer_id: str = "shopify-1001") -> str:
        (secret,) = tenancy.storefront_secrets(self.site.app.settings.secret(), self.shop)
        exp = self.site.app.clock.now() + timedelta(minutes=30)
        return jwt.encode({"customer_id": customer_id, "exp": exp}, secret, algorithm="HS256")

    async def page(self, visit: Open, head: str = "", policy: str = "", **more: Any) -> Page:
        """`corner.example`, whose every page carries the script; another site than the widget's."""
        attributes = {"shop": self.shop.shown_id, "token": self.token()} | more.pop("given", {})
        given = " ".join(f'data-{name}="{value}"' for name, value in attributes.items())
        body = f"""<!doctype html><html lang="en"><title>Corner</title>{head}<h1>Corner</h1>
            <a href="/club" data-regulars-open>Our club</a>
            <script src="{self.site.url}/storefront/v1/widget.js" {given} nonce="page"></script></html>"""
        page = await visit(at=SHOP, **more)

        async def answer(route: Route) -> None:
            headers = {"content-security-policy": policy.format(self.site.url)} if policy else {}
            await route.fulfill(status=200, content_type="text/html", headers=headers, body=body)

        await page.route(f"{SHOP}/**", answer)
        await page.goto("/")
        return page


@pytest_asyncio.fixture(loop_scope="session")
async def store(site: Site) -> AsyncIterator[Store]:
    shop, now = await site.shop(), site.app.clock.now()
    async with site.app.db.transaction() as tx:
        asha = await customers.create(tx, shop, NewCustomer("shopify-1001", name="Asha Rao"), now)
        await ledger.post(tx, shop, [make.credit(asha.id, 1_250, now, title="Welcome")], now)
        content = Content(title="Follow us", link="https://social.example/corner")
        rule = Rule(coins_min=50, coins_max=50, per_day_max=1)
        await triggers.create_trigger(tx, shop, "Follow", "api", rule, now, content=content, show_in_widget=True)
        by_order = Rule(coins_per_unit=2)
        await triggers.create_trigger(tx, shop, "Buy something", "order", by_order, now, show_in_widget=True)
        five = Terms(value=5, price="fixed", coins=500, minimum_cart=20)
        ten = Terms(value=1, price="dynamic", coins=100, steps_min=2, steps_max=50)
        for name, terms in (("Five", five), ("Ten", ten), ("Much", Terms(value=99, price="fixed", coins=9_900))):
            await rewards.create_offer(tx, shop, name, terms, now)
        gold = Tier(key="gold", name="Gold", enter=Needs(spent=500, orders=5), perks=("Free shipping", "Early access"))
        await tiers.change_ladder(tx, shop, Ladder(tiers=(gold,)), now)
    yield Store(site, shop)


async def test_a_customer_looks_and_buys_with_the_keyboard_alone(store: Store, visit: Open) -> None:
    page = await store.page(visit)
    launcher = page.get_by_role("button", name="Rewards", exact=True)
    await launcher.focus()
    await page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog", name="Your rewards")
    await expect(dialog).to_contain_text("1,250")
    await expect(dialog).to_contain_text("Follow us")
    await expect(dialog).to_contain_text("2 coins for each $1")
    assert await problems(page) == []
    for key in ("Tab", "Tab"):
        await page.keyboard.press(key)
    await page.get_by_role("tab", name="Overview").focus()
    await page.keyboard.press("ArrowRight")
    await expect(page.get_by_role("tab", name="Rewards")).to_be_focused()
    await expect(dialog).to_contain_text("You need 8,650 more coins")
    await page.get_by_role("button", name="Get it: $5 off").focus()
    await page.keyboard.press("Enter")
    await expect(dialog).to_contain_text("Spend 500 coins?")
    await page.keyboard.press("Enter")
    await expect(dialog).to_contain_text("This is your code:")
    code = await page.locator(".got .code").input_value()
    await expect(dialog.locator(".big")).to_have_text("750")
    await expect(dialog).to_contain_text("Your coupons")
    async with store.site.app.db.reading() as tx:
        _, terms = await rewards.find_coupon(tx, store.shop.id, code)
    assert terms.value == 5
    await page.keyboard.press("Escape")
    await expect(dialog).to_be_hidden()
    await expect(launcher).to_be_focused()
    assert await page.context.cookies() == []


async def test_a_price_in_steps_is_chosen(store: Store, visit: Open) -> None:
    page = await store.page(visit)
    await expect(page.get_by_role("button", name="Rewards", exact=True)).to_be_visible()
    await page.get_by_role("link", name="Our club").click()
    await page.get_by_role("tab", name="Rewards").click()
    slide = page.get_by_role("slider", name="How much")
    await slide.press("ArrowRight")
    await expect(page.locator("li").filter(has=slide)).to_contain_text("$3 off")
    await page.get_by_role("button", name="Get it: $2 off").click()
    await page.get_by_role("button", name="Yes, get it").click()
    await expect(page.locator(".big")).to_have_text("950")


async def test_a_page_that_is_against_it(store: Store, visit: Open) -> None:
    page = await store.page(visit, head=HOSTILE, policy=POLICY)
    launcher = page.get_by_role("button", name="Rewards", exact=True)
    await expect(launcher).to_be_visible()
    box = await launcher.bounding_box()
    assert box is not None
    assert (box["height"], 1280 - box["x"] - box["width"]) == (48, 16)
    await page.keyboard.press("Tab")
    await launcher.focus()
    await page.keyboard.press("Enter")
    await expect(page.locator(".big")).to_have_text("1,250")
    await page.get_by_role("tab", name="Overview").press("ArrowRight")
    await page.get_by_role("button", name="Get it: $5 off").click()
    await page.get_by_role("button", name="Yes, get it").click()
    await expect(page.locator(".got .code")).to_be_visible()
    await page.locator(".got").get_by_role("button", name="Copy").click()
    await expect(page.locator(".got")).to_contain_text("Copied")


@pytest.mark.parametrize(
    ("language", "words"), [("ar", "مكافآتك"), ("de", "Deine Prämien"), ("fr-CA", "Vos récompenses")]
)
async def test_a_phone_in_another_language(store: Store, visit: Open, language: str, words: str) -> None:
    page = await store.page(visit, width=390, given={"language": language})
    await page.get_by_role("button").click()
    await expect(page.get_by_role("heading", name=words)).to_be_visible()
    box = await page.get_by_role("dialog").bounding_box()
    assert box is not None
    assert (box["x"], box["width"]) == (0, 390)
    for tab in await page.get_by_role("tab").all():
        await tab.click()
        assert await problems(page) == []
    direction = await page.get_by_role("dialog").evaluate("dialog => getComputedStyle(dialog).direction")
    assert direction == ("rtl" if language == "ar" else "ltr")


async def test_a_stranger_is_shown_the_programme(store: Store, visit: Open) -> None:
    page = await store.page(visit, given={"token": "e30.e30.e30"})
    await page.get_by_role("button", name="Rewards", exact=True).click()
    dialog = page.get_by_role("dialog")
    await expect(dialog).to_contain_text("Sign in to your account")
    await expect(page.get_by_role("tab")).to_have_count(2)
    await page.get_by_role("tab", name="Rewards").click()
    await expect(dialog).to_contain_text("From a cart of $20")
    await expect(page.get_by_role("button", name="Get it")).to_have_count(0)


@pytest.mark.parametrize(("width", "scheme"), [(1280, "dark"), (390, "light")])
async def test_a_page_of_its_own(store: Store, visit: Open, width: int, scheme: str) -> None:
    page = await visit(width=width, color_scheme=scheme)
    await page.goto(f"/storefront/v1/page?shop={store.shop.id}&token={store.token()}")
    await expect(page.locator(".big")).to_have_text("1,250")
    assert "token" not in page.url
    assert await problems(page) == []
    await page.reload()
    await expect(page.locator(".big")).to_have_text("1,250")
    whatsapp = page.get_by_role("link", name="WhatsApp")
    await expect(whatsapp).to_have_attribute(
        "href", re.compile(r"^https://wa\.me/\?text=[^&]*%2Fr%2F\w+%3Fshop%3D[0-9a-f-]+$")
    )
    await expect(page.get_by_role("link", name="E-mail")).to_have_attribute("href", re.compile("^mailto:.*body="))
    await page.get_by_role("tab", name="Activity").click()
    await expect(page.get_by_role("tabpanel")).to_contain_text("Welcome")
    assert (await page.goto("/storefront/v1/page?shop=nobody")).status == 404  # type: ignore[union-attr]


async def test_the_script_is_small() -> None:
    assert len(widget()) < 30_000


async def test_a_theme_is_seen_as_it_is_made(store: Store, visit: Open) -> None:
    page = await visit(await store.site.staff(store.shop))
    await page.goto("/settings/storefront")
    await expect(page.locator(".storefront .balance")).to_contain_text("480")
    assert await problems(page) == []
    await page.get_by_label("Heading").fill("The corner club")
    await page.get_by_label("Colour").fill("#ffd400")
    await page.get_by_label("Language").select_option("fr")
    await expect(page.locator(".storefront h2")).to_have_text("The corner club")
    await expect(page.locator(".storefront")).to_contain_text("Comment gagner")
    await expect(page.locator(".storefront .balance")).to_have_css("color", "rgb(0, 0, 0)")
    await expect(page.locator(".storefront regulars-rewards")).to_have_count(1)
    await page.get_by_label("Your shop’s addresses").fill("corner.example")
    await page.get_by_role("button", name="Save").click()
    await expect(page.get_by_text("Give addresses such as https://shop.example, without a path.")).to_be_visible()
    await page.get_by_label("Your shop’s addresses").fill(SHOP)
    await page.get_by_role("button", name="Save").click()
    await expect(page.get_by_text("Saved.")).to_be_visible()
    shown = await store.page(visit, given={"language": "de"})
    await shown.get_by_role("button", name="Récompenses", exact=True).click()
    await expect(shown.get_by_role("heading", name="The corner club")).to_be_visible()
