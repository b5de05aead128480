"""The kinds of files: what their columns mean, what a row would do, and what it does. `KINDS` lists them all."""

import hashlib
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, BinaryIO, Literal, NamedTuple
from zoneinfo import ZoneInfo

from regulars import customers, ledger, limits, orders, triggers
from regulars.conditions import fold
from regulars.customers import Customer, Ensured, NewCustomer
from regulars.customers.own import PropertyType
from regulars.imports.progress import Progress
from regulars.imports.reviews import Reviews
from regulars.imports.whose import WHO_ELSE, OfCustomers, nobody, unusable, who_of, whose
from regulars.kit import Faults, Invalid, Reading, Refusal, Tx, decimals_of, invalid
from regulars.kit.csv_file import Columns, CsvFile, Format, Unusable
from regulars.kit.tables import Encoding
from regulars.ledger import Entry, KeyTaken, Posted
from regulars.ledger.validity import Validity
from regulars.orders import Correcting, OrderReport
from regulars.orders.csv_cells import Ambiguous, moment, whole_id, whole_number, with_point
from regulars.orders.csv_columns import FACTS
from regulars.orders.csv_reports import OrderFile
from regulars.tenancy import Workspace
from regulars.triggers import Rehearsed, Taken

Kind = Literal["orders", "customers", "coins", "reviews"]


class Orders(OrderFile):
    """Each order is reported, and rewarded, as if its shop reported it."""

    take = staticmethod(triggers.take_orders)
    rehearse = staticmethod(triggers.rehearse_orders)

    @staticmethod
    def count(progress: Progress, report: OrderReport, answer: Taken, correcting: Correcting, zone: ZoneInfo) -> None:
        if report.unfit is not None and len(progress.details) < limits.IMPORT_UNUSABLE_KEPT_MAX:
            progress.details.append(Unusable(report.line, report.unfit.message))
        change, order = answer.recorded.change, answer.recorded.order
        progress.changed("unchanged" if change == "stale" else change)
        if change == "stale" and (differs := orders.differences(order, report, correcting.facts, zone)):
            progress.differs(report.line, f"order {order.reference_id}: {differs}")
        for firing in answer.firings:
            progress.rewards += firing.state == "granted"
            progress.coins += firing.amount
            if firing.state == "refused":
                progress.say_refused(firing.reason, firing.explanation)
        if change == "created" and not answer.firings:
            progress.say_refused("no_trigger", triggers.NO_TRIGGER)

    @staticmethod
    def shown(report: OrderReport, zone: ZoneInfo) -> dict[str, str]:
        decimals = decimals_of(report.currency_code)
        return {
            "order": report.reference_id,
            "customer": report.customer.customer_id,
            "name": report.customer.name,
            "lines": str(len(report.lines or ()) or ""),
            "amount": f"{report.amount_minor / 10**decimals:.{decimals}f} {report.currency_code.upper()}",
            "placed": f"{report.placed_at.astimezone(zone):%Y-%m-%d %H:%M %Z}",
        }


class CustomerRow(NamedTuple):
    line: int
    details: NewCustomer
    more: dict[str, Any]

    def given(self) -> dict[str, Any]:
        """What is said of somebody who is known."""
        said = {name: value for name in customers.CHANGEABLE if (value := getattr(self.details, name, None))}
        return said | self.more


_OWN = "properties."
_CONSENTS = ("accept_email", "accept_mobile")
_YES_NO = {**dict.fromkeys(("yes", "true", "1", "y"), True), **dict.fromkeys(("no", "false", "0", "n"), False)}
_GENDERS = {"m": "male", "f": "female", "w": "female"}


