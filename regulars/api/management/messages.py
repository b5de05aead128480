"""Templates of messages, who agreed to them, and addresses that nothing is sent to."""

from collections.abc import Awaitable
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from msgspec import Meta

from regulars import customers, limits
from regulars.api.management.api import DatedQuery, PageQuery, management
from regulars.api.management.items import Whose, named, of_customers, whose
from regulars.api.operations import Call, NoQuery
from regulars.api.resources import Resource
from regulars.customers import Customer
from regulars.customers.reported import CustomerId
from regulars.engagement import messages
from regulars.engagement.messages import model
from regulars.engagement.messages.liquid import Variable
from regulars.kit import Listed, Partial, Reading, Shown, Tx, copied

Topic = Annotated[str, Meta(max_length=limits.NAME_CHARS_MAX, examples=["walletreward_create"])]
TemplateItem = Shown[model.Template]
VersionItem = Shown[model.TemplateVersion]
ConsentItem = Shown[model.Consent]
SuppressionItem = Shown[model.Suppression]


class TemplateParts(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`topic` is the event it is written for, whose properties it may name as `event.…`. Each variable is checked."""

    name: Annotated[str, Meta(max_length=limits.NAME_CHARS_MAX, examples=["Welcome"])]
    topic: Topic = ""
    content: model.Content


class NewTemplate(TemplateParts, frozen=True, kw_only=True, forbid_unknown_fields=True):
    __doc__ = TemplateParts.__doc__

    channel: model.Channel = "email"


class TemplateChange(Partial[TemplateParts], frozen=True, forbid_unknown_fields=True):
    """Only what is given changes; another text is another version."""


class Previewed(NewTemplate, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A template as it is being written, and the `customer_id` of whom it is filled in for, because of `event_id`, or
    else of their newest such event, or one made up."""

    name: str = ""
    customer_id: CustomerId
    event_id: UUID | None = None


class Rendering(msgspec.Struct, frozen=True, omit_defaults=True):
    """An e-mail as it would arrive, or what another message would say; `problem` is why it could not be filled in."""

    subject: str = ""
    preheader: str = ""
    html: str = ""
    text: str = ""
    template: str = ""
    language: str = ""
    slots: tuple[str, ...] = ()
    problem: str = ""


class TopicQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    topic: Topic = ""


class OfCustomer(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    customer_id: CustomerId


class NewConsent(OfCustomer, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`source` says where it was said. With double opt-in, a yes to e-mail asks the customer first."""

    channel: model.Channel
    state: model.ConsentState
    source: Annotated[str, Meta(max_length=limits.TITLE_CHARS_MAX, examples=["Newsletter form"])] = "api"


class SuppressionQuery(PageQuery, frozen=True, forbid_unknown_fields=True, kw_only=True):
    channel: model.Channel | None = None
    address: Annotated[str, Meta(max_length=limits.EMAIL_CHARS_MAX)] | None = None


class NewSuppression(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    address: Annotated[str, Meta(min_length=1, max_length=limits.EMAIL_CHARS_MAX, examples=["asha@example.com"])]
    channel: model.Channel = "email"
    reason: Annotated[str, Meta(max_length=limits.TITLE_CHARS_MAX, examples=["Asked us on the phone"])] = "By hand."


class MessageQuery(DatedQuery, frozen=True, forbid_unknown_fields=True, kw_only=True):
    customer_id: CustomerId | None = None
    state: model.State | None = None
    channel: model.Channel | None = None


class ToSend(OfCustomer, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`event_id`: the event of theirs that the template speaks of. `test_to`: to this address instead, whatever the
    customer agreed to, and without `event_id` of their newest such event, or one made up. Not sent before
    `too_late_at`, it is not sent. A call that comes again under its Idempotency-Key sends nothing more."""

    template_id: UUID
    event_id: UUID | None = None
    test_to: Annotated[str, Meta(max_length=limits.EMAIL_CHARS_MAX)] = ""
    too_late_at: Annotated[datetime, Meta(tz=True)] | None = None


class MessageItem(Shown[model.Message], frozen=True, kw_only=True):
    __doc__ = model.Message.__doc__

    customer: Whose


class MessageWhole(MessageItem, frozen=True, kw_only=True):
    """With what it said, once it was ready to be sent; null before, and when the customer was erased."""

    content: Rendering | None


def message_item(one: model.Message, who: Customer) -> MessageItem:
    return copied(MessageItem, one, customer=named(who))


templates = Resource[model.Template](management, "/templates", TemplateItem, tag="Messages", one="template")
templates.all("Templates", messages.list_templates)
templates.each(messages.find_template)


@templates.create("Create a template", about=("name",))
def create_template(call: Call[NoQuery, NewTemplate], tx: Tx) -> Awaitable[model.Template]:
    given = msgspec.structs.asdict(call.body)
    return messages.create_template(tx, call.workspace_id, **given, now=call.now, actor=call.caller.actor)


@templates.change("Change a template")
def change_template(call: Call[NoQuery, TemplateChange], tx: Tx) -> Awaitable[model.Template]:
    id, given = call.path_id(), call.body.given()
    return messages.change_template(tx, call.workspace_id, id, given, call.now, actor=call.caller.actor)


@templates.remove("Remove a template")
def remove_template(call: Call[NoQuery, None], tx: Tx) -> Awaitable[dict[str, str]]:
    """What waits to be sent is still sent."""
    return messages.remove_template(tx, call.workspace_id, call.path_id(), call.now)


@management.post("/templates/preview", "What a template would say", tag="Messages", area="data", access="READ")
async def preview_template(call: Call[NoQuery, Previewed], tx: Reading) -> Rendering:
    """Nothing is sent, nothing written."""
    body = call.body
    customer = await customers.get(tx, call.workspace_id, customer_id=body.customer_id)
    of = messages.draft(body.channel, body.topic, body.content)
    return Rendering(**await messages.preview(tx, call.workspace, of, customer, call.now, body.event_id))


@management.get("/templates/{id}/versions", "A template's versions", tag="Messages")
async def list_template_versions(call: Call[NoQuery, None], tx: Reading) -> Listed[VersionItem]:
    """Newest first, the last 50."""
    await messages.find_template(tx, call.workspace_id, call.path_id())
    found = await messages.versions_of(tx, call.workspace_id, call.path_id())
    return Listed([copied(VersionItem, one) for one in found])


@management.get("/template-variables", "What a template may name", tag="Messages")
async def list_variables(call: Call[TopicQuery, None], tx: Reading) -> Listed[Variable]:
    """In a template for the event, or for none; `tag` is how it is written."""
    return Listed(messages.variables(call.query.topic, tuple(customers.declared(call.workspace))))


@management.get("/consents", "What a customer agreed to", tag="Messages", area="data")
async def list_consents(call: Call[OfCustomer, None], tx: Reading) -> Listed[ConsentItem]:
    customer = await customers.get(tx, call.workspace_id, customer_id=call.query.customer_id)
    return Listed([copied(ConsentItem, one) for one in await messages.consents_of(tx, call.workspace, customer)])


@management.post("/consents", "Keep what a customer agreed to", tag="Messages", area="data")
async def set_consent(call: Call[NoQuery, NewConsent], tx: Tx) -> Listed[ConsentItem]:
    """A no always holds, whatever your shop's platform says later. Answers all channels, as they are now."""
    body = call.body
    customer = await customers.get(tx, call.workspace_id, customer_id=body.customer_id)
    states = {body.channel: body.state}
    set_ = await messages.agree(tx, call.workspace, customer, states, body.source, call.now)
    await call.audit(tx, "consent.update", customer.customer_id, channel=body.channel, state=body.state)
    return Listed([copied(ConsentItem, one) for one in set_])


_OF = "Newest first. They bounced, complained, or were put here; of an erased customer only a hash is known."
stopped = Resource[model.Suppression](
    management, "/suppressions", SuppressionItem, tag="Messages", one="suppression", area="data"
)
stopped.page("Addresses that nothing is sent to", messages.suppressions, SuppressionQuery, _OF)


@stopped.create("Send nothing to an address", about=("channel",))
async def add_suppression(call: Call[NoQuery, NewSuppression], tx: Tx) -> model.Suppression:
    """One that is there already keeps its reason."""
    body = call.body
    await messages.suppress(tx, call.workspace_id, [(body.channel, body.address, body.reason)], call.now)
    by: dict[str, Any] = {"channel": body.channel, "address": body.address}
    return (await messages.suppressions(tx, call.workspace_id, **by, limit=1))[0]


@stopped.remove("Send to an address again")
def remove_suppression(call: Call[NoQuery, None], tx: Tx) -> Awaitable[None]:
    return messages.unsuppress(tx, call.workspace_id, call.path_id())


sent = Resource(
    management, "/messages", MessageItem, tag="Messages", one="message", says=of_customers(MessageItem), area="data"
)
sent.page("Messages", messages.messages_of, MessageQuery, "Newest first; every condition that is given must hold.")


@management.get("/messages/{id}", "One message", tag="Messages", area="data")
async def read_message(call: Call[NoQuery, None], tx: Reading) -> MessageWhole:
    one = await messages.find_message(tx, call.workspace_id, call.path_id())
    who, said = await whose(tx, call.workspace, [one]), await messages.content_of(tx, call.workspace, one)
    content = Rendering(**said) if said else None
    return copied(MessageWhole, one, customer=named(who[one.customer_id]), content=content)


@management.post("/messages", "Send a message", tag="Messages", area="data", status=201)
async def send_message(call: Call[NoQuery, ToSend], tx: Tx) -> MessageItem:
    """It is queued; whether the customer agrees, and all else that may stop it, is asked right before it is sent."""
    body = call.body
    who = await customers.get(tx, call.workspace_id, customer_id=body.customer_id)
    how: dict[str, Any] = {"source_kind": "test" if body.test_to else "api", "address": body.test_to}
    how |= {"cause_id": body.event_id, "too_late_at": body.too_late_at}
    new = model.NewMessage(customer_id=who.id, template_id=body.template_id, **how)
    one = await messages.send_one(tx, call.workspace, new, call.now)
    await call.audit(tx, "message.send", one.id, template_id=str(body.template_id))
    return message_item(one, who)
