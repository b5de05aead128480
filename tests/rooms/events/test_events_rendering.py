"""How times, amounts and fingerprints are written, and that a body is always one that PostgreSQL and JSON can hold."""

import json
from datetime import UTC, date, datetime
from hashlib import sha256
from zoneinfo import ZoneInfo

import pytest

from regulars import events
from regulars.events import schemas
from regulars.kit.db import Database


@pytest.mark.parametrize(
    ("at", "zone", "text"),
    [
        ("2023-06-02T06:40:33.470+00:00", "UTC", "June 2nd 2023, 6:40:33 am"),
        ("2023-06-02T06:40:33.470+00:00", "Asia/Kolkata", "June 2nd 2023, 12:10:33 pm"),
        ("2024-01-24T13:27:50.397+00:00", "UTC", "January 24th 2024, 1:27:50 pm"),
        ("2023-06-01T00:00:00+00:00", "UTC", "June 1st 2023, 12:00:00 am"),
        ("2023-06-01T00:00:00+00:00", "America/New_York", "May 31st 2023, 8:00:00 pm"),
        ("2023-06-03T12:05:09+00:00", "UTC", "June 3rd 2023, 12:05:09 pm"),
        # The clocks of Berlin went from 2 to 3 in this night, and in the other from 3 back to 2.
        ("2023-03-26T00:59:59+00:00", "Europe/Berlin", "March 26th 2023, 1:59:59 am"),
        ("2023-03-26T01:00:00+00:00", "Europe/Berlin", "March 26th 2023, 3:00:00 am"),
        ("2023-10-29T00:30:00+00:00", "Europe/Berlin", "October 29th 2023, 2:30:00 am"),
        ("2023-10-29T01:30:00+00:00", "Europe/Berlin", "October 29th 2023, 2:30:00 am"),
    ],
)
def test_times_for_people(at: str, zone: str, text: str) -> None:
    assert events.formatted(datetime.fromisoformat(at), ZoneInfo(zone)) == text


def test_ordinals_of_a_month() -> None:
    days = [events.formatted(datetime(2023, 7, day, tzinfo=UTC), ZoneInfo("UTC")).split()[1] for day in range(1, 32)]
    assert " ".join(days) == (
        "1st 2nd 3rd 4th 5th 6th 7th 8th 9th 10th 11th 12th 13th 14th 15th 16th 17th 18th 19th 20th "
        "21st 22nd 23rd 24th 25th 26th 27th 28th 29th 30th 31st"
    )


def test_dates_of_birth() -> None:
    assert events.formatted_date(date(1990, 6, 2)) == "02-06-1990"
    assert events.formatted_date(date(812, 12, 31)) == "31-12-0812"
    assert events.formatted_date(None) == ""


@pytest.mark.parametrize(
    ("minor", "currency", "written"),
    [
        (84954, "inr", "849.54"),
        (1000, "usd", "10"),
        (0, "usd", "0"),
        (5, "eur", "0.05"),
        (1000, "jpy", "1000"),
        (1234, "kwd", "1.234"),
        (10**15 - 1, "usd", "9999999999999.99"),
    ],
)
def test_amounts_in_units_of_the_currency(minor: int, currency: str, written: str) -> None:
    assert json.dumps(events.major_units(minor, currency)) == written


def test_fingerprints_of_normalised_addresses_and_numbers() -> None:
    assert events.eid("asha@example.com") == "ea4e36a829983d27e865b649cd10fcb61f2f1bcd857b47ab709e7adbe941ab68"
    assert events.eid(" Asha@Example.COM\n") == events.eid("asha@example.com")
    assert events.mid("+91 98000-00000") == sha256(b"919800000000").hexdigest()
    assert events.eid("") == events.eid("  ") == events.mid("") == events.mid("-") == ""


async def test_nul_never_reaches_a_body(db: Database) -> None:
    [example] = schemas.examples(events.TOPICS["lead_update"].type)
    odd = {**example, "user_name": "A\0b", "name": "\\u0000 is no NUL", "changed_properties": ["x\0"]}
    body = events.body("lead_update", odd)
    assert json.loads(body) == {**odd, "user_name": "A\ufffdb", "changed_properties": ["x\ufffd"]}
    async with db.reading() as connection:
        assert await connection.fetchval("SELECT $1::text::jsonb ->> 'name'", body) == odd["name"]


def test_a_body_that_was_begun_is_the_same_as_one_in_a_piece() -> None:
    topic = "walletreward_create"
    [example] = schemas.examples(events.TOPICS[topic].type)
    fields = events.TOPICS[topic].type.__struct_fields__
    whole = {name: example[name] for name in fields}
    odd = whole | {"user_name": 'A "b" \\u0000 \u00e9', "title": "x\0"}
    for said in (whole, odd, dict(reversed(whole.items()))):
        for first in (5, 23):
            names = list(said)
            begun, rest = events.begun({n: said[n] for n in names[:first]}), {n: said[n] for n in names[first:]}
            assert events.finished(topic, begun, rest) == events.body(topic, said)
    with pytest.raises(TypeError):
        events.finished(topic, events.begun(whole), {"of_nobody": 1})
