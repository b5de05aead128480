"""Templates, messages, consent and suppressed addresses, as they are kept."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, Literal, get_args
from uuid import UUID

import msgspec
from msgspec import Meta

from regulars import limits
from regulars.customers import Customer
from regulars.delivery import Later
from regulars.events import eid, mid
from regulars.kit import INSIDE, Conflict, NotFound, Queries, Tx, invalid, new_id
from regulars.kit.mailboxes import same_for_all
from regulars.tenancy import Workspace

sql = Queries(__file__)
Channel = Literal["email", "sms", "whatsapp"]
CHANNELS: tuple[Channel, ...] = get_args(Channel)
State = Literal["queued", "sent", "skipped", "failed", "uncertain"]
STATES: tuple[State, ...] = get_args(State)
ConsentState = Literal["yes", "no", "asked"]
Gift = Mapping[str, Any]
"""What a template may name as `gift`."""
States = Mapping[Channel, ConsentState]
SourceKind = Literal["test", "api", "trigger", "automation", "campaign", "opt_in"]
_Line = Annotated[str, Meta(max_length=limits.MESSAGE_LINE_CHARS_MAX)]


class UnknownTemplate(NotFound):
    """This template does not exist."""


class UnknownMessage(NotFound):
    """This message does not exist, or the link that names it is not whole."""


class NoSender(Conflict, code="no_ready_sender"):
    """There is no sender that is ready to send this. Add one, verify it, then send."""


class Content(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What a template says, in Liquid. An e-mail has a subject, a preheader, which mail programs show behind it, and a
    body; an SMS or a WhatsApp message a body of text, or else the provider's own template with what fills its slots."""

    subject: Annotated[_Line, Meta(examples=["Hello {{ user_name }}"])] = ""
    preheader: _Line = ""
    body: Annotated[str, Meta(max_length=limits.MESSAGE_BODY_CHARS_MAX, examples=["<p>Hello {{ user_name }}</p>"])] = ""
    body_type: Literal["html", "text", "mjml"] = "html"
    provider_template: Annotated[str, Meta(max_length=limits.NAME_CHARS_MAX)] = ""
    language: Annotated[str, Meta(pattern="^([a-z]{2}(_[A-Z]{2})?)?$", description="The provider's template's.")] = ""
    slots: Annotated[tuple[_Line, ...], Meta(max_length=limits.MESSAGE_SLOTS_MAX)] = ()


class Template(msgspec.Struct, frozen=True):
    """At its newest version. `topic` is the event it is written for, whose properties it may name; empty for none."""

    id: UUID
    name: Annotated[str, Meta(min_length=1, max_length=limits.NAME_CHARS_MAX, examples=["Welcome"])]
    channel: Channel
    topic: Annotated[str, Meta(max_length=limits.NAME_CHARS_MAX, examples=["walletreward_create"])]
    version: int
    content: Content
    created_at: datetime
    updated_at: datetime


class TemplateVersion(msgspec.Struct, frozen=True):
    version: int
    content: Content
    actor: str
    created_at: datetime


class MessageRules(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """At most `cap` messages to a customer in `cap_days` days, 0 for no limit; none from `quiet_from` to `quiet_until`
    o'clock where they live, the same for no quiet hours. `double_opt_in`: who agrees to e-mail is asked by e-mail
    whether it was them. `tracking`: openings and clicks are counted."""

    cap: Annotated[int, Meta(ge=0, le=1_000)] = 0
    cap_days: Annotated[int, Meta(ge=1, le=366)] = 7
    quiet_from: Annotated[int, Meta(ge=0, le=23)] = 21
    quiet_until: Annotated[int, Meta(ge=0, le=23)] = 8
    double_opt_in: bool = False
    tracking: bool = True


def message_rules(shop: Workspace) -> MessageRules:
    """The setting `messages`."""
    return msgspec.convert(shop.settings.get("messages") or {}, MessageRules)


class NewMessage(msgspec.Struct, frozen=True, gc=False):
    """To be sent to a customer. `address` is where a test goes, instead, and the one that a double opt-in asks about.
    What was not sent before `too_late_at` is not sent."""

    customer_id: UUID
    template_id: UUID | None
    source_kind: SourceKind
    source_id: UUID | None = None
    sender_id: UUID | None = None
    cause_id: UUID | None = None
    address: str = ""
    too_late_at: datetime | None = None
    due_at: datetime | None = None
    id: UUID = msgspec.field(default_factory=new_id)


class Message(msgspec.Struct, frozen=True, gc=False):
    """In the order of the columns. What is `skipped` or `failed` says why, `uncertain` is what may have arrived and is
    not sent again. `said` is what its variables stood for. `opens` and `clicks` are people's; `scans` those of programs
    that look into mail."""

    id: UUID
    customer_id: Annotated[UUID, INSIDE]
    channel: Channel
    sender_id: UUID
    template_id: UUID | None
    template_version: int
    source_kind: str
    source_id: UUID | None
    cause_id: UUID | None
    address: str
    state: State
    reason: str
    reason_code: str
    created_at: datetime
    too_late_at: datetime | None
    sent_at: datetime | None
    said: Annotated[dict[str, Any], INSIDE]
    opens: int
    clicks: int
    scans: int
    opened_at: datetime | None
    clicked_at: datetime | None
    hit_at: Annotated[datetime | None, INSIDE]
    hit_counted: Annotated[bool, INSIDE]


class Origin:
    """A room above this one, whose messages some are: each says what it has to."""

    async def may_go(
        self, tx: Tx, workspace: Workspace, page: Sequence[Message], now: datetime
    ) -> Mapping[UUID, tuple[str, str | Later]]:
        """Before all else: of those that are not to be sent, or not now, a code, and why in words or until when."""
        return {}

    async def still(
        self, tx: Tx, workspace: Workspace, page: Sequence[Message], now: datetime
    ) -> Mapping[UUID, tuple[str, str | Later] | Gift]:
        """The same of those that are about to be sent; or what goes with them."""
        return {}

    async def settled(self, tx: Tx, workspace_id: UUID, over: Sequence[tuple[Message, str]], now: datetime) -> None:
        """What became of them, each with the state that it had before."""

    async def hit(
        self, tx: Tx, workspace_id: UUID, source_id: UUID, template_id: UUID, opened: int, clicked: int, now: datetime
    ) -> None:
        """A person opened or clicked one for the first time; or, -1, it turned out to have been a program."""


origins: dict[SourceKind, Origin] = {}
"""By the kind of source: filled by whoever plugs the rooms together."""


class Consent(msgspec.Struct, frozen=True, gc=False):
    """Whether somebody agrees to be written to on a channel, who said so (empty: it is what the shop knows of the
    customer), and when. `asked`: they have not answered yet."""

    channel: Channel
    state: ConsentState
    source: str
    at: datetime | None


class Suppression(msgspec.Struct, frozen=True, gc=False):
    """An address that nothing is sent to. Empty, where its owner was erased: then a hash of it is what is known."""

    id: UUID
    channel: Channel
    address: str
    reason: str
    at: datetime


def address_of(channel: Channel, customer: Customer) -> str:
    return customer.email if channel == "email" else customer.phone


def check_address(field: str, channel: Channel, address: str) -> None:
    if not hash_of(channel, address) or (channel == "email" and "@" not in address):
        raise invalid(field, "an e-mail address, or of another channel a number such as +919800000000")


def hash_of(channel: Channel, address: str) -> str:
    """By which an address is known however it is written."""
    return eid(same_for_all(address)) if channel == "email" else mid(address)
