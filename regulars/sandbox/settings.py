"""What the look-alikes of every shop are told from outside."""

from typing import Literal

import msgspec

Style = Literal["standard", "nector"]


class Receiver(msgspec.Struct, forbid_unknown_fields=True):
    """Put to `/receivers/NAME`; the receiver then listens at `/webhook/NAME`."""

    secret: str
    style: Style = "standard"


class Rates(msgspec.Struct):
    """How often each may be called. Put to `/settings`, in part."""

    omnisend_rate_per_minute: int = 400
    klaviyo_rate_per_s: int = 350
    klaviyo_rate_per_minute: int = 3_500


class Settings(Rates):
    """`receivers` are known to every shop from its start."""

    receivers: dict[str, Receiver] = {}
