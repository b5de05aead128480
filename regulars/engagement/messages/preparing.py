"""Right before messages are sent: may each be, and what does it say.

In this order, the first that says no counts: who has it sent (`Origin`), their address, consent, suppression, the cap,
quiet hours (which delay it), who has it sent once more, the template's variables.
"""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import cache
from importlib.resources import files
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
from iso3166 import countries_by_alpha2

from regulars import channels, customers, events, ledger
from regulars.channels import Later, Mail, Ready, Skipped, Text, WhatsAppTemplate
from regulars.customers import Customer
from regulars.engagement.messages.consents import consent_of, said_of, suppressed
from regulars.engagement.messages.links import Links
from regulars.engagement.messages.markup import Unfit
from regulars.engagement.messages.model import Content, Gift, Message, address_of, hash_of, message_rules, origins, sql
from regulars.engagement.messages.previewing import MADE_UP_GIFT, coupons_of, made_up
from regulars.engagement.messages.rendering import facts, opt_in, render
from regulars.events import Event
from regulars.kit import Reading, Tx
from regulars.tenancy import Workspace

_FREE = ("test", "opt_in")
"""What may be sent to whoever did not agree, at any time, and is not counted."""


class _One(msgspec.Struct):
    message: Message
    content: Content
    topic: str
    had: int
    customer: Customer
    code: str = ""
    cause: Event | None = None
    gift: Gift | None = None

    @property
    def id(self) -> UUID:
        return self.message.id

    @property
    def address(self) -> str:
        return self.message.address or address_of(self.message.channel, self.customer)

    @property
    def named(self) -> tuple[str, str]:
        return self.message.channel, hash_of(self.message.channel, self.address)


async def prepare(
    tx: Tx, workspace: Workspace, ids: Sequence[UUID], now: datetime, links: Links
) -> dict[UUID, Ready | Skipped | Later]:
    """By the message's id, of those that there are, in a fixed number of statements. What is ready is written down as
    on its way, and each reason."""
    since = now - timedelta(days=message_rules(workspace).cap_days)
    rows = [tuple(row) for row in await tx.fetch(sql.to_prepare, workspace.id, ids, since)]
    people = await customers.by_ids(tx, workspace.id, sorted({row[1] for row in rows}))
    found = [(Message(*columns), topic or "", had) for *columns, topic, had in rows]
    contents = await _contents(tx, workspace, [message for message, _, _ in found])
    page = [
        _One(message, contents[message.template_id, message.template_version], topic, had, people[message.customer_id])
        for message, topic, had in found
    ]
    came = await _ask_origins(tx, workspace, page, now, first=True)
    came |= await _asked(tx, workspace, [one for one in page if one.id not in came], now)
    came |= await _ask_origins(tx, workspace, [one for one in page if one.id not in came], now, first=False)
    values, left = dict[UUID, dict[str, Any]](), [one for one in page if one.id not in came]
    for one, known in zip(left, await _known(tx, workspace, left, now), strict=True):
        try:
            content, values[one.id] = _written(workspace, one, known, links)
            came[one.id] = Ready(content, one.cause.traceparent if one.cause else None)
        except Unfit as unfit:
            one.code, came[one.id] = "incomplete", Skipped(one.id, f"The template could not be filled in: {unfit}.")
    if page:
        named, codes = [one.id for one in page], [one.code for one in page]
        await tx.execute(sql.prepared, workspace.id, named, [values.get(id) for id in named], codes, now)
    return came


async def _contents(
    tx: Reading, workspace: Workspace, page: Sequence[Message]
) -> dict[tuple[UUID | None, int], Content]:
    """By template and version; each is read once."""
    keys = list({(one.template_id, one.template_version) for one in page})
    columns = [id for id, _ in keys], [version for _, version in keys]
    rows = await tx.fetch(sql.contents, workspace.id, *columns) if any(columns[0]) else []
    return dict.fromkeys(keys, opt_in(workspace)) | {(id, n): msgspec.convert(said, Content) for id, n, said in rows}


async def _asked(
    tx: Reading, workspace: Workspace, page: Sequence[_One], now: datetime
) -> dict[UUID, Ready | Skipped | Later]:
    """Those that are not sent now."""
    rules, more, came = message_rules(workspace), Counter[UUID](), dict[UUID, Ready | Skipped | Later]()
    said = await said_of(tx, workspace.id, list({one.customer.id for one in page}))
    stopped = await suppressed(tx, workspace.id, list({one.named for one in page}))
    for one in sorted(page, key=lambda one: one.id):
        message, who, late, words = one.message, one.customer, one.message.too_late_at, ""
        free, had = message.source_kind in _FREE, one.had + more[who.id]
        until = None if free else quiet_until(workspace, who.country, now)
        if who.erased_at:
            one.code, words = "customer_gone", "The customer is not there any more."
        elif late and late <= now:
            one.code, words = "too_late", "It could not be sent while it still made sense."
        elif not one.address:
            one.code, words = "no_address", "The customer has no address, or number that can be dialled, for it."
        elif not free and (state := consent_of(rules, message.channel, who, said).state) != "yes":
            how = "was asked, and has not agreed yet," if state == "asked" else "does not agree"
            one.code, words = "no_consent", f"The customer {how} to be written to over this channel."
        elif message.source_kind != "test" and one.named in stopped:
            one.code, words = "suppressed", f"Nothing is sent to this address: {stopped[one.named]}"
        elif not free and rules.cap and had >= rules.cap:
            one.code, words = "capped", f"The customer had {had} in {rules.cap_days} days; {rules.cap} is the most."
        elif until and late and until >= late:
            one.code, words = "too_late", "After the quiet hours of where the customer lives it is too late."
        elif until:
            one.code = "quiet_hours"
            came[one.id] = Later(one.id, until, "It is within the quiet hours of where the customer lives.")
        else:
            more[who.id] += not free
        if words:
            came[one.id] = Skipped(one.id, words)
    return came


