"""The shop's currency, and what becomes of its orders when it changes."""

from regulars.kit import Conflict, Reading
from regulars.orders import store
from regulars.tenancy import Workspace


class CurrencyInUse(Conflict, code="currency_in_use"):
    """The shop has orders: what they count for changes with its currency, so that has to be said to be known."""


async def check_currency_change(tx: Reading, workspace: Workspace, currency_code: str, *, confirmed: bool) -> None:
    """Raises CurrencyInUse, with what would become of totals and triggers."""
    old, new = workspace.currency_code.upper(), currency_code.strip().upper()
    if new == old or confirmed or not await store.sources(tx, workspace.id):
        return
    raise CurrencyInUse(
        f"This shop has orders. In {new}, what customers spent counts their orders in {new}; what they spent in {old}"
        f" is kept and shown beside it. Triggers give coins for each whole unit of {new}, and from then on nothing for"
        f" orders in {old}; coins that were given stay. Restrictions that compare amounts compare them in {new}: look"
        f" through them.",
        fields={"currency_confirmed": f"expected true, to change from {old} to {new} all the same"},
    )
