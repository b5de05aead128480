"""One tree, three readings: naively over what somebody is and has done, over what measures came to by SQL, and by SQL
over all. Held against each other over a real database, with texts that versions of a database fold differently."""

import asyncio
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, date, datetime, timedelta, tzinfo
from fractions import Fraction
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from regulars import conditions, customers, tenancy
from regulars.conditions import Condition, Field, Measure, Measured, compiled, operators_for
from regulars.conditions.parsing import DONE_OPERATORS
from regulars.conditions.reading import read_number
from regulars.conditions.sql import measured, measures, members, shifted
from regulars.customers import Customer, store
from regulars.engagement.segments.language import LANGUAGE, measures_of, payload, people
from regulars.events import NewEvent, append
from regulars.kit.db import Database
from tests import make
from tests.rooms.conditions.trees import DAYS_OF_YEAR, TEXTS

NOW = datetime(2026, 3, 14, 9, 26, 53, tzinfo=UTC)
EXAMPLES = int(os.environ.get("EXAMPLES", "30"))
WORDS = ["a", "A", " ab ", "b a", "ß", "SS", "é", "e\u0301", "עדי", "İ", "ǅ", "ΑΣ", "ας", "Ⅷ", "Ꭰ", "\u00a0", "", "2",
         "true", "\u00a07\u00a0", "\x1fx"]  # fmt: skip
ODD = [None, "", " ", 0, 1, 2, 2.0, 0.1, 0.2, 2.5, -3, 1e-7, 849.54, 10**15, 1e16, True, False, "200.00", "1e2", "+.5",
       "5.", "1e999", "1,000", "nan", [], ["A", "é", 2, None], {"a": 1}, "yes", "NO"]  # fmt: skip
OWN: dict[str, list[Any]] = {
    "words": ["a", " É ", "e\u0301", "SS", "2", "26-05", "2026-03-14", "yes", "1e2", "İ"],
    "number": [0, 2, 2.5, -3, "0.1", 10**15, "200.00"],
    "yes": [True, "no", "1"],
    "day": ["2026-03-14", "26-05-2026", "2026-03-12", "2000-02-29"],
}
TYPES = {"words": "text", "number": "number", "yes": "yes_no", "day": "date"}
TOPICS = ["order_create", "lead_update", "review_create"]


class Happened(msgspec.Struct, frozen=True):
    """Something that somebody has done."""

    topic: str
    at: datetime
    body: Mapping[str, object]


def measure(of: Measure, history: Iterable[Happened], *, now: datetime, zone: tzinfo) -> Measured:
    """What it comes to over all that somebody has done."""
    where = None if of.where is None else compiled(of.where, zone)
    today, inside = now.astimezone(zone).date(), []
    for one in history:
        day = one.at.astimezone(zone).date()
        late = of.last_days and day < shifted(today, -of.last_days)
        outside = of.first and not of.first <= day.isoformat() <= of.last
        if one.topic == of.topic and not late and not outside and (where is None or where(one.body, now)):
            inside.append(one)
    oldest = min((one.at.timestamp() for one in inside), default=None) if of.last_days else None
    if not of.of:
        return Measured(len(inside), oldest=oldest)
    raw = [one.body.get(of.of) for one in inside]
    numbers = [Fraction(n.strip() if isinstance(n, str) else repr(n)) for n in raw if read_number(n) is not None]
    return Measured(len(numbers), sum(numbers, Fraction(0)), oldest)


