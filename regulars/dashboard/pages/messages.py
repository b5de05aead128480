"""Messages: what went to whom, why it did not, how one looked; addresses that nothing is sent to; what somebody agreed
to, changed by hand."""

from datetime import timedelta
from typing import Any, NamedTuple

from litestar import Response

from regulars import channels, customers, limits
from regulars.customers import Customer
from regulars.dashboard import lists
from regulars.dashboard.cells import Badge, Link, Press, Small
from regulars.dashboard.declaring import page
from regulars.dashboard.desk import Desk
from regulars.dashboard.lists import Asked, Column, Found
from regulars.dashboard.pages import deliveries
from regulars.dashboard.pages.customers import find
from regulars.dashboard.pages.templates import framed
from regulars.dashboard.rendering import WORDS
from regulars.dashboard.sheets import TEXT, Field, Given, Shown, ask, sheet
from regulars.dashboard.story import message_name
from regulars.dashboard.words import CHANNELS
from regulars.engagement import messages
from regulars.engagement.messages.model import Message, Suppression, Template
from regulars.kit import Reading, Tx

STATES = {state: deliveries.STATES.get(state, ("good", "Sent")) for state in messages.STATES}
_SOURCES = {"api": "A program", "opt_in": "Double opt-in"}
_CHANNEL = lists.Filter("channel", "Channel", "Every channel", list(CHANNELS.items()))


class Row(NamedTuple):
    message: Message
    customer: Customer | None
    template: Template | None

    @property
    def name(self) -> str:
        return message_name(self.message, self.template)

    @property
    def source(self) -> Link | str:
        """Why it was sent, and the page of that."""
        kind, words = self.message.source_kind, _SOURCES.get(self.message.source_kind, "")
        words = words or kind.capitalize()
        return Link(words, f"/{kind}s/{self.message.source_id}", whole=False) if f"/{kind}s" in WORDS else words


async def _rows(desk: Desk, tx: Reading, found: list[Message]) -> list[Row]:
    people = await customers.by_ids(tx, desk.id, list({one.customer_id for one in found}))
    used: Any = {one.template_id for one in found}
    named = await messages.templates_by_id(tx, desk.id, list(used - {None}))
    return [Row(one, people.get(one.customer_id), named.get(one.template_id)) for one in found]  # type: ignore[arg-type]


async def _read(desk: Desk, tx: Reading, asked: Asked) -> Found[Row]:
    who = asked.id("customer")
    by = asked.one_more(customer_id=who, state=asked.chosen("state"), channel=asked.chosen("channel"))
    found, next_id = lists.until_next(await messages.messages_of(tx, desk.id, **by), asked.limit)
    return Found(await _rows(desk, tx, found), next_id, {"customer": await lists.chosen_customer(desk, tx, who)})


MESSAGES = lists.Listing[Row](
    path="/messages",
    purpose="What went to whom, what became of it, and if it was not sent, why.",
    columns=[
        Column(
            "What", lambda row: [Link(row.name, f"/messages/{row.message.id}"), Small(CHANNELS[row.message.channel])]
        ),
        lists.CUSTOMER,
        lists.CUSTOMER_ID,
        Column("State", lambda row: Badge(*STATES[row.message.state])),
        Column("Why", lambda row: row.message.reason),
        Column("Sent by", lambda row: row.source),
        Column("Opens", lambda row: row.message.opens, right=True),
        Column("Clicks", lambda row: row.message.clicks, right=True),
        Column("When", lambda row: row.message.sent_at or row.message.created_at),
    ],
    read=_read,
    nothing="No messages yet",
    nothing_why="Each message is listed here, with what became of it. A template and a sender are all it takes.",
    filters=[
        lists.Filter("state", "State", "Any state", [(state, word) for state, (_, word) in STATES.items()]),
        _CHANNEL,
        lists.Filter("customer", "Customer"),
    ],
    days="Made",
    template="messages",
)


