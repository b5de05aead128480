"""Who agreed to be written to, and which addresses nothing is sent to."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from regulars import customers, ledger
from regulars.customers import Customer
from regulars.engagement.messages import model
from regulars.engagement.messages.model import sql
from regulars.kit import AFTER_ALL_IDS, Faults, NotFound, Reading, Tx, new_id
from regulars.tenancy import Workspace

Said = Mapping[tuple[UUID, str], tuple[model.Consent, str]]
"""By customer and channel: what was said, and the hash of the e-mail address they had then."""


async def said_of(tx: Reading, workspace_id: UUID, customer_ids: Sequence[UUID]) -> Said:
    rows = await tx.fetch(sql.consents, workspace_id, customer_ids)
    return {(row[0], row[1]): (model.Consent(*row[1:-1]), row[-1]) for row in rows}


def consent_of(rules: model.MessageRules, channel: model.Channel, customer: Customer, said: Said) -> model.Consent:
    """What holds: every no counts, also one that only the shop knows of; with double opt-in only a yes that was
    confirmed at the address they have now."""
    known = customer.accept_email if channel == "email" else customer.accept_mobile
    own, hash = said.get((customer.id, channel), (None, ""))
    if own is not None and (known or own.state != "yes"):
        asks = rules.double_opt_in and (channel, own.state) == ("email", "yes")
        moved = asks and hash not in ("", model.hash_of("email", customer.email))
        return msgspec.structs.replace(own, state="asked") if moved else own
    state: model.ConsentState = "no" if not known else "asked" if channel == "email" and rules.double_opt_in else "yes"
    return model.Consent(channel, state, "", None)


async def consents_of(tx: Reading, workspace: Workspace, customer: Customer) -> list[model.Consent]:
    """What holds, channel by channel."""
    said, rules = await said_of(tx, workspace.id, [customer.id]), model.message_rules(workspace)
    return [consent_of(rules, channel, customer, said) for channel in model.CHANNELS]


async def set_consents(
    tx: Tx, workspace: Workspace, customer: Customer, states: model.States, source: str, now: datetime
) -> list[model.Consent]:
    """Keep what was said, and by whom; what the shop knows of the customer goes with it, and is told as any change of
    theirs. A channel about which nothing was said is as it was. Locks the customer."""
    before = {one.channel: one.state for one in await consents_of(tx, workspace, customer)}
    agrees = {channel: states.get(channel, state) == "yes" for channel, state in before.items()}
    kept, mobile = dict(states), agrees["sms"] or agrees["whatsapp"]
    flags = {"accept_email": agrees["email"]} if states.get("email") in ("yes", "no") else {}
    if "sms" in states or "whatsapp" in states:
        flags["accept_mobile"] = mobile
    if mobile and not customer.accept_mobile:
        # To agree to the one is not to agree to the other, of which what the shop knew said no.
        kept = {"sms": "no", "whatsapp": "no", **kept}
    available = (await ledger.available(tx, workspace, [customer.id], now)).get(customer.id, 0)
    changed = await customers.change(tx, workspace, customer.id, flags, now, available=available)
    of = model.hash_of("email", customer.email)
    await tx.execute(sql.set_consents, workspace.id, customer.id, list(kept), list(kept.values()), source, now, of)
    return await consents_of(tx, workspace, changed)


async def suppress(
    tx: Tx, workspace_id: UUID, addresses: Sequence[tuple[model.Channel, str, str]], now: datetime
) -> None:
    """Send nothing to these any more: the channel, the address, and why, each. Raises Invalid."""
    faults, rows = Faults(), []
    for channel, address, reason in addresses:
        with faults:
            model.check_address("address", channel, address)
        rows.append((new_id(), channel, model.hash_of(channel, address), address.strip(), reason))
    faults.check()
    if rows:
        await tx.execute(sql.suppress, workspace_id, *map(list, zip(*rows, strict=True)), now)


async def unsuppress(tx: Tx, workspace_id: UUID, id: UUID) -> None:
    """Raises NotFound."""
    if await tx.fetchval(sql.unsuppress, workspace_id, id) is None:
        raise NotFound("This address is not suppressed.")


async def suppressed(tx: Reading, workspace_id: UUID, named: Sequence[tuple[str, str]]) -> dict[tuple[str, str], str]:
    """Of these channels and hashes, those to which nothing is sent, and why."""
    columns = [[one[n] for one in named] for n in (0, 1)]
    return {(row[0], row[1]): row[2] for row in await tx.fetch(sql.suppressed, workspace_id, *columns)}


async def suppressions(
    tx: Reading, workspace_id: UUID, *, limit: int, channel: model.Channel | None = None, **by: Any
) -> list[model.Suppression]:
    """Newest first; of an address, however it is written, what there is of it."""
    if address := by.get("address"):
        named = [channel] if channel else list(model.CHANNELS)
        hashes = [model.hash_of(one, address) for one in named]
        return await tx.all(model.Suppression, sql.suppressions_of_address, workspace_id, named, hashes)
    return await tx.all(
        model.Suppression, sql.suppressions, workspace_id, by.get("before_id") or AFTER_ALL_IDS, limit, channel
    )
