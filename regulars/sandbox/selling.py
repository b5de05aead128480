"""Look-alikes of platforms that shops sell on: what is done in them is told by signed hooks, as the real ones tell it,
and can be told twice, late, in another order or with a wrong signature.

PUT  /shopify/webhook                          where hooks go, and what they are signed with
POST /shopify/orders                           somebody orders
POST /shopify/orders/ID/pay, fulfil, refund, cancel, delete
POST /shopify/customers, /shopify/customers/ID/erase, data
GET  /woocommerce/wp-json/wc/v3/orders         the REST API by which lost hooks are made good
     /woocommerce/wp-json/wc/v3/coupons        coupons as an app makes them there
POST /shopify/admin/api/2026-07/graphql.json   the same, by the Admin API
"""

import hmac
from base64 import b64encode
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from hashlib import sha256
from itertools import count
from typing import Any, Literal
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import msgspec

from regulars import limits
from regulars.sandbox.couponing import Shelf, coupons, graphql, refused_key
from regulars.sandbox.memory import Call
from regulars.sandbox.reply import Reply

Wrong = Literal["twice", "late", "reordered", "wrong_signature", "lost"]


class Webhook(msgspec.Struct, forbid_unknown_fields=True):
    """Put to `/shopify/webhook`. `consumer_...` are the keys of WooCommerce's REST API,
    `admin_token` that of Shopify's."""

    address: str
    secret: str
    shop_domain: str = "sandbox.myshopify.com"
    consumer_key: str = "ck_sandbox_key"
    consumer_secret: str = "cs_sandbox_key"  # noqa: S105 - of a look-alike
    admin_token: str = "shpat_sandbox"  # noqa: S105


class Act(msgspec.Struct, forbid_unknown_fields=True):
    """Something that is done in the shop. `wrong` says what goes wrong with the hooks that tell of it."""

    amount: Decimal = Decimal(130)
    currency: str = "USD"
    customer_id: int = 1001
    email: str = "asha@example.com"
    first_name: str = "Asha"
    last_name: str = "Rao"
    guest: bool = False
    codes: list[str] = []
    wrong: Wrong | None = None


class Sold(msgspec.Struct):
    """An order, as both platforms render it in their own way."""

    id: int
    act: Act
    placed_at: datetime
    changed_at: datetime
    paid: bool = False
    fulfilled: bool = False
    cancelled: bool = False
    refunds: list[tuple[int, Decimal, datetime]] = []

    @property
    def refunded(self) -> Decimal:
        return sum((amount for _, amount, _ in self.refunds), Decimal())


class Hook(msgspec.Struct, frozen=True):
    """A call that tells of something, to be made after a while."""

    address: str
    headers: dict[str, str]
    body: bytes
    after_s: float = 0.0


