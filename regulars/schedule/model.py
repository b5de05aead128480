"""What is due, and who does it."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Any

import msgspec

from regulars.kit import Tx
from regulars.tenancy import Workspace


class Due(msgspec.Struct, frozen=True):
    """One of its kind is known by its key. `payload` is whatever its handler wants to find again, as JSON has it."""

    kind: str
    key: str
    due_at: datetime
    payload: dict[str, Any] = {}


Handler = Callable[[Tx, Workspace, Sequence[Due], datetime], Awaitable[None]]
"""Does what is due of one kind in one workspace, at most limits.SCHEDULE_ROWS_MAX at a time, in the transaction that
deletes the rows. Whatever it raises undoes all of it."""

Caller = Callable[[Workspace, Due, datetime], Awaitable[None]]
"""Calls out for what is due, between transactions of its own, and drops the row or puts it anew."""
