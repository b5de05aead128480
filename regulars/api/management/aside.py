"""What was due and could not be done: read with its reasons, tried again."""

from typing import Annotated

import msgspec
from msgspec import Meta

from regulars import limits, schedule
from regulars.api.management.api import Call, NoQuery, PageQuery, Resource, management
from regulars.kit import Tx, showing
from regulars.schedule import Aside

Kind = Annotated[str, Meta(max_length=limits.NAME_CHARS_MAX, examples=["days.count"])]


class AsideQuery(PageQuery, frozen=True, forbid_unknown_fields=True, kw_only=True):
    kind: Kind | None = None


@showing("id kind key due_at payload aside_at reason", Aside)
class SetAside(msgspec.Struct):
    """Something that was due at `due_at` and failed alone too. `key` says which of its kind it is."""


class Retry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All of one kind, or all there are."""

    kind: Kind | None = None


class Retried(msgspec.Struct, frozen=True):
    """So many are due at once."""

    due: int


_WORDS = """\
What is due later (a file to be forgotten, a day to be counted) is done at its time. What fails is tried again alone,
and then set aside here; everything else goes on. Newest first."""
things = Resource[Aside](management, "/set-aside", SetAside, tag="Set aside", one="set_aside")
things.page("What could not be done", schedule.aside, AsideQuery, _WORDS, "list_aside")


@management.post("/set-aside/retry", "Try again what could not be done", tag="Set aside")
async def retry_aside(call: Call[NoQuery, Retry], tx: Tx) -> Retried:
    """What fails once more is set aside once more."""
    due = await schedule.try_again(tx, call.workspace_id, call.body.kind)
    await call.audit(tx, "set_aside.retry", call.body.kind or "", due=due)
    return Retried(due)
