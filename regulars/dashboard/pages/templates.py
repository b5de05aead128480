"""Templates of messages: written with the variables at hand and looked at as somebody's, tested, and in versions."""

from collections.abc import Mapping
from functools import partial
from typing import Any
from uuid import UUID

import msgspec
from litestar import Response, post
from msgspec.structs import asdict

from regulars import customers, events, limits
from regulars.customers import Customer
from regulars.dashboard import words
from regulars.dashboard.cells import Link, Small
from regulars.dashboard.declaring import page
from regulars.dashboard.desk import Desk, Handed, uuid_of
from regulars.dashboard.forms import NOTHING, query_of
from regulars.dashboard.lists import Act, Asked, Column, Filter, Found, Listing, part_of
from regulars.dashboard.pages.events import by_group
from regulars.dashboard.security import FRAMED
from regulars.dashboard.sheets import MAYBE, Field, Fields, Given, Shown, ask, fields_of, read, sheet
from regulars.dashboard.trials import somebody
from regulars.engagement import messages
from regulars.engagement.messages.model import Content, NewMessage, Template
from regulars.events import TOPICS, label
from regulars.kit import Invalid, Reading, Refusal, Tx

_KNOWN = fields_of(Content) | {
    "name": Field(chars_max=limits.NAME_CHARS_MAX),
    "topic": Field("choice", options=("", *TOPICS)),
    "subject": Field(chars_max=limits.MESSAGE_LINE_CHARS_MAX),
}
_SLOTS = {f"slots[{n}]": "slots" for n in range(limits.MESSAGE_SLOTS_MAX)}


async def _read(desk: Desk, tx: Reading, asked: Asked) -> Found[Template]:
    found = await messages.list_templates(tx, desk.id)
    return part_of([one for one in found if asked.chosen("channel") in (None, one.channel)], asked)


TEMPLATES = Listing[Template](
    path="/templates",
    purpose="What your messages say: by e-mail, SMS and WhatsApp.",
    columns=[
        Column("Name", lambda row: Link(row.name, f"/templates/{row.id}")),
        Column("Sent by", lambda row: words.CHANNELS[row.channel]),
        Column("Subject", lambda row: row.content.subject or row.content.body[:200] or row.content.provider_template),
        Column("Written for", lambda row: label(row.topic) if row.topic else Small("anything")),
        Column("Version", lambda row: row.version, right=True),
        Column("Changed", lambda row: row.updated_at),
    ],
    read=_read,
    nothing="No templates yet",
    nothing_why="A template is what a message says, with your customer’s name, {coins} and coupon filled in.",
    filters=[Filter("channel", "Sent by", "Any channel", list(words.CHANNELS.items()))],
    acts=[
        Act("Write an e-mail", "/templates/new"),
        Act("An SMS", "/templates/new?channel=sms"),
        Act("A WhatsApp message", "/templates/new?channel=whatsapp"),
    ],
)


def _fields(shown: Shown) -> Fields:
    mail = shown.more["channel"] == "email"
    parts = "subject preheader body_type body" if mail else "body provider_template language slots"
    return {name: _KNOWN[name] for name in ("name", "topic", *parts.split())}


def _made(given: Given) -> Given:
    return {"name": given.pop("name"), "topic": given.pop("topic"), "content": Content(**given)}


async def _editor(desk: Desk, tx: Reading, channel: str, values: Given, of: Template | None = None) -> Shown:
    topic = (await desk.form()).text("topic") if desk.request.method == "POST" else values["topic"]
    topic = topic if topic in TOPICS else ""
    more = {
        "channel": channel,
        "version": query_of(desk.request).get("version", ""),
        "variables": messages.variables(topic, tuple(customers.declared(desk.workspace))),
        "topics": [("", [("", "Nothing in particular")]), *by_group()],
        "happened": await _happened(desk, tx, topic),
        "versions": await messages.versions_of(tx, desk.id, of.id) if of else [],
    }
    return Shown(values, of, of.name if of else "", more=more)


async def _happened(desk: Desk, tx: Reading, topic: str) -> list[tuple[str, str]]:
    """The newest events of this topic, to choose from."""
    found = await events.recent(tx, desk.id, topic=topic, limit=10) if topic else []
    people = await customers.by_ids(tx, desk.id, list({one.customer_id for one in found}))
    named = [(one, people[one.customer_id]) for one in found]
    ago = partial(words.ago, now=desk.now, zone=desk.zone)
    return [(str(one.id), f"{who.name or who.customer_id}, {ago(one.recorded_at)}") for one, who in named]


async def _blank(desk: Desk, tx: Reading) -> Shown:
    query = query_of(desk.request)
    asked = (await desk.form()).text("channel") or query.get("channel", "")
    values = {"body_type": "html", "topic": query.get("topic", "")}
    return await _editor(desk, tx, asked if asked in words.CHANNELS else "email", values)


@sheet("/templates/new", "Write a template", "template_new", _fields, of="Templates", load=_blank, inside=_SLOTS,
       act="template.create")  # fmt: skip
