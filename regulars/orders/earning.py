"""How much of an order earns: what it comes to by a shop's choices, and how much of that was given back."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Literal

import msgspec

from regulars import limits
from regulars.kit import Faults, units_of
from regulars.orders.lines import Line, Refund, RefundLine
from regulars.orders.model import Order
from regulars.tenancy import Workspace

Rounding = Literal["down", "nearest", "up"]


class EarningBasis(msgspec.Struct, frozen=True, gc=False, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """What of an order earns. By default all that was paid for it, discounts taken off, tax and shipping counted.

    Products are named by their id or their variant's; tags are a product's, or those of a whole order; whatever is
    named does not earn. `rounding` is to whole units of the currency: 12.60 counts as 12, or as 13.
    """

    net_of_discount: bool = True
    net_of_tax: bool = False
    net_of_shipping: bool = False
    products_excluded: tuple[str, ...] = ()
    collections_excluded: tuple[str, ...] = ()
    tags_excluded: tuple[str, ...] = ()
    utm_sources_excluded: tuple[str, ...] = ()
    rounding: Rounding = "down"


EXCLUDED = ("products_excluded", "collections_excluded", "tags_excluded", "utm_sources_excluded")


class Eligible(msgspec.Struct, frozen=True, gc=False):
    """What an order could earn by as it was sold, and how much of it was given back; to the minor unit."""

    sold_minor: int
    refunded_minor: int

    @property
    def left_minor(self) -> int:
        return self.sold_minor - self.refunded_minor


NO_CHOICES = EarningBasis()


def default_basis(workspace: Workspace) -> EarningBasis:
    """The shop's own choices: its setting `earning_basis`."""
    said = workspace.settings.get("earning_basis")
    return msgspec.convert(said, EarningBasis) if said else NO_CHOICES


def basis_setting(basis: EarningBasis) -> dict[str, Any]:
    """As that setting; None where nothing was chosen otherwise."""
    chosen, usual = msgspec.structs.asdict(basis), msgspec.structs.asdict(NO_CHOICES)
    said = {name: value for name, value in chosen.items() if value != usual[name]}
    said |= {name: list(said[name]) for name in EXCLUDED if name in said}
    return {"earning_basis": said or None}


def check_basis(basis: EarningBasis, field: str = "") -> EarningBasis:
    """The same choices, trimmed. Raises Invalid naming each field, behind `field` if it is given: `basis.rounding`."""
    faults, at = Faults(), f"{field}." if field else ""
    kept = {}
    for name in EXCLUDED:
        values = tuple(dict.fromkeys(value for each in getattr(basis, name) if (value := each.strip())))
        if len(values) > limits.BASIS_EXCLUDED_MAX:
            faults.add(at + name, f"at most {limits.BASIS_EXCLUDED_MAX}")
        if any(len(value) > limits.ORDER_LABEL_CHARS_MAX or "\x00" in value for value in values):
            faults.add(at + name, f"each of at most {limits.ORDER_LABEL_CHARS_MAX} characters")
        kept[name] = values
    if basis.rounding not in ("down", "nearest", "up"):
        faults.add(f"{at}rounding", "down, nearest or up")
    faults.check()
    return msgspec.structs.replace(basis, **kept)


def basis(order: Order, rules: EarningBasis) -> int:
    """What the order earns by as it stands: what was given back is gone, and what is left is rounded. In minor units of
    the order's currency."""
    left, units = eligible(order, rules).left_minor, units_of(order.currency_code)
    if rules.rounding == "up":
        return -(-left // units) * units
    if rules.rounding == "nearest":
        return (left * 2 + units) // (units * 2) * units
    return left // units * units


def eligible(order: Order, rules: EarningBasis) -> Eligible:
    """What is counted of an order's money goes by its parts. The lines say which part of its goods earns, whether their
    amounts are with tax and discount or without; of an order that says no lines all of it does. Tax and discount belong
    to the goods. Nothing is left of an order that is void."""
    sees = _folded(rules)
    lines_all, lines_earn = sees.lines(order)
    shipping = min(order.shipping_minor or 0, order.amount_minor)
    paid = order.amount_minor - shipping
    counted = paid + (0 if rules.net_of_discount else order.discount_minor)
    counted = max(0, counted - (order.tax_minor if rules.net_of_tax else 0))
    shipping_earns = 0 if rules.net_of_shipping or not lines_earn else shipping
    sold = _part(counted, lines_earn, lines_all) + shipping_earns
    if order.void or order.refunded_minor >= order.amount_minor:
        return Eligible(sold, sold)
    # The money that earns, tax included, without the discount: what refunds are in.
    money = _part(paid, lines_earn, lines_all) + shipping_earns
    if not money or not order.refunds:
        return Eligible(sold, 0)
    back = sum(_back(refund, order, sees, money, shipping, shipping_earns) for refund in order.refunds)
    return Eligible(sold, min(sold, _part(sold, back, money)))


def _back(refund: Refund, order: Order, sees: _Folded, money: int, shipping: int, shipping_earns: int) -> int:
    """How much of a refund is of the money that earns. One that does not say its lines is of all alike; what one gives
    back beyond its lines is shipping, as far as there was any, and else belongs to them."""
    lines = sum(line.amount_minor for line in refund.lines)
    if not lines:
        return _part(refund.amount_minor, money, order.amount_minor)
    known = {(line.product_id, line.variant_id): line for line in order.lines or ()}
    earn = sum(
        line.amount_minor for line in refund.lines if sees.earns(known.get((line.product_id, line.variant_id), line))
    )
    shipped = min(max(0, refund.amount_minor - lines), shipping)
    return _part(refund.amount_minor - shipped, earn, lines) + (shipped if shipping_earns else 0)


def _part(amount: int, of: int, whole: int) -> int:
    """The nearest whole number; a half is rounded up."""
    return (amount * of * 2 + whole) // (whole * 2)


class _Folded:
    """What does not earn, as it is compared: ids to the letter, names without regard to case."""

    def __init__(self, rules: EarningBasis) -> None:
        self._products = frozenset(rules.products_excluded)
        self._collections = _folds(rules.collections_excluded)
        self._tags = _folds(rules.tags_excluded)
        self._utm_sources = _folds(rules.utm_sources_excluded)
        self._by_line = bool(self._products or self._collections or self._tags)

    def lines(self, order: Order) -> tuple[int, int]:
        """What its lines come to, and those of them that earn; 1 and 1 where there is nothing to tell apart."""
        if self._utm_sources and order.detail.get("utm_source", "").strip().casefold() in self._utm_sources:
            return 1, 0
        if self._tags and not self._tags.isdisjoint(_folds(order.tags or ())):
            return 1, 0
        if not self._by_line or not order.lines:
            return 1, 1
        earning = [line for line in order.lines if self.earns(line)]
        whole = sum(line.amount_minor for line in order.lines)
        return (whole, sum(line.amount_minor for line in earning)) if whole else (1, min(1, len(earning)))

    def earns(self, line: Line | RefundLine) -> bool:
        if line.product_id in self._products or line.variant_id in self._products:
            return False
        if isinstance(line, RefundLine):
            return True
        return self._collections.isdisjoint(_folds(line.collections)) and self._tags.isdisjoint(_folds(line.tags))


_folded = lru_cache(maxsize=256)(_Folded)


def _folds(names: tuple[str, ...]) -> frozenset[str]:
    return frozenset(name.casefold() for name in names)
