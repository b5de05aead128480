"""Discounts at Shopify, by its Admin API in GraphQL."""

from typing import Any

import msgspec

from regulars.kit import wire_time
from regulars.kit.http import Answer, Request
from regulars.rewards import Came, Terms
from regulars.rewards.model import value_of
from regulars.shops.dialect import Dialect, Discount, Heard, Secrets, Settings, There, read

_PATH = "/admin/api/2026-07/graphql.json"
_LOOK = """query($code: String!) { said: codeDiscountNodeByCode(code: $code) { id codeDiscount {
  ... on DiscountCodeBasic { usageLimit asyncUsageCount }
  ... on DiscountCodeFreeShipping { usageLimit asyncUsageCount } } } }"""
_MAKE = """mutation($discount: %sInput!) { said: discountCode%sCreate(%s: $discount) {
  codeDiscountNode { id } userErrors { field code message } } }"""
_REMOVE = """mutation($id: ID!) { said: discountCodeDelete(id: $id) {
  deletedCodeDiscountId userErrors { field code message } } }"""
_CHOSEN = {"products": ("Product", "products", "productsToAdd"), "collections": ("Collection", "collections", "add")}
_FAULTS: dict[str, Any] = {"THROTTLED": "unclear", "INTERNAL_SERVER_ERROR": "unclear", "ACCESS_DENIED": "closed"}


def _ask(settings: Settings, secrets: Secrets, query: str, **variables: Any) -> Request:
    server = str(settings.get("api_url") or f"https://{settings['shop_domain']}").rstrip("/")
    headers = {"content-type": "application/json", "x-shopify-access-token": secrets.get("admin_token", "")}
    body = msgspec.json.encode({"query": query, "variables": variables})
    return Request("POST", server + _PATH, headers, body, frozenset({"x-shopify-access-token"}))


def _cannot(terms: Terms) -> dict[str, str]:
    if terms.discount == "percent" and terms.value_max:
        return {"value_max": "Shopify has no percentage with a maximum."}
    free = terms.discount == "free_product"
    return {"discount": "Shopify has no code that makes one product free."} if free else {}


def _make(settings: Settings, secrets: Secrets, discount: Discount) -> Request:
    terms, shipping = discount.terms, discount.terms.discount == "free_shipping"
    classes = ("orderDiscounts", "productDiscounts", "shippingDiscounts")
    said: dict[str, Any] = {
        "title": discount.title,
        "code": discount.code,
        "startsAt": wire_time(discount.starts_at),
        "endsAt": wire_time(discount.ends_at) if discount.ends_at else None,
        "usageLimit": 1,
        "appliesOncePerCustomer": True,
        "context": {"all": "ALL"},
        "combinesWith": dict.fromkeys(classes, terms.combines),
    }
    if terms.minimum_cart:
        said["minimumRequirement"] = {"subtotal": {"greaterThanOrEqualToSubtotal": f"{terms.minimum_cart:.2f}"}}
    if shipping:
        query = _MAKE % ("DiscountCodeFreeShipping", "FreeShipping", "freeShippingCodeDiscount")
        return _ask(settings, secrets, query, discount=said | {"destination": {"all": True}})
    value = value_of(terms, discount.steps)
    off = {"discountAmount": {"amount": f"{value:.2f}", "appliesOnEachItem": False}}
    kind, field, add = _CHOSEN.get(terms.target, ("", "", ""))
    chosen = [one if one.startswith("gid://") else f"gid://shopify/{kind}/{one}" for one in terms.targets]
    said["customerGets"] = {
        "value": {"percentage": value / 100} if terms.discount == "percent" else off,
        "items": {field: {add: chosen}} if kind else {"all": True},
    }
    return _ask(settings, secrets, _MAKE % ("DiscountCodeBasic", "Basic", "basicCodeDiscount"), discount=said)


def _hear(answer: Answer) -> Heard:
    body = read(answer, "Shopify")
    if isinstance(body, Came):
        return body
    faults = body.get("errors") if isinstance(body, dict) else None
    if faults or not isinstance(body, dict) or "said" not in (body.get("data") or {}):
        return _fault(faults, answer.status)
    said = body["data"]["said"] or {}
    if wrong := said.get("userErrors"):
        words = "; ".join(str(one.get("message")) for one in wrong)
        taken = any(one.get("code") == "TAKEN" for one in wrong)
        return Came("unclear" if taken else "refused", f"Shopify refused it: {words}")
    node = said.get("codeDiscountNode") or said
    if "id" not in node:
        return None
    counted = node.get("codeDiscount") or {}
    return There(str(node["id"]), counted.get("asyncUsageCount", 0) >= (counted.get("usageLimit") or float("inf")))


def _fault(faults: Any, status: int) -> Came:
    if not isinstance(faults, list) or not faults:
        # No such shop, or one that is frozen: nothing against this discount.
        return Came("closed" if status >= 300 else "unclear", f"Shopify answered {status}: {str(faults)[:200]}")
    code = str((faults[0].get("extensions") or {}).get("code"))
    return Came(_FAULTS.get(code, "refused"), f"Shopify answered: {faults[0].get('message')}")


SHOPIFY = Dialect(
    cannot=_cannot,
    look=lambda settings, secrets, code: _ask(settings, secrets, _LOOK, code=code),
    make=_make,
    remove=lambda settings, secrets, there: _ask(settings, secrets, _REMOVE, id=there),
    hear=_hear,
)
