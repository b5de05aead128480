"""What of an order earns, where a trigger does not say otherwise."""

from __future__ import annotations

from typing import Any

from litestar import Response, get, post

from regulars import orders, tenancy
from regulars.dashboard.desk import Desk, Form, Handed
from regulars.kit.errors import Refusal
from regulars.orders import EXCLUDED, EarningBasis

ROUNDING = {
    "down": "Down: $12.60 counts as $12",
    "nearest": "To the nearest: $12.60 counts as $13",
    "up": "Up: $12.10 counts as $13",
}
_COUNTED = ("discount", "tax", "shipping")


@get("/settings/earning")
async def shown(desk: Handed) -> Response[str]:
    chosen = orders.default_basis(desk.workspace)
    return _page(desk, desk.blank(**basis_values(chosen)))


@post("/settings/earning")
async def change(desk: Handed) -> Response[str]:
    form = await desk.form()
    try:
        chosen = orders.check_basis(basis_of(form))
        changes: dict[str, Any] = {"settings": orders.basis_setting(chosen)}
        async with desk.changing("workspace.update", desk.id, **changes) as tx:
            await tenancy.change_workspace(tx, desk.id, changes, desk.now)
    except Refusal as refusal:
        return _page(desk, form.refused(refusal), 422)
    return desk.see("/settings/earning", "Saved.")


def basis_values(basis: EarningBasis) -> dict[str, Any]:
    """As the fields of a form show it: what counts is ticked, lists stand a line each."""
    ticks = {f"{part}_counts": "" if getattr(basis, f"net_of_{part}") else "yes" for part in _COUNTED}
    lists = {name: "\n".join(getattr(basis, name)) for name in EXCLUDED}
    return {**ticks, **lists, "rounding": basis.rounding}


def basis_of(form: Form) -> EarningBasis:
    """As it was filled in; what can't be is noted."""
    nets: dict[str, Any] = {f"net_of_{part}": not form.on(f"{part}_counts") for part in _COUNTED}
    lists: dict[str, Any] = {name: tuple(form.text(name).splitlines()) for name in EXCLUDED}
    rounding: Any = form.choice("rounding", ROUNDING)
    return EarningBasis(**nets, **lists, rounding=rounding)


def _page(desk: Desk, form: Form, status: int = 200) -> Response[str]:
    symbol = desk.workspace.currency_symbol
    rounding = [(value, words.replace("$", symbol), "") for value, words in ROUNDING.items()]
    return desk.page("pages/earning.html", status=status, form=form, rounding=rounding)


HANDLERS = [shown, change]
