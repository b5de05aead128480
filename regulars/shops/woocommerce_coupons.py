"""Discounts at WooCommerce, where they are called coupons, by its REST API."""

from base64 import b64encode
from datetime import UTC
from typing import Any
from urllib.parse import quote

import msgspec

from regulars.kit.http import Answer, Request
from regulars.rewards import Came, Terms
from regulars.rewards.model import value_of
from regulars.shops.dialect import Dialect, Discount, Heard, Secrets, Settings, There, read


def authorization(secrets: Secrets) -> str:
    return "Basic " + b64encode(f"{secrets.get('consumer_key')}:{secrets.get('consumer_secret')}".encode()).decode()


def _ask(method: str, settings: Settings, secrets: Secrets, path: str, body: Any = None) -> Request:
    url = f"{str(settings['url']).rstrip('/')}/wp-json/wc/v3/coupons{path}"
    headers = {"authorization": authorization(secrets), "accept": "application/json"}
    if body is not None:
        headers["content-type"] = "application/json"
    raw = b"" if body is None else msgspec.json.encode(body)
    return Request(method, url, headers, raw, frozenset({"authorization"}))


def _cannot(terms: Terms) -> dict[str, str]:
    if terms.discount == "percent" and terms.value_max:
        return {"value_max": "WooCommerce has no percentage with a maximum."}
    if terms.target != "cart" and not all(one.isdigit() for one in terms.targets):
        return {"targets": "WooCommerce knows products and categories by their numbers."}
    return {}


def _make(settings: Settings, secrets: Secrets, discount: Discount) -> Request:
    terms = discount.terms
    kind = "fixed_cart" if terms.target == "cart" else "fixed_product"
    amount = 100 if terms.discount == "free_product" else value_of(terms, discount.steps)
    said: dict[str, Any] = {
        "code": discount.code,
        "description": discount.title,
        "discount_type": "percent" if terms.discount in ("percent", "free_product") else kind,
        "amount": "0" if terms.discount == "free_shipping" else f"{amount:.2f}",
        "free_shipping": terms.discount == "free_shipping",
        "individual_use": not terms.combines,
        "usage_limit": 1,
        "minimum_amount": f"{terms.minimum_cart:.2f}",
    }
    if terms.target != "cart":
        name = "product_ids" if terms.target == "products" else "product_categories"
        # What is taken off products is taken off once, as it is counted here.
        said |= {name: [int(one) for one in terms.targets]}
        said |= {"limit_usage_to_x_items": 1} if terms.discount != "percent" else {}
    if discount.ends_at:
        said["date_expires_gmt"] = f"{discount.ends_at.astimezone(UTC):%Y-%m-%dT%H:%M:%S}"
    return _ask("POST", settings, secrets, "", said)


def _hear(answer: Answer) -> Heard:
    body = read(answer, "WooCommerce")
    if isinstance(body, list):
        body = body[0] if body else {"status": "none"}
    if not isinstance(body, dict):
        return body if isinstance(body, Came) else Came("unclear", "WooCommerce answered something unknown.")
    if answer.status >= 300:
        if answer.status == 404:
            # Taken away by hand; or there is no such API at this address.
            theirs = str(body.get("code", "")).startswith("woocommerce_rest_")
            return None if theirs else Came("closed", "WooCommerce's REST API is not at this address.")
        taken = body.get("code") == "woocommerce_rest_coupon_code_already_exists"
        return Came("unclear" if taken else "refused", f"WooCommerce refused it: {body.get('message')}")
    if "id" not in body:
        return None
    return There(str(body["id"]), body.get("usage_count", 0) >= (body.get("usage_limit") or float("inf")))


WOOCOMMERCE = Dialect(
    cannot=_cannot,
    look=lambda settings, secrets, code: _ask("GET", settings, secrets, f"?code={quote(code)}"),
    make=_make,
    remove=lambda settings, secrets, there: _ask("DELETE", settings, secrets, f"/{there}?force=true"),
    hear=_hear,
)