class Shop:
    """A population, and who of it is found."""

    def __init__(self, db: Database, workspace: tenancy.Workspace, zone: ZoneInfo) -> None:
        self.db, self.workspace, self.zone = db, workspace, zone
        self.people: dict[Any, Customer] = {}
        self.history: dict[Any, list[Happened]] = {}
        self.coins: dict[Any, int] = {}

    async def settle(self) -> None:
        random = Random(20)
        emails = ["a@b.co", "Éa@b.co", "e\u0301a@B.co", "ßS@x.co", "İ@x.co", ""]
        for n in range(40):
            async with self.db.transaction() as tx:
                one = await customers.create(
                    tx, self.workspace, customers.NewCustomer(f"shopify-{n}", email=random.choice(emails)), NOW
                )
                kept = {name: random.choice(OWN[name]) for name in OWN if random.random() < 0.8}
                tags = random.sample(["a", "A b", "É", "ß", "ΑΣ", "2"], random.randrange(4))
                own = customers.settled(self.workspace, one, {"tags": tags, "properties": kept})
                await store.update(tx, self.workspace.id, [msgspec.structs.replace(one, **own)])
                dob = random.choice([None, date(1990, 3, 14), date(2000, 2, 29), date(2026, 3, 14), date(1980, 3, 15)])
                last = random.choice([None, NOW - timedelta(days=random.randrange(5), minutes=n), NOW + timedelta(1)])
                await tx.execute(
                    "UPDATE customers_customer SET country = $3, tier = $4, dob = $5, last_order_at = $6,"
                    " orders_count = $7, spent = $8, accept_email = $9, created_at = $10, referred_by_code = $11"
                    " WHERE workspace_id = $1 AND id = $2",
                    *(
                        self.workspace.id,
                        one.id,
                        random.choice(["", "ind", "deu"]),
                        random.choice(["", "gold"]),
                        dob,
                        last,
                    ),
                    *(n % 4, {"inr": n * 10_001} if n % 3 else {}, bool(n % 2), NOW - timedelta(hours=7 * n)),
                    random.choice(["", "AbC"]),
                )
                self.history[one.id] = [self._deed(random) for _ in range(random.randrange(6))]
                told = [
                    NewEvent(did.topic, one.id, json.dumps(did.body, ensure_ascii=False), did.at)
                    for did in self.history[one.id]
                ]
                await append(tx, self.workspace.id, told, NOW)
                if n % 2:
                    await tx.execute(
                        "INSERT INTO ledger_wallet (workspace_id, customer_id, kind, available)"
                        " VALUES ($1, $2, 'coins', $3)",
                        *(self.workspace.id, one.id, n),
                    )
                    self.coins[one.id] = n
            async with self.db.reading() as tx:
                self.people[one.id] = await customers.get(tx, self.workspace.id, id=one.id)

    def _deed(self, random: Random) -> Happened:
        topic = random.choice(TOPICS)
        body = {name: random.choice([*ODD, *WORDS]) for name in LANGUAGE.deeds[topic].schema if random.random() < 0.9}
        return Happened(topic, NOW - timedelta(hours=random.randrange(-2, 100), minutes=random.randrange(60)), body)

    async def check(self, tree: Condition) -> None:
        asked = people(self.workspace)
        statement = members(tree, asked, self.workspace.id, now=NOW, zone=self.zone)
        async with self.db.snapshot() as tx:
            by_sql = {row["id"] for row in await tx.fetch(statement.statement, *statement.arguments)}
            none = dict.fromkeys(measures_of([tree]), Measured())
            came_to: dict[Any, dict[Any, Any]] = {id: dict(none) for id in self.people}
            for wanted, one in measures(
                measures_of([tree]), asked, self.workspace.id, list(self.people), now=NOW, zone=self.zone
            ):
                for row in await tx.fetch(one.statement, *one.arguments):
                    came_to[row["id"]] |= measured(wanted, row)
        for id, customer in self.people.items():
            naive = {one: measure(one, self.history[id], now=NOW, zone=self.zone) for one in measures_of([tree])}
            assert came_to[id] == naive, conditions.dump(tree)
            seen = payload(customer, self.workspace, self.coins.get(id, 0), [], naive)
            holds = conditions.matches(tree, seen, now=NOW, time_zone=self.zone)
            assert (id in by_sql) is holds, (conditions.dump(tree), seen)
            why = conditions.explain(tree, seen, LANGUAGE, now=NOW, time_zone=self.zone)
            assert why.holds is holds


@pytest.fixture(scope="module")
def runner() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as runner:
        yield runner


