"""Senders: from where messages go out, set up by forms that are drawn from a manifest."""

from typing import Any

from litestar import Response, post

from regulars import channels, delivery
from regulars.channels import SENDERS, Sender
from regulars.dashboard.declaring import act, page
from regulars.dashboard.desk import Desk, Handed
from regulars.dashboard.pages import connecting
from regulars.dashboard.sheets import Given, Shown, ask, sheet
from regulars.kit import NotFound, Reading, Tx


@page("/senders", "senders")
async def gallery(desk: Desk, tx: Reading) -> dict[str, Any]:
    health = {lane.lane_id: lane for lane in await delivery.lane_health(tx, desk.id, desk.now)}
    return {"senders": await channels.list_senders(tx, desk.id), "health": health, "kinds": SENDERS}


async def _blank(desk: Desk, tx: Reading) -> Shown:
    if (tool := desk.request.path_params["tool"]) not in SENDERS:
        raise NotFound("This version of Regulars does not know this kind of sender.")
    return connecting.shown(SENDERS[tool], note="Initialize tries it, and says here what was answered.")


@sheet("/senders/new/{tool:str}", "", "manifest", connecting.fields, yes="Initialize", of="Senders", load=_blank)
async def add(desk: Desk, _: Given, shown: Shown) -> Response[Any]:
    tool, given = shown.more["manifest"].tool, connecting.given(await desk.form(), shown)
    async with desk.changing("sender.create", tool) as tx:
        made = await channels.add(tx, desk.id, desk.app.box, tool=tool, **given, now=desk.now)
    said, here = await _initialize(desk, made.sender), f"/senders/{made.sender.id}"
    if made.new_secrets:
        words = "Paste it where you enter this server's address as a webhook."
        return desk.secret(f"{made.sender.name}: its verify token", words, list(made.new_secrets.values()), here)
    return desk.see(here, said)


async def _load(desk: Desk, tx: Reading) -> Shown:
    sender = await channels.get_sender(tx, desk.id, desk.key)
    health = [lane for lane in await delivery.lane_health(tx, desk.id, desk.now) if lane.lane_id == sender.id]
    address = channels.reports_at(sender, desk.app.settings.address()) if desk.who.may_write else ""
    return connecting.shown(SENDERS[sender.tool], sender, health=health[0] if health else None, address=address)


@sheet("/senders/{id:uuid}", "", "sender", connecting.fields, yes="", of="Senders", load=_load)
async def change(desk: Desk, _: Given, shown: Shown) -> Response[Any]:
    form, given = await desk.form(), connecting.given(await desk.form(), shown)
    async with desk.changing("sender.update", desk.key) as tx:
        changed = await channels.change(tx, desk.id, desk.key, desk.app.box, **given, now=desk.now)
    said = await _initialize(desk, changed) if form.text("act") == "initialize" else "Saved."
    return desk.see(f"/senders/{desk.key}", said)


@act("/senders/{id:uuid}/pause", "sender.pause", "/senders/{id}", "Paused. What is to be sent meanwhile waits.")
async def pause(desk: Desk, tx: Tx) -> None:
    await channels.pause(tx, desk.id, desk.key, f"Paused by {desk.who.name}. Initialize to go on.")


@act("/senders/{id:uuid}/verify", "sender.verify", "/senders/{id}")
async def verify(desk: Desk, tx: Tx) -> str:
    tried = await channels.verify(tx, desk.id, desk.key, (await desk.form()).text("code"), desk.now)
    return "The address is verified, and messages go out." if tried.state == "ready" else ""


@post("/senders/{id:uuid}/test")
async def test(desk: Handed) -> Response[Any]:
    to, app = (await desk.form()).text("to"), desk.app
    async with desk.changing("sender.test", desk.key) as tx:
        sender = await channels.get_sender(tx, desk.id, desk.key)
    parcel = await channels.send_test(app.db, app.http, app.clock, sender, app.box, to)
    return desk.see(f"/deliveries/{parcel.delivery_id}", "")


@ask("/senders/{id:uuid}/delete", "Remove this sender?", "Remove", "/senders/{id}", act="sender.delete")
async def delete(desk: Desk, tx: Tx, *_: Any) -> Response[Any]:
    """What is queued is not sent, and its password or token is forgotten. What was sent stays to be read."""
    await channels.remove(tx, desk.id, desk.key, desk.now)
    return desk.see("/senders", "Removed.")


async def _initialize(desk: Desk, sender: Sender) -> str:
    """Between two transactions; what a page says of it: '' where the sender itself does."""
    app = desk.app
    checked = await channels.check(app.http, sender, channels.carrier(sender, app.box), app.clock.outside())
    async with desk.changing("sender.initialize", sender.id, ok=checked.result.ok) as tx:
        await channels.conclude(tx, sender, checked, app.clock.now())
    return checked.result.sentence if checked.result.ok and not checked.code else ""
