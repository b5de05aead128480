"""Customers on a real database: created once, changed, counted, found."""

import asyncio
import json
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

import asyncpg
import pytest

from regulars import customers, events, tenancy
from regulars.customers import Customer, Ensured, NewCustomer, Spending
from regulars.kit.clock import HandClock
from regulars.kit.db import Database
from regulars.kit.errors import Conflict, Invalid, NotFound, Refusal
from regulars.kit.ids import new_id
from tests import make


async def ensured(
    db: Database, workspace: tenancy.Workspace, clock: HandClock, *wanted: NewCustomer
) -> dict[str, Ensured | Refusal]:
    async with db.transaction() as tx:
        return await customers.ensure(tx, workspace, wanted, clock.now())


async def told(db: Database, workspace: tenancy.Workspace, topic: str) -> list[dict[str, Any]]:
    async with db.reading() as tx:
        return [json.loads(event.body) for event in await events.recent(tx, workspace.id, topic=topic, limit=1_000)]


async def test_a_customer_is_created_at_the_first_mention_and_left_alone_at_the_second(
    db: Database, workspace: tenancy.Workspace, clock: HandClock
) -> None:
    details = NewCustomer("customer-1", "Asha", "asha@example.com", "919800000000", "ind", "female", date(1990, 6, 2))
    first = (await ensured(db, workspace, clock, details))["customer-1"]
    assert isinstance(first, Ensured)
    assert first.created
    customer = first.customer
    kept = (customer.name, customer.email, customer.mobile, customer.country, customer.gender, customer.dob)
    assert kept == ("Asha", "asha@example.com", "919800000000", "ind", "female", date(1990, 6, 2))
    assert (customer.accept_email, customer.accept_mobile, customer.spent, customer.tier) == (True, True, {}, "")
    assert len(customer.referral_code) == 10
    second = await ensured(db, workspace, clock, NewCustomer("customer-1", "Somebody else"))
    assert second == {"customer-1": Ensured(customer, created=False)}
    [body] = await told(db, workspace, "lead_create")
    assert (body["lead_id"], body["customer_id"], body["name"]) == (str(customer.id), "customer-1", "Asha")
    assert (body["available"], body["dob"], body["full_dob"]) == (0, "02-06", "02-06-1990")


async def test_of_several_with_one_id_the_first_counts(
    db: Database, workspace: tenancy.Workspace, clock: HandClock
) -> None:
    answers = await ensured(
        db, workspace, clock, NewCustomer("customer-1", "A"), NewCustomer("customer-2"), NewCustomer("customer-1", "B")
    )
    assert [a.customer.name for a in answers.values() if isinstance(a, Ensured)] == ["A", ""]
    assert len(await told(db, workspace, "lead_create")) == 2
    assert await ensured(db, workspace, clock) == {}


async def test_the_same_customer_id_in_another_shop_is_somebody_else(
    db: Database, workspace: tenancy.Workspace, clock: HandClock
) -> None:
    other = await make.a_workspace(db, clock.now())
    mine = await make.a_customer(db, workspace, clock.now())
    theirs = await make.a_customer(db, other, clock.now())
    assert mine.id != theirs.id
    async with db.reading() as tx:
        assert await customers.by_ids(tx, other.id, [mine.id]) == {}
        assert await customers.find(tx, other.id, id=mine.id) is None
        assert await customers.find(tx, other.id, email=mine.email) == theirs
    async with db.transaction() as tx:
        with pytest.raises(NotFound):
            await customers.change(tx, other, mine.id, {"name": "Taken over"}, clock.now(), available=0)
        assert await customers.count_spending(tx, other.id, [Spending(mine.id, "usd", 1, 1, clock.now())]) == {}


async def test_a_crowd_that_mentions_the_same_customers_makes_each_once(
    database_url: str, db: Database, workspace: tenancy.Workspace, clock: HandClock
) -> None:
    wide = await Database.connect(database_url, connections_max=12)
    names = [f"customer-{n}" for n in range(20)]

    async def mention(task: int) -> dict[str, Ensured | Refusal]:
        order = names[task % 20 :] + names[: task % 20]
        return await ensured(wide, workspace, clock, *(NewCustomer(name, f"by {task}") for name in order[:15]))

    try:
        answers = await asyncio.gather(*map(mention, range(40)))
    finally:
        await wide.close()
    ids: dict[str, set[Any]] = {}
    created: list[str] = []
    for answer in answers:
        assert len(answer) == 15
        for name, one in answer.items():
            assert isinstance(one, Ensured)
            ids.setdefault(name, set()).add(one.customer.id)
            created += [name] * one.created
    assert {name: len(found) for name, found in ids.items()} == dict.fromkeys(names, 1)
    assert sorted(created) == sorted(names)
    assert sorted(body["customer_id"] for body in await told(db, workspace, "lead_create")) == sorted(names)


