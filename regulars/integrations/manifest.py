"""A connector is code plus a manifest, which says what a shop must fill in and what the tool is like."""

from collections.abc import Callable, Mapping
from typing import Any, Literal

import msgspec

from regulars.delivery.carrier import Carrier
from regulars.delivery.rate import Window
from regulars.kit import fields
from regulars.kit.fields import Field, Option

Category = Literal["e-mail and SMS", "developers"]


class Manifest(fields.Manifest, frozen=True, kw_only=True):
    """`deduplicates`: the tool takes two calls with one delivery id for one, so an unclear end is always tried again.

    `windows` are the tool's rates beside the one a minute, which is a field because a shop may lower it.
    """

    tool: str
    category: Category
    deduplicates: bool
    windows: tuple[Window, ...] = ()


ORDER = Field(
    name="order",
    label="Order",
    kind="select",
    help=(
        "One at a time: what happens to a customer is sent when what happened before has arrived or was given up, also "
        "while that is tried again. It takes longer."
    ),
    default="any",
    options=(Option("any", "As quickly as possible"), Option("customer", "One at a time for each customer")),
)


def in_order(settings: Mapping[str, Any]) -> bool:
    return settings.get("order") == "customer"


class Connector(msgspec.Struct, frozen=True):
    """`carrier` is made of checked settings and decrypted secrets; it can't fail. `keeps_profiles`: what a customer has
    is kept at the tool; `tells_state`: whatever event it is told of, it is told of that too."""

    manifest: Manifest
    carrier: Callable[[Mapping[str, Any], Mapping[str, str]], Carrier]
    keeps_profiles: bool = False
    tells_state: bool = False
