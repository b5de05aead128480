"""Days and times by the shop's clock: when somebody's wait is over, and when an automation begins again."""

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from regulars.customers import Customer
from regulars.engagement.automations.model import DateProperty, OnSchedule, Wait
from regulars.kit import months_later


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
    years = (months_later(day, 12 * (today.year + n - day.year)) + shift for n in range(-2, 4))
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