async def test_create(db: Database, workspace: tenancy.Workspace, clock: HandClock) -> None:
    async with db.transaction() as tx:
        made = await customers.create(tx, workspace, NewCustomer(" customer-1 ", referral_code="FRIEND"), clock.now())
        assert (made.customer_id, made.referral_code) == ("customer-1", "FRIEND")
        with pytest.raises(Conflict):
            await customers.create(tx, workspace, NewCustomer("customer-1"), clock.now())
        with pytest.raises(Invalid) as refused:
            await customers.create(tx, workspace, NewCustomer("customer-2", referral_code="FRIEND"), clock.now())
        assert list(refused.value.fields) == ["referral_code"]
        with pytest.raises(Invalid):
            await customers.create(tx, workspace, NewCustomer("short"), clock.now())


async def test_a_referral_code_is_given_once(db: Database, workspace: tenancy.Workspace, clock: HandClock) -> None:
    answers = await ensured(
        db,
        workspace,
        clock,
        NewCustomer("customer-1", referral_code="AAA"),
        NewCustomer("customer-2", referral_code="AAA"),
        NewCustomer("customer-3", referral_code="aaa"),
        NewCustomer("customer-4"),
    )
    assert {name for name, answer in answers.items() if isinstance(answer, Invalid)} == {"customer-2"}
    # The code belongs to who has it, and so a second mention with it is no refusal.
    again = await ensured(db, workspace, clock, NewCustomer("customer-1", referral_code="AAA"))
    assert isinstance(again["customer-1"], Ensured)
    other = await make.a_workspace(db, clock.now())
    elsewhere = await ensured(db, other, clock, NewCustomer("customer-1", referral_code="AAA"))
    assert isinstance(elsewhere["customer-1"], Ensured)


async def test_a_referral_code_raced_by_two_is_refused_at_the_second_try(
    db: Database, workspace: tenancy.Workspace, clock: HandClock
) -> None:
    async with db.transaction() as tx:
        await customers.ensure(tx, workspace, [NewCustomer("customer-1", referral_code="AAA")], clock.now())
        raced = NewCustomer("customer-2", referral_code="AAA")
        second = asyncio.create_task(ensured(db, workspace, clock, raced))
        await make.until_waiting(db)
    with pytest.raises(asyncpg.UniqueViolationError):
        await second
    assert isinstance((await ensured(db, workspace, clock, raced))["customer-2"], Invalid)


async def test_a_change_is_kept_and_told(db: Database, workspace: tenancy.Workspace, clock: HandClock) -> None:
    asha = await make.a_customer(db, workspace, clock.now())
    later = clock.advance(days=1)
    changes = {
        "name": " Asha Rao ",
        "email": asha.email,
        "mobile": "919800000000",
        "country": "ind",
        "accept_email": False,
    }
    async with db.transaction() as tx:
        changed = await customers.change(tx, workspace, asha.id, changes, later, available=12)
    assert (changed.name, changed.mobile, changed.country, changed.accept_email) == (
        "Asha Rao",
        "919800000000",
        "ind",
        False,
    )
    assert (changed.updated_at, changed.created_at) == (later, asha.created_at)
    async with db.reading() as tx:
        assert await customers.by_ids(tx, workspace.id, [asha.id]) == {asha.id: changed}
    [body] = await told(db, workspace, "lead_update")
    assert body["changed_properties"] == ["name", "mobile", "country", "accept_email"]
    assert (body["name"], body["available"], body["accept_email"]) == ("Asha Rao", 12, False)


