"""What comes round every year: birthdays, and the days on which customers were created. Each day of the shop is gone
through when it has begun, by a row of the schedule that puts the next one itself."""

from calendar import isleap
from collections.abc import Iterator, Sequence
from datetime import date, datetime, time, timedelta

from regulars import customers, limits, schedule
from regulars.customers import Customer
from regulars.kit import BEFORE_ALL_IDS, Tx
from regulars.schedule import Due
from regulars.tenancy import Workspace
from regulars.triggers import store
from regulars.triggers.facts import Anniversary, AnyFact, Birthday
from regulars.triggers.model import Source
from regulars.triggers.pipeline import RANDOM, Decision, Pipeline

GO_THROUGH = "triggers.go_through_day"
YEARLY: tuple[Source, ...] = ("birthday", "anniversary")


async def begin(tx: Tx, workspace: Workspace, now: datetime) -> None:
    """Have today gone through, and each day after it, for as long as an active trigger asks for that."""
    await schedule.put(tx, workspace.id, [Due(GO_THROUGH, "", now)])


async def go_through(tx: Tx, workspace: Workspace, dues: Sequence[Due], now: datetime) -> None:
    """Ask the triggers about everybody whose day it is, limits.CALENDAR_CUSTOMERS_MAX at a time. Days that nobody went
    through are made up for, up to limits.CALENDAR_DAYS_MAX of them; whoever was asked about before is not asked again.

    Lock order: wallets, counters of budgets.
    """
    reacting = [one for one in await store.reacting(tx, workspace.id) if one.source in YEARLY]
    if not reacting:
        return
    today = now.astimezone(workspace.zone).date()
    payload = dues[-1].payload
    day = date.fromisoformat(payload["day"]) if "day" in payload else today
    day = min(today, max(day, today - timedelta(days=limits.CALENDAR_DAYS_MAX)))
    sources = [one for one in YEARLY if any(trigger.source == one for trigger in reacting)]
    source: Source = payload.get("source", sources[0])
    after = payload.get("after", str(BEFORE_ALL_IDS))
    people = await _whose(tx, workspace, source, day, after)
    pipeline = Pipeline(workspace, now, RANDOM)
    asked = [
        Decision(pipeline.guarded(trigger), yearly_fact(source, customer, day, workspace))
        for customer in people
        for trigger in reacting
        if trigger.source == source
    ]
    about = [(d.fact.customer_id, d.trigger.id, d.fact.reference) for d in asked]
    known = await store.last_about(tx, workspace.id, about)
    decisions = [d for d in asked if (d.trigger.id, d.fact.reference) not in known]
    await pipeline.decide(tx, decisions)
    await pipeline.carry_out(tx, decisions, known={customer.id: customer for customer in people})
    last = people[-1] if len(people) == limits.CALENDAR_CUSTOMERS_MAX else None
    await schedule.put(tx, workspace.id, [_next(workspace, source, day, last, sources[-1], now)])


def _next(
    workspace: Workspace, source: Source, day: date, last: Customer | None, last_source: Source, now: datetime
) -> Due:
    if last is not None:
        return Due(GO_THROUGH, "", now, {"day": day.isoformat(), "source": source, "after": str(last.id)})
    if source == YEARLY[0] != last_source:
        return Due(GO_THROUGH, "", now, {"day": day.isoformat(), "source": last_source})
    day += timedelta(days=1)
    return Due(GO_THROUGH, "", max(now, _begins(day, workspace)), {"day": day.isoformat()})


async def _whose(tx: Tx, workspace: Workspace, source: Source, day: date, after: str) -> list[Customer]:
    if source == "birthday":
        return await customers.born_on(tx, workspace.id, _kept_on(day), day, after, limits.CALENDAR_CUSTOMERS_MAX)
    days = list(_earlier(day))
    bounds = [(_begins(one, workspace), _begins(one + timedelta(days=1), workspace)) for one in days]
    return await customers.created_within(tx, workspace.id, bounds, after, limits.CALENDAR_CUSTOMERS_MAX)


def _kept_on(day: date) -> list[tuple[int, int]]:
    """Month and day of what is kept on it: of what was on 29 February, on the 28th of years without one."""
    kept = [(day.month, day.day)]
    return [*kept, (2, 29)] if kept == [(2, 28)] and not isleap(day.year) else kept


def _earlier(day: date) -> Iterator[date]:
    """The same day of earlier years."""
    for year in range(day.year - limits.CALENDAR_YEARS_MAX, day.year):
        for month, number in _kept_on(day):
            if (month, number) != (2, 29) or isleap(year):
                yield date(year, month, number)


def _begins(day: date, workspace: Workspace) -> datetime:
    return datetime.combine(day, time(), workspace.zone)


def yearly_fact(source: Source, customer: Customer, day: date, workspace: Workspace) -> AnyFact:
    about, at = f"{source}:{customer.id}:{day.year}", _begins(day, workspace)
    if source == "birthday" and customer.dob is not None:
        age = day.year - customer.dob.year
        return Birthday(customer_id=customer.id, customer=customer, occurred_at=at, reference=about, age=age)
    years = day.year - customer.created_at.astimezone(workspace.zone).year
    return Anniversary(customer_id=customer.id, customer=customer, occurred_at=at, reference=about, years=years)
