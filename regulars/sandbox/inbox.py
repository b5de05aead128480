"""A look-alike of a mail server, on a port of its own, and what arrived by mail, SMS and WhatsApp.

It knows whose mail it is by the user: the name of a shop, whose password begins with `sandbox`. Mail to `nobody@...` is
answered 550 5.1.1, the first to `later@...` 451, and to `drop@...` it hangs up after it was handed over.
"""

import asyncio
import logging
from collections.abc import Callable
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from regulars import limits
from regulars.sandbox.faults import Fault, Faults
from regulars.sandbox.memory import Call, Memory, Message

# aiosmtpd warns, at each login, of an attribute that it sets itself.
logging.getLogger("mail.log").setLevel(logging.ERROR)


class _Taken:
    """One connection. `shop_of` finds whose mail it is by the user's name."""

    def __init__(self, shop_of: Callable[[str], tuple[Memory, Faults]]) -> None:
        self._memory, self._faults = shop_of("")
        self._shop_of = shop_of
        self._fault: Fault | None = None

    def authenticate(self, server: Any, session: Session, envelope: Envelope, mechanism: str, login: Any) -> AuthResult:
        known = isinstance(login, LoginPassword) and login.password.startswith(b"sandbox")
        if known:
            self._memory, self._faults = self._shop_of(login.login.decode("utf-8", "replace"))
        return AuthResult(success=known, handled=False)

    async def handle_RCPT(self, server: SMTP, session: Session, envelope: Envelope, to: str, options: list[str]) -> str:
        name, fault = to.partition("@")[0], self._faults.next_for("smtp")
        reply = f"{fault.fault} as it was told" if fault and fault.fault.isdigit() else ""
        if name == "nobody":
            reply = "550 5.1.1 The mailbox does not exist"
        elif name == "later" and to not in self._memory.greylisted:
            self._memory.greylisted.add(to)
            reply = "451 4.7.1 Greylisted, try again later"
        if reply:
            self._memory.note(
                "smtp", Call("RCPT TO", to, {}, b""), int(reply[:3]), reply, fault.fault if fault else None
            )
            return reply
        if fault:
            self._fault = fault
        envelope.rcpt_tos.append(to)
        return "250 2.1.5 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        raw, to = bytes(envelope.original_content or b""), ", ".join(envelope.rcpt_tos)
        mail = message_from_bytes(raw, policy=policy.default)
        assert isinstance(mail, EmailMessage)
        lacking = [name for name in ("From", "To", "Date", "Message-ID", "Subject") if not mail[name]]
        reply = f"550 5.6.0 It lacks {', '.join(lacking)}" if lacking else "250 2.0.0 Taken"
        fault, self._fault = self._fault, None
        if fault and fault.fault == "slow":
            async with self._memory.one_by_one:
                await asyncio.sleep(fault.seconds)
        heads = {name: str(value) for name, value in mail.items()}
        lost = "drop" if to.startswith("drop@") else fault.fault if fault and fault.fault != "slow" else ""
        if not lacking and self._memory.accept("smtp", heads["Message-ID"]):
            text, html = (mail.get_body((kind,)) for kind in ("plain", "html"))
            said = [part.get_content() if part else "" for part in (text, html)]
            now = datetime.now(UTC)
            self._memory.messages.append(
                Message(now, "email", heads["From"], to, said[0], heads["Subject"], said[1], heads)
            )
        call = Call("DATA", to, heads, raw[: limits.SANDBOX_BODY_BYTES_MAX])
        self._memory.note("smtp", call, None if lost else int(reply[:3]), reply, lost or None)
        if lost == "hang":
            await asyncio.sleep(limits.SANDBOX_HANG_S)
        if lost and server.transport:
            server.transport.close()
        return reply


def mail_server(shop_of: Callable[[str], tuple[Memory, Faults]]) -> SMTP:
    """The protocol of one connection."""
    taken = _Taken(shop_of)
    return SMTP(taken, loop=asyncio.get_running_loop(), authenticator=taken.authenticate, auth_require_tls=False)
