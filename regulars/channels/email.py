"""E-mail by SMTP: any server that takes mail for the shop."""

import binascii
import re
from collections.abc import Mapping
from datetime import datetime
from email.header import Header
from email.utils import format_datetime, formataddr
from functools import lru_cache
from typing import Any
from uuid import UUID

from regulars import limits
from regulars.channels.carrying import MEND, Manifest, MessageCarrier
from regulars.channels.model import Content, Mail
from regulars.delivery.carrier import Delivered, GaveUp, Outcome, Parcel, Paused, RetryAfter
from regulars.kit.addresses import is_this_machine
from regulars.kit.fields import form_of, rate_field
from regulars.kit.http import Answer
from regulars.kit.mail import PORTS, Envelope, Server, envelope
from regulars.kit.mailboxes import on_envelope

ADDRESS = r"[^\s<>@,;:\"\\()\[\]\x00-\x20\x7f-\uffff]{1,64}@[^\s<>@,;:\"\\()\[\]\x00-\x20\x7f]{1,190}"
_PLAIN, _LINE_BYTES_MAX = bytes(range(32, 127)) + b"\t\r\n", 990
_HEADER_NAME = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,60}")
# What makes a reply about the address, and not about this mail or this server (RFC 3463).
_NOBODY = re.compile(r"\b5\.1\.(1|2|3|6|10)\b|\b5\.2\.1\b")
_NOBODY_IN_WORDS = re.compile(
    r"(user|mailbox|recipient|address)[^.]{0,30}(unknown|not found|does not exist|doesn't exist)", re.I
)
_REFUSED_US = {530, 534, 535, 538}


def _fits(settings: Mapping[str, Any], secrets: Mapping[str, str]) -> dict[str, str]:
    port, wrong = settings["port"], {}
    if port < 1024 and port not in PORTS:
        wrong["port"] = "expected 25, 465, 587, or 1024 and above"
    if settings["security"] == "none" and not is_this_machine(settings["server"]):
        wrong["security"] = "expected a secure connection, but to this machine itself"
    if settings.get("user") and not secrets.get("password"):
        wrong["password"] = "expected the password of this user"  # noqa: S105 - words
    return wrong


MANIFEST = Manifest(
    tool="smtp",
    channel="email",
    reports="bounces",
    **form_of(
        __file__,
        "smtp",
        rate_field(600, "Mails a minute. Lower it if your mail service allows fewer."),
        sender_email={"pattern": ADDRESS},
        password={"sent_to": lambda given: f"{given.get('server')}:{given.get('port')} {given.get('security')}"},
    ),
    also=_fits,
)


class MailCarrier(MessageCarrier):
    manifest = MANIFEST
    at_once = limits.MAIL_CONNECTIONS_MAX

    def __init__(self, settings: Mapping[str, Any], secrets: Mapping[str, str], reports_at: str) -> None:
        super().__init__(settings, secrets, reports_at)
        password = secrets.get("password", "")
        self.address = str(settings["sender_email"])
        where = (str(settings["server"]), int(settings["port"]), settings["security"])
        self.server = Server(*where, str(settings.get("user", "")), password)
        self._from = formataddr((_line(str(settings["sender_name"])), self.address))

    def compose(self, content: Content, parcel: Parcel) -> Envelope | GaveUp:
        if not isinstance(content, Mail):
            return GaveUp("This is no e-mail.")
        if (to := mailable(content.to)) is None:
            return GaveUp("This customer's e-mail address is not one that mail can be sent to. Nothing was sent.")
        data = _written(content, self._from, to, self.address, parcel.delivery_id, parcel.attempted_at)
        return envelope(self.server, self.address, to, data, content.text[: limits.MAIL_CHARS_STORED_MAX])

    def check(self, at: datetime) -> Envelope:
        return envelope(self.server, self.address)

    def trial(self, to: str) -> Mail:
        words = f"This is a test, sent by {self.settings['sender_name']} ({self.address}). E-mail works."
        return Mail(to, "A test", words)

    def code_mail(self, code: str, at: datetime) -> Envelope:
        words = f"The code is {code}. Type it in where you set up {self.address} as a sender; it holds for an hour."
        parcel = Parcel(UUID(int=int(at.timestamp() * 1e6)), UUID(int=0), "", "", at, "", True, 1, at)
        composed = self.compose(Mail(self.address, f"{code} is your code", words), parcel)
        assert isinstance(composed, Envelope)
        return composed

    def read(self, answer: Answer) -> Outcome:
        """By the code, and by what it was the reply to."""
        code, command = answer.status, answer.headers.get("command", "")
        words = " ".join(answer.body.decode("utf-8", "replace").split())[: limits.TOOL_WORDS_CHARS_MAX]
        if 200 <= code < 300:
            return Delivered()
        reason = f"The mail server answered {code} to {command}: {words.rstrip('.') or 'no words'}."
        if code in _REFUSED_US or (command in ("AUTH", "MAIL FROM") and code >= 500):
            return Paused(f"{reason} {MEND}")
        if code < 500 or command in ("connect", "STARTTLS"):
            # Servers that greylist want to be left alone for some minutes.
            return RetryAfter(limits.GREYLISTED_S if command in ("RCPT TO", "DATA", "message") else None, reason)
        nobody = _NOBODY.search(words) or (command == "RCPT TO" and _NOBODY_IN_WORDS.search(words))
        return GaveUp(reason, bounced=nobody is not None)


