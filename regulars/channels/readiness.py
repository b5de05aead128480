"""Initialize: ask the server whether it takes our messages; where they are mails, by mailing a code to the address that
they come from, until somebody typed it in. And a message that is sent by hand.

Locks: the sender, then its lane."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from secrets import randbelow
from uuid import UUID

import msgspec

from regulars import delivery, limits
from regulars.channels import store
from regulars.channels.carrying import E164, MessageCarrier
from regulars.channels.email import MailCarrier, mailable
from regulars.channels.manifest import CARRIERS, SENDERS
from regulars.channels.model import Mail, Sender, encode
from regulars.channels.setup import list_senders
from regulars.channels.store import sql
from regulars.delivery import Addressee, CheckResult, Parcel
from regulars.kit import Clock, Conflict, Database, SecretBox, Tx, invalid
from regulars.kit.mail import Outside
from regulars.kit.secrets import same, token_hash

_WRONG = "That is not the code, or it was too old or tried too often. Initialize to have another mailed."


class Checked(msgspec.Struct, frozen=True):
    """What came of asking, and the code that was mailed, '' where none had to be."""

    result: CheckResult
    code: str = ""


def carrier(sender: Sender, box: SecretBox, server: str = "") -> MessageCarrier:
    """The sender as a carrier; `server` is where this server is reached. Raises Unreadable for its secrets, Conflict
    for what another version has stored."""
    manifest = SENDERS.kept(sender.tool)
    secrets = box.open(sender.sealed, workspace_id=sender.workspace_id, thing_id=sender.id)
    try:
        return CARRIERS[sender.tool](sender.settings, secrets, reports_at(sender, server) if server else "")
    except (LookupError, TypeError, ValueError):
        words = f"This version of Regulars can't read the settings of this sender ({manifest.label})."
        raise Conflict(f"{words} Fill them in again, then Initialize.") from None


def reports_at(sender: Sender, server: str) -> str:
    """Where its provider reports."""
    return f"{server}/hooks/{SENDERS.kept(sender.tool).reports}/{sender.hook_id}"


async def check(outside: Outside, sender: Sender, carrier: MessageCarrier, at: datetime) -> Checked:
    """Calls out; must not be called inside a transaction."""
    if not isinstance(carrier, MailCarrier) or sender.settings.get("verified_email") == carrier.address:
        return Checked(carrier.read_check(await outside.send(carrier.check(at))))
    code = f"{randbelow(10**6):06}"
    result = carrier.read_check(await outside.send(carrier.code_mail(code, at)))
    if not result.ok:
        return Checked(result)
    words = f"A code was mailed to {carrier.address}. Type it in here, and messages go out."
    return Checked(CheckResult(True, words), code)


async def conclude(tx: Tx, asked: Sender, checked: Checked, now: datetime) -> Sender:
    """Ready, and what is queued goes out; or it waits for the code; or it is paused with the reason. Raises NotFound,
    and Conflict when somebody changed it while its server was asked."""
    known = await store.sender(tx, asked.workspace_id, asked.id, locked=True)
    if known.updated_at != asked.updated_at:
        raise Conflict("This sender was changed while it was checked. Initialize it again.")
    here, result = (asked.workspace_id, asked.id), checked.result
    if checked.code:
        until = now + timedelta(seconds=limits.SENDER_CODE_S)
        await tx.execute(sql.set_code, *here, token_hash(checked.code), until)
        await tx.execute(sql.set_state, *here, "new", result.sentence)
    elif result.ok:
        await _ready(tx, *here, now)
    else:
        await pause(tx, *here, result.sentence)
    return await store.sender(tx, *here)


async def verify(tx: Tx, workspace_id: UUID, sender_id: UUID, code: str, now: datetime) -> Sender:
    """With the code that was mailed its address is the shop's, and what is queued goes out; with another, its state
    says so. Raises Conflict when no code is waited for."""
    here = (workspace_id, sender_id)
    if (await store.sender(tx, *here, locked=True)).state != "new":
        raise Conflict("No code is waited for. Initialize it to have one mailed.")
    hash = await tx.fetchval(sql.try_code, *here, now, limits.SENDER_CODE_TRIES_MAX)
    if hash is None or not same(hash, token_hash(code.strip())):
        await tx.execute(sql.set_state, *here, "new", _WRONG)
    else:
        await tx.execute(sql.verified, *here)
        await _ready(tx, *here, now)
    return await store.sender(tx, *here)


async def _ready(tx: Tx, workspace_id: UUID, sender_id: UUID, now: datetime) -> None:
    await tx.execute(sql.set_state, workspace_id, sender_id, "ready", "")
    await delivery.resume_lane(tx, workspace_id, sender_id, now)


async def pause(tx: Tx, workspace_id: UUID, sender_id: UUID, reason: str) -> str | None:
    """By its server's answer, or by a person: what is queued waits until it is initialized again. Its name, unless it
    was paused for this reason already. Raises NotFound."""
    known = await store.sender(tx, workspace_id, sender_id, locked=True)
    if (known.state, known.state_reason) == ("paused", reason):
        return None
    await tx.execute(sql.set_state, workspace_id, sender_id, "paused", reason)
    await delivery.pause_lane(tx, workspace_id, sender_id, reason)
    return known.name


async def tell(tx: Tx, workspace_id: UUID, to: Sequence[str], subject: str, text: str, now: datetime) -> None:
    """Mail to people on the staff, from the oldest sender of e-mail that is ready; none is sent where there is none."""
    senders = [one for one in await list_senders(tx, workspace_id) if (one.channel, one.state) == ("email", "ready")]
    if senders:
        said = [encode(Mail(to=one, subject=subject, text=text)).decode() for one in to if mailable(one)]
        await delivery.queue_said(tx, workspace_id, senders[0].id, "email", said, now)


async def send_test(db: Database, outside: Outside, clock: Clock, sender: Sender, box: SecretBox, to: str) -> Parcel:
    """A test message to an address, written down before it is sent, and then what came of it. Raises Invalid for what
    is no address, Conflict for a sender that is not ready."""
    to, now, made_by = to.strip(), clock.now(), carrier(sender, box)
    if not (mailable(to) if sender.channel == "email" else E164.fullmatch(to)):
        raise invalid("to", "an e-mail address" if sender.channel == "email" else "a number such as +14155550100")
    if sender.state != "ready":
        raise Conflict("This sender is not ready. Initialize it first.")
    here, body = (sender.workspace_id, sender.id), encode(made_by.trial(to)).decode()
    of = Addressee(sender.id, sender.id, "", sender.channel)
    async with db.transaction() as tx:
        parcel = await delivery.queue_test(tx, here[0], of, None, body, occurred_at=now, now=now, source="message")
    await delivery.send_test(db, outside, clock, made_by, *here, parcel)
    return parcel
