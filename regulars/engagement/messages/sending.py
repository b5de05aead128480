"""Messages on their way: reserved and queued, and what became of them."""

from collections.abc import Mapping, Sequence, Set
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from regulars import channels, customers, limits
from regulars.channels import Later, Outgoing, Ready, Skipped
from regulars.customers import Customer
from regulars.delivery import Settled
from regulars.engagement.messages import model
from regulars.engagement.messages.consents import set_consents, suppress
from regulars.engagement.messages.links import Links
from regulars.engagement.messages.liquid import unflat
from regulars.engagement.messages.model import sql
from regulars.engagement.messages.preparing import prepare
from regulars.engagement.messages.previewing import event_of
from regulars.engagement.messages.rendering import opt_in, said_by
from regulars.engagement.messages.templates import templates_by_id
from regulars.kit import Reading, Refusal, Tx, allowance, invalid, shaped
from regulars.tenancy import Workspace
from regulars.triggers import Letter


async def send(tx: Tx, workspace: Workspace, new: Sequence[model.NewMessage], now: datetime) -> None:
    """Reserve each and queue it, without asking yet whether it may be sent. Raises Invalid naming `template_id`, and
    model.NoSender."""
    if not new:
        return
    templates = await templates_by_id(tx, workspace.id, list({one.template_id for one in new if one.template_id}))
    senders = _ready(await channels.list_senders(tx, workspace.id))
    rows, outgoing = list[tuple[Any, ...]](), list[Outgoing]()
    of, way = list[UUID | None](), tuple[Any, ...]()
    for one in new:
        if of != [one.template_id, one.sender_id]:
            of, template = [one.template_id, one.sender_id], templates.get(one.template_id) if one.template_id else None
            if template is None and one.source_kind != "opt_in":
                raise invalid("template_id", "the id of a template of this shop")
            channel, version = (template.channel, template.version) if template else ("email", 0)
            if (sender_id := one.sender_id or senders.get(channel)) is None:
                raise model.NoSender
            way = channel, sender_id, one.template_id, version
        shared = (*way, one.source_kind, one.source_id, one.address, one.too_late_at)
        rows.append((one.id, one.customer_id, one.cause_id, *shared))
        outgoing.append(Outgoing(one.id, one.source_id or one.id, way[1], way[0], one.due_at or now))
    tx.write(sql.insert_messages, workspace.id, *shaped(rows, 3), now)
    await channels.queue(tx, workspace.id, outgoing, now)


async def send_one(tx: Tx, workspace: Workspace, new: model.NewMessage, now: datetime) -> model.Message:
    """By hand; a test is of the event that it names, of their newest such, or of one made up. Raises Invalid naming
    each field, and model.NoSender."""
    named = [new.template_id] if new.template_id else []
    template = next(iter((await templates_by_id(tx, workspace.id, named)).values()), None)
    if template and (new.cause_id or new.source_kind == "test"):
        if new.address:
            model.check_address("test_to", template.channel, new.address)
        event = await event_of(tx, workspace.id, template.topic, new.customer_id, new.cause_id)
        new = msgspec.structs.replace(new, cause_id=event.id if event else None)
    await send(tx, workspace, [new], now)
    return await find_message(tx, workspace.id, new.id)


async def unready(
    tx: Reading, workspace: Workspace, wanted: Set[tuple[UUID, UUID | None]]
) -> dict[tuple[UUID, UUID | None], Refusal]:
    """Of templates, each with a sender or for any that is ready, those that `send` would refuse, and why."""
    known = await templates_by_id(tx, workspace.id, list({template_id for template_id, _ in wanted}))
    senders = await channels.list_senders(tx, workspace.id) if wanted else []
    there, ready, found = {one.id for one in senders}, _ready(senders), dict[tuple[UUID, UUID | None], Refusal]()
    for template_id, sender_id in wanted:
        template = known.get(template_id)
        if template is None:
            found[template_id, sender_id] = Refusal("The template was removed.", code="template_unknown")
        elif (sender_id not in there) if sender_id else template.channel not in ready:
            found[template_id, sender_id] = model.NoSender()
    return found


def _ready(senders: Sequence[channels.Sender]) -> dict[str, UUID]:
    """By channel, the oldest sender that is ready."""
    return {one.channel: one.id for one in reversed(senders) if one.state == "ready"}


