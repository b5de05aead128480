"""Templates of messages, who agreed to them, and addresses that nothing is sent to."""

from collections.abc import Awaitable, Sequence
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from regulars import customers, limits
from regulars.api.management.api import PageQuery, asked, management, page_of
from regulars.api.management.items import Whose, named
from regulars.api.operations import Call, NoQuery
from regulars.api.resources import Resource
from regulars.customers import Customer
from regulars.customers.reported import CustomerId
from regulars.engagement import messages
from regulars.engagement.messages.liquid import Variable
from regulars.engagement.messages.model import Channel, Consent, ConsentState, Content, Message, Suppression, Template
from regulars.kit import Listed, Page, Partial, Reading, Shown, Tx, copied, showing

Topic = Annotated[str, Meta(max_length=limits.NAME_CHARS_MAX, examples=["walletreward_create"])]


class TemplateItem(Shown[Template], frozen=True):
    __doc__ = Template.__doc__


class TemplateParts(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`topic` is the event it is written for, whose properties it may name as `event.…`. Each variable is checked."""

    name: Annotated[str, Meta(max_length=limits.NAME_CHARS_MAX, examples=["Welcome"])]
    topic: Topic = ""
    content: Content


class NewTemplate(TemplateParts, frozen=True, kw_only=True, forbid_unknown_fields=True):
    __doc__ = TemplateParts.__doc__

    channel: Channel = "email"


class TemplateChange(Partial[TemplateParts], frozen=True, forbid_unknown_fields=True):
    """Only what is given changes; another text is another version."""


class Previewed(NewTemplate, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A template as it is being written, and the `customer_id` of whom it is filled in for."""

    name: str = ""
    customer_id: CustomerId


class Rendering(msgspec.Struct, frozen=True, omit_defaults=True):
    """An e-mail as it would arrive, or what another message would say; `problem` is why it could not be filled in."""

    subject: str = ""
    html: str = ""
    text: str = ""
    template: str = ""
    language: str = ""
    slots: tuple[str, ...] = ()
    problem: str = ""


class TopicQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    topic: Topic = ""


class OfCustomer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    customer_id: CustomerId


@showing("channel state source at", Consent)
class ConsentItem(msgspec.Struct):
    """Whether somebody agrees to be written to, who said so (empty: it is what the shop knows of the customer), and
    when. `asked`: they were asked, or have to be, and have not agreed yet."""


class NewConsent(OfCustomer, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`source` says where it was said. With double opt-in, a yes to e-mail asks the customer first."""

    channel: Channel
    state: ConsentState
    source: Annotated[str, Meta(max_length=limits.TITLE_CHARS_MAX, examples=["Newsletter form"])] = "api"


class SuppressionItem(Shown[Suppression], frozen=True):
    __doc__ = Suppression.__doc__


class SuppressionQuery(PageQuery, frozen=True, forbid_unknown_fields=True, kw_only=True):
    channel: Channel | None = None
    address: Annotated[str, Meta(max_length=limits.EMAIL_CHARS_MAX)] | None = None


class NewSuppression(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    address: Annotated[str, Meta(min_length=1, max_length=limits.EMAIL_CHARS_MAX, examples=["asha@example.com"])]
    channel: Channel = "email"
    reason: Annotated[str, Meta(max_length=limits.TITLE_CHARS_MAX, examples=["Asked us on the phone"])] = "By hand."


@showing(
    "id customer channel sender_id template_id template_version source_kind source_id cause_id address state reason"
    " reason_code created_at too_late_at sent_at opens clicks scans opened_at clicked_at",
    Message,
)
class MessageItem(msgspec.Struct):
    __doc__ = Message.__doc__

    customer: Whose


def message_item(one: Message, who: Customer) -> MessageItem:
    return copied(MessageItem, one, customer=named(who))


async def _said(call: Call[Any, Any], tx: Reading, found: Sequence[Template]) -> list[TemplateItem]:
    return [copied(TemplateItem, one) for one in found]


templates = Resource(management, "/templates", TemplateItem, tag="Messages", one="template", says=_said)


@templates.list("Templates")
def list_templates(call: Call[NoQuery, None], tx: Reading) -> Awaitable[list[Template]]:
    return messages.list_templates(tx, call.workspace_id)


@templates.create("Create a template", about=("name",))
def create_template(call: Call[NoQuery, NewTemplate], tx: Tx) -> Awaitable[Template]:
    given = msgspec.structs.asdict(call.body)
    return messages.create_template(tx, call.workspace_id, **given, now=call.now, actor=call.caller.actor)


@templates.read("One template")
def read_template(call: Call[NoQuery, None], tx: Reading) -> Awaitable[Template]:
    return messages.find_template(tx, call.workspace_id, call.path_id())


@templates.change("Change a template")
def change_template(call: Call[NoQuery, TemplateChange], tx: Tx) -> Awaitable[Template]:
    id, given = call.path_id(), call.body.given()
    return messages.change_template(tx, call.workspace_id, id, given, call.now, actor=call.caller.actor)


@templates.remove("Remove a template")
def remove_template(call: Call[NoQuery, None], tx: Tx) -> Awaitable[dict[str, str]]:
    """What waits to be sent is still sent."""
    return messages.remove_template(tx, call.workspace_id, call.path_id(), call.now)


@management.post("/templates/preview", "What a template would say", tag="Messages", area="data", access="READ")
async def preview_template(call: Call[NoQuery, Previewed], tx: Reading) -> Rendering:
    """Of the customer's newest such event, or of one made up. Nothing is sent, nothing written."""
    body = call.body
    customer = await customers.get(tx, call.workspace_id, customer_id=body.customer_id)
    said = await messages.preview(tx, call.workspace, body.channel, body.content, body.topic, customer, call.now)
    return Rendering(**said)


@management.get("/template-variables", "What a template may name", tag="Messages")
async def list_variables(call: Call[TopicQuery, None], tx: Reading) -> Listed[Variable]:
    """In a template for the event, or for none; `tag` is how it is written."""
    return Listed(messages.variables(call.query.topic))


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
    set_ = await messages.set_consents(tx, call.workspace, customer, states, body.source, call.now)
    await call.audit(tx, "consent.update", customer.customer_id, channel=body.channel, state=body.state)
    return Listed([copied(ConsentItem, one) for one in set_])


@management.get("/suppressions", "Addresses that nothing is sent to", tag="Messages", area="data")
async def list_suppressions(call: Call[SuppressionQuery, None], tx: Reading) -> Page[SuppressionItem]:
    """Newest first. They bounced, complained, or were put here; of an erased customer only a hash is known."""
    items, after = page_of(await messages.suppressions(tx, call.workspace_id, **asked(call.query)), call.query.limit)
    return Page([copied(SuppressionItem, one) for one in items], after)


@management.post("/suppressions", "Send nothing to an address", tag="Messages", area="data", status=201)
async def add_suppression(call: Call[NoQuery, NewSuppression], tx: Tx) -> SuppressionItem:
    """One that is there already keeps its reason."""
    body = call.body
    await messages.suppress(tx, call.workspace_id, [(body.channel, body.address, body.reason)], call.now)
    by: dict[str, Any] = {"channel": body.channel, "address": body.address}
    (one,) = await messages.suppressions(tx, call.workspace_id, **by, limit=1)
    await call.audit(tx, "suppression.create", one.id, channel=body.channel)
    return copied(SuppressionItem, one)


@management.delete("/suppressions/{id}", "Send to an address again", tag="Messages", area="data", status=204)
async def remove_suppression(call: Call[NoQuery, None], tx: Tx) -> None:
    await messages.unsuppress(tx, call.workspace_id, call.path_id())
    await call.audit(tx, "suppression.delete", call.path_id())
