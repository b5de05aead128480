"""What a campaign is asked about each of its messages before that is sent, and told after."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from regulars import limits, triggers
from regulars.channels import Later
from regulars.engagement.campaigns.launching import CANCELLED
from regulars.engagement.campaigns.model import sql
from regulars.engagement.messages.liquid import THINGS
from regulars.engagement.messages.model import Gift, Message, Origin
from regulars.engagement.messages.previewing import coupon_said
from regulars.kit import Refusal, Tx
from regulars.tenancy import Workspace
from regulars.triggers import RANDOM, Evaluation, Fire, Fired


class OfMessages(Origin):
    """What messages of campaigns are asked and told: see `messages.Origin`."""

    async def may_go(
        self, tx: Tx, workspace: Workspace, page: Sequence[Message], now: datetime
    ) -> dict[UUID, tuple[str, str | Later]]:
        """Those of a campaign that is paused wait, those of one that was cancelled are not sent."""
        found = await tx.fetch(sql.states, workspace.id, list({one.source_id for one in page}))
        states, later = {row["id"]: row["state"] for row in found}, now + timedelta(seconds=limits.CAMPAIGN_PAUSED_S)
        answers = dict[UUID, tuple[str, str | Later]]()
        for one in page:
            state = states.get(one.source_id)
            if state == "paused":
                answers[one.id] = "paused", Later(one.id, later, "The campaign is paused.")
            elif state in (None, "cancelled"):
                answers[one.id] = "cancelled", CANCELLED
        return answers

    async def still(
        self, tx: Tx, workspace: Workspace, page: Sequence[Message], now: datetime
    ) -> dict[UUID, tuple[str, str | Later] | Gift]:
        """They are; and the coins or the coupon that go with a message are given, once, whoever asks how often: then it
        can name them. Without them it is not sent. A coupon that is still being made at a platform is waited for."""
        found = await tx.fetch(sql.states, workspace.id, list({one.source_id for one in page}))
        gifts = {row["id"]: UUID(row["trigger_id"]) for row in found if row["trigger_id"]}
        given = [(one, gifts[one.source_id]) for one in page if one.source_id in gifts]
        fires = [
            Fire(trigger_id=gift, lead_id=one.customer_id, evaluation=Evaluation(id=one.source_id), actor="campaign")
            for one, gift in given
        ]
        answers = dict[UUID, tuple[str, str | Later] | Gift]()
        came = await triggers.fire(tx, workspace, fires, now, RANDOM) if fires else []
        for (one, _), fired in zip(given, came, strict=True):
            no = fired.message if isinstance(fired, Refusal) else fired.firing.explanation
            if isinstance(fired, Refusal) or fired.firing.state == "refused":
                answers[one.id] = "not_given", f"What was to go with it could not be given: {no}"
            elif fired.issued and fired.issued.coupon.discount == "making":
                at = now + timedelta(seconds=limits.DISCOUNT_AGAIN_S)
                answers[one.id] = "coupon_being_made", Later(one.id, at, "Its coupon is being made in the shop.")
            else:
                answers[one.id] = _gift(workspace, fired)
        return answers

    async def settled(self, tx: Tx, workspace_id: UUID, over: Sequence[tuple[Message, str]], now: datetime) -> None:
        counts = Counter[_Key]()
        for one, was in over:
            of = one.source_id, one.template_id
            if was != one.state:
                counts[*of, one.state, one.reason_code if one.state == "skipped" else ""] += 1
                counts[*of, was, one.reason_code if was == "skipped" else ""] -= was != "queued"
        await _count(tx, workspace_id, counts, now)

    async def hit(
        self, tx: Tx, workspace_id: UUID, source_id: UUID, template_id: UUID, opened: int, clicked: int, now: datetime
    ) -> None:
        of = source_id, template_id
        await _count(tx, workspace_id, {(*of, "opened", ""): opened, (*of, "clicked", ""): clicked}, now)


def _gift(workspace: Workspace, fired: Fired) -> Gift:
    """A template that names what another kind of gift has says nothing there."""
    nothing = dict.fromkeys(THINGS["gift"], "")
    if fired.issued:
        return nothing | coupon_said(workspace, fired.issued.coupon, fired.issued.terms)
    return nothing | {"coins": fired.firing.amount}


_Key = tuple[UUID | None, UUID | None, str, str]
"""The campaign, the template, what, and its code."""


async def _count(tx: Tx, workspace_id: UUID, counts: Mapping[_Key, int], now: datetime) -> None:
    slot = now.replace(minute=0, second=0, microsecond=0)
    rows = [(*key, slot, many) for key, many in counts.items() if many]
    if rows:
        await tx.execute(sql.count, workspace_id, *map(list, zip(*rows, strict=True)))
