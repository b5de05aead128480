"""Who may do what: every route by every role and every kind of key.

A route that is not in these tables fails the test: whoever adds one says here who may call it.
"""

import re
from typing import Any

import pytest

from regulars import tenancy
from regulars.api.app import Doors
from regulars.api.management import management
from regulars.api.merchant import merchant
from regulars.dashboard import security
from regulars.kit.ids import new_id
from regulars.tenancy import Areas
from tests.doors import Shop
from tests.stories import rights, rights_of_referrals
from tests.stories.browsing import person, signed_in

APIS = rights.APIS + rights_of_referrals.APIS
PAGES = rights_of_referrals.PAGES + rights.PAGES  # which ends with signing out


def lines(table: str) -> dict[tuple[str, str], list[str]]:
    found = (line.split() for line in table.splitlines() if re.match(r"(GET|POST|PUT|PATCH|DELETE) ", line))
    return {(method, path): cells for method, path, *cells in found}


def filled(path: str) -> str:
    """The same path to things that are not there."""
    path = (
        path.replace("{tool}", "webhook")
        .replace("{place}", "0")
        .replace("{topic}", "lead_create")
        .replace("{file_path}", "app.css")
    )
    return re.sub(r"\{\w+\}", str(new_id()), path)


async def test_every_operation_has_its_line() -> None:
    operations = {(o.method, api.base + o.path) for api in (merchant, management) for o in api.operations}
    assert operations == lines(APIS).keys(), "say in APIS which keys may call it"


KEYS: dict[str, dict[str, Any]] = {
    "storefront": {"access": "READ", "purpose": "STOREFRONT"},
    "read": {"access": "READ"},
    "write": {"access": "WRITE"},
} | {
    f"{area} {right}": {"areas": Areas(**{area: right})}  # type: ignore[arg-type]
    for area in Areas.__struct_fields__
    for right in ("READ", "WRITE")
}


@pytest.mark.parametrize("kind", [*KEYS, "nobody"])
async def test_a_key_may_what_its_rights_say(shop: Shop, kind: str) -> None:
    key = "rg_write_guessed"
    if kind != "nobody":
        async with shop.app.db.transaction() as tx:
            now = shop.app.clock.now()
            key = (await tenancy.issue_key(tx, shop.workspace.id, kind, **KEYS[kind], made_by="cli", now=now)).key
    trigger = await shop.trigger("Visit", open=True)
    area, _, right = kind.partition(" ")
    for (method, path), cells in lines(APIS).items():
        needed = dict(zip(["storefront", "read", "write", *Areas.__struct_fields__], cells, strict=True)).get(area, "-")
        body: Any = (
            {"trigger_id": str(trigger.id), "customer_id": "shopify-1001"} if path.endswith("/activities") else {}
        )
        if path.endswith("offerredeems"):
            name = "publicoffer_id" if "public" in path else "offer_id"
            body = {name: str(new_id()), "customer_id": "shopify-1001"}
        if path.endswith(("/merchant/reviews", "/merchant/qnas")) and method == "POST":
            said = {"rating": 5} if path.endswith("reviews") else {"question": "Is it warm?"}
            body = {"reference_product_id": "8198", "customer_id": "shopify-1001", **said}
        if path.endswith("/uploads"):
            body = {"parent_id": str(new_id()), "file": "AAAA"}
        if "/leads-" in path:
            body = {
                "referred_by_referral_code": "2nfcdqo46x",
                "metadetail": {"email": "ravi@example.com", "mobile": "91"},
            }
        of_a_lead = method == "GET" and ("wallettransactions" in path or re.search("merchant/(public)?coupons", path))
        query = {"lead_id": str(new_id())} if of_a_lead else {"shop": "x"} if "public-offers" in path else {}
        if "merchant/referrals" in path:
            query = {"referred_by_lead_id": str(new_id())}
        answer = await shop.client.request(
            method, filled(path), headers=shop.headers(key), json=None if method == "GET" else body, params=query
        )
        said = answer.json() if answer.content else {}
        code = said.get("data", said).get("code", "")
        if kind == "nobody":
            assert answer.status_code == 401, f"{method} {path}"
        elif needed == "proof":
            assert (answer.status_code, code) == (401, "customer_proof_missing"), f"{method} {path} by {kind}"
        elif needed == "yes" or needed == right or (needed, right) == ("READ", "WRITE"):
            assert answer.status_code not in (401, 403, 500), f"{method} {path} by {kind}"
        else:
            assert (answer.status_code, code) == (403, "forbidden"), f"{method} {path} by {kind}"


async def test_every_page_has_its_line(shop: Shop) -> None:
    routes = {
        (method, route.path_format)
        for route in Doors(shop.app).litestar.routes
        for method in getattr(route, "methods", set()) - {"OPTIONS", "HEAD"}
        if not route.path.startswith((merchant.base, management.base))
    }
    assert routes == lines(PAGES).keys(), "say in PAGES who may open it"


@pytest.mark.parametrize("role", ["owner", "editor", "reader", "nobody"])
async def test_a_person_may_what_their_role_says(shop: Shop, role: str) -> None:
    token = ""
    if role != "nobody":
        token = (await signed_in(shop, await person(shop, role, role))).token
    for (method, path), cells in lines(PAGES).items():
        may = dict(zip(["owner", "editor", "reader", "nobody"], cells, strict=True))[role]
        headers = {"cookie": f"{security.SESSION_COOKIE}={token}"} if token else {}
        form = {"_csrf": security.csrf_token(token)} if method == "POST" else None
        answer = await shop.client.request(method, filled(path), data=form, headers=headers)
        turned_away = answer.status_code == 303 and answer.headers["location"].startswith("/sign-in")
        if may == "yes":
            # The door asks for the token of its own form, which is tried elsewhere.
            assert answer.status_code != 403 or path == "/sign-in", f"{method} {path} by {role}"
            assert not turned_away or path == "/sign-out", f"{method} {path} by {role}"
        elif role == "nobody":
            assert turned_away, f"{method} {path} by nobody"
        else:
            assert answer.status_code == 403, f"{method} {path} by {role}"
