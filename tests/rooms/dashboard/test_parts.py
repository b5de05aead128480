"""The dashboard's pure parts: words, drawings, pages by key, forms, and the throttle of the door."""

from datetime import UTC, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from litestar.testing import RequestFactory

from regulars import limits
from regulars.dashboard import chart, security, words
from regulars.dashboard.forms import Form
from regulars.dashboard.lists import Cursor
from regulars.dashboard.signing import _inside
from regulars.kit.errors import Invalid
from regulars.kit.settings import Settings

NOW = datetime(2026, 3, 14, 9, 26, 53, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(
    ("away_s", "said"),
    [
        (0, "just now"),
        (44, "just now"),
        (50, "1 minute ago"),
        (60 * 59, "59 minutes ago"),
        (60 * 60 * 23, "23 hours ago"),
        (60 * 60 * 24 * 30, "30 days ago"),
        (60 * 60 * 24 * 40, "2 Feb 2026"),
        (-30, "in a moment"),
        (-120, "in 2 minutes"),
    ],
)
def test_ago(away_s: int, said: str) -> None:
    assert words.ago(NOW - timedelta(seconds=away_s), NOW, BERLIN) == said


@pytest.mark.parametrize(
    ("minor", "code", "symbol", "said"),
    [
        (123450, "usd", "$", "$1,234.50"),
        (-5, "usd", "$", "-$0.05"),
        (1234, "jpy", "¥", "¥1,234"),
        (1234567, "kwd", "", "1,234.567 KWD"),
    ],
)
def test_money(minor: int, code: str, symbol: str, said: str) -> None:
    assert words.money(minor, code, symbol) == said


def test_exact_is_in_the_shops_time() -> None:
    assert words.exact(NOW, BERLIN) == "14 March 2026, 10:26:53 CET"


def test_json_for_people_takes_anything() -> None:
    assert words.pretty('{"a":1}') == '{\n  "a": 1\n}'
    assert words.pretty("<html>") == "<html>"
    assert words.pretty("") == ""


@pytest.mark.parametrize(
    ("most", "ticks"),
    [
        (0, ["1", "0"]),
        (1, ["1", "0"]),
        (2, ["2", "1", "0"]),
        (3, ["4", "2", "0"]),
        (9, ["10", "5", "0"]),
        (97, ["100", "50", "0"]),
        (69_659, ["80,000", "40,000", "0"]),
    ],
)
def test_a_drawings_axis_is_round_and_begins_at_zero(most: int, ticks: list[str]) -> None:
    drawn = chart.bars("Orders", "Hour", "Orders", [("0:00", most), ("1:00", 0)], [])
    assert drawn.ticks == ticks
    assert all(bar.y + bar.height == pytest.approx(100) for bar in drawn.bars)
    assert drawn.bars[1].height == 0


def test_pages_go_forth_and_back_by_key() -> None:
    rows = [UUID(int=n) for n in range(200)]
    size = limits.PAGE_ITEMS_DEFAULT

    def page_at(address: str) -> tuple[list[UUID], str, str]:
        query = dict(part.split("=", 1) for part in address.partition("?")[2].split("&") if part)
        after = query.get("after", "")
        trail = [part for part in query.get("trail", "").replace("%7E", "~").split("~") if part]
        start = UUID(after).int + 1 if after else 0
        items = rows[start : start + size]
        page = Cursor("/rows", {"q": "x"}, after, trail).page(items[-1] if items[-1] != rows[-1] else None)
        return items, page.newer, page.older

    first, newer, older = page_at("/rows")
    assert (first[0], newer) == (rows[0], "")
    second, newer, older = page_at(older)
    assert (second[0], page_at(newer)[0]) == (rows[50], first)
    third, newer, older = page_at(older)
    assert (third[0], page_at(newer)[0]) == (rows[100], second)
    last, newer, older = page_at(older)
    assert (last[-1], older) == (rows[199], "")


@pytest.mark.parametrize("text", ["", "x", "1.5", "-1", "٣", "9" * 30, "0"])
def test_a_whole_number_is_asked_for_in_words(text: str) -> None:
    form = Form(values={"amount": text})
    assert form.whole("amount", least=1) == 1
    with pytest.raises(Invalid) as refused:
        form.check()
    form.refused(refused.value)
    assert form.errors == {"amount": "Give a whole number of at least 1."}
    assert form.values["amount"] == text


def test_numbers_may_carry_separators() -> None:
    assert Form(values={"amount": " 1,250 "}).whole("amount") == 1250


def test_a_count_that_stopped_says_so() -> None:
    assert words.deliveries(limits.DELIVERY_COUNT_MAX - 1) == "9,999"
    assert words.deliveries(limits.DELIVERY_COUNT_MAX) == "10,000+"


@pytest.mark.parametrize(
    ("public_url", "arrived", "secure"),
    [
        ("https://club.example", "http", True),
        ("http://club.example", "http", False),
        (None, "http", False),
        (None, "https", True),
    ],
)
def test_cookies_travel_over_tls_alone_where_the_public_address_says_so(
    public_url: str | None, arrived: str, secure: bool
) -> None:
    request = RequestFactory().get("/", headers={"x-forwarded-proto": arrived})
    settings = Settings(public_url=public_url)
    made = security.cookie(settings, request, security.SESSION_COOKIE, "x", max_age_s=60)
    assert (made.secure, made.httponly, made.samesite) == (secure, True, "lax")


@pytest.mark.parametrize("address", ["//evil.example", "/\\evil.example", "https://evil.example", "evil", "/a\nb", ""])
def test_after_signing_in_nobody_is_sent_elsewhere(address: str) -> None:
    assert _inside(address) == "/"