async def send_for_triggers(
    tx: Tx, workspace: Workspace, letters: Sequence[Letter], now: datetime
) -> list[Refusal | None]:
    """What e-mail triggers decided to send, each under its firing's id; of each why it can't be."""
    unready_ = await unready(tx, workspace, {(one.template_id, None) for one in letters})
    answers = [unready_.get((one.template_id, None)) for one in letters]
    new = [
        model.NewMessage(source_kind="trigger", **msgspec.structs.asdict(one))
        for one, no in zip(letters, answers, strict=True)
        if no is None
    ]
    await send(tx, workspace, new, now)
    return answers


async def agree(
    tx: Tx, workspace: Workspace, customer: Customer, states: model.States, source: str, now: datetime
) -> list[model.Consent]:
    """As `set_consents`; but with double opt-in, a yes to e-mail is asked for by e-mail, some times a day. Raises
    model.NoSender."""
    if states.get("email") == "yes" and model.message_rules(workspace).double_opt_in:
        states = {**states, "email": "asked"}
        # Whoever has a link can ask for more of them, at somebody else's address.
        most, name = limits.OPT_INS_PER_DAY_MAX, f"opt-in {customer.id}"
        drawn = await allowance.draw(tx, workspace.id, name, now, wanted=1, most=most, per_s=most / 86_400)
        if drawn.granted:
            asks = model.NewMessage(
                customer_id=customer.id, template_id=None, source_kind="opt_in", address=customer.email
            )
            await send(tx, workspace, [asks], now)
    return await set_consents(tx, workspace, customer, states, source, now)


class Author(msgspec.Struct, frozen=True):
    """Who is asked what messages say, and told what became of them: see `channels.Author`."""

    links: Links

    async def prepare(
        self, tx: Tx, workspace: Workspace, ids: Sequence[UUID], now: datetime
    ) -> Mapping[UUID, Ready | Skipped | Later]:
        return await prepare(tx, workspace, ids, now, self.links)

    async def settle(self, tx: Tx, workspace_id: UUID, settled: Sequence[Settled], now: datetime) -> None:
        """Nothing more is sent to an address that is nobody's."""
        states = ["sent" if one.state == "delivered" else one.state for one in settled]
        ids, reasons = [one.id for one in settled], [one.reason for one in settled]
        found = [
            (model.Message(*row[:-1]), row[-1])
            for row in await tx.fetch(sql.settle, workspace_id, ids, states, reasons, now)
        ]
        rows = [one for one, _ in found]
        for kind, origin in model.origins.items():
            if mine := [one for one in found if one[0].source_kind == kind]:
                await origin.settled(tx, workspace_id, mine, now)
        why = {one.id: one.reason for one in settled if one.bounced}
        lost = [one for one in rows if one.id in why]
        people = await customers.by_ids(tx, workspace_id, sorted({one.customer_id for one in lost})) if lost else {}
        named = [(one, one.address or model.address_of(one.channel, people[one.customer_id])) for one in lost]
        await suppress(tx, workspace_id, [(one.channel, to, why[one.id]) for one, to in named if to], now)

    async def suppress(
        self, tx: Tx, workspace_id: UUID, addresses: Sequence[tuple[model.Channel, str, str]], now: datetime
    ) -> None:
        await suppress(tx, workspace_id, addresses, now)


async def find_message(tx: Reading, workspace_id: UUID, id: UUID) -> model.Message:
    """Raises NotFound."""
    return await tx.the(model.UnknownMessage.message, model.Message, sql.messages_by_ids, workspace_id, [id])


async def under_way(tx: Reading, workspace_id: UUID, source_id: UUID, *, limit: int | None = None) -> list[UUID]:
    """The messages of a campaign, or the like, that are not over."""
    return [row["id"] for row in await tx.fetch(sql.under_way, workspace_id, source_id, limit)]


async def content_of(tx: Reading, shop: Workspace, one: model.Message) -> dict[str, Any] | None:
    """What it said, without the links that count: see `said_by`. None of what was never ready, or of the erased."""
    if not one.said:
        return None
    kept = await tx.fetchval(sql.version, shop.id, one.template_id, one.template_version) if one.template_id else None
    return said_by(shop, one.channel, msgspec.convert(kept, model.Content) if kept else opt_in(shop), unflat(one.said))