class Seller:
    """A shop at one platform."""

    signature_header = ""

    def __init__(self, send: Callable[[Hook], None], now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self.webhook = Webhook("", "")
        self.orders: dict[int, Sold] = {}
        self.shelf = Shelf()
        self._send, self._now = send, now
        self._ids = count(5_012_345_678_901)

    def answer(self, call: Call) -> Reply:
        """Raises ValueError for what can't be done."""
        path = urlsplit(call.path).path
        match call.method, path.strip("/").split("/"):
            case "PUT", ["webhook"]:
                self.webhook = msgspec.json.decode(call.body, type=Webhook)
                return Reply.json(200, {"hooks": 0}, "an address for its hooks")
            case _, ["wp-json" | "admin", *_]:
                return self.ask(call)
            case "POST", [kind, *rest]:
                hooks = self.do(kind, *rest, act=msgspec.json.decode(call.body or b"{}", type=Act))
                for hook in hooks:
                    self._send(hook)
                order = next(reversed(self.orders), None)
                return Reply.json(200, {"hooks": len(hooks), "order_id": order}, f"{path[1:]}: {len(hooks)} hooks")
        return Reply.json(404, {"error": f"There is no {call.method} {path} here."})

    def do(self, kind: str, id: str = "", what: str = "", *, act: Act) -> list[Hook]:
        """The hooks that tell of it. Raises ValueError for what can't be done."""
        now = self._now()
        if kind == "customers":
            told = self.tell_customer(id and what, act, now)
        else:
            told = self.tell_order(*self._done(kind, id, what, act, now), now)
        hooks = [self.hook(topic, body, act.wrong == "wrong_signature") for topic, body in told]
        if act.wrong == "twice":
            hooks = [hook for hook in hooks for _ in range(2)]
        elif act.wrong == "reordered":
            hooks.reverse()
        elif act.wrong == "late":
            hooks = [*hooks[1:], msgspec.structs.replace(hooks[0], after_s=limits.SANDBOX_LATE_S)]
        return [] if act.wrong == "lost" else hooks

    def _done(self, kind: str, id: str, what: str, act: Act, now: datetime) -> tuple[Sold, str]:
        if kind != "orders":
            raise ValueError("expected orders or customers")
        if not id:
            order = Sold(next(self._ids), act, now, now)
            self.orders[order.id] = order
            if len(self.orders) > limits.SANDBOX_CALLS_MAX:
                del self.orders[next(iter(self.orders))]
            return order, "place"
        if not id.isdecimal() or int(id) not in self.orders:
            raise ValueError("there is no such order")
        order = self.orders[int(id)]
        order.changed_at = max(now, order.changed_at + timedelta(seconds=1))
        match what:
            case "pay":
                order.paid = True
            case "fulfil":
                order.fulfilled = True
            case "cancel" | "delete":
                order.cancelled = True
            case "refund":
                order.refunds = [*order.refunds, (next(self._ids), act.amount, order.changed_at)]
            case _:
                raise ValueError("expected pay, fulfil, refund, cancel or delete")
        return order, what

    def tell_order(self, order: Sold, what: str, now: datetime) -> list[tuple[str, dict[str, Any]]]:
        raise NotImplementedError

    def tell_customer(self, asks: str, act: Act, now: datetime) -> list[tuple[str, dict[str, Any]]]:
        raise NotImplementedError

    def hook(self, topic: str, body: dict[str, Any], wrong: bool) -> Hook:
        raw, secret = msgspec.json.encode(body), "another-secret" if wrong else self.webhook.secret
        signature = b64encode(hmac.digest(secret.encode(), raw, sha256)).decode()
        headers = {"content-type": "application/json", **self.headers(topic), self.signature_header: signature}
        return Hook(self.webhook.address, headers, raw)

    def headers(self, topic: str) -> dict[str, str]:
        """What the platform says of a hook beside it."""
        raise NotImplementedError

    def ask(self, call: Call) -> Reply:
        """What a program asks of the platform."""
        raise NotImplementedError


class Shopify(Seller):
    """Each hook has an id of its own, which stays when it is sent again."""

    signature_header = "x-shopify-hmac-sha256"

    def ask(self, call: Call) -> Reply:
        return graphql(self.shelf, call, self.webhook.admin_token)

    def headers(self, topic: str) -> dict[str, str]:
        return {
            "x-shopify-topic": topic,
            "x-shopify-shop-domain": self.webhook.shop_domain,
            "x-shopify-webhook-id": str(uuid4()),
            "x-shopify-triggered-at": self._now().isoformat(),
        }

    def tell_order(self, order: Sold, what: str, now: datetime) -> list[tuple[str, dict[str, Any]]]:
        whole = self._order(order)
        if what == "refund":
            return [("refunds/create", self._refund(order, *order.refunds[-1])), ("orders/updated", whole)]
        topics = {"place": "create", "pay": "paid", "fulfil": "fulfilled", "cancel": "cancelled", "delete": "cancelled"}
        return [(f"orders/{topics[what]}", whole), *([] if what == "place" else [("orders/updated", whole)])]

    def tell_customer(self, asks: str, act: Act, now: datetime) -> list[tuple[str, dict[str, Any]]]:
        if asks:
            topic = {"erase": "customers/redact", "data": "customers/data_request"}.get(asks)
            if topic is None:
                raise ValueError("expected erase or data")
            customer = {"id": act.customer_id, "email": act.email}
            return [(topic, {"shop_id": 1, "shop_domain": self.webhook.shop_domain, "customer": customer})]
        consent = {"state": "subscribed", "opt_in_level": "single_opt_in"}
        said = {**_customer(act), "updated_at": now.isoformat(), "email_marketing_consent": consent}
        return [("customers/update", said)]

    def _order(self, order: Sold) -> dict[str, Any]:
        act, at = order.act, order.changed_at.isoformat()
        financial = "refunded" if order.refunded >= act.amount else "partially_refunded"
        return {
            "id": order.id,
            "name": f"#{order.id % 10_000}",
            "email": act.email,
            "customer": None if act.guest else _customer(act),
            "currency": act.currency,
            "total_price": str(act.amount),
            "current_total_price": str(act.amount - order.refunded),
            "subtotal_price": str(act.amount),
            "total_discounts": "0.00",
            "total_tax": "0.00",
            "taxes_included": False,
            "total_shipping_price_set": {"shop_money": {"amount": "0.00", "currency_code": act.currency}},
            "financial_status": financial if order.refunds else "paid" if order.paid else "pending",
            "fulfillment_status": "fulfilled" if order.fulfilled else None,
            "created_at": order.placed_at.isoformat(),
            "processed_at": order.placed_at.isoformat(),
            "updated_at": at,
            "cancelled_at": at if order.cancelled else None,
            "closed_at": None,
            "line_items": [{"id": 1, "product_id": 11, "variant_id": 111, "title": "Olive oil", **_line(act.amount)}],
            "refunds": [self._refund(order, *refund) for refund in order.refunds],
            "discount_codes": [{"code": code} for code in act.codes],
            "payment_gateway_names": ["bogus"],
            "landing_site": "/?utm_source=newsletter&utm_medium=email",
            "tags": "first, sample",
            "note": None,
            "test": True,
        }

    def _refund(self, order: Sold, id: int, amount: Decimal, at: datetime) -> dict[str, Any]:
        paid = {"kind": "refund", "status": "success", "amount": str(amount), "currency": order.act.currency}
        line = {"product_id": 11, "variant_id": 111, "price": str(amount), "quantity": 1}
        item = {"quantity": 1, "subtotal": str(amount), "total_tax": "0.00", "line_item": line}
        said = {"id": id, "order_id": order.id, "created_at": at.isoformat()}
        return {**said, "refund_line_items": [item], "transactions": [paid], "order_adjustments": []}


class WooCommerce(Seller):
    """Hooks are sent once and never again; times are in seconds."""

    signature_header = "x-wc-webhook-signature"

    def headers(self, topic: str) -> dict[str, str]:
        return {"x-wc-webhook-topic": topic, "x-wc-webhook-id": "1", "x-wc-webhook-delivery-id": "1"}

    def tell_order(self, order: Sold, what: str, now: datetime) -> list[tuple[str, dict[str, Any]]]:
        if what == "delete":
            return [("order.deleted", {"id": order.id})]
        return [("order.created" if what == "place" else "order.updated", self._order(order))]

    def tell_customer(self, asks: str, act: Act, now: datetime) -> list[tuple[str, dict[str, Any]]]:
        if asks:
            raise ValueError("WooCommerce tells nobody of what a person asks about their data")
        customer = _customer(act)
        return [("customer.updated", customer | {"billing": customer, "date_modified_gmt": _gmt(now)})]

    def ask(self, call: Call) -> Reply:
        """Orders by when they were changed, and coupons."""
        if no := refused_key(call, f"{self.webhook.consumer_key}:{self.webhook.consumer_secret}"):
            return no
        if "/wc/v3/coupons" in call.path:
            return coupons(self.shelf, call)
        asked = {name: values[-1] for name, values in parse_qs(urlsplit(call.path).query).items()}
        after = datetime.fromisoformat(asked.get("modified_after", "2000-01-01T00:00:00")).replace(tzinfo=UTC)
        found = sorted(
            (one for one in self.orders.values() if one.changed_at.replace(microsecond=0) > after),
            key=lambda one: one.changed_at,
        )
        size, page = int(asked.get("per_page", 10)), int(asked.get("page", 1))
        shown = found[size * (page - 1) : size * page]
        return Reply.json(200, [self._order(one) for one in shown], f"{len(shown)} orders")

    def _order(self, order: Sold) -> dict[str, Any]:
        act = order.act
        done = "completed" if order.fulfilled else "processing" if order.paid else "pending"
        whole = "refunded" if order.refunds and order.refunded >= act.amount else done
        return {
            "id": order.id,
            "number": str(order.id % 10_000),
            "status": "cancelled" if order.cancelled else whole,
            "currency": act.currency,
            "total": str(act.amount),
            "discount_total": "0.00",
            "shipping_total": "0.00",
            "total_tax": "0.00",
            "date_created_gmt": _gmt(order.placed_at),
            "date_modified_gmt": _gmt(order.changed_at),
            "date_paid_gmt": _gmt(order.placed_at) if order.paid else None,
            "customer_id": 0 if act.guest else act.customer_id,
            "billing": {"first_name": act.first_name, "last_name": act.last_name, "email": act.email, "country": "US"},
            "payment_method_title": "Card",
            "line_items": [{"product_id": 11, "variation_id": 0, "name": "Olive oil", **_line(act.amount)}],
            "coupon_lines": [{"code": code} for code in act.codes],
            "refunds": [{"id": id, "reason": "", "total": f"-{amount}"} for id, amount, _ in order.refunds],
            "meta_data": [{"id": 1, "key": "_wc_order_attribution_utm_source", "value": "newsletter"}],
        }


def _customer(act: Act) -> dict[str, Any]:
    return {"id": act.customer_id, "email": act.email, "first_name": act.first_name, "last_name": act.last_name}


def _line(amount: Decimal) -> dict[str, Any]:
    return {"quantity": 1, "price": str(amount), "subtotal": str(amount), "subtotal_tax": "0.00"}


def _gmt(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%S}"