async def _ask_origins(
    tx: Tx, workspace: Workspace, page: Sequence[_One], now: datetime, *, first: bool
) -> dict[UUID, Ready | Skipped | Later]:
    """Those whom what sends them is for no more, or not now, are not sent."""
    came = dict[UUID, Ready | Skipped | Later]()
    for kind, origin in origins.items():
        mine = {one.id: one for one in page if one.message.source_kind == kind}
        ask = origin.may_go if first else origin.still
        no = await ask(tx, workspace, [one.message for one in mine.values()], now) if mine else {}
        for id, answer in no.items():
            if isinstance(answer, tuple):
                mine[id].code, why = answer
                came[id] = Skipped(id, why) if isinstance(why, str) else why
            else:
                mine[id].gift = answer
    return came


async def _known(tx: Reading, workspace: Workspace, page: Sequence[_One], now: datetime) -> list[dict[str, Any]]:
    """What each one's template may name."""
    have = await ledger.available(tx, workspace, sorted({one.customer.id for one in page}), now) if page else {}
    causes = [(one.message.cause_id, one.topic) for one in page if one.message.cause_id and one.topic]
    found = await events.by_ids(tx, workspace.id, causes) if causes else {}
    for one in page:
        one.cause = found.get(one.message.cause_id) if one.message.cause_id else None
    bodies = [
        msgspec.json.decode(one.cause.body)
        if one.cause
        else made_up(workspace, one.topic, one.customer, have.get(one.customer.id, 0), now)
        if one.topic and one.message.source_kind == "test"
        else None
        for one in page
    ]
    asks = {said: "coupon." in str(said) for said in {one.content for one in page}}
    asking = [(one, body) for one, body in zip(page, bodies, strict=True) if asks[one.content]]
    wanted = {one.customer.id: (body or {}).get("coupon_id") for one, body in asking}
    coupons = await coupons_of(tx, workspace, wanted, now)
    return [
        facts(
            workspace,
            one.customer,
            have.get(one.customer.id, 0),
            body,
            coupons.get(one.customer.id),
            MADE_UP_GIFT if one.message.source_kind == "test" else one.gift,
        )
        for one, body in zip(page, bodies, strict=True)
    ]


def _written(
    workspace: Workspace, one: _One, known: dict[str, Any], links: Links
) -> tuple[channels.Content, dict[str, Any]]:
    """Raises Unfit."""
    message, how = one.message, dict[str, Any]()
    way = known["customer"]["preferences_link"] = links.to("u", workspace.id, one.id)
    if message_rules(workspace).tracking and message.source_kind not in _FREE:
        how["pixel"] = links.to("t/o", workspace.id, one.id)
        how["link"] = lambda url: url if url == way else links.to("t/c", workspace.id, one.id, url)
    made, said = render(workspace, message.channel, one.content, known, **how)
    said |= {"customer.preferences_link": "#"}
    if message.channel == "email":
        del made["preheader"]  # which stands in its HTML
        headers = {"List-Unsubscribe": f"<{way}>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}
        return Mail(one.address, headers=headers, **made), said
    return Text(one.address, made["text"]) if "text" in made else WhatsAppTemplate(one.address, **made), said


def quiet_until(shop: Workspace, country: str, now: datetime) -> datetime | None:
    """When the quiet hours end that it is in where somebody lives; None where it is in none."""
    rules = message_rules(shop)
    start, end = rules.quiet_from, rules.quiet_until
    local = now.astimezone(_zone_of(shop, country))
    if not (start <= local.hour < end if start <= end else local.hour >= start or local.hour < end):
        return None
    until = local.replace(hour=end, minute=0, second=0, microsecond=0)
    return until if until > local else until + timedelta(days=1)


def due_where_they_live(shop: Workspace, at: datetime) -> dict[str, datetime]:
    """By country, and by '' where nobody knows: when the clock there shows what the shop's own shows at that time."""
    wall = at.astimezone(shop.zone)
    return {"": at} | {country: wall.replace(tzinfo=_zone_of(shop, country)) for country in _zones()}


def _zone_of(shop: Workspace, country: str) -> ZoneInfo:
    """The shop's where nobody knows, or where the country has several, of which the shop's is one."""
    zones = _zones().get(country, [shop.zone.key])
    return shop.zone if shop.zone.key in zones else ZoneInfo(zones[0])


@cache
def _zones() -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for line in (files("tzdata.zoneinfo") / "zone1970.tab").read_text(encoding="utf-8").splitlines():
        codes, _, zone = (*line.split("\t"), "", "")[:3]
        for code in codes.split(","):
            if zone and code in countries_by_alpha2:
                found.setdefault(countries_by_alpha2[code].alpha3.lower(), []).append(zone)
    return found
