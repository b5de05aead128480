"""The shop's calendar and clock: what begins by it, for those whose day it is or who are in a segment then; and when
somebody's wait is over."""

from collections import Counter
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from regulars import limits, schedule
from regulars.conditions import AllOf, AnyOf, Condition, Property
from regulars.customers import Customer
from regulars.engagement import segments
from regulars.engagement.automations import model
from regulars.engagement.automations.model import DateProperty, Flow, OnDate, OnSchedule, Wait
from regulars.engagement.automations.store import BEGIN, Key, count, flows, look_again, sql
from regulars.kit import Tx, months_later
from regulars.schedule import Due
from regulars.tenancy import Workspace

_ASKED = {
    "birthday": "customer_dob",
    "anniversary": "customer_since",
    "joined": "customer_since",
    "last_order": "customer_last_order",
}


def first_start(workspace: Workspace, id: UUID, flow: Flow, now: datetime) -> Due | None:
    """A day whose time is past begins no more today."""
    trigger = flow.trigger
    if isinstance(trigger, OnSchedule):
        return Due(BEGIN, str(id), next_start(trigger, now, workspace.zone), {})
    if not isinstance(trigger, OnDate):
        return None
    today = now.astimezone(workspace.zone).date()
    day = today if at_on(today, trigger.at, workspace.zone) > now else today + timedelta(days=1)
    return Due(BEGIN, str(id), at_on(day, trigger.at, workspace.zone), {"day": day.isoformat()})


async def begin(tx: Tx, workspace: Workspace, dues: Sequence[Due], now: datetime) -> None:
    """A handler of the schedule. Days that nobody went through are made up for, up to limits.CALENDAR_DAYS_MAX of them;
    of starts on a schedule that were missed the latest is kept. Everybody who begins is written down by one statement,
    and goes on from there some at a time."""
    await tx.fetch(sql.take_turn, workspace.id)
    launched = await tx.fetch(sql.running, workspace.id, [UUID(due.key) for due in dues])
    of = await flows(tx, workspace.id, [(row["id"], row["launched"]) for row in launched])
    due_of = {due.key: due for due in dues}
    following = []
    for key, flow in of.items():
        due, zone, trigger = due_of[str(key[0])], workspace.zone, flow.trigger
        today = now.astimezone(zone).date()
        if isinstance(trigger, OnSchedule):
            await _enter_all(tx, workspace, key, flow, today, now)
            following.append(Due(BEGIN, due.key, next_start(trigger, now, zone), {}))
        elif isinstance(trigger, OnDate):
            day = max(date.fromisoformat(due.payload["day"]), today - timedelta(days=limits.CALENDAR_DAYS_MAX))
            await _enter_all(tx, workspace, key, flow, day, now)
            day += timedelta(days=1)
            at = max(now, at_on(day, trigger.at, zone))
            following.append(Due(BEGIN, due.key, at, {"day": day.isoformat()}))
    await look_again(tx, workspace.id, now)
    await schedule.put(tx, workspace.id, following)


def whose(flow: Flow, day: date) -> Condition:
    """Of whom it is the day, or who is in the segment; and of whom the filter holds."""
    trigger, asked = flow.trigger, list[Condition]()
    if isinstance(trigger, OnDate):
        name, then = _ASKED[trigger.property], day - timedelta(days=trigger.offset_days)
        if trigger.property in ("birthday", "anniversary"):
            kept = [f"{then:%m-%d}"] + (["02-29"] if f"{then:%m-%d}" == "02-28" and not _leap(then.year) else [])
            asked.append(AnyOf(tuple(Property(name, "date", "day_of_year", one) for one in kept)))
            if trigger.property == "anniversary":
                asked.append(Property(name, "date", "before", then.isoformat()))
        else:
            asked.append(Property(name, "date", "on", then.isoformat()))
    elif isinstance(trigger, OnSchedule | model.OnSegment):
        asked.append(Property("segments", "list", "any_of", (str(trigger.segment_id),)))
    return AllOf(tuple(asked + ([flow.filter] if flow.filter else [])))


