"""Senders, and what can be sent."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec

from regulars.kit import INSIDE

Channel = Literal["email", "sms", "whatsapp"]
State = Literal["new", "ready", "paused"]


class Sender(msgspec.Struct, frozen=True):
    """From where messages of a channel are sent. `tool` is its manifest's name. `hook_id` ends the addresses at which
    its provider reports. Among the settings for e-mail `verified_email` is the address at which a code was read."""

    id: UUID
    workspace_id: UUID
    hook_id: Annotated[UUID, INSIDE]
    tool: str
    channel: Channel
    name: str
    settings: dict[str, Any]
    sealed: bytes
    state: State
    state_reason: str
    created_at: datetime
    updated_at: datetime


class Shown(msgspec.Struct, frozen=True):
    """A sender just made, with the secrets that were made for it: shown now and never again."""

    sender: Sender
    new_secrets: dict[str, str]


class Mail(msgspec.Struct, frozen=True, tag="mail", gc=False):
    """An e-mail to one address. `headers` are further ones, such as List-Unsubscribe."""

    to: str
    subject: str
    text: str
    html: str = ""
    headers: dict[str, str] = {}


class Text(msgspec.Struct, frozen=True, tag="text", gc=False):
    """An SMS, or a WhatsApp message to somebody who wrote in the last day. `to` is a number with its country's code."""

    to: str
    body: str


class WhatsAppTemplate(msgspec.Struct, frozen=True, tag="template", gc=False):
    """A template that the provider approved, by its name (of an SMS: its ContentSid), with what fills its slots."""

    to: str
    template: str
    language: str = ""
    slots: tuple[str, ...] = ()


Content = Mail | Text | WhatsAppTemplate


class Ready(msgspec.Struct, frozen=True, gc=False):
    """What a message says, and the request that led to it, where that was traced."""

    content: Content
    traceparent: str | None = None


encode = msgspec.json.Encoder().encode
decode: msgspec.json.Decoder[Content] = msgspec.json.Decoder(Content)