async def test_no_change_is_not_told(db: Database, workspace: tenancy.Workspace, clock: HandClock) -> None:
    asha = await make.a_customer(db, workspace, clock.now())
    later = clock.advance(days=1)
    same = {"name": f" {asha.name} ", "email": asha.email, "dob": None, "accept_mobile": True}
    async with db.transaction() as tx:
        assert await customers.change(tx, workspace, asha.id, same, later, available=0) == asha
        assert await customers.change(tx, workspace, asha.id, {}, later, available=0) == asha
    assert await told(db, workspace, "lead_update") == []


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"customer_id": "shopify-other"}, "customer_id"),
        ({"spent": {}}, "spent"),
        ({"name": "Bela", "email": "nothing"}, "email"),
        ({"mobile": "919800000000"}, "country"),
    ],
)
async def test_a_wrong_change_changes_nothing(
    db: Database, workspace: tenancy.Workspace, clock: HandClock, changes: dict[str, Any], field: str
) -> None:
    asha = await make.a_customer(db, workspace, clock.now())
    async with db.transaction() as tx:
        with pytest.raises(Invalid) as refused:
            await customers.change(tx, workspace, asha.id, changes, clock.now(), available=0)
        assert list(refused.value.fields) == [field]
        assert await customers.by_ids(tx, workspace.id, [asha.id]) == {asha.id: asha}
    assert await told(db, workspace, "lead_update") == []


async def test_a_country_can_not_be_taken_from_a_mobile_number(
    db: Database, workspace: tenancy.Workspace, clock: HandClock
) -> None:
    asha = await make.a_customer(db, workspace, clock.now())
    async with db.transaction() as tx:
        both = {"mobile": "919800000000", "country": "ind"}
        await customers.change(tx, workspace, asha.id, both, clock.now(), available=0)
        with pytest.raises(Invalid):
            await customers.change(tx, workspace, asha.id, {"country": ""}, clock.now(), available=0)


async def test_changes_at_once_are_both_kept(db: Database, workspace: tenancy.Workspace, clock: HandClock) -> None:
    asha = await make.a_customer(db, workspace, clock.now())

    async def change(changes: dict[str, Any]) -> None:
        async with db.transaction() as tx:
            await customers.change(tx, workspace, asha.id, changes, clock.now(), available=0)

    await asyncio.gather(change({"name": "Asha Rao"}), change({"gender": "female"}), change({"dob": date(1990, 6, 2)}))
    async with db.reading() as tx:
        found = (await customers.by_ids(tx, workspace.id, [asha.id]))[asha.id]
    assert (found.name, found.gender, found.dob) == ("Asha Rao", "female", date(1990, 6, 2))


async def test_spending_adds_up_whoever_counts_at_once(
    db: Database, workspace: tenancy.Workspace, clock: HandClock
) -> None:
    now = clock.now()
    people = [c.id for c in (await make.some_customers(db, workspace, now, "customer-a", "customer-b")).values()]

    async def count(n: int) -> dict[Any, Customer]:
        async with db.transaction() as tx:
            ids = people if n % 2 else people[::-1]
            changes = [Spending(id, "jpy" if n % 5 else "usd", 100 + n, 1, now - timedelta(days=n)) for id in ids]
            return await customers.count_spending(tx, workspace.id, [*changes, *changes])

    await asyncio.gather(*map(count, range(20)))
    async with db.transaction() as tx:
        assert await customers.count_spending(tx, workspace.id, []) == {}
        counted = await customers.count_spending(tx, workspace.id, [Spending(people[0], "usd", -50, -1, now)])
        assert list(counted) == [people[0]]
        found = await customers.by_ids(tx, workspace.id, people)
    usd, jpy = (2 * sum(100 + n for n in range(20) if (n % 5 == 0) == fifth) for fifth in (True, False))
    assert [(found[id].spent, found[id].orders_count) for id in people] == [
        ({"usd": usd - 50, "jpy": jpy}, 39),
        ({"usd": usd, "jpy": jpy}, 40),
    ]
    assert {found[id].last_order_at for id in people} == {now}
    assert counted[people[0]] == found[people[0]]


