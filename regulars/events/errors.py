"""Why an event is refused."""

from __future__ import annotations

from regulars.kit.errors import Refusal


class EventTooLarge(Refusal):
    """An event's body is longer than an event may be."""

    code = "event_too_large"
    status = 413