class Customers(CsvFile):
    """Who is new is created and welcomed; of who is known what was missing is filled in, or all of it replaced."""

    COLUMNS = Columns(
        ("customer_id",),
        ("customer_id", "name", "email", "mobile", "country", "gender", "dob", "referral_code", *_CONSENTS, "tags"),
        {
            "customer_id": "id customer customer_number customer_no customer_user_id user_id",
            "name": "full_name customer_name",
            "email": "e_mail customer_email email_address",
            "mobile": "phone mobile_number phone_number customer_phone",
            "country": "country_code",
            "dob": "birthday date_of_birth birth_date birthdate",
            "accept_email": "accepts_marketing accepts_email_marketing email_marketing newsletter",
            "accept_mobile": "accepts_sms_marketing sms_marketing",
            "tags": "customer_tags",
        },
    )

    def __init__(self, *file: Any, own: Mapping[str, PropertyType], **how: Any) -> None:
        """Also of columns that are called as the shop's own properties: `size`, or `properties.size`."""
        known, also_called = (*self.COLUMNS.known, *(f"{_OWN}{name}" for name in own)), self.COLUMNS.also_called
        called = {f"{_OWN}{name}": f"{name} properties_{name}" for name in own} | dict(also_called)
        self.COLUMNS, self._own = Columns(self.COLUMNS.required, known, called), own  # type: ignore[misc]
        super().__init__(*file, **how)

    def report(self, line: int, row: dict[str, str]) -> CustomerRow | Unusable:
        faults, more, asks = Faults(), dict[str, Any](), ""
        for name in _CONSENTS:
            if name in row and row[name].lower() not in _YES_NO:
                faults.add(name, "yes or no")
            elif name in row:
                more[name] = _YES_NO[row[name].lower()]
        with faults:
            if "tags" in row:
                more["tags"] = customers.check_tags(re.split("[,;|]", row["tags"]))
        dob, own = None, dict[str, Any]()
        for name, cell in row.items():
            try:
                if name == "dob":
                    dob = moment(name, cell, self._format.dates, self.zone).date()
                elif name.startswith(_OWN):
                    own[name.removeprefix(_OWN)] = self._as_typed(name, cell)
            except Invalid as refusal:
                faults.note(refusal)
                asks = refusal.asks if isinstance(refusal, Ambiguous) else asks
        with faults:
            if own:
                more["properties"] = customers.checked_properties(self._own, {}, own)
        with faults:
            if "customer_id" not in row:
                raise invalid("customer_id", "a value")
            whole_id("customer_id", row["customer_id"])
        gender, country = row.get("gender", "").lower(), row.get("country", "").lower()
        said = {name: row.get(name, "") for name in ("customer_id", "name", "email", "mobile", "referral_code")}
        with faults:
            details = NewCustomer(**said, country=country, gender=_GENDERS.get(gender, gender), dob=dob)
            details = customers.check(details)
        return unusable(line, faults, asks) or CustomerRow(line, details, more)

    def _as_typed(self, name: str, cell: str) -> str:
        """A cell of a property of the shop's own, its date or number as the file's format has them. Raises Invalid."""
        match self._own[name.removeprefix(_OWN)]:
            case "date":
                return moment(name, cell, self._format.dates, self.zone).date().isoformat()
            case "number":
                sign = cell[: cell[:1] in ("-", "+")]
                return sign + with_point(name, cell[len(sign) :], "", self._format.decimal)
        return cell

    @staticmethod
    async def take(
        tx: Tx, shop: Workspace, rows: Sequence[CustomerRow], now: datetime, *, actor: str, correcting: Correcting
    ) -> Sequence[Any]:
        ensured = await triggers.ensure(tx, shop, [row.details for row in rows], now, actor=actor)
        people = {id: one.customer for id, one in ensured.items() if isinstance(one, Ensured)}
        new = {id for id, one in ensured.items() if isinstance(one, Ensured) and one.created}
        available = await ledger.available(tx, shop, [one.id for one in people.values()], now)
        answers: list[Any] = []
        for row in rows:
            id, one = row.details.customer_id, ensured[row.details.customer_id]
            if isinstance(one, Refusal):
                answers.append(one)
                continue
            before = people[id]
            try:
                if given := _differing(before, row.given(), wins=correcting.replace or id in new):
                    people[id] = await customers.change(tx, shop, before.id, given, now, available=available[before.id])
            except Refusal as refusal:
                answers.append(refusal)
                continue
            answers.append(("created" if id in new else "unchanged" if people[id] == before else "updated", before))
            new.discard(id)
        return answers

    @staticmethod
    async def rehearse(
        tx: Reading, shop: Workspace, rows: Sequence[CustomerRow], now: datetime, *, correcting: Correcting
    ) -> Rehearsed:
        known = await customers.by_customer_ids(tx, shop.id, [row.details.customer_id for row in rows])
        answers, new = list[Any](), set[str]()
        for row in rows:
            before, differs = known.get(row.details.customer_id), dict[str, Any]()
            fresh = before is None and row.details.customer_id not in new
            new |= {row.details.customer_id} if fresh else set()
            try:
                if before is not None:
                    differs = _differing(before, row.given(), wins=correcting.replace)
                    customers.settled(shop, before, differs)
                answers.append(("created" if fresh else "updated" if differs else "unchanged", before))
            except Refusal as refusal:
                answers.append(refusal)
        return Rehearsed(answers, len(new), len(new) * await triggers.welcome_coins(tx, shop.id))

    @staticmethod
    def count(progress: Progress, row: CustomerRow, answer: Any, correcting: Correcting, zone: ZoneInfo) -> None:
        change, before = answer
        progress.changed(change)
        if change != "created" and before is not None and not correcting.replace:
            said = {name: value for name, value in row.given().items() if name not in ("tags", "properties")}
            kept = [name for name, value in said.items() if getattr(before, name) not in ("", None, value)]
            if kept:
                progress.differs(row.line, f"customer {before.customer_id}: {', '.join(kept)}")

    @staticmethod
    def shown(row: CustomerRow, zone: ZoneInfo) -> dict[str, str]:
        said = row.details
        return {"customer": said.customer_id, "name": said.name, "e-mail": said.email, "mobile": said.mobile,
                "country": said.country, "birthday": str(said.dob or "")}  # fmt: skip