SHELF = (
    NewCustomer("shopify-001", "Asha Rao", "asha@example.com", "+91 98000 00000", "ind", referral_code="CODE-A"),
    NewCustomer("shopify-002", "asha_rao", "100%sure@example.com", "0151 12345678", "deu", referral_code="CODE-B"),
    NewCustomer("woo_c-0003", "100% Cotton", "under_score@example.com", "919822", "ind", referral_code="CODE-C"),
    NewCustomer("woo\\c-0004", "Back\\slash", "back@example.com", "", "", referral_code="CODE-D"),
    NewCustomer("wooxc-0005", "مريم", "ÉLODIE@example.com", "", "", referral_code="CODE-E"),
    NewCustomer("wooxc-0006", "Zoë Müller-Straße", "", "", "", referral_code="CODE-F"),
)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("asha", [2, 1]),
        ("ASHA r", [2, 1]),
        ("rao as", [2, 1]),
        ("rao", [2, 1]),
        ("ao", []),
        ("a", [1]),  # its code is CODE-A
        ("b", [2]),
        ("asha 001", [1]),
        ("asha@example.com", [1]),
        ("asha@", [1]),
        ("ASHA@EX", [1]),
        ("'\\@x", []),
        ("  asha rao  ", [2, 1]),
        ("100%", [3, 2]),
        ("100% co", [3, 2]),
        ("100% cot", [3]),
        ("%", []),
        ("\\", []),
        ("under_", [3]),
        ("underx", []),
        ("woo", [6, 5, 4, 3]),
        ("woo\\c 4", []),
        ("0004", [4]),
        ("shopify-00", [2, 1]),
        ("SHOPIFY-001", [1]),
        ("+91 98000 00000", [1]),
        ("9800000000", [1]),
        ("8000", [1]),
        ("80 00", [1]),
        ("12345678", [2]),
        ("4915112", [2]),
        ("0151/12345", [2]),
        ("elodie", [5]),
        ("élodie", [5]),
        ("ELODIE", [5]),
        ("zoe muller", [6]),
        ("Zoë Müller", [6]),
        ("MÜLLER", [6]),
        ("strasse", [6]),
        ("\u0645\u0631", [5]),
        ("CODE-F", [6]),
        ("code", [6, 5, 4, 3, 2, 1]),
        ("' & ! | :* <-> (", []),
        ("'; DROP TABLE", []),
        ("x" * 5_000, []),
        ("\U0010ffff", []),
        ("", [6, 5, 4, 3, 2, 1]),
        ("   ", [6, 5, 4, 3, 2, 1]),
    ],
)
async def test_search(
    db: Database, workspace: tenancy.Workspace, clock: HandClock, text: str, found: Sequence[int]
) -> None:
    for details in SHELF:  # one by one, so that each is newer than the one before
        await ensured(db, workspace, clock, details)
    async with db.reading() as tx:
        seen = await customers.search(tx, workspace.id, text)
        assert [customer.customer_id for customer in seen] == [SHELF[n - 1].customer_id for n in found]
        assert await customers.search(tx, new_id(), text) == []


async def test_all_customers_are_paged(db: Database, workspace: tenancy.Workspace, clock: HandClock) -> None:
    await ensured(db, workspace, clock, *(NewCustomer(f"customer-{n}") for n in range(7)))
    async with db.reading() as tx:
        everybody = await customers.search(tx, workspace.id)
        paged: list[Customer] = []
        while page := await customers.search(tx, workspace.id, before_id=paged[-1].id if paged else None, limit=3):
            paged += page
    assert len(everybody) == 7
    assert paged == everybody
    assert [customer.id for customer in paged] == sorted((customer.id for customer in paged), reverse=True)


async def test_found_by_the_first_that_is_given(db: Database, workspace: tenancy.Workspace, clock: HandClock) -> None:
    names = ("by_customer_id", "by_code", "by_email", "by_mobile", "by_id")
    people = [
        NewCustomer(
            f"customer-{name}", email=f"{name}@example.com", mobile=f"9198{n}", country="ind", referral_code=name
        )
        for n, name in enumerate(names)
    ]
    answers = await ensured(db, workspace, clock, *people)
    made = [answer.customer for answer in answers.values() if isinstance(answer, Ensured)]
    keys = {
        "customer_id": made[0].customer_id,
        "referral_code": made[1].referral_code,
        "email": made[2].email.upper(),
        "mobile": made[3].mobile,
        "id": made[4].id,
    }
    async with db.reading() as tx:
        for n, name in enumerate(list(keys)):
            later: Any = dict(list(keys.items())[n:])
            assert await customers.find(tx, workspace.id, **later) == made[n], name
        # One that is given and unknown is not made up for by the next.
        assert await customers.find(tx, workspace.id, customer_id="nobody-here", email=made[2].email) is None
        assert await customers.find(tx, workspace.id, customer_id="", email=made[2].email) == made[2]
        assert await customers.find(tx, workspace.id) is None
        assert await customers.find(tx, workspace.id, id=new_id()) is None


async def test_a_shared_email_or_mobile_finds_who_was_there_first(
    db: Database, workspace: tenancy.Workspace, clock: HandClock
) -> None:
    for name in ("customer-1", "customer-2"):
        await ensured(db, workspace, clock, NewCustomer(name, email="us@example.com", mobile="919800", country="ind"))
        clock.advance(seconds=1)
    async with db.reading() as tx:
        for found in (
            await customers.find(tx, workspace.id, email="US@example.com"),
            await customers.find(tx, workspace.id, mobile="919800"),
        ):
            assert found is not None
            assert found.customer_id == "customer-1"