@page("/messages/{id:uuid}", "message")
async def shown(desk: Desk, tx: Reading) -> dict[str, Any]:
    one = await messages.find_message(tx, desk.id, desk.key)
    return {
        "row": (await _rows(desk, tx, [one]))[0],
        "one": one,
        "badge_of": Badge(*STATES[one.state]),
        "channel": CHANNELS[one.channel],
        "content": await messages.content_of(tx, desk.workspace, one),
        "senders": {sender.id: sender.name for sender in await channels.list_senders(tx, desk.id)},
        "live": one.state == "queued" and desk.now - one.created_at < timedelta(minutes=2),
    }


@page("/messages/{id:uuid}/looks", "looks")
async def looks(desk: Desk, tx: Reading) -> Response[Any]:
    one = await messages.find_message(tx, desk.id, desk.key)
    return framed(desk, await messages.content_of(tx, desk.workspace, one))


async def _suppressed(desk: Desk, tx: Reading, asked: Asked) -> Found[Suppression]:
    by = asked.one_more(channel=asked.chosen("channel"), address=asked.values["q"])
    return Found(*lists.until_next(await messages.suppressions(tx, desk.id, **by), asked.limit))


SUPPRESSED = lists.Listing[Suppression](
    path="/messages/suppressed",
    called="Suppressed addresses",
    purpose="Nothing is sent to these: they bounced, complained, or were put here by you.",
    columns=[
        Column("Address", lambda row: row.address or Small("of somebody who was erased")),
        Column("Channel", lambda row: CHANNELS[row.channel]),
        Column("Why", lambda row: row.reason),
        Column("Since", lambda row: row.at),
        Column("", lambda row: Press("Remove", f"/messages/suppressed/{row.id}/remove", row.address), only="page"),
    ],
    read=_suppressed,
    nothing="No address is suppressed",
    nothing_why="What bounces for good, complains, or answers STOP comes here by itself.",
    filters=[_CHANNEL],
    acts=[lists.Act("Add an address", "/messages/suppressed/new", dialog=True)],
    search="Address, as a whole",
    template="messages",
)

_WORDS = Field(chars_max=limits.TITLE_CHARS_MAX, pattern=".+", expected="a few words")
_NEW = {"channel": Field("choice", options=tuple(CHANNELS)), "address": TEXT, "reason": _WORDS}


@sheet("/messages/suppressed/new", "Send nothing to an address", "suppression", _NEW, act="suppression.create")
async def suppress(desk: Desk, tx: Tx, given: Given, shown: Shown) -> None:
    desk.about(given["address"], channel=given["channel"])
    await messages.suppress(tx, desk.id, [(given["channel"], given["address"], given["reason"])], desk.now)


@ask(
    "/messages/suppressed/{id:uuid}/remove",
    "Send to it again?",
    "Remove",
    "/messages/suppressed",
    act="suppression.delete",
)
async def unsuppress(desk: Desk, tx: Tx, *_: Any) -> str:
    """It is taken off the list. If it bounces or complains again, it comes back by itself."""
    await messages.unsuppress(tx, desk.id, desk.key)
    return "Removed."


_AGREES = {**dict.fromkeys(CHANNELS, Field("choice", options=("yes", "no", "asked"))), "source": _WORDS}


async def _agreed(desk: Desk, tx: Reading) -> Shown:
    customer = await find(tx, desk)
    found = await messages.consents_of(tx, desk.workspace, customer)
    return Shown({one.channel: one.state for one in found}, customer)


@sheet("/customers/{id:uuid}/consent", "What they agree to", "consent", _AGREES, act="consent.update", load=_agreed)
async def consent(desk: Desk, tx: Tx, given: Given, shown: Shown) -> None:
    source = f"{desk.who.name or desk.who.email}: {given.pop('source')}"[: limits.TITLE_CHARS_MAX]
    states: Any = {channel: state for channel, state in given.items() if state != shown.values[channel]}
    desk.about(shown.thing.customer_id, **states)
    await messages.agree(tx, desk.workspace, shown.thing, states, source, desk.now)
