"""Until when somebody waits who waits for a day of theirs."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from regulars.customers import Customer
from regulars.engagement.automations.beginning import wait_until
from regulars.engagement.automations.model import Wait
from regulars.kit import new_id

CAME = datetime(2026, 3, 14, 12, tzinfo=UTC)


def born_on(day: date | None) -> Customer:
    texts = dict.fromkeys(Customer.__struct_fields__, "")
    more = {"id": new_id(), "dob": day, "created_at": CAME, "updated_at": CAME, "spent": {}, "orders_count": 0}
    nothing = dict.fromkeys(("accept_email", "accept_mobile", "last_order_at", "merged_into", "erased_at"))
    return Customer(**(texts | more | nothing))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("born", "offset_days", "until"),
    [
        (date(1990, 5, 26), 0, "2026-05-26"),
        (date(1990, 5, 26), -7, "2026-05-19"),
        (date(1990, 3, 10), 0, "2027-03-10"),
        (date(1990, 3, 10), 7, "2026-03-17"),
        (date(1990, 3, 20), -10, "2027-03-10"),
        (date(1990, 5, 26), 3_660, "2026-06-03"),
        (date(1990, 5, 26), -3_660, "2026-05-19"),
        (date(1992, 2, 29), 0, "2027-02-28"),
        (date(2024, 1, 2), -3_660, "2026-12-26"),
        (None, 0, "2026-03-14"),
    ],
)
def test_the_next_birthday_from_then_on_however_many_days_before_or_after(
    born: date | None, offset_days: int, until: str
) -> None:
    step = Wait(until_property="birthday", offset_days=offset_days, at="12:00")
    assert f"{wait_until(step, CAME, born_on(born), ZoneInfo('UTC')):%Y-%m-%d}" == until
