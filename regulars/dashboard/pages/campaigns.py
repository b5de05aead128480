"""Campaigns: the list, one that is put together, one under way, and what came of it."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
from litestar import Response, post

from regulars import channels, customers, limits, triggers
from regulars.customers import Customer
from regulars.dashboard import chart
from regulars.dashboard.cells import Badge, Lines, Link
from regulars.dashboard.chart import Chart
from regulars.dashboard.declaring import act
from regulars.dashboard.desk import Desk, Handed
from regulars.dashboard.lists import NAMED, Act, Asked, Column, Filter, Found, Listing, until_next
from regulars.dashboard.sheets import Field, Given, Shown, ask, sheet
from regulars.engagement import campaigns, messages, segments
from regulars.engagement.campaigns import Campaign, Hour, Recipient, Report, Terms, Variant
from regulars.kit import Reading, Tx, invalid

_STATES = {
    "draft": Badge("off", "Draft"),
    "scheduled": Badge("busy", "Scheduled"),
    "building": Badge("busy", "Being prepared"),
    "sending": Badge("busy", "Being sent"),
    "paused": Badge("care", "Paused"),
    "finished": Badge("good", "Finished"),
    "cancelled": Badge("off", "Cancelled"),
}
_CAME = "waiting queued sent skipped failed uncertain opened clicked"
_CHANNELS = {"email": "E-mail", "sms": "SMS", "whatsapp": "WhatsApp"}
_HOURS_DRAWN, _DRAWN_MIN, _DRAWN_MAX = 48, 12, 60


class Row(NamedTuple):
    campaign: Campaign
    report: Report
    sentence: str


async def _read(desk: Desk, tx: Reading, asked: Asked) -> Found[Row]:
    found = await campaigns.list_campaigns(tx, desk.id, before_id=asked.before_id, limit=asked.limit + 1)
    came = await campaigns.reports(tx, desk.id, found)
    words = await campaigns.sentences(tx, desk.workspace, [one.terms for one in found])
    rows = [Row(*row) for row in zip(found, came, words, strict=True)]
    return Found(*until_next(rows, asked.limit))


CAMPAIGNS = Listing[Row](
    path="/campaigns",
    purpose="A message to many at once: to a segment or to everybody, now or at a time.",
    columns=[
        Column("Name", lambda row: Link(row.campaign.name, f"/campaigns/{row.campaign.id}")),
        Column("What it is", lambda row: Lines([row.sentence])),
        Column("State", lambda row: _STATES[row.campaign.state]),
        Column("Recipients", lambda row: row.report.recipients, right=True),
        Column("Sent", lambda row: row.report.came.sent, right=True),
        Column("Opened", lambda row: row.report.came.opened, right=True),
        Column("Clicked", lambda row: row.report.came.clicked, right=True),
        Column("Orders", lambda row: row.report.came.orders, right=True),
        Column("Launched", lambda row: row.campaign.launched_at),
    ],
    read=_read,
    nothing="No campaigns yet",
    nothing_why="A campaign tells a segment of your customers something once, and says what came of it.",
    acts=[Act("Create a campaign", "/campaigns/new")],
)


class Got(NamedTuple):
    recipient: Recipient
    customer: Customer
    template: str


async def _recipients(desk: Desk, tx: Reading, asked: Asked) -> Found[Got]:
    of = await campaigns.find_campaign(tx, desk.id, asked.id("campaign_id") or UUID(int=0))
    page: dict[str, Any] = {"state": asked.chosen("state"), "before": asked.before_id, "limit": asked.limit}
    found, last = await campaigns.recipients_of(tx, desk.id, of, **page)
    people = await customers.by_ids(tx, desk.id, [one.customer_id for one in found])
    known = {one.id: one.name for one in await messages.list_templates(tx, desk.id)}
    names = [known.get(one.template_id, "A template that is gone") for one in of.terms.variants]
    rows = [Got(one, people[one.customer_id], names[one.variant]) for one in found]
    return Found(rows, last, choices={"campaign_id": [(str(of.id), of.name)]})


RECIPIENTS = Listing[Got](
    path="/campaigns/recipients",
    called="Who gets a campaign",
    purpose="Each with what became of their message, and why. Those who became customers last come first.",
    columns=[
        *NAMED,
        Column("Message", lambda row: row.template),
        Column("State", lambda row: row.recipient.state.capitalize()),
        Column("Why", lambda row: row.recipient.reason),
        Column("Sent", lambda row: row.recipient.sent_at),
        Column("Opened", lambda row: row.recipient.opened_at),
        Column("Clicked", lambda row: row.recipient.clicked_at),
    ],
    read=_recipients,
    nothing="Nobody gets it yet",
    nothing_why="Who gets a campaign is found out when it begins.",
    filters=[
        Filter("campaign_id", "Of"),
        Filter("state", "State", "All", [(one, one.capitalize()) for one in _CAME.split()]),
    ],
)


_MOMENT = Field(pattern=r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2})?", expected="a day and a time", optional=True)


def _fields(shown: Shown) -> dict[str, Field]:
    def one_of(name: str, *, optional: bool = True) -> Field:
        return Field("choice", optional=optional, options=tuple(value for value, _ in shown.more[name]))

    return {
        "name": Field(chars_max=limits.TITLE_CHARS_MAX),
        "segment_id": one_of("segments"),
        "minus_segment_id": one_of("segments"),
        "template_id": one_of("texts", optional=False),
        "other_template_id": one_of("texts"),
        "share": Field("whole", 1, 99, optional=True, blank=50),
        "sender_id": one_of("senders"),
        "trigger_id": one_of("gifts"),
        "when": Field("choice", options=("now", "at", "where")),
        "starts_at": msgspec.structs.replace(_MOMENT, optional=False, when=("when", "at", "where")),
        "latest_at": _MOMENT,
        "per_minute": Field("whole", 1, limits.RATE_PER_MINUTE_MAX, optional=True, blank=None),
        "orders_days": Field("whole", 1, limits.CAMPAIGN_ORDERS_DAYS_MAX),
    }


async def _choices(desk: Desk, tx: Reading) -> dict[str, list[tuple[str, str]]]:
    """What a campaign can be made of."""
    gifts = [one for one in await triggers.list_triggers(tx, desk.id) if campaigns.gives(one)]
    templates = [one for one in await messages.list_templates(tx, desk.id) if not one.topic]
    senders = [one for one in await channels.list_senders(tx, desk.id) if one.state == "ready"]
    found = {"segments": await segments.list_segments(tx, desk.id), "senders": senders, "gifts": gifts}
    named = {kind: [(str(one.id), one.name) for one in some] for kind, some in found.items()}  # type: ignore[attr-defined]
    return named | {"texts": [(str(one.id), f"{one.name} ({_CHANNELS[one.channel]})") for one in templates]}


async def _blank(desk: Desk, tx: Reading) -> Shown:
    segment_id = desk.request.query_params.get("segment_id", "")
    values = {"when": "now", "share": 50, "orders_days": 7, "segment_id": segment_id}
    return Shown(values, more=await _choices(desk, tx))


def _terms(desk: Desk, given: Given) -> dict[str, Any]:
    """What the form says, as terms. Raises Invalid."""
    ids = {name: (given[name] and UUID(given[name])) or None for name in given if name.endswith("_id")}
    sender, first, other = (ids.pop(name) for name in ("sender_id", "template_id", "other_template_id"))
    variants = [Variant(first or UUID(int=0), sender, given["share"] if other else 100)]
    variants += [Variant(other, sender, 100 - given["share"])] if other else []
    times = {name: _moment(desk, given, name) for name in ("starts_at", "latest_at")}
    plain = {name: given[name] for name in ("name", "per_minute", "orders_days")}
    return {**plain, **ids, **times, "in_their_zone": given["when"] == "where", "variants": tuple(variants)}


def _moment(desk: Desk, given: Given, name: str) -> datetime | None:
    """By the shop's clock."""
    try:
        return datetime.fromisoformat(given[name]).replace(tzinfo=desk.zone) if given.get(name) else None
    except ValueError:
        raise invalid(name, "a day and a time that there are") from None


