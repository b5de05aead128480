"""How the shop's own pages look, what they say, where they may be shown."""

from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from regulars import storefront, tenancy
from regulars.api.management.api import management
from regulars.api.operations import Call, NoQuery
from regulars.kit import Reading, Setting, Tx
from regulars.storefront import Theme
from regulars.storefront.theme import Word
from regulars.wiring import change_shop


class ThemeChange(Setting[Theme], frozen=True):
    """Only what is given changes; null sets one back, of `words` each by itself."""

    words: dict[str, Word | None] | UnsetType | None = UNSET


@management.get("/storefront", "The storefront's theme and words", tag="Shop")
async def read_storefront(call: Call[NoQuery, None], tx: Reading) -> Theme:
    return storefront.theme_of(await tenancy.get_workspace(tx, call.workspace_id))


@management.patch("/storefront", "Change the storefront's theme and words", tag="Shop")
async def change_storefront(call: Call[NoQuery, ThemeChange], tx: Tx) -> Theme:
    """Pages that are open show it when they are loaded again."""
    given: dict[str, Any] = storefront.check(msgspec.to_builtins(call.body))
    changed = await change_shop(tx, call.workspace, {"settings": {"storefront": given}}, call.now)
    await call.audit(tx, "storefront.update", call.workspace_id, changed=sorted(given))
    return storefront.theme_of(changed)
