"""Links that are in messages: each names one, and nobody can make another of it; and who follows them."""

import hmac
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import datetime
from typing import Literal
from urllib.parse import quote
from uuid import UUID

import msgspec

from regulars import limits
from regulars.engagement.messages.model import UnknownMessage, origins, sql
from regulars.kit import Tx
from regulars.kit.secrets import same

_PROGRAM = re.compile(
    r"bot\b|spider|crawl|scan|preview|prefetch|barracuda|mimecast|proofpoint|safelinks|symantec|python|curl|wget|java/|"
    r"go-http|headless|monitor|^mozilla/5\.0$|^$",
    re.IGNORECASE,
)


class Links(msgspec.Struct, frozen=True):
    """`address` is this server's, `key` known to it alone. They begin with `u` (preferences), `t/o` (an opening), and
    `t/c` (a click)."""

    address: str
    key: bytes

    def to(self, purpose: Literal["u", "t/o", "t/c"], workspace_id: UUID, id: UUID, url: str = "") -> str:
        named = workspace_id.bytes + id.bytes
        token = urlsafe_b64encode(named + self._mark(purpose, named, url)).decode()
        return f"{self.address}/{purpose}/{token}" + (f"?u={quote(url, safe='')}" if url else "")

    def named(self, purpose: str, token: str, url: str = "") -> tuple[UUID, UUID]:
        """The workspace and the message. Raises UnknownMessage where it is none of ours."""
        try:
            said = urlsafe_b64decode(token.encode())
        except ValueError:
            said = b""
        if len(said) != 48 or not same(self._mark(purpose, said[:32], url), said[32:]):
            raise UnknownMessage
        return UUID(bytes=said[:16]), UUID(bytes=said[16:32])

    def _mark(self, purpose: str, named: bytes, url: str) -> bytes:
        return hmac.digest(self.key, purpose.encode() + named + url.encode(), "sha256")[:16]


async def count_hit(tx: Tx, workspace_id: UUID, id: UUID, now: datetime, click: bool, agent: str, unseen: bool) -> None:
    """A link of the message was followed, or its picture loaded; `unseen` by whoever says that nobody looks yet."""
    least_s = limits.MESSAGE_CLICK_S if click else limits.MESSAGE_OPEN_S
    program = unseen or bool(_PROGRAM.search(agent))
    of = await tx.fetchrow(sql.count_hit, workspace_id, id, now, click, program, least_s, limits.MESSAGE_BURST_S)
    if of and (of["opened"] or of["clicked"]) and (origin := origins.get(of["source_kind"])):
        await origin.hit(tx, workspace_id, of["source_id"], of["template_id"], of["opened"], of["clicked"], now)