_INSIDE = {"variants": "other_template_id"} | {
    f"variants[{n}].{of}": f"{which if of == 'template_id' else ''}{of}"
    for n, which in enumerate(("", "other_"))
    for of in ("template_id", "sender_id")
}


_NEW: dict[str, Any] = {"yes": "Save and look at it", "act": "campaign.create", "inside": _INSIDE}


@sheet("/campaigns/new", "Create a campaign", "campaign_new", _fields, load=_blank, **_NEW)
async def create(desk: Desk, tx: Tx, given: Given, shown: Shown) -> Response[Any]:
    (await desk.form()).check()
    desk.about(given["name"])
    made = await campaigns.create_campaign(tx, desk.workspace, Terms(**_terms(desk, given)), desk.now)
    return desk.see(f"/campaigns/{made.id}", "Saved as a draft. Nothing is sent before you launch it.")


async def _load(desk: Desk, tx: Reading) -> Shown:
    of = await campaigns.find_campaign(tx, desk.id, desk.key)
    report, terms = await campaigns.report(tx, desk.id, of), of.terms
    first, *others = terms.variants
    moments = {name: getattr(terms, name) for name in ("starts_at", "latest_at")}
    values = msgspec.structs.asdict(terms) | {
        "template_id": first.template_id,
        "other_template_id": others[0].template_id if others else "",
        "share": first.share if others else 50,
        "sender_id": first.sender_id,
        "when": "where" if terms.in_their_zone else "at" if terms.starts_at else "now",
        **{name: at and f"{at.astimezone(desk.zone):%Y-%m-%dT%H:%M}" for name, at in moments.items()},
    }
    senders = {variant.sender_id for variant in terms.variants}
    more = await _choices(desk, tx) | {
        "report": report,
        "badge": _STATES[of.state],
        "does": (await campaigns.sentences(tx, desk.workspace, [terms]))[0],
        "names": {one.id: one.name for one in await messages.list_templates(tx, desk.id)},
        "held": [one for one in await channels.list_senders(tx, desk.id) if one.id in senders and one.state != "ready"],
        "charts": _drawn(desk, report.hours),
    }
    if not of.launched_at:
        more["count"] = await campaigns.count_to(tx, desk.id, terms.segment_id, terms.minus_segment_id)
    return Shown(values, of, of.name, more=more)


