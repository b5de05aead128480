"""What a shop's owner does, in a browser."""

import re

import pytest
from playwright.async_api import Page, Route, expect

from regulars import customers
from tests.browser.conftest import PASSWORD, Open, Site

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_signing_in_and_out(site: Site, visit: Open) -> None:
    shop = await site.shop("Kiosk")
    email = await site.staff(shop)
    page = await visit(permissions=["clipboard-read", "clipboard-write"])
    await page.goto("/deliveries?state=failed")
    await expect(page).to_have_url(re.compile("/sign-in"))
    await page.get_by_label("E-mail").fill(email)
    await page.get_by_label("Password").fill("wrong")
    await page.get_by_role("button", name="Sign in").click()
    await expect(page.get_by_role("alert")).to_have_text("E-mail or password is wrong.")
    await expect(page.get_by_label("E-mail")).to_have_value(email)
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_role("button", name="Sign in").click()
    await expect(page).to_have_url(re.compile(r"/deliveries\?state=failed"))
    await page.locator("details.menu summary").click()
    first = page.locator(".menu .items > *").first
    await expect(first).to_contain_text(str(shop.id))
    await first.click()
    await expect(page.locator("#toasts")).to_contain_text("Copied")
    assert await page.evaluate("navigator.clipboard.readText()") == str(shop.id)
    await page.get_by_role("button", name="Sign out").click()
    await page.goto("/customers")
    await expect(page).to_have_url(re.compile("/sign-in"))


async def connect_omnisend(site: Site, page: Page) -> None:
    """First with a key that is refused."""
    await page.goto("/integrations")
    await page.get_by_role("link", name="Omnisend").click()
    await page.get_by_label("API key").fill("not-a-key")
    await page.get_by_text("More settings").click()
    await page.get_by_label("Address of Omnisend").fill(f"{site.sandbox_url}/omnisend")
    await page.get_by_role("button", name="Initialize").click()
    await expect(page.get_by_role("alert")).to_contain_text("Omnisend answered 401: the API key was refused.")
    await page.get_by_label("API key").fill("sandbox-key")
    await page.get_by_role("button", name="Initialize").click()
    await expect(page.locator(".head .badge")).to_have_text("Ready")


async def test_a_tool_of_the_shops_own(site: Site, visit: Open) -> None:
    shop = await site.shop()
    page = await visit(await site.staff(shop))
    await connect_omnisend(site, page)

    await page.goto("/events")
    await page.get_by_role("switch").click()
    await expect(page.get_by_role("switch")).to_have_attribute("aria-checked", "true")
    await page.goto("/events/send")
    await page.get_by_role("link", name="Create a rule").click()
    dialog = page.get_by_role("dialog")
    await expect(dialog.get_by_label("When this happens")).to_have_value("walletreward_create")
    await dialog.get_by_role("button", name="Add a restriction").click()
    await dialog.get_by_label("Property").select_option("amount")
    await dialog.get_by_label("Amount, in coins").fill("many")
    await dialog.get_by_role("button", name="Create").click()
    await expect(dialog.get_by_role("alert").nth(1)).to_have_text("Give a number.")
    await expect(dialog.get_by_label("Amount, in coins")).to_be_focused()
    await dialog.get_by_label("Amount, in coins").fill("100")
    await dialog.get_by_role("button", name="Create").click()
    await expect(page.locator(".sentence")).to_have_text(
        "When coins are rewarded and the amount is at least 100 coins, send walletreward_create to Omnisend."
    )

    await page.goto("/customers/new")
    await page.get_by_label("customer_id").fill("shopify-7029064106277")
    await page.get_by_label("Name").fill("Ann <script>alert(1)</script> Example")
    await page.get_by_label("E-mail").fill("ann@example.com")
    await page.get_by_role("button", name="Create").click()
    await expect(page.locator("h1")).to_have_text("Ann <script>alert(1)</script> Example")
    await page.goto("/")
    await page.get_by_role("link", name="Send test event").click()
    address = dialog.get_by_label("E-mail or mobile number")
    await address.fill("nobody@example.com")
    await dialog.get_by_role("button", name="Send").click()
    await expect(dialog).to_contain_text("A test goes to a customer who exists.")
    await address.fill("ann@example.com")
    await dialog.get_by_role("button", name="Send").click()
    await expect(dialog).to_contain_text("Omnisend took the event and answered 202.")
    await page.goto("/")
    await expect(page.get_by_text("Everything runs.")).to_be_visible()

    # A real event: coins by hand, told by the worker.
    await page.goto("/customers?q=ann")
    await page.locator("a.whole", has_text="Ann").click()
    await page.get_by_role("link", name="Adjust coins").click()
    await dialog.get_by_label("How many coins").fill("150")
    await dialog.get_by_label("Why").fill("Welcome")
    await dialog.get_by_role("button", name="Adjust").click()
    await expect(page.locator("#toasts")).to_contain_text("150 coins were given.")
    delivered = page.get_by_role("link", name=re.compile("^Omnisend was told"))
    await expect(page.locator(".timeline")).to_contain_text("150 coins given by hand")
    for _ in range(40):
        if await delivered.count():
            break
        await page.wait_for_timeout(100)
        await page.reload()
    await delivered.first.click()
    await expect(page.locator("article")).to_contain_text("202")
    await page.get_by_role("button", name="Send again").click()
    await expect(page.locator("#toasts")).to_contain_text("It is sent again now.")


