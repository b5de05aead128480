"""POST, PUT and GET /leads: customers, by the shop's own customer_id or by ours, the lead_id."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any
from uuid import UUID

import msgspec
from msgspec import Meta

from regulars import customers, ledger, limits, tenancy, triggers
from regulars.api import proofs
from regulars.api.merchant.api import merchant
from regulars.api.merchant.items import LeadAnswer, lead_item
from regulars.api.operations import Call, NoQuery
from regulars.customers import Customer, NewCustomer
from regulars.customers.reported import Contact, CustomerId, Name, ReferralCode
from regulars.kit import Faults, Invalid, NotFound, Reading, Tx, a_birthday, invalid


class Metadetail(Contact, frozen=True, forbid_unknown_fields=True):
    """What is known of a customer."""


NO_DETAILS = Metadetail()


class NewLead(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`metadetail` names an e-mail address or a mobile number at least."""

    customer_id: CustomerId
    metadetail: Metadetail
    name: Name = ""
    referral_code: ReferralCode = ""


class LeadChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is known already is not overwritten."""

    name: Name = ""
    metadetail: Metadetail = NO_DETAILS


class ByCustomerId(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    customer_id: Annotated[str, Meta(max_length=limits.CUSTOMER_ID_CHARS_MAX)] | None = None


class LeadQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The first that is given counts, in this order, before the id in the path, which may be any UUID then."""

    customer_id: Annotated[str, Meta(max_length=limits.CUSTOMER_ID_CHARS_MAX)] | None = None
    referral_code: Annotated[str, Meta(max_length=40)] | None = None
    email: Annotated[str, Meta(max_length=limits.EMAIL_CHARS_MAX)] | None = None
    mobile: Annotated[str, Meta(max_length=limits.MOBILE_CHARS_MAX)] | None = None


def new_customer(customer_id: str, name: str, referral_code: str, details: Metadetail) -> NewCustomer:
    """Checked, and in the form it is kept in. Raises Invalid naming each field by its path in the body."""
    if details is NO_DETAILS:  # as with nearly every reward
        return customers.check(NewCustomer(customer_id=customer_id, name=name, referral_code=referral_code))
    faults = Faults()
    with faults:
        a_birthday("metadetail.dob", details.dob)
    with faults, _named_by_path():
        given = msgspec.structs.asdict(details)
        checked = customers.check(NewCustomer(customer_id=customer_id, name=name, referral_code=referral_code, **given))
    faults.check()
    return checked


@contextmanager
def _named_by_path() -> Iterator[None]:
    """Raises Invalid with the paths in the body of the fields that an Invalid from within names."""
    try:
        yield
    except Invalid as refusal:
        faults = Faults()
        faults.note(refusal, "metadetail", Metadetail.__struct_fields__)
        raise faults.refusal() from None


NO_LEAD = "Lead does not exists"


async def the_lead(tx: Reading, workspace_id: UUID, **by: Any) -> Customer:
    """Raises NotFound with the contract's words."""
    return await customers.get(tx, workspace_id, NO_LEAD, **by)