@pytest.fixture(scope="module", params=["Asia/Kolkata", "America/Havana"])
def shop(request: pytest.FixtureRequest, server_url: str, runner: asyncio.Runner) -> Iterator[Shop]:
    async def opened() -> Shop:
        from tests.conftest import fresh_database

        db = await Database.connect(await fresh_database(server_url))
        workspace = await make.a_workspace(db, NOW, time_zone=request.param, currency_code="inr")
        workspace = msgspec.structs.replace(workspace, settings={"customer_properties": TYPES})
        shop = Shop(db, workspace, workspace.zone)
        await shop.settle()
        return shop

    shop = runner.run(opened())
    yield shop
    runner.run(shop.db.close())


NUMBERS = st.integers(-3, 3) | st.sampled_from([0.1, 0.3, 2.5, 849.54, 10**15, 200])
DAYS = st.dates(date(2026, 3, 10), date(2026, 3, 18)).map(date.isoformat) | st.sampled_from(
    ["0001-01-01", "9999-12-31"]
)
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "text": TEXTS | st.sampled_from(["a@b.co", "éa@b.co", "ΑΣ", "ǆ", "Ⅷ", "ꭰ"]),
    "texts": st.lists(TEXTS, min_size=1, max_size=4),
    "number": NUMBERS,
    "two_numbers": st.tuples(NUMBERS, NUMBERS).map(sorted),
    "yes_no": st.booleans(),
    "date": DAYS,
    "two_dates": st.tuples(DAYS, DAYS).map(sorted),
    "days": st.integers(1, 4) | st.just(36_500),
    "day_of_year": DAYS_OF_YEAR,
}


@st.composite
def properties(draw: st.DrawFn, fields: Any) -> dict[str, object]:
    field = draw(st.sampled_from([one for one in fields.values() if one.name != "segments"]))
    operator = draw(st.sampled_from(operators_for(field)))
    leaf: dict[str, object] = {"property": field.name, "operator": operator.name}
    if operator.value != "nothing":
        values = VALUES[operator.value]
        if field.choices is not None:
            one = st.sampled_from([choice.value for choice in field.choices[:3]] + [field.choices[-1].value])
            values = one if operator.value == "text" else st.lists(one, min_size=1, max_size=3)
        leaf["value"] = draw(values)
    return leaf


@st.composite
def done(draw: st.DrawFn) -> dict[str, object]:
    topic = draw(st.sampled_from(TOPICS))
    fields = LANGUAGE.deeds[topic].schema
    word = draw(st.sampled_from(["count", "sum", "average"]))
    operator = draw(st.sampled_from(DONE_OPERATORS))
    numbers = st.integers(0, 3) if word == "count" else NUMBERS
    value = draw(numbers if operator.value == "number" else st.tuples(numbers, numbers).map(sorted))
    asked: dict[str, object] = {"operator": operator.name, "value": value}
    if word != "count":
        asked["property"] = draw(st.sampled_from([one.name for one in fields.values() if one.type == "number"]))
    when = st.none() | st.builds(lambda n: {"last_days": n}, st.integers(1, 3))
    when |= st.builds(lambda two: {"between": sorted(two)}, st.tuples(DAYS, DAYS))
    where = st.none() | st.recursive(properties(fields), groups, max_leaves=4)
    return {"done": topic, word: asked, "when": draw(when), "where": draw(where)}


def groups(items: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, object]]:
    words = st.sampled_from(["all", "any", "none"])
    return st.builds(lambda word, inside: {word: inside}, words, st.lists(items, min_size=1, max_size=3))


ASKED = [one for one in LANGUAGE.values() if not one.each] + [
    Field(f"customer_properties.{name}", name, type_)
    for name, type_ in TYPES.items()  # type: ignore[arg-type]
]
TREES = st.recursive(properties(conditions.schema(ASKED)) | done() | done(), groups, max_leaves=6)


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.generate],
)
@given(tree=TREES)
def test_all_readings_of_a_tree_find_the_same(shop: Shop, runner: asyncio.Runner, tree: dict[str, object]) -> None:
    parsed = conditions.parse(tree, LANGUAGE)
    assert conditions.parse(conditions.dump(parsed), LANGUAGE) == parsed
    assert conditions.sentence(parsed, LANGUAGE)
    runner.run(shop.check(parsed))