async def test_without_javascript(site: Site, visit: Open) -> None:
    shop = await site.shop()
    page = await visit(await site.staff(shop), java_script_enabled=False, width=390)
    await page.goto("/keys")
    await page.locator(".empty").get_by_role("link", name="Create").click()
    await page.get_by_label("Name").fill("Checkout")
    await page.get_by_role("button", name="Create").click()
    assert re.fullmatch(r"rg_write_\S+", await page.locator("main .secret code").inner_text())

    await page.goto("/triggers/new")
    await page.get_by_role("link", name="An order comes in").click()
    await page.get_by_label("Coins per whole $1").fill("0")
    await page.get_by_role("button", name="Create").click()
    await expect(page.locator(".wrong")).to_contain_text("Give a whole number from 1 to 1,000,000,000.")
    await page.get_by_label("Coins per whole $1").fill("2")
    await page.get_by_role("button", name="Create").click()
    await expect(page.locator(".sentence")).to_have_text("When an order is paid, it gives 2 coins per whole $1.")

    await page.goto("/integrations/new/webhook")
    await page.get_by_label("Address of your receiver").fill(f"{site.sandbox_url}/webhook/shop")
    await page.get_by_role("button", name="Initialize").click()
    assert (await page.locator("main .secret code").inner_text()).startswith("whsec_")
    await page.goto("/events/send/new")
    await page.get_by_role("button", name="Add a restriction").click()
    await page.get_by_label("Property").select_option("type")
    await page.get_by_role("button", name="Show fitting fields").click()
    await page.get_by_label("Wallet transaction type: how").select_option("one_of")
    await page.get_by_role("button", name="Show fitting fields").click()
    await page.get_by_label("reward").check()
    await page.get_by_label("redeem").check()
    await page.get_by_role("button", name="Create").click()
    await expect(page.locator(".sentence")).to_contain_text("reward or redeem")
    await page.get_by_role("link", name="Delete").click()
    await page.get_by_role("button", name="Delete").click()
    await expect(page.locator("main")).to_contain_text("No tool is told of anything yet")

    await page.get_by_role("link", name="Menu").click()
    await page.locator("#menu").get_by_role("link", name="Customers").click()
    await expect(page.locator("h1")).to_have_text("Customers")
    await page.locator("details.menu summary").click()
    await page.get_by_role("button", name="Dark").click()
    await expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    await expect(page.locator("h1")).to_have_text("Customers")


async def test_by_keyboard_alone(site: Site, visit: Open) -> None:
    shop = await site.shop()
    page = await visit(await site.staff(shop))
    await page.goto("/keys")
    await page.keyboard.press("Tab")
    assert await focused(page) == "Skip to content"
    await page.keyboard.press("Enter")
    await page.keyboard.press("Tab")
    await expect(page.get_by_label("State")).to_be_focused()
    await page.keyboard.press("Tab")
    assert await focused(page) == "Create"
    await page.keyboard.press("Enter")
    dialog = page.locator("#dialog")
    await expect(dialog.get_by_label("Name")).to_be_focused()
    await page.keyboard.type("Checkout")
    asked: list[str] = []

    async def answer(asking: object) -> None:
        asked.append(asking.message)  # type: ignore[attr-defined]
        await asking.accept()  # type: ignore[attr-defined]

    page.once("dialog", answer)
    await page.keyboard.press("Escape")
    await expect(dialog).not_to_be_visible()
    assert asked == ["Leave without saving? What you typed here is lost."]
    assert await focused(page) == "Create"
    await page.keyboard.press("?")
    await expect(page.locator("#keys")).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(page.locator("#keys")).not_to_be_visible()
    await page.goto("/customers")
    await page.keyboard.press("/")
    await expect(page.locator("#find")).to_be_focused()


