from datetime import UTC, datetime, timedelta
from itertools import pairwise
from uuid import RFC_4122

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regulars.kit.ids import first_id_at, new_id

TIMES = st.datetimes(datetime(1970, 1, 1), datetime(2500, 1, 1), timezones=st.just(UTC))


def test_ids_increase_strictly_within_and_beyond_a_millisecond() -> None:
    ids = [new_id() for _ in range(20_000)]  # more than one millisecond has numbers for
    assert all(a < b for a, b in pairwise(ids))
    assert all(a.bytes < b.bytes and str(a) < str(b) for a, b in pairwise(ids))


def test_version_and_variant() -> None:
    for id in (new_id(), first_id_at(datetime.now(UTC))):
        assert (id.version, id.variant) == (7, RFC_4122)


def test_an_id_holds_the_time_it_was_made() -> None:
    before = datetime.now(UTC)
    id = new_id()
    # The ids above may have borrowed from the milliseconds to come.
    assert before - timedelta(seconds=1) < datetime.fromtimestamp((id.int >> 80) / 1000, UTC)
    assert first_id_at(before - timedelta(milliseconds=1)) < id < first_id_at(before + timedelta(minutes=1))


@given(TIMES, TIMES)
def test_a_stretch_of_time_is_a_stretch_of_ids(a: datetime, b: datetime) -> None:
    milliseconds = [at.replace(microsecond=at.microsecond // 1000 * 1000) for at in (a, b)]
    ids = [first_id_at(at) for at in (a, b)]
    assert (ids[0] < ids[1]) == (milliseconds[0] < milliseconds[1])
    assert (ids[0] == ids[1]) == (milliseconds[0] == milliseconds[1])
    assert (ids[0].version, ids[0].variant) == (7, RFC_4122)


@pytest.mark.parametrize("year", [1, 383, 1969, 1970])
def test_every_id_is_younger_than_1970(year: int) -> None:
    assert first_id_at(datetime(year, 1, 1, tzinfo=UTC)) == first_id_at(datetime(1970, 1, 1, tzinfo=UTC)) < new_id()