def _drawn(desk: Desk, hours: Sequence[Hour]) -> list[Chart]:
    """By the hour, or after some days by the day: from the first that there is to the last."""
    at = [one.at.astimezone(desk.zone) for one in hours]
    if not at:
        return []
    by_day = max(at) - min(at) > timedelta(hours=_HOURS_DRAWN)
    first, step = (min(at).replace(hour=0), timedelta(days=1)) if by_day else (min(at), timedelta(hours=1))
    many = min(max(int((max(at) - first) / step) + 1, _DRAWN_MIN), _DRAWN_MAX)
    named = [f"{first + n * step:{'%-d %b' if by_day else '%-d %b %H:00'}}" for n in range(many)]
    charts = []
    for what in ("sent", "opened", "clicked", "orders"):
        counts = Counter[int]()
        for one, when in zip(hours, at, strict=True):
            counts[int((when - first) / step)] += one.count if one.what == what else 0
        bars = [(name, max(0, counts[n])) for n, name in enumerate(named)]
        unit, ends = what.capitalize(), [named[0], named[-1]]
        charts += [chart.bars(unit, "Day" if by_day else "Hour", unit, bars, ends)] if any(counts.values()) else []
    return charts


@sheet("/campaigns/{id:uuid}", "", "campaign", _fields, yes="Save", act="campaign.update", load=_load, inside=_INSIDE)
async def change(desk: Desk, tx: Tx, given: Given, shown: Shown) -> None:
    (await desk.form()).check()
    await campaigns.change_campaign(tx, desk.workspace, desk.key, _terms(desk, given), desk.now)


@post("/campaigns/count")
async def count(desk: Handed) -> Response[str]:
    """How many it would be to, as it is being put together."""
    form = await desk.form()
    chosen = [form.uuid(name) if form.text(name) else None for name in ("segment_id", "minus_segment_id")]
    async with desk.app.db.snapshot() as tx:
        found = await campaigns.count_to(tx, desk.id, *chosen)
    return desk.page("pages/campaign_count.html", found=found)


async def _ask_launch(desk: Desk, tx: Reading) -> Shown:
    of = await campaigns.find_campaign(tx, desk.id, desk.key)
    many = await campaigns.count_to(tx, desk.id, of.terms.segment_id, of.terms.minus_segment_id)
    (said,) = await campaigns.sentences(tx, desk.workspace, [of.terms])
    return Shown(
        title=f"Launch “{of.name}”?",
        words=f"{said}. That is {many:,} customers today; each is asked about right before: who does not agree to be "
        "written to, or had enough messages lately, gets none. What was sent can’t be taken back.",
    )


@ask("/campaigns/{id:uuid}/launch", "Launch", "Launch", act="campaign.launch", load=_ask_launch)
async def launch(desk: Desk, tx: Tx, *_: Any) -> Response[Any]:
    await campaigns.launch(tx, desk.workspace, desk.key, desk.now)
    return desk.see(f"/campaigns/{desk.key}", "It is launched.")


@act("/campaigns/{id:uuid}/pause", "campaign.pause", "/campaigns/{id}", "Paused. What was not on its way waits.")
async def pause(desk: Desk, tx: Tx) -> None:
    await campaigns.pause(tx, desk.workspace, desk.key, desk.now, reason=f"Paused by {desk.who.name}.")


@act("/campaigns/{id:uuid}/resume", "campaign.resume", "/campaigns/{id}", "It goes on.")
async def resume(desk: Desk, tx: Tx) -> None:
    await campaigns.resume(tx, desk.workspace, desk.key, desk.now)


@act("/campaigns/{id:uuid}/copy", "campaign.copy", "/campaigns/{id}")
async def copy(desk: Desk, tx: Tx) -> Response[Any]:
    made = await campaigns.copy_campaign(tx, desk.workspace, desk.key, desk.now)
    return desk.see(f"/campaigns/{made.id}", "A draft of the same.")


@ask("/campaigns/{id:uuid}/cancel", "Cancel this campaign?", "Cancel the campaign", act="campaign.cancel")
async def cancel(desk: Desk, tx: Tx, *_: Any) -> Response[Any]:
    """Whoever has not got it gets nothing. It can't be taken up again; pause it if it is to go on later."""
    await campaigns.cancel(tx, desk.workspace, desk.key, desk.now)
    return desk.see(f"/campaigns/{desk.key}", "Cancelled. What was on its way still arrives.")


@ask("/campaigns/{id:uuid}/delete", "Delete this draft?", "Delete", act="campaign.delete")
async def delete(desk: Desk, tx: Tx, *_: Any) -> Response[Any]:
    """Nothing was sent of it."""
    await campaigns.delete_campaign(tx, desk.id, desk.key)
    return desk.see("/campaigns", "The draft is deleted.")
