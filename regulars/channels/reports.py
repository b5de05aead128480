"""What providers report of messages and addresses, handed on to who wrote them. E-mail's is the JSON of bounces and
complaints: ours, SendGrid's, Postmark's, Mailgun's or Amazon SES's; the address that it is posted to is the secret."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from regulars import limits
from regulars.channels.carrying import E164
from regulars.channels.email import mailable
from regulars.channels.model import Sender
from regulars.channels.writing import settle, suppress
from regulars.delivery import Settled
from regulars.kit import Tx, Unauthenticated, invalid
from regulars.kit.secrets import same

_STOP = frozenset({"STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "REVOKE", "OPTOUT"})
_NOBODY = frozenset({"30003", "30005", "30006", "21610", "21211", "131026", "131050"})
_KINDS = {
    **dict.fromkeys(("bounce", "failed"), "It bounced"),
    **dict.fromkeys(("complaint", "complained", "spamreport", "spamcomplaint"), "Its owner called it spam"),
}
_LASTING = frozenset({"", "permanent", "hardbounce", "bademailaddress", "true", "bounce"})


class Report(msgspec.Struct, frozen=True):
    """That nothing is to be sent to an address any more, or that a message failed; with the reason in words."""

    reason: str
    address: str = ""
    message_id: UUID | None = None


async def take_reports(tx: Tx, sender: Sender, reports: Sequence[Report], now: datetime) -> None:
    # Words of a provider may hold a NUL, and PostgreSQL stores none.
    told = [(one, one.reason.replace("\0", "\ufffd")) for one in reports]
    if addresses := [(sender.channel, one.address, reason) for one, reason in told if one.address]:
        await suppress(tx, sender.workspace_id, addresses, now)
    if ended := [Settled(one.message_id, "failed", reason) for one, reason in told if one.message_id]:
        await settle(tx, sender.workspace_id, ended, now)


def read_bounces(body: bytes) -> list[Report]:
    """Lasting bounces, and complaints; what else is told is let lie. Raises Invalid for what is no JSON."""
    said, reports = decoded(body), []
    if isinstance(said, dict) and isinstance(said.get("Message"), str):
        said = decoded(said["Message"].encode())  # Amazon's notifications hold theirs as text
    for one in objects(said, "events") or objects(said, "event-data") or objects(said):
        named = {name.casefold(): value for name, value in one.items()}
        kind = str(named.get("event") or named.get("recordtype") or named.get("notificationtype") or one.get("type"))
        detail = next(iter(objects(one, "bounce") or objects(one, "complaint")), {})
        lasts = one.get("Type") or named.get("severity") or detail.get("bounceType") or named.get("permanent", "")
        word = _KINDS.get(kind.casefold(), "")
        if not word or (word == "It bounced" and str(lasts).casefold() not in _LASTING):
            continue
        why = named.get("reason") or named.get("description") or ""
        reason = f"{word}{f': {why}' if why else '.'}"[: limits.REASON_CHARS_STORED_MAX]
        whose = objects(detail, "bouncedRecipients") + objects(detail, "complainedRecipients")
        told = [named.get("email"), named.get("recipient"), *(who.get("emailAddress") for who in whose)]
        reports += [Report(reason, to) for to in told if isinstance(to, str) and mailable(to)]
    return reports[: limits.REPORTS_MAX]


def stopped(number: str, words: str) -> list[Report]:
    """What somebody wrote, if it says that they want no more."""
    word = words.strip().upper()
    return [Report(f"They wrote {word}.", number)] if word in _STOP and E164.fullmatch(number) else []


def failed(label: str, id: UUID, number: str, code: str) -> list[Report]:
    """A message could not be delivered; if by the code nobody has the number, nothing is sent there any more."""
    reason = f"{label} could not deliver it (error {code[:40] or 'not named'})."
    gone = code in _NOBODY and E164.fullmatch(number) is not None
    return [Report(reason, message_id=id), *([Report(reason, number)] if gone else [])]


def must_be_same(expected: str, signature: str) -> None:
    """Raises Unauthenticated."""
    if not same(expected, signature):
        raise Unauthenticated("This call is not signed with the secret that is kept here.")


def decoded(body: bytes) -> Any:
    try:
        return msgspec.json.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise invalid("body", "JSON") from None


def objects(said: Any, key: str = "") -> list[Mapping[str, Any]]:
    """The objects in a list, or the one that stands alone; with a key, those under it."""
    under = said.get(key) if key and isinstance(said, dict) else None if key else said
    return [one for one in (under if isinstance(under, list) else [under]) if isinstance(one, dict)]