def _leap(year: int) -> bool:
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)


def since(flow: Flow, now: datetime) -> datetime:
    """Whoever entered after that does not enter again."""
    days = {"never": 365_000, "after": flow.again_days, "always": -1}[flow.again]
    return now - timedelta(days=days)


async def _enter_all(tx: Tx, workspace: Workspace, of: tuple[UUID, int], flow: Flow, day: date, now: datetime) -> None:
    asked = await segments.searched(tx, workspace, whose(flow, day), now)
    n = len(asked.arguments)
    # Ids that are made here hold the time, too, as all others do.
    drawn = "substr(replace(gen_random_uuid()::text, '-', ''), 14)"
    id = f"(lpad(to_hex((${n + 4})::bigint), 12, '0') || '7' || {drawn})::uuid"
    people = await tx.count(
        f"""INSERT INTO automations_run (
    workspace_id, id, automation_id, version, customer_id, at_step, arrived_at, state, entered_at, wakes_at)
SELECT $1, {id}, ${n + 1}, ${n + 2}, m.id, ${n + 3}, ${n + 5}, 'active', ${n + 5}, ${n + 5}
  FROM ({asked.statement}) AS m
 WHERE NOT EXISTS (SELECT FROM automations_run AS r
                    WHERE r.workspace_id = $1 AND r.customer_id = m.id AND r.automation_id = ${n + 1}
                      AND (r.state IN ('active', 'waiting') OR r.entered_at > ${n + 6}))
RETURNING id""",
        *(*asked.arguments, *of, flow.first, int(now.timestamp() * 1_000), now, since(flow, now)),
    )
    counts = Counter[Key]({(*of, step_id, "entered", ""): people for step_id in ("", flow.first)})
    count(tx, workspace.id, counts)


def at_on(day: date, at: str, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time.fromisoformat(at), zone)


def wait_until(step: Wait, came: datetime, customer: Customer | None, zone: ZoneInfo) -> datetime:
    """When the wait is over of somebody who came to it then; at once where the day is past, or nobody knows it."""
    if step.for_s:
        return came + timedelta(seconds=step.for_s)
    here = came.astimezone(zone)
    if step.until:
        days = (here.date() + timedelta(days=n) for n in range(9))
        times = [at_on(day, step.until, zone) for day in days if day.isoweekday() in (step.weekdays or range(1, 8))]
        return next((at for at in times if at > here), came)
    assert step.until_property is not None
    day = day_of(step.until_property, customer, here.date(), step.offset_days, zone)
    return came if day is None else max(came, at_on(day, step.at, zone))


def day_of(
    property: DateProperty, customer: Customer | None, today: date, offset_days: int, zone: ZoneInfo
) -> date | None:
    """So many days after the customer's day; of what comes round every year, the next one from today on."""
    day: date | None = None
    if customer is not None and property == "birthday":
        day = customer.dob
    elif customer is not None and property == "last_order":
        day = customer.last_order_at and customer.last_order_at.astimezone(zone).date()
    elif customer is not None:
        day = customer.created_at.astimezone(zone).date()
    shift = timedelta(days=offset_days)
    if day is None or property in ("joined", "last_order"):
        return day and day + shift
    first = (today - shift).year - 1  # of the day itself, however far from it the wait's end is
    years = (months_later(day, 12 * (first + n - day.year)) + shift for n in range(4))
    return next(one for one in years if one >= today)


def next_start(of: OnSchedule, after: datetime, zone: ZoneInfo) -> datetime:
    """The first one after that moment."""
    here = after.astimezone(zone)
    days = (here.date() + timedelta(days=n) for n in range(33))
    wanted = {"week": of.weekday, "month": of.day}.get(of.every)
    for day in days:
        fits = {"week": day.isoweekday(), "month": day.day}.get(of.every) == wanted
        if fits and (at := at_on(day, of.at, zone)) > here:
            return at
    raise AssertionError("each has one within a month")
