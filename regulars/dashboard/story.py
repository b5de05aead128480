"""A customer's story: facts of every kind, newest first, each with its shape, its words and where to look closer."""

from __future__ import annotations

from datetime import datetime

import msgspec


class Fact(msgspec.Struct, frozen=True):
    """`icon` is the shape, `kind` its meaning (good, care, bad, busy or nothing)."""

    at: datetime
    icon: str
    kind: str
    title: str
    href: str
    more: str
