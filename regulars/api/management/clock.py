"""The time, moved by tests of what happens later."""

from datetime import datetime
from typing import Annotated

import msgspec
from msgspec import Meta

from regulars.api.management.api import management
from regulars.api.operations import Call, NoQuery
from regulars.kit import Tx, a_moment


class Moved(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    now: Annotated[datetime, Meta(tz=True, examples=["2026-04-14T09:30:00Z"])]


@management.post("/test-clock", "Move the time, for tests", tag="Shop")
async def move_clock(call: Call[NoQuery, Moved], tx: Tx) -> Moved:
    """On a server that was started with its test clock (`regulars up --test-clock`), which nobody else can reach: the
    time goes on from there for all that runs, for every shop, and what is due by then is done. Never back, and at most
    a year at once. Any other server refuses."""
    to = a_moment("now", call.body.now)
    tx.wrote = True  # a file, which is no row, and an act all the same
    await call.audit(tx, "clock.move", "", to=call.body.now)
    call.app.clock.move(to)
    return Moved(call.app.clock.now())