class ForLead(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    lead_id: UUID | None = None
    customer_id: (
        Annotated[str, Meta(max_length=limits.CUSTOMER_ID_CHARS_MAX, examples=["shopify-7029064106277"])] | None
    ) = None

    async def lead(self, tx: Reading, workspace_id: UUID) -> Customer:
        """Whom the body names. Raises Invalid, NotFound with the contract's words."""
        if not self.lead_id and not self.customer_id:
            raise invalid("lead_id", "a lead_id or a customer_id")
        by: dict[str, Any] = {"id": self.lead_id} if self.lead_id else {"customer_id": self.customer_id}
        return await the_lead(tx, workspace_id, **by)


def secrets_of(call: Call[Any, Any]) -> list[str]:
    return tenancy.storefront_secrets(call.app.settings.secret(), call.workspace)


def prove(call: Call[Any, Any], lead_id: UUID, *, changes: bool = False) -> None:
    """With a STOREFRONT key, and where it `changes` something with any READ key, a call is about the customer whose
    token it carries. Raises Unauthenticated, Forbidden."""
    if proven_by(call, changes=changes) not in (None, lead_id):
        raise proofs.ProofOfAnother


def proven_by(call: Call[Any, Any], *, changes: bool = False) -> UUID | None:
    """The customer whose token the call carries; None of a key that needs no proof. Raises Unauthenticated."""
    if call.caller.writes or (call.caller.key.purpose != "STOREFRONT" and not changes):
        return None
    return proofs.customer_of(secrets_of(call), call.headers.get("x-leadtoken", ""), call.app.clock.outside())


@merchant.post("/leads", "Create a customer", tag="Leads")
async def create_lead(call: Call[NoQuery, NewLead], tx: Tx) -> LeadAnswer:
    """A customer_id that is known already is refused: `Lead already exists`."""
    body, faults = call.body, Faults()
    if not body.metadetail.email and not body.metadetail.mobile:
        faults.add("metadetail", "an email or a mobile")
    with faults:
        details = new_customer(body.customer_id, body.name, body.referral_code, body.metadetail)
    faults.check()
    customer = await triggers.create_customer(tx, call.workspace, details, call.now, actor=call.caller.actor)
    return await _answer(call, tx, customer)


@merchant.put("/leads/{id}", "Complete a customer", tag="Leads", access="READ", headers=("x-leadtoken",))
async def change_lead(call: Call[ByCustomerId, LeadChange], tx: Tx) -> LeadAnswer:
    """Sets what is not known yet; `?customer_id=` wins over the id in the path. With a READ key, as from a page, the
    call carries the customer's `x-leadtoken`."""
    customer = await customers.find(tx, call.workspace_id, id=call.path_id(), customer_id=call.query.customer_id)
    # Also when nobody was found: a token must not tell who else is a customer.
    prove(call, customer.id if customer else UUID(int=0), changes=True)
    if customer is None:
        raise NotFound(NO_LEAD)
    given = {"name": call.body.name, **msgspec.structs.asdict(call.body.metadetail)}
    balances = await ledger.balances(tx, call.workspace, [customer.id], call.now)
    available = balances[customer.id]["coins"].available
    with _named_by_path():
        a_birthday("dob", call.body.metadetail.dob)
        customer = await customers.change(
            tx, call.workspace, customer.id, given, call.now, available=available, complete=True
        )
    return await _answer(call, tx, customer)


@merchant.get(
    "/leads/{id}", "Find a customer", tag="Leads", access="READ", headers=("x-leadtoken", "x-leaddigest", "x-timestamp")
)
async def find_lead(call: Call[LeadQuery, None], tx: Reading) -> LeadAnswer:
    """By customer_id, referral code, e-mail, mobile or id, the first that is given in this order.

    With a STOREFRONT key the call carries an `x-leadtoken`, or names a customer_id and carries `x-leaddigest`: 64 hex
    digits, HMAC-SHA256 by the workspace's storefront secret over `<customer_id>.<x-timestamp>`. The answer to a digest
    holds a `leadtoken`, also as the header `x-leadtoken`, good for an hour; a token is not exchanged for another.
    """
    query, headers = call.query, call.headers
    storefront = call.caller.key.purpose == "STOREFRONT"
    by_token = bool(headers.get("x-leadtoken"))
    if storefront and not by_token:
        stamp, given = headers.get("x-timestamp", ""), headers.get("x-leaddigest", "")
        proofs.check_digest(secrets_of(call), query.customer_id or "", stamp, given, call.app.clock.outside())
    by = msgspec.structs.asdict(query)
    customer = await customers.find(tx, call.workspace_id, id=call.path_id(), country=call.workspace.country, **by)
    if storefront and by_token:
        # Also when nobody was found: a token must not tell who else is a customer.
        prove(call, customer.id if customer else UUID(int=0))
    if customer is None:
        raise NotFound(NO_LEAD)
    answer = await _answer(call, tx, customer)
    if storefront and not by_token:
        token = proofs.issue_token(secrets_of(call)[0], customer.id, call.app.clock.outside())
        call.reply_headers["x-leadtoken"] = token
        answer = msgspec.structs.replace(answer, leadtoken=token)
    return answer


async def _answer(call: Call[Any, Any], tx: Reading, customer: Customer) -> LeadAnswer:
    balances = await ledger.balances(tx, call.workspace, [customer.id], call.now)
    return LeadAnswer(lead_item(customer, balances[customer.id], call.workspace_id, masked=not call.caller.writes))