async def create(desk: Desk, tx: Tx, given: Given, shown: Shown) -> Response[Any]:
    how = {**_made(given), "channel": shown.more["channel"]}
    desk.about(how["name"])
    made = await messages.create_template(tx, desk.id, **how, now=desk.now, actor=desk.who.actor)
    return desk.see(f"/templates/{made.id}", "Saved. Send a test to see it arrive.")


async def _asked_for(desk: Desk, tx: Reading) -> Template:
    """As it is, or in the version that the address asks for."""
    of = await messages.find_template(tx, desk.id, desk.key)
    kept = {str(one.version): one.content for one in await messages.versions_of(tx, desk.id, of.id)}
    return msgspec.structs.replace(of, content=kept.get(query_of(desk.request).get("version", ""), of.content))


async def _load(desk: Desk, tx: Reading) -> Shown:
    of = await _asked_for(desk, tx)
    return await _editor(desk, tx, of.channel, {"name": of.name, "topic": of.topic, **asdict(of.content)}, of)


@sheet("/templates/{id:uuid}", "", "template", _fields, act="template.update", load=_load, inside=_SLOTS)
async def change(desk: Desk, tx: Tx, given: Given, shown: Shown) -> str:
    made = await messages.change_template(tx, desk.id, desk.key, _made(given), desk.now, actor=desk.who.actor)
    return f"Saved as version {made.version}."


@ask("/templates/{id:uuid}/delete", "Delete this template?", "Delete", act="template.delete")
async def delete(desk: Desk, tx: Tx, *_: Any) -> Response[Any]:
    """It can't be chosen any more, and triggers that send it say so. What waits is still sent."""
    await messages.remove_template(tx, desk.id, desk.key, desk.now)
    return desk.see("/templates", "The template is deleted.")


async def _ask_test(desk: Desk, tx: Reading) -> Shown:
    of = await messages.find_template(tx, desk.id, desk.key)
    to = desk.who.email if of.channel == "email" else ""
    return Shown({"to": to}, of, more={"happened": await _happened(desk, tx, of.topic)})


_TEST = {"to": Field(chars_max=limits.EMAIL_CHARS_MAX), "whom": MAYBE, "event_id": MAYBE}


@sheet("/templates/{id:uuid}/test", "Send a test", "template_test", _TEST, yes="Send", load=_ask_test,
       act="message.send", inside={"test_to": "to"})  # fmt: skip
async def test(desk: Desk, tx: Tx, given: Given, shown: Shown) -> Response[Any]:
    whom, event_id = await _whom(desk, tx, given)
    how: dict[str, Any] = {"cause_id": event_id, "template_id": desk.key, "address": given["to"] or "-"}
    new = NewMessage(customer_id=whom.id, source_kind="test", **how)
    desk.about(new.id, template_id=str(desk.key))
    return desk.see(f"/messages/{(await messages.send_one(tx, desk.workspace, new, desk.now)).id}")


async def _whom(desk: Desk, tx: Reading, asked: Mapping[str, Any]) -> tuple[Customer, UUID | None]:
    """Whose event it is, and that; or who is named, or else the newest customer."""
    if id := uuid_of(str(asked.get("event_id", ""))):
        return await customers.get(tx, desk.id, id=(await events.get(tx, desk.id, id)).customer_id), id
    return await somebody(desk, tx, str(asked.get("whom", "")).strip()), None


@page("/templates/{id:uuid}/looks", "looks")
async def looks(desk: Desk, tx: Reading) -> Response[Any]:
    return await _looks(desk, tx, await _asked_for(desk, tx), query_of(desk.request))


@post("/templates/preview")
async def preview(desk: Handed) -> Response[str]:
    """What is being typed, as it would look, and what is wrong with it."""
    form, wrong = await desk.form(), NOTHING
    channel: Any = form.choice("channel", words.CHANNELS)
    given = _made(read(desk, _fields(Shown(more={"channel": channel})), form))
    of = messages.draft(channel, given["topic"], given["content"])
    try:
        messages.checked(of, desk.workspace)
    except Invalid as refusal:
        wrong = form.refused(refusal, _SLOTS).errors
    async with desk.reading() as tx:
        return await _looks(desk, tx, of, form.values, wrong)


async def _looks(
    desk: Desk, tx: Reading, of: Template, asked: Mapping[str, Any], wrong: Mapping[str, str] = NOTHING
) -> Response[str]:
    try:
        whom, event_id = await _whom(desk, tx, asked)
        return framed(desk, await messages.preview(tx, desk.workspace, of, whom, desk.now, event_id), wrong)
    except Refusal as refusal:
        return framed(desk, {"problem": refusal.message}, wrong)


def framed(desk: Desk, said: Mapping[str, Any] | None, wrong: Mapping[str, str] = NOTHING) -> Response[str]:
    """What a message says, in a page that can do nothing but look as it does."""
    response = desk.page("pages/looks.html", looks=said or {}, wrong=wrong)
    policy = FRAMED["content-security-policy"].replace("data:", "data: https:")
    response.headers.update(FRAMED | {"content-security-policy": policy})
    return response