async def test_nothing_typed_is_lost_and_nothing_happens_twice(site: Site, visit: Open) -> None:
    shop = await site.shop()
    page = await visit(await site.staff(shop))
    await page.goto("/settings/shop")
    await page.get_by_label("Shop's name").fill("Another Name")
    await page.get_by_label("Shop's address").fill("??")
    await page.get_by_role("button", name="Save").click()
    await expect(page.get_by_label("Shop's address")).to_be_focused()
    await expect(page.get_by_label("Shop's name")).to_have_value("Another Name")
    asked: list[str] = []

    async def stay(asking: object) -> None:
        asked.append(asking.type)  # type: ignore[attr-defined]
        await asking.dismiss()  # type: ignore[attr-defined]

    page.on("dialog", stay)
    await page.get_by_role("link", name="Audit log").click(no_wait_after=True)
    await expect(page.get_by_label("Shop's name")).to_have_value("Another Name")
    assert asked == ["beforeunload"]
    page.remove_listener("dialog", stay)
    await page.get_by_label("Shop's address").fill("https://shop.example")
    await page.get_by_role("button", name="Save").dblclick()
    await expect(page.locator("#toasts")).to_contain_text("Saved.")

    # Between the answer and the page it leads to, the form is there to be pressed once more.
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.method) if request.url.endswith("/settings/shop") else None)
    await page.evaluate(
        """addEventListener("htmx:afterRequest", () => setTimeout(() => {
            document.querySelector('form[action="/settings/shop"]').requestSubmit();
        }));"""
    )
    await page.get_by_label("Shop's name").fill("A Third Name")
    await page.get_by_role("button", name="Save").click()
    await expect(page.locator("#toasts")).to_contain_text("Saved.")
    assert sent == ["POST", "GET"]
    await page.goto("/audit")
    await expect(page.locator("tbody tr")).to_have_count(2)


async def test_what_is_pressed_while_a_form_is_drawn_anew_is_not_lost(site: Site, visit: Open) -> None:
    page = await visit(await site.staff(await site.shop()))
    held: list[Route] = []

    async def hold(route: Route) -> None:
        if "condition.redraw=yes" in (route.request.post_data or ""):
            held.append(route)
        else:
            await route.continue_()

    await page.goto("/integrations/new/webhook")
    await page.get_by_label("Address of your receiver").fill(f"{site.sandbox_url}/webhook/shop")
    await page.get_by_role("button", name="Initialize").click()
    await expect(page.locator("main .secret code")).to_be_visible()
    await page.goto("/events/send/new")
    await page.route("**/events/send/new", hold)
    await page.get_by_label("When this happens").select_option("walletreward_create")
    await page.get_by_role("button", name="Create").click()
    await expect(page.locator(".sentence")).to_contain_text("When coins are rewarded")
    assert len(held) == 1


async def test_a_rule_is_said_in_a_sentence_while_it_is_typed(site: Site, visit: Open) -> None:
    shop = await site.shop()
    page = await visit(await site.staff(shop))
    await page.goto("/triggers")
    await page.get_by_role("link", name="Create a trigger").first.click()
    await page.get_by_role("link", name="An order comes in").click()
    said, per_unit = page.locator(".said"), page.get_by_label("Coins per whole $1")
    await expect(said).to_have_text("When an order is paid, it gives 1 coin per whole $1.")
    await per_unit.fill("3")
    await expect(said).to_have_text("When an order is paid, it gives 3 coins per whole $1.")
    await expect(per_unit).to_be_focused()
    await per_unit.fill("none")
    await expect(said.locator(".hint")).to_be_visible()
    await per_unit.fill("2")
    await page.get_by_role("button", name="Create").click()
    await expect(page.locator("main .said")).to_have_text("When an order is paid, it gives 2 coins per whole $1.")


async def test_a_reader_looks_and_changes_nothing(site: Site, visit: Open) -> None:
    shop = await site.shop()
    page = await visit(await site.staff(shop, "reader", "Rita"))
    await page.goto("/settings/shop")
    await expect(page.locator("main")).to_contain_text("You can look here, but not change.")
    await expect(page.get_by_role("button", name="Save")).to_have_count(0)
    answer = await page.evaluate(
        """async () => {
            const token = JSON.parse(document.body.getAttribute("hx-headers"))["X-CSRF-Token"];
            const [headers, body] = [{"X-CSRF-Token": token}, new URLSearchParams({name: "Mine"})];
            const sent = await fetch("/settings/shop", {method: "POST", headers, body});
            return [sent.status, await sent.text()];
        }"""
    )
    assert answer[0] == 403
    assert "Your role is reader" in answer[1]