def _differing(customer: Customer, given: Mapping[str, Any], *, wins: bool) -> dict[str, Any]:
    """What is to change: all that is said otherwise if the file wins, else only what was not known. A consent that was
    given or withdrawn is known; tags and properties are, each by itself."""
    had, known = customer.properties, {fold(tag) for tag in customer.tags}
    own = {name: value for name, value in given.get("properties", {}).items() if had.get(name) != value}
    said = {n: value for n, value in given.items() if n != "properties" and getattr(customer, n) != value}
    if not wins:
        own = {name: value for name, value in own.items() if name not in had}
        added = [tag for tag in said.pop("tags", ()) if fold(tag) not in known]
        said = {n: value for n, value in said.items() if getattr(customer, n) in ("", None)}
        said |= {"tags_added": added} if added else {}
    return said | ({"properties": own} if own else {})


class CoinsRow(NamedTuple):
    line: int
    who: tuple[str, str]
    """What the customer is known by, and that: `email`, `asha@example.com`."""
    amount: int
    reason: str
    expire_in_days: int
    key: str


class Coins(OfCustomers):
    """Each row is a credit. One with a reference is known by it, and any other by the file's name and what it says, the
    second that says the same as the second: so a file that is imported again gives nothing twice."""

    COLUMNS = Columns(
        ("amount",),
        ("customer_id", "email", "mobile", "amount", "reason", "expire_in_days", "reference"),
        {
            "customer_id": "id customer customer_number customer_no customer_user_id user_id",
            **WHO_ELSE,
            "amount": "coins points balance",
            "reason": "title note description",
            "expire_in_days": "expires_in_days valid_days days",
            "reference": "reference_id ref",
        },
    )

    def __init__(self, file: BinaryIO, *args: Any, **how: Any) -> None:
        super().__init__(file, *args, **how)
        self._said: Counter[tuple[Any, ...]] = Counter()

    def report(self, line: int, row: dict[str, str]) -> CoinsRow | Unusable:
        faults, amount, days = Faults(), 0, 0
        who = who_of(row, faults)
        with faults:
            amount = whole_number("amount", row.get("amount", ""))
            if not 1 <= amount <= limits.AMOUNT_MINOR_MAX:
                raise invalid("amount", f"a whole number from 1 to {limits.AMOUNT_MINOR_MAX:,}")
        with faults:
            days = whole_number("expire_in_days", row.get("expire_in_days", "0"))
            if days > limits.EXPIRE_AFTER_MAX or ("expire_in_days" in row and not days):
                raise invalid("expire_in_days", f"a whole number from 1 to {limits.EXPIRE_AFTER_MAX:,}")
        for name, most in (("reason", limits.TITLE_CHARS_MAX), ("reference", limits.ORDER_ID_CHARS_MAX)):
            if len(row.get(name, "")) > most:
                faults.add(name, f"at most {most} characters")
        reason = row.get("reason", "Imported")
        said = (*who, amount, reason, days)
        self._said[said] += not row.get("reference")
        nth = f"{self.name}\n{self._said[said]}\n{said}"
        key = row.get("reference") or f"#{hashlib.sha256(nth.encode()).hexdigest()[:32]}"
        return unusable(line, faults) or CoinsRow(line, who, amount, reason, days, f"import:{key}")

    @staticmethod
    async def take(
        tx: Tx, shop: Workspace, rows: Sequence[CoinsRow], now: datetime, *, actor: str, correcting: Correcting
    ) -> Sequence[Any]:
        people = await whose(tx, shop, rows)
        entries = [_entry(shop, people[row.who], row, now, actor) for row in rows if row.who in people]
        outcomes = iter(await ledger.post(tx, shop, entries, now))
        return [next(outcomes) if row.who in people else nobody(row) for row in rows]

    @staticmethod
    async def rehearse(
        tx: Reading, shop: Workspace, rows: Sequence[CoinsRow], now: datetime, *, correcting: Correcting
    ) -> Rehearsed:
        people, known = await whose(tx, shop, rows), await ledger.posted_under(tx, shop.id, [row.key for row in rows])
        answers, seen = list[Any](), dict[str, CoinsRow]()
        for row in rows:
            before, first = known.get(row.key), seen.setdefault(row.key, row)
            if row.who not in people:
                answers.append(nobody(row))
            elif (row.amount, row.reason) != (
                (before.amount, before.title) if before else (first.amount, first.reason)
            ):
                answers.append(KeyTaken())
            else:
                answers.append(before is None and first is row)
        return Rehearsed(answers)

    @staticmethod
    def count(progress: Progress, row: CoinsRow, answer: Posted | bool, _: Correcting, zone: ZoneInfo) -> None:
        given = answer if isinstance(answer, bool) else not answer.repeated
        progress.changed("created" if given else "unchanged")
        progress.rewards += given
        progress.coins += row.amount if given else 0

    @staticmethod
    def shown(row: CoinsRow, zone: ZoneInfo) -> dict[str, str]:
        lasts = f"{row.expire_in_days} days" if row.expire_in_days else ""
        return {"customer": row.who[1], "amount": f"{row.amount:,}", "reason": row.reason, "lasts": lasts}


