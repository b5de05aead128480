"""The discounts of the look-alikes of platforms, behind the APIs by which an app makes them there."""

import re
from base64 import b64encode
from itertools import count
from typing import Any
from urllib.parse import parse_qs, urlsplit

import msgspec

from regulars.sandbox.memory import Call
from regulars.sandbox.reply import Reply

_FIELD = re.compile(r"said: (\w+)\((?:(\w+): )?")
_NEEDED = {"discountCodeBasicCreate": "customerGets", "discountCodeFreeShippingCreate": "destination"}


class Shelf:
    """What is there, by its code in capitals, as codes are told apart; `used` is how often each was."""

    def __init__(self) -> None:
        self.there: dict[str, dict[str, Any]] = {}
        self.used: dict[str, int] = {}
        self._ids = count(7_001)

    def put(self, code: str, said: dict[str, Any], id: str = "{}") -> dict[str, Any]:
        self.used[code.upper()] = 0
        made = {"id": id.format(next(self._ids)), **said}
        return self.there.setdefault(code.upper(), made)

    def code_of(self, id: str) -> str | None:
        return next((code for code, one in self.there.items() if str(one["id"]) == id), None)


def graphql(shelf: Shelf, call: Call, token: str) -> Reply:
    """Shopify's, of which it knows what is done with discounts. Raises ValueError for what is no such call."""
    if call.headers.get("x-shopify-access-token") != token:
        words = "[API] Invalid API key or access token (unrecognized login or wrong password)"
        return Reply.json(401, {"errors": words}, "a token that is not known")
    asked = msgspec.json.decode(call.body, type=dict[str, Any])
    field, variables = _FIELD.search(str(asked["query"])), asked.get("variables") or {}
    name = field[1] if field else ""
    if name == "codeDiscountNodeByCode":
        one = shelf.there.get(variables["code"].upper())
        counted = {"usageLimit": 1, "asyncUsageCount": shelf.used.get(variables["code"].upper(), 0)}
        return _said(one and {"id": one["id"], "codeDiscount": counted}, f"{name}: {'there' if one else 'none'}")
    if name == "discountCodeDelete":
        code = shelf.code_of(variables["id"])
        if code is None:
            return _wrong("id", "INVALID", "Code discount does not exist.")
        del shelf.there[code]
        return _said({"deletedCodeDiscountId": variables["id"], "userErrors": []}, f"{code} is gone")
    if name in _NEEDED:
        return _make(shelf, name, variables["discount"])
    fault = {"message": f"Field '{name}' doesn't exist on type 'Mutation'", "extensions": {"code": "undefinedField"}}
    return Reply.json(200, {"errors": [fault]}, "what is not known")


def _make(shelf: Shelf, name: str, said: dict[str, Any]) -> Reply:
    for needed in ("code", "title", "startsAt", "context", _NEEDED[name]):
        if not said.get(needed):
            return _wrong(needed, "BLANK", f"{needed} can't be blank")
    share = said.get("customerGets", {}).get("value", {}).get("percentage", 0.5)
    if not 0 < share <= 1:
        return _wrong("customerGets", "INVALID", "Value must be between 0.0 and 1.0")
    if said["code"].upper() in shelf.there:
        return _wrong("code", "TAKEN", "Code must be unique. Please try a different code.")
    made = shelf.put(said["code"], said, "gid://shopify/DiscountCodeNode/{}")
    return _said({"codeDiscountNode": {"id": made["id"]}, "userErrors": []}, f"{said['code']} is made")


def _said(said: Any, words: str) -> Reply:
    return Reply.json(200, {"data": {"said": said}}, words)


def _wrong(field: str, code: str, message: str) -> Reply:
    wrong = {"field": ["discount", field], "code": code, "message": message}
    return _said({"codeDiscountNode": None, "userErrors": [wrong]}, message)


def refused_key(call: Call, keys: str) -> Reply | None:
    """WooCommerce's answer to who does not give its keys."""
    if call.headers.get("authorization") == "Basic " + b64encode(keys.encode()).decode():
        return None
    said = {"code": "woocommerce_rest_cannot_view", "message": "Sorry, you cannot list resources."}
    return Reply.json(401, {**said, "data": {"status": 401}}, "a key that is not known")


def coupons(shelf: Shelf, call: Call) -> Reply:
    """WooCommerce's `/wp-json/wc/v3/coupons`."""
    aimed = urlsplit(call.path)
    asked = {name: values[-1] for name, values in parse_qs(aimed.query).items()}
    id = aimed.path.partition("/coupons")[2].strip("/")
    if call.method == "GET":
        found = shelf.there.get(asked.get("code", "").upper())
        used = shelf.used.get(asked.get("code", "").upper(), 0)
        return Reply.json(200, [found | {"usage_count": used}] if found else [], f"{len(found or ())} fields")
    if call.method == "DELETE":
        code = shelf.code_of(id)
        if code is None or asked.get("force") != "true":
            return _no(404, "shop_coupon_invalid_id", "Invalid ID.")
        return Reply.json(200, shelf.there.pop(code), f"{code} is gone")
    said = msgspec.json.decode(call.body, type=dict[str, Any])
    if not said.get("code"):
        return _no(400, "empty_coupon_code", "The coupon code cannot be empty.")
    if said.get("discount_type") not in ("percent", "fixed_cart", "fixed_product"):
        return Reply.json(400, {"code": "rest_invalid_param", "message": "Invalid parameter(s): discount_type"})
    if said["code"].upper() in shelf.there:
        return _no(400, "coupon_code_already_exists", "The coupon code already exists")
    made = shelf.put(said["code"], said | {"code": said["code"].lower()})
    return Reply.json(201, made | {"usage_count": 0}, f"{said['code']} is made")


def _no(status: int, code: str, message: str) -> Reply:
    return Reply.json(
        status, {"code": f"woocommerce_rest_{code}", "message": message, "data": {"status": status}}, message
    )
