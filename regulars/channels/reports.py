"""What providers report of messages and addresses: read where it is signed as they sign, and handed on.

bounces   ours, SendGrid's, Postmark's, Mailgun's or Amazon SES's JSON; the address itself is the secret
twilio    a form, signed with the auth token: a message's status, or what somebody wrote (STOP)
whatsapp  JSON, signed with the app secret: statuses, and what somebody wrote (STOP)
"""

import hmac
from base64 import b64encode
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from hashlib import sha1, sha256
from typing import Any
from urllib.parse import parse_qsl
from uuid import UUID

import msgspec

from regulars import limits
from regulars.channels.email import mailable
from regulars.channels.model import Channel, Sender
from regulars.channels.twilio import E164
from regulars.channels.writing import settle, suppress
from regulars.delivery import Settled
from regulars.kit import SecretBox, Tx, Unauthenticated, invalid
from regulars.kit.secrets import same

_STOP = frozenset({"STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "REVOKE", "OPTOUT"})
_NOBODY = frozenset({"30003", "30005", "30006", "21610", "21211", "131026", "131050"})
_BOUNCED = frozenset({"bounce", "hardbounce", "bounced", "permanent", "badmailbox"})
_COMPLAINED = frozenset({"complaint", "complained", "spamreport", "spamcomplaint"})


class Report(msgspec.Struct, frozen=True):
    """That an address must not be written to any more, or that a message failed; with the reason in words."""

    address: str = ""
    message_id: UUID | None = None
    reason: str = ""
    bounced: bool = False


async def take_reports(tx: Tx, sender: Sender, reports: Sequence[Report], now: datetime) -> None:
    channel: Channel = sender.channel
    addresses = [(channel, one.address, one.reason) for one in reports if one.address]
    if addresses:
        await suppress(tx, sender.workspace_id, addresses, now)
    failed = [Settled(one.message_id, "failed", one.reason, one.bounced) for one in reports if one.message_id]
    if failed:
        await settle(tx, sender.workspace_id, failed, now)


def read_bounces(body: bytes) -> list[Report]:
    """Hard bounces and complaints; what else is told is let lie. Raises Invalid for what is no JSON of these."""
    reports = []
    for one in _objects(_decoded(body)):
        kind = str(one.get("type") or one.get("event") or one.get("RecordType") or one.get("notificationType") or "")
        why = one.get("reason") or one.get("Description") or one.get("description") or ""
        if kind.casefold() == "bounce" and one.get("Type", "HardBounce") not in ("HardBounce", "BadEmailAddress"):
            continue  # Postmark's soft ones
        if one.get("permanent") is False or one.get("severity") == "temporary":
            continue
        kind = "bounce" if kind == "failed" and one.get("severity") == "permanent" else kind.casefold()
        told = [one.get("email") or one.get("Email") or one.get("recipient")]
        for part, key in (("bounce", "bouncedRecipients"), ("complaint", "complainedRecipients")):
            detail = one.get(part)
            if isinstance(detail, dict) and detail.get("bounceType", "Permanent") == "Permanent":
                told += [who.get("emailAddress") for who in detail.get(key) or [] if isinstance(who, dict)]
        word = "It bounced" if kind in _BOUNCED else "Its owner called it spam" if kind in _COMPLAINED else ""
        if word:
            reason = f"{word}{f': {why}' if why else '.'}"[: limits.REASON_CHARS_STORED_MAX]
            reports += [Report(to, reason=reason) for to in told if isinstance(to, str) and mailable(to)]
    return reports[: limits.REPORTS_MAX]


def read_twilio(
    sender: Sender, box: SecretBox, address: str, message_id: UUID | None, signature: str, body: bytes
) -> list[Report]:
    """`address` is what Twilio called, as it called it. Raises Unauthenticated."""
    pairs = parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=limits.FORM_FIELDS_MAX)
    token = box.open(sender.sealed, workspace_id=sender.workspace_id, thing_id=sender.id)["auth_token"]
    signed = address + "".join(name + value for name, value in sorted(pairs))
    _must_be_same(b64encode(hmac.digest(token.encode(), signed.encode(), sha1)).decode(), signature)
    said = dict(pairs)
    if message_id is None:
        return _stopped(said.get("From", ""), said.get("Body", ""))
    if said.get("MessageStatus") not in ("failed", "undelivered"):
        return []
    code, number = said.get("ErrorCode", ""), said.get("To", "")
    reason = f"Twilio could not deliver it (error {code or 'not named'})."
    return [Report("", message_id, reason), *_gone(number, code, reason)]


def read_whatsapp(sender: Sender, box: SecretBox, signature: str, body: bytes) -> list[Report]:
    """Raises Unauthenticated, and Invalid for what is no JSON."""
    secret = box.open(sender.sealed, workspace_id=sender.workspace_id, thing_id=sender.id)["app_secret"]
    _must_be_same(f"sha256={hmac.digest(secret.encode(), body, sha256).hex()}", signature)
    reports: list[Report] = []
    changes = [change for entry in _objects(_decoded(body), "entry") for change in _objects(entry, "changes")]
    for value in (change.get("value") for change in changes):
        if not isinstance(value, dict):
            continue
        for wrote in _objects(value, "messages"):
            text = wrote.get("text") or wrote.get("button") or {}
            said = (text.get("body") or text.get("text") or "") if isinstance(text, dict) else ""
            reports += _stopped(f"+{wrote.get('from', '')}", str(said))
        for status in _objects(value, "statuses"):
            if status.get("status") != "failed":
                continue
            error = next(iter(_objects(status, "errors")), {})
            code, number = str(error.get("code", "")), f"+{status.get('recipient_id', '')}"
            reason = f"WhatsApp could not deliver it ({code}): {error.get('title') or 'no words'}."
            try:
                reports.append(Report("", UUID(str(status.get("biz_opaque_callback_data"))), reason))
            except ValueError:
                continue
            reports += _gone(number, code, reason)
    return reports[: limits.REPORTS_MAX]


def _stopped(number: str, words: str) -> list[Report]:
    if words.strip().upper() not in _STOP or E164.fullmatch(number) is None:
        return []
    return [Report(number, reason=f"They wrote {words.strip().upper()}.")]


def _gone(number: str, code: str, reason: str) -> list[Report]:
    return [Report(number, reason=reason)] if code in _NOBODY and E164.fullmatch(number) else []


def _must_be_same(expected: str, signature: str) -> None:
    if not same(expected, signature):
        raise Unauthenticated("This call is not signed with the secret that is kept here.")


def _decoded(body: bytes) -> Any:
    try:
        said = msgspec.json.decode(body)
        # Amazon's notifications hold theirs as text.
        return msgspec.json.decode(said["Message"]) if isinstance(said, dict) and "Message" in said else said
    except (msgspec.MsgspecError, UnicodeDecodeError, TypeError):
        raise invalid("body", "JSON") from None


def _objects(said: Any, key: str = "") -> Iterable[Mapping[str, Any]]:
    """The objects of a list, of the list under a key, or of what stands alone or under `events` or `event-data`."""
    if isinstance(said, dict):
        said = said.get(key) if key else said.get("events") or said.get("event-data") or said
    return [one for one in (said if isinstance(said, list) else [said]) if isinstance(one, dict)]
