"""Campaigns: a message to many at once."""

from collections.abc import Awaitable, Sequence
from typing import Any, Literal
from uuid import UUID

import msgspec

from regulars import customers
from regulars.api.management.api import Call, NoQuery, PageQuery, Resource, management
from regulars.api.management.items import Whose, named
from regulars.engagement import campaigns
from regulars.engagement.campaigns import Campaign, Recipient, Report, Terms
from regulars.kit import Page, Partial, Reading, Tx, copied, showing


@showing(
    "id name channel state state_reason sentence segment_id minus_segment_id variants starts_at in_their_zone latest_at"
    " per_minute trigger_id orders_days recipients over pace left_s launched_at began_at finished_at created_at"
    " updated_at",
    Campaign,
    Terms,
)
class CampaignItem(msgspec.Struct):
    """`sentence` says what it does. `over` of its `recipients` are done, sent or not; `pace` is how many a second were
    lately, `left_s` in how many seconds the rest is."""

    sentence: str
    over: int
    pace: float
    left_s: float | None


class ToWhom(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """As of a campaign: null for everybody."""

    segment_id: UUID | None = None
    minus_segment_id: UUID | None = None


class ToWhomCount(msgspec.Struct, frozen=True):
    count: int


class RecipientQuery(PageQuery, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`opened` and `clicked` are of those whose message was sent; `waiting` has no message yet, `queued` has."""

    state: Literal["waiting", "queued", "sent", "skipped", "failed", "uncertain", "opened", "clicked"] | None = None


@showing("customer template_id message_id due_at state reason reason_code sent_at opened_at clicked_at", Recipient)
class RecipientItem(msgspec.Struct):
    """Who gets it, and what became of their message: why it was not sent stands in `reason`."""

    customer: Whose
    template_id: UUID


async def _said(call: Call[Any, Any], tx: Reading, found: Sequence[Campaign]) -> list[CampaignItem]:
    came = await campaigns.reports(tx, call.workspace_id, found)
    words = await campaigns.sentences(tx, call.workspace, [one.terms for one in found])
    return [
        copied(CampaignItem, one, report, one.terms, sentence=said)
        for one, report, said in zip(found, came, words, strict=True)
    ]


of = Resource(management, "/campaigns", CampaignItem, tag="Campaigns", one="campaign", says=_said)
of.page("Campaigns", campaigns.list_campaigns, PageQuery, "Newest first.")


@of.create("Create a campaign", about=("name",))
def create_campaign(call: Call[NoQuery, Terms], tx: Tx) -> Awaitable[Campaign]:
    """A draft: nothing is sent before it is launched."""
    return campaigns.create_campaign(tx, call.workspace, call.body, call.now)


@management.post("/campaigns/preview", "How many a campaign would be to", tag="Campaigns", access="READ")
async def preview_campaign(call: Call[NoQuery, ToWhom], tx: Reading) -> ToWhomCount:
    """Nothing is written. Whether each of them agreed to be written to is asked right before their message is sent."""
    return ToWhomCount(
        await campaigns.count_to(tx, call.workspace_id, call.body.segment_id, call.body.minus_segment_id)
    )


of.each(campaigns.find_campaign)


@of.change("Change a campaign")
def change_campaign(call: Call[NoQuery, Partial[Terms]], tx: Tx) -> Awaitable[Campaign]:
    """As long as it is a draft."""
    return campaigns.change_campaign(tx, call.workspace, call.path_id(), call.body.given(), call.now)


@of.remove("Delete a campaign")
async def delete_campaign(call: Call[NoQuery, None], tx: Tx) -> dict[str, Any]:
    """As long as it is a draft."""
    return {"name": (await campaigns.delete_campaign(tx, call.workspace_id, call.path_id())).name}


for _verb, _act, _words in (
    ("launch", campaigns.launch, "It begins at once, or at its time. Who gets it is found out when it begins."),
    ("pause", campaigns.pause, "Nothing more is sent but what is on its way."),
    ("resume", campaigns.resume, "It goes on where it was."),
    ("cancel", campaigns.cancel, "Nothing more is sent but what is on its way, for good; who gets nothing says so."),
    ("copy", campaigns.copy_campaign, "A draft to the same, of the same, to begin as soon as it is launched."),
):
    of.press(_verb, f"{_verb.capitalize()} a campaign", _act, _words, about=("name",))


@management.get("/campaigns/{id}/recipients", "Who gets a campaign", tag="Campaigns", area="data")
async def list_recipients(call: Call[RecipientQuery, None], tx: Reading) -> Page[RecipientItem]:
    """Those who became customers last come first."""
    one, asked = await campaigns.find_campaign(tx, call.workspace_id, call.path_id()), call.query
    found, last = await campaigns.recipients_of(
        tx, call.workspace_id, one, state=asked.state, before=asked.before, limit=asked.limit
    )
    people = await customers.by_ids(tx, call.workspace_id, [each.customer_id for each in found])
    templates = [each.template_id for each in one.terms.variants]
    return Page(
        [
            copied(RecipientItem, each, customer=named(people[each.customer_id]), template_id=templates[each.variant])
            for each in found
        ],
        last,
    )


@management.get("/campaigns/{id}/report", "What came of a campaign", tag="Campaigns")
async def read_report(call: Call[NoQuery, None], tx: Reading) -> Report:
    """Orders that followed are counted anew every quarter of an hour."""
    one = await campaigns.find_campaign(tx, call.workspace_id, call.path_id())
    return await campaigns.report(tx, call.workspace_id, one)