def _entry(shop: Workspace, customer: Customer, row: CoinsRow, now: datetime, actor: str) -> Entry:
    days = row.expire_in_days
    return Entry(
        customer_id=customer.id,
        operation="cr",
        amount=row.amount,
        type="import",
        title=row.reason,
        key=row.key,
        actor=actor,
        occurred_at=now,
        expires_at=Validity(shop.book, shop.zone).grace(days, now) if days else None,
    )


Source = type[Orders] | type[Customers] | type[Coins] | type[Reviews]

KINDS: dict[Kind, Source] = {"orders": Orders, "customers": Customers, "coins": Coins, "reviews": Reviews}


def opened_as(kind: Kind, file: BinaryIO, found: Encoding, format: Format, shop: Workspace, name: str) -> CsvFile:
    """Raises Invalid, as CsvFile."""
    how: dict[str, Any] = {"own": customers.declared(shop)} if kind == "customers" else {}
    return KINDS[kind](file, found, format, currency_code=shop.currency_code, zone=shop.zone, name=name, **how)


def correcting_of(file: CsvFile, replace: bool) -> Correcting:
    """What the file may put right; `replace`: also where what is kept is newer."""
    return Correcting(frozenset(f for column in file.columns for f in FACTS.get(column, ())), replace, file.letters)
