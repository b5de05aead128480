"""What sends hooks, and what they say."""

import hmac
from base64 import b64decode
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from hashlib import sha256
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec

from regulars import limits
from regulars.customers import NewCustomer
from regulars.kit import INSIDE, Refusal, fields
from regulars.orders import OrderReport, Refund

State = Literal["pending", "done", "ignored", "waiting", "open", "failed"]


class Source(msgspec.Struct, frozen=True):
    """Where a workspace sells, connected: in the order of the columns that `queries.sql` names.

    `hook_id` ends the address that it sends its hooks to. `slug` is the source that its orders are known by, and begins
    the ids of its customers. `wrong_...` tell of calls that were turned away. `asks_at` is when its own API is asked
    next for what was changed since `asked_until`, None where it is never asked, and `asked_said` what came of it last.
    """

    id: UUID
    workspace_id: UUID
    hook_id: Annotated[UUID, INSIDE]
    platform: str
    slug: Annotated[str, INSIDE]
    name: str
    settings: dict[str, Any]
    sealed: bytes
    wrong_count: Annotated[int, INSIDE]
    wrong_at: Annotated[datetime | None, INSIDE]
    wrong_why: Annotated[str, INSIDE]
    asks_at: datetime | None
    asked_until: Annotated[datetime | None, INSIDE]
    asked_said: Annotated[str, INSIDE]
    created_at: datetime
    updated_at: datetime


class Shown(msgspec.Struct, frozen=True):
    """A source just connected or rotated, with the secrets that were made for it: shown now and never again."""

    source: Source
    new_secrets: dict[str, str]


class Envelope(msgspec.Struct, frozen=True, gc=False):
    """What the headers of a call say: `reference` is the platform's own id of the hook, '' where it has none or uses it
    for others too; a hook with the same one is the same. `ignored` says why nothing is done with it. `signed`:
    whether it has to be. `ping`: the call only tries the address, and tells nothing."""

    topic: str = ""
    reference: str = ""
    signature: str = ""
    signed: bool = True
    ignored: str = ""
    ping: bool = False


class NewHook(msgspec.Struct, frozen=True, gc=False):
    """A hook that was let in, as it came; `ignored` says why nothing is done with it."""

    source_id: UUID
    topic: str
    reference: str
    body: bytes
    ignored: str = ""


class Hook(msgspec.Struct, frozen=True, gc=False):
    """A hook as it is kept, without its body. `subject` names what it is about (`order 5012`), `version` when that was
    last changed at its source. `outcome` says in words what came of it; `order_id` and `customer_id` what it became
    here."""

    id: UUID
    source_id: UUID
    topic: str
    reference: str
    received_at: datetime
    state: State
    subject: str
    version: datetime | None
    outcome: str
    order_id: UUID | None
    customer_id: UUID | None
    handled_at: datetime | None


class OrderSaid(msgspec.Struct, frozen=True):
    """An order as it stands; `email` finds who ordered without an account."""

    report: OrderReport
    email: str = ""

    @property
    def subject(self) -> str:
        return f"order {self.report.reference_id}"

    @property
    def version(self) -> datetime | None:
        return self.report.source_version


class RefundSaid(msgspec.Struct, frozen=True):
    """Money went back for an order; `of` reads the refund, given the order's currency."""

    reference_id: str
    of: Callable[[str], Refund]
    version: datetime | None = None

    @property
    def subject(self) -> str:
        return f"order {self.reference_id}"


class OrderGone(msgspec.Struct, frozen=True):
    """An order was deleted at its source, so it counts as cancelled."""

    reference_id: str
    version: datetime | None = None

    @property
    def subject(self) -> str:
        return f"order {self.reference_id}"


class CustomerSaid(msgspec.Struct, frozen=True):
    """A customer as they stand; `consent` holds accept_email and accept_mobile, where it is said. Their
    `tags` there come to those here, which others than the platform may have given."""

    details: NewCustomer
    version: datetime | None
    consent: dict[str, bool] = {}
    tags: list[str] = []

    @property
    def subject(self) -> str:
        return f"customer {self.details.customer_id}"


class PrivacyAsked(msgspec.Struct, frozen=True):
    """A person asks, by way of their platform, for what is kept of them, or to be erased; or the platform, once a shop
    has left it, that all of its be. `words`: what else says who it is."""

    asks: Literal["data", "erasure", "shop"]
    customer_id: str
    version: datetime | None = None
    words: list[str] = []

    @property
    def subject(self) -> str:
        return f"customer {self.customer_id}"


class Nothing(msgspec.Struct, frozen=True):
    """Nothing is to be done, as the words say."""

    words: str
    subject: str = ""
    version: datetime | None = None


Said = OrderSaid | RefundSaid | OrderGone | CustomerSaid | PrivacyAsked | Nothing


class Settled(msgspec.Struct, frozen=True):
    """What came of a hook."""

    state: State
    outcome: str
    said: Said | None = None
    order_id: UUID | None = None
    customer_id: UUID | None = None


class Unreadable(Refusal, code="hook_unreadable"):
    """A hook's body is not what its platform sends by its topic."""


class Platform(fields.Manifest, frozen=True, kw_only=True):
    """`envelope` reads a call's headers (names in lower case) by the source's settings: it raises Unauthenticated;
    `read` what a hook says by its topic and body: it raises Refusal. `topics` are those that something is done with,
    `example` an order of now in some currency as the platform would send it, by the settings: its headers but that of
    the signature, and its body. `asks`: by these settings and secrets its own API is asked for what no hook told.
    """

    platform: str
    topics: tuple[str, ...]
    signature_header: str
    envelope: Callable[[Mapping[str, str], Mapping[str, Any]], Envelope]
    read: Callable[[str, dict[str, Any], Source], Said]
    example: Callable[[datetime, str, Mapping[str, Any]], tuple[dict[str, str], dict[str, Any]]]
    asks: Callable[[Mapping[str, Any], Mapping[str, str]], bool] = lambda _settings, _secrets: False


def is_signature(given: str) -> bool:
    """Whether it can be one at all: 32 bytes in base64."""
    return len(given) == 44 and given.isascii()


def signed(body: bytes, secret: str) -> bytes:
    return hmac.digest(secret.encode(), body, sha256)


def is_right(body: bytes, signature: str, secrets: Sequence[str]) -> bool:
    """In a time that tells neither which secret was tried nor how much of the signature was right."""
    try:
        claimed = b64decode(signature, validate=True)
    except ValueError:
        return False
    return sum(hmac.compare_digest(signed(body, secret), claimed) for secret in secrets) > 0


def topic_of(given: str) -> str:
    """A topic as it may be kept; '' for what is none."""
    return given if len(given) <= limits.HOOK_TOPIC_CHARS_MAX and given.isascii() and given.isprintable() else ""