def mailable(address: str) -> str | None:
    """As it is written on an envelope; None for what is no address, or one that only newer servers know."""
    try:
        written = on_envelope(address)
    except UnicodeError:
        return None
    return written if re.fullmatch(ADDRESS, written) and len(written) <= limits.EMAIL_CHARS_MAX else None


_date = lru_cache(64)(format_datetime)


def _line(text: str) -> str:
    return " ".join(text.split())


def _header(name: str, value: str) -> str:
    value = _line(value)
    if len(value) > 900 or not value.isascii():
        value = Header(value, "utf-8", header_name=name).encode(linesep="\r\n")
    return f"{name}: {value}\r\n"


def _written(mail: Mail, from_: str, to: str, address: str, id: UUID, at: datetime) -> bytes:
    """The message as RFC 5322 and MIME have it. The same id at every attempt, by which a mailbox may know it."""
    heads = {"From": from_, "To": to, "Subject": mail.subject, "Date": _date(at.replace(microsecond=0))}
    heads["Message-ID"] = f"<{id}@{address.rpartition('@')[2]}>"
    # What stands here already can't be said twice, and a name that is none is left out.
    known = {name.lower() for name in heads}
    heads |= {name: v for name, v in mail.headers.items() if _HEADER_NAME.fullmatch(name) and name.lower() not in known}
    head = "".join(_header(name, value) if name != "From" else f"From: {value}\r\n" for name, value in heads.items())
    head += "MIME-Version: 1.0\r\n"
    if not mail.html:
        return head.encode() + _part("plain", mail.text)
    bound = f"=_{id.hex}"
    parts = b"".join(
        f"--{bound}\r\n".encode() + _part(kind, body) for kind, body in (("plain", mail.text), ("html", mail.html))
    )
    return (
        f'{head}Content-Type: multipart/alternative; boundary="{bound}"\r\n\r\n'.encode()
        + parts
        + f"--{bound}--\r\n".encode()
    )


def _part(kind: str, text: str) -> bytes:
    # The encoder breaks long lines as the first one ends, so there has to be an end.
    text = (text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text) + "\n"
    lines = text.replace("\n", "\r\n").encode("utf-8", "replace")
    # What every server passes on unchanged (RFC 5321) stays as it is, but for what could end the part, or a mailbox.
    ends = "--=_" in text or "\nFrom " in text or text.startswith("From ")
    plain = text.isascii() and not ends and _short(text) and not lines.translate(None, _PLAIN)
    how = "7bit" if plain else "quoted-printable"
    head = f"Content-Type: text/{kind}; charset=utf-8\r\nContent-Transfer-Encoding: {how}\r\n\r\n"
    return head.encode() + (lines if plain else binascii.b2a_qp(lines, istext=True))


def _short(text: str) -> bool:
    """Whether each of its lines is; looked for from the last place where one may end, since most end long before."""
    at = 0
    while len(text) - at > _LINE_BYTES_MAX + 1:
        at = text.rfind("\n", at, at + _LINE_BYTES_MAX + 1) + 1
        if not at:
            return False
    return True
