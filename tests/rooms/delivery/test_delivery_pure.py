"""What needs no database: waits, rates, ids, verdicts."""

from datetime import UTC, datetime, timedelta
from random import Random
from uuid import UUID

import pytest

from regulars import limits
from regulars.delivery import Delivered, GaveUp, Outcome, Parcel, Paused, RetryAfter, delivery_ids
from regulars.delivery.attempts import Attempt, backoff_s, judge, silence_until
from regulars.delivery.carrier import asked_wait_s
from regulars.delivery.lineup import Lineup
from regulars.delivery.model import ids_of_event
from regulars.delivery.rate import Bucket, Window
from regulars.kit.ids import new_id
from tests.rooms.delivery.street import answer

NOW = datetime(2026, 3, 14, 9, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("tries", "asked_s", "random", "expected_s"),
    [
        (1, None, 0.0, 5.0),
        (2, None, 0.0, 20.0),
        (3, None, 0.0, 80.0),
        (4, None, 0.0, 320.0),
        (5, None, 0.0, 1280.0),
        (6, None, 0.0, 3600.0),
        (60, None, 0.0, 3600.0),
        (1, None, 0.5, 6.5),
        (1, 2.0, 0.0, 5.0),
        (1, 30.0, 0.0, 30.0),
        (1, 30.0, 0.5, 31.5),
        (1, 10**9, 0.0, 86_400.0),
        (1, 0.0, 0.0, 5.0),
    ],
)
def test_the_wait_is_the_longest_of_back_off_and_what_was_asked(
    tries: int, asked_s: float | None, random: float, expected_s: float
) -> None:
    assert backoff_s(tries, asked_s, random) == pytest.approx(expected_s)


def test_all_retries_together_take_about_half_an_hour() -> None:
    total_s = sum(backoff_s(tries, None, 0.0) for tries in range(1, limits.RETRIES_MAX + 1))
    assert 25 * 60 < total_s < 60 * 60


def test_a_bucket_refills_evenly_and_holds_a_second() -> None:
    bucket = Bucket(610, [0.0], NOW)
    assert bucket.ready(NOW) == 0
    assert bucket.ready(NOW + timedelta(seconds=0.5)) == 5
    assert bucket.ready(NOW + timedelta(seconds=100)) == 10
    bucket.take(10)
    assert bucket.ready(NOW + timedelta(seconds=100)) == 0
    assert bucket.next_at() == pytest.approx(NOW + timedelta(seconds=100.1), abs=timedelta(milliseconds=1))


def test_a_slow_bucket_still_lets_one_through() -> None:
    bucket = Bucket(1, [0.0], NOW)
    assert bucket.ready(NOW + timedelta(seconds=59)) == 0
    assert bucket.ready(bucket.next_at()) == 1
    assert bucket.ready(NOW + timedelta(hours=5)) == 1


def test_a_silenced_bucket_gives_nothing_until_then() -> None:
    bucket = Bucket(6100, [100.0], NOW)
    bucket.silence(NOW + timedelta(seconds=30))
    assert bucket.ready(NOW + timedelta(seconds=29)) == 0
    assert bucket.next_at() > NOW + timedelta(seconds=30)
    bucket.silence(NOW + timedelta(seconds=10))
    assert bucket.ready(NOW + timedelta(seconds=29)) == 0
    assert bucket.ready(NOW + timedelta(seconds=31)) == 100


@pytest.mark.parametrize(
    ("rate_per_minute", "windows"),
    [
        (3_500, [Window(350, 1.0)]),
        (100, [Window(350, 1.0)]),
        (1, [Window(350, 1.0)]),
        (60_000, [Window(10, 1.0), Window(1_000, 600.0)]),
        (400, []),
        (7, []),
        (1, []),
    ],
)
def test_no_stretch_of_time_holds_more_calls_than_its_window(rate_per_minute: int, windows: list[Window]) -> None:
    """However eagerly and unevenly it is asked; and what a window allows is nearly used up."""
    bucket, random = Bucket(rate_per_minute, [], NOW, windows), Random(7)
    bucket.ready(NOW + timedelta(hours=1))
    at, times = 3_600.0, []
    while at < 3_600.0 + 1_300:
        calls = bucket.ready(NOW + timedelta(seconds=at))
        bucket.take(calls)
        times += [at] * calls
        at += random.choice((0.003, 0.05, 0.4, random.random() * 90)) if rate_per_minute < 60_000 else 0.05
    for window in (Window(rate_per_minute, 60.0), *windows):
        first = 0
        for last, time in enumerate(times):
            while times[first] <= time - window.span_s + 1e-6:
                first += 1
            assert last - first + 1 <= window.calls, (window, time)


