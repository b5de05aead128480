"""Offers and coupons in words: what a coupon is called when its shop gives it no name, and an offer as a sentence."""

from regulars.kit import counted, money
from regulars.rewards.model import Terms, value_of
from regulars.tenancy import Workspace


def discount(terms: Terms, steps: int, workspace: Workspace) -> str:
    """`2% Off`, `₹100.00 Off`."""
    match terms.discount:
        case "free_shipping":
            return "Free shipping"
        case "free_product":
            return "Free product"
        case "percent":
            return f"{value_of(terms, steps):g}% Off"
        case "amount":
            return f"{_money(value_of(terms, steps), workspace)} Off"


def coupon_name(terms: Terms, steps: int, workspace: Workspace) -> str:
    return terms.title or f"{discount(terms, steps, workspace)} coupon"


def coupon_description(terms: Terms, workspace: Workspace) -> str:
    if terms.description:
        return terms.description
    if not terms.minimum_cart:
        return "No minimum cart amount required"
    return f"Minimum cart amount of {_money(terms.minimum_cart, workspace)}"


def offer_sentence(terms: Terms, workspace: Workspace) -> str:
    """What an owner reads while building it: `500 coins buy $5 off, from a cart of $50; good for 30 days.`"""
    gives = discount(terms, 1, workspace).replace(" Off", " off").replace("Free", "free")
    coins = counted(terms.coins, workspace.coin_name)
    match terms.price:
        case "free":
            said = f"Gives {gives}"
        case "fixed":
            said = f"{coins} buy {gives}"
        case "dynamic":
            said = f"Every {coins} buy {gives}, {terms.steps_min:,} to {terms.steps_max:,} times"
    if terms.discount == "percent" and terms.value_max:
        said += f" (at most {_money(terms.value_max, workspace)})"
    return f"{said}{_for(terms, workspace)}{_how_often(terms)}."


def _for(terms: Terms, workspace: Workspace) -> str:
    said = f" on chosen {terms.target}" if terms.target != "cart" else ""
    said += f", from a cart of {_money(terms.minimum_cart, workspace)}" if terms.minimum_cart else ""
    said += ", on a first order" if terms.first_order_only else ""
    said += f", for {' or '.join(terms.tiers)}" if terms.tiers else ""
    return said + (", for members of chosen segments" if terms.segments else "")


def _how_often(terms: Terms) -> str:
    said = f"; {terms.stock:,} in all" if terms.stock else ""
    said += f"; {terms.per_customer_max:,} for each customer" if terms.per_customer_max else ""
    said += f"; {terms.per_period_max:,} for each customer a {terms.period}" if terms.per_period_max else ""
    if terms.expires_after_days:
        said += f"; good for {counted(terms.expires_after_days, 'days')}"
    return said + (f"; good until {terms.expires_on}" if terms.expires_on else "")


def _money(units: float, workspace: Workspace) -> str:
    """Whole amounts without their zeros, as `₹499`."""
    said = money(units, workspace.currency_code, workspace.currency_symbol)
    return said.removesuffix(".00") if units == int(units) else said
