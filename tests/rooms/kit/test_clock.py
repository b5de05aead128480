from datetime import UTC, datetime, timedelta, timezone

import pytest

from regulars.kit.clock import HandClock, SystemClock, wire_time


@pytest.mark.parametrize(
    ("at", "written"),
    [
        (datetime(2023, 5, 26, 7, 44, 3, 862_000, UTC), "2023-05-26T07:44:03.862Z"),
        (datetime(2023, 5, 26, 7, 44, 3, 862_999, UTC), "2023-05-26T07:44:03.862Z"),
        (datetime(2023, 5, 26, 7, 44, 3, 999, UTC), "2023-05-26T07:44:03.000Z"),
        (datetime(2023, 12, 31, 23, 59, 59, 999_999, UTC), "2023-12-31T23:59:59.999Z"),
        (datetime(2023, 5, 26, 7, 4, 3, 7_000, UTC), "2023-05-26T07:04:03.007Z"),
        (datetime(2023, 1, 1, 2, 0, tzinfo=timezone(timedelta(hours=5, minutes=30))), "2022-12-31T20:30:00.000Z"),
    ],
)
def test_wire_time(at: datetime, written: str) -> None:
    assert wire_time(at) == written


def test_a_hand_clock_stands_still_until_it_is_moved() -> None:
    clock = HandClock(datetime(2026, 3, 14, tzinfo=UTC))
    assert clock.now() == clock.now()
    assert clock.advance(days=1, seconds=2) == clock.now() == datetime(2026, 3, 15, 0, 0, 2, tzinfo=UTC)


def test_the_systems_clock_is_in_utc() -> None:
    assert SystemClock().now().tzinfo is UTC