def test_a_second_window_lets_more_go_at_once_than_the_minute_alone() -> None:
    even, burst = Bucket(3_500, [], NOW), Bucket(3_500, [], NOW, [Window(350, 1.0)])
    later = NOW + timedelta(minutes=1)
    assert (even.ready(later), burst.ready(later)) == (57, 175)
    burst.take(175)
    assert burst.ready(later + timedelta(seconds=10)) == 175
    assert burst.tokens[0] == pytest.approx(175)


def test_a_rate_that_is_changed_keeps_what_was_left() -> None:
    bucket = Bucket(6_100, [100.0], NOW)
    bucket.rate_per_minute = 610
    assert bucket.ready(NOW) == 10
    bucket.rate_per_minute = 6_100
    assert bucket.ready(NOW + timedelta(seconds=0.5)) == 60


def test_nobody_looks_for_more_because_something_was_recorded() -> None:
    lineup = Lineup(in_order=True)
    lineup.came([], lineup.begin(10, 5, 1))
    assert lineup.exhausted

    lineup.let_go({})

    assert lineup.exhausted


def test_a_deliverys_id_is_always_the_same_and_in_its_events_range() -> None:
    event_id, rule_id = new_id(), new_id()
    (made,) = delivery_ids([event_id], rule_id)
    assert [made] == delivery_ids([event_id], rule_id)
    assert made.version == 7
    assert len({delivery_ids([event_id], new_id())[0] for _ in range(1000)}) == 1000
    first, last = ids_of_event(event_id)
    assert first <= made <= last
    assert not first <= delivery_ids([new_id()], rule_id)[0] <= last


def parcel(*, test: bool = False) -> Parcel:
    return Parcel(new_id(), new_id(), "order_create", "order_create", NOW, "{}", test, 1, NOW)


@pytest.mark.parametrize(
    ("outcome", "tries_before", "test", "state", "name", "next_s"),
    [
        (Delivered(), 0, False, "delivered", "delivered", None),
        (RetryAfter(None, "busy."), 0, False, "queued", "retry", 5),
        (RetryAfter(None, "busy."), 4, False, "queued", "retry", 1280),
        (RetryAfter(60, "busy."), 0, False, "queued", "retry", 60),
        (RetryAfter(None, "busy."), 5, False, "failed", "gave_up", None),
        (RetryAfter(None, "busy."), 0, True, "failed", "gave_up", None),
        (GaveUp("no."), 0, False, "failed", "gave_up", None),
        (Paused("who are you?"), 0, False, "queued", "paused", None),
        (Paused("who are you?"), 5, False, "queued", "paused", None),
        (Paused("who are you?"), 0, True, "failed", "paused", None),
    ],
)
def test_what_an_outcome_means(
    outcome: Outcome, tries_before: int, test: bool, state: str, name: str, next_s: float | None
) -> None:
    verdict = judge(outcome, parcel(test=test), tries_before, NOW, 0.0)
    assert (verdict.state, verdict.outcome) == (state, name)
    assert verdict.next_at == (None if next_s is None else NOW + timedelta(seconds=next_s))


def test_only_a_429_that_names_a_wait_silences_the_lane() -> None:
    def silence(status: int, wait_s: float | None) -> datetime | None:
        return silence_until(Attempt(parcel(), None, answer(status), RetryAfter(wait_s, "busy")), NOW)

    assert silence(429, 30.0) == NOW + timedelta(seconds=30)
    assert silence(429, 10_000.0) == NOW + timedelta(seconds=limits.LANE_SILENCE_MAX_S)
    assert silence(429, None) == NOW
    assert silence(503, 30.0) is None


def test_an_id_range_covers_every_rule() -> None:
    first, last = ids_of_event(UUID(int=(1 << 128) - 1))
    assert last.int - first.int == 2**48 - 1


@pytest.mark.parametrize("of", ["retry-after", "date"])
@pytest.mark.parametrize("odd", ["Mon, 01 Jan 2024 00:00:00 +" + "9" * 20, f"Mon, 01 Jan {'9' * 20} 00:00:00 GMT"])
def test_a_wait_that_no_calendar_holds_is_none(odd: str, of: str) -> None:
    fine = dict.fromkeys(("retry-after", "date"), "Mon, 01 Jan 2024 00:00:00 GMT")
    assert asked_wait_s(fine) == 0.0
    assert asked_wait_s(fine | {of: odd}) is None