async def test_a_form_of_another_site_does_nothing(site: Site, visit: Open) -> None:
    shop = await site.shop()
    page = await visit(await site.staff(shop))
    await page.goto("/settings/shop")
    sent = """async (token) => (await fetch("/settings/shop", {method: "POST",
        headers: {"X-CSRF-Token": token}, body: new URLSearchParams({name: "Mine"})})).status"""
    assert await page.evaluate(sent, "guessed") == 403
    token = await page.locator("form[action='/settings/shop'] [name=_csrf]").input_value()
    elsewhere = await page.request.post(
        "/settings/shop", form={"_csrf": token, "name": "Mine"}, headers={"sec-fetch-site": "cross-site"}
    )
    assert elsewhere.status == 403
    await page.reload()
    await expect(page.get_by_label("Shop's name")).to_have_value("Corner Shop")


async def test_what_is_not_there(site: Site, visit: Open) -> None:
    page = await visit(await site.staff(await site.shop()))
    answer = await page.goto("/customers/00000000-0000-7000-8000-000000000000")
    assert answer is not None
    assert answer.status == 404
    await expect(page.locator("h1")).to_have_text("There is nothing here")
    answer = await page.goto("/no/such/page")
    assert answer is not None
    assert answer.status == 404
    await page.get_by_role("link", name="Go to the overview").click()
    await expect(page.locator("h1")).to_have_text("Overview")


async def test_orders_out_of_a_file(site: Site, visit: Open) -> None:
    page = await visit(await site.staff(await site.shop()))
    await page.goto("/orders")
    await page.get_by_role("link", name="Import orders").click()
    file = page.get_by_label("CSV file")
    await file.set_input_files({"name": "x.csv", "mimeType": "text/csv", "buffer": b"\x89PNG\r\n\x1a\n\x00\x00"})
    await page.get_by_role("button", name="Look at it").click()
    await expect(page.get_by_role("alert")).to_contain_text("Something here needs another look.")
    rows = b"order_id,customer_id,amount,placed_at\n1,shop-00001,84.95,2026-03-14\n2,shop-00001,much,2026-03-14\n"
    await file.set_input_files({"name": "march.csv", "mimeType": "text/csv", "buffer": rows})
    await page.get_by_role("button", name="Look at it").click()
    await expect(page.locator("main")).to_contain_text("No trigger rewards orders, so they will earn nothing.")
    await expect(page.get_by_role("row", name="Line 3")).to_contain_text("amount")
    await page.get_by_role("button", name="Import", exact=True).click()
    await expect(page.locator(".notice").first).to_contain_text("2 rows of march.csv were read.")
    await expect(page.get_by_role("row", name="Line 3")).to_contain_text("amount")
    await page.get_by_role("link", name="See the orders").click()
    await expect(page.locator("tbody tr")).to_have_count(1)
    await expect(page.locator("tbody tr")).to_contain_text("$84.95")


async def focused(page: Page) -> str:
    words: str = await page.evaluate("document.activeElement.textContent.trim()")
    return words


async def test_the_box_at_the_top_answers_as_one_types(site: Site, visit: Open) -> None:
    shop = await site.shop()
    async with site.app.db.transaction() as tx:
        people = [
            customers.NewCustomer("shopify-7029064106277", "Zoë Müller-Lüdenscheidt", "zoe@example.com"),
            customers.NewCustomer(
                "shopify-7029064106278", "A very long name that goes on and on " * 2, "long@example.com"
            ),
        ]
        await customers.ensure(tx, shop, people, site.app.clock.now())
    page = await visit(await site.staff(shop))
    await page.goto("/orders")
    await page.keyboard.press("/")
    await page.keyboard.type("mull")
    found = page.locator("#find-found").get_by_role("link")
    await expect(found).to_have_count(1)
    await page.get_by_label("Search everything").fill("70290641")
    await expect(found).to_have_count(2)
    await page.keyboard.press("Tab")
    await expect(found.first).to_be_focused()
    await page.keyboard.press("Escape")
    await expect(found.first).to_be_hidden()
    await page.keyboard.press("/")
    await page.get_by_label("Search everything").fill("nobody at all")
    await expect(page.locator("#find-found")).to_contain_text("Nothing found")
    await page.keyboard.press("Enter")
    await expect(page).to_have_url(re.compile(r"/search\?q=nobody"))
