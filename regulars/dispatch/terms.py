"""Which events a rule sends, and how: the guards that each event is held against, in their order, and the mapping."""

from calendar import day_name
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from hashlib import blake2b
from typing import Annotated, Any, TypeVar
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Meta

from regulars import conditions
from regulars.conditions import Condition, Test
from regulars.dispatch.mapping import PropertyMapping
from regulars.events import TOPICS
from regulars.kit import Faults, Invalid, instant
from regulars.kit.fitting import checked_times

T = TypeVar("T")
WEEKDAYS = tuple((str(n), name) for n, name in enumerate(day_name, start=1))


class Schedule(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """By the shop's clock, when the event was logged: from `starts_at` on and before `ends_at`; on these days of the
    week, 1 is Monday, none of them for all; from one hour on and before the other, which may be over midnight."""

    starts_at: Annotated[str, Meta(max_length=32, examples=["2026-11-27T09:00"])] = ""
    ends_at: Annotated[str, Meta(max_length=32, examples=["2026-12-01"])] = ""
    weekdays: Annotated[list[Annotated[int, Meta(ge=1, le=7)]], Meta(max_length=7, examples=[[1, 2, 3]])] = []
    from_hour: Annotated[int, Meta(ge=0, le=23)] = 0
    until_hour: Annotated[int, Meta(ge=1, le=24)] = 24

    def open(self, zone: ZoneInfo) -> Callable[[datetime], bool]:
        starts, ends = instant(self.starts_at, zone), instant(self.ends_at, zone)
        days, first, last = frozenset(self.weekdays or range(1, 8)), self.from_hour, self.until_hour

        def test(at: datetime) -> bool:
            if (starts and at < starts) or (ends and at >= ends):
                return False
            local = at.astimezone(zone)
            within = first <= local.hour < last if first < last else local.hour >= first or local.hour < last
            return within and local.isoweekday() in days

        return test

    def in_words(self) -> str:
        """`on Monday, Friday, from 9:00 to 18:00, from 2026-11-27 09:00`."""
        said = [f"on {', '.join(day_name[day - 1] for day in self.weekdays)}"] if self.weekdays else []
        if (self.from_hour, self.until_hour) != (0, 24):
            said.append(f"from {self.from_hour}:00 to {self.until_hour}:00")
        for word, at in (("from", self.starts_at), ("until", self.ends_at)):
            said += [f"{word} {at.replace('T', ' ')}"] if at else []
        return ", ".join(said)


def checked_schedule(given: object) -> dict[str, Any] | None:
    """As it is kept: None for always. Raises Invalid naming each field."""
    schedule, faults = msgspec.convert(msgspec.to_builtins(given or {}), Schedule), Faults()
    if schedule.from_hour == schedule.until_hour:
        faults.add("schedule.until_hour", "another hour than from_hour")
    schedule = checked_times(schedule, faults, "schedule.")
    faults.check()
    days = sorted(set(schedule.weekdays))
    return msgspec.to_builtins(msgspec.structs.replace(schedule, weekdays=days if len(days) < 7 else [])) or None


def sampled(customer_id: object, percent: int) -> bool:
    """Of a customer always the same, and by every rule: who is among 10% is among 20%, too."""
    return int.from_bytes(blake2b(str(customer_id).encode(), digest_size=4).digest()) % 10_000 < percent * 100


class Terms(msgspec.Struct, frozen=True):
    """What a rule asks and does, as this program reads it."""

    condition: Condition | None = None
    mapping: tuple[PropertyMapping, ...] = ()
    sample_percent: int = 100
    schedule: Schedule | None = None

    def test(self, zone: ZoneInfo) -> Test | None:
        """Asked of a payload and when the event was logged. None lets every event through."""
        tests: list[Test] = []
        if self.schedule is not None:
            within = self.schedule.open(zone)
            tests.append(lambda payload, at: within(at))
        if self.sample_percent < 100:
            tests.append(lambda payload, at: sampled(payload.get("lead_id"), self.sample_percent))
        if self.condition is not None:
            tests.append(conditions.compiled(self.condition, zone))
        if len(tests) < 2:
            return tests[0] if tests else None
        return lambda payload, at: all(test(payload, at) for test in tests)


def read_terms(topic: str, stored: Mapping[str, Any]) -> Terms:
    """Of a rule's row. Raises Invalid when this program does not know the topic, or not what is asked: a newer one may
    have stored the rule, or an older one with another catalogue."""
    if topic not in TOPICS:
        raise Invalid(f"This version of Regulars does not know the event {topic}.")
    condition, schedule = stored["condition"], stored["schedule"]
    asked = None if condition is None else conditions.parse(condition, TOPICS[topic].restrictions)
    within = _read(schedule, Schedule) if schedule else None
    return Terms(asked, read_mapping(stored["mapping"]), stored["sample_percent"], within)


def read_mapping(stored: Sequence[Mapping[str, Any]] | None) -> tuple[PropertyMapping, ...]:
    """Raises Invalid."""
    return _read(stored or (), tuple[PropertyMapping, ...])


def _read(stored: object, type: type[T]) -> T:
    try:
        return msgspec.convert(stored, type)
    except msgspec.ValidationError:
        raise Invalid("This version of Regulars does not know all that the rule does.") from None
