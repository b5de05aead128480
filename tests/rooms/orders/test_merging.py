"""An order ends the same in whatever order its reports come, and however often each of them does."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from regulars.customers import NewCustomer
from regulars.orders import AS_REPORTED, NEVER, Line, Order, OrderReport, Recorded, Refund, check, refund_report
from regulars.orders.lines import united
from regulars.orders.model import REPORTED, SOMETIMES_SAID
from regulars.orders.recording import compare, new_order

START = datetime(2026, 3, 14, tzinfo=UTC)
NOBODY = UUID(int=1)


def at(hours: int) -> datetime:
    return START + timedelta(hours=hours)


def report(version: int, **said: Any) -> OrderReport:
    given = {"source": "till", "reference_id": "1", "customer": NewCustomer("customer-asha"), "currency_code": "usd"}
    given |= {"amount_minor": 100_00, "placed_at": START, "source_version": at(version)}
    return check(OrderReport(**{**given, **said}))


NOW = at(99)


def after(*reports: OrderReport) -> tuple[Order, list[Recorded]]:
    order, all_recorded = new_order(reports[0], NOBODY, NOW), []
    for one in reports[1:]:
        recorded = compare(order, one, NOW, AS_REPORTED)
        all_recorded.append(recorded)
        order = recorded.order
    return order, all_recorded


def facts(order: Order) -> dict[str, Any]:
    return {field: getattr(order, field) for field in (*REPORTED, *SOMETIMES_SAID, "source_version", "said_at")}


labels = st.none() | st.lists(st.sampled_from("abc"), unique=True).map(tuple)
lines = st.none() | st.lists(st.builds(Line, product_id=st.sampled_from("abc"), quantity=st.integers(1, 3))).map(tuple)
said = st.fixed_dictionaries(
    {
        "lines": lines,
        "tags": labels,
        "coupon_codes": labels,
        "shipping_minor": st.none() | st.integers(0, 3),
        "note": st.none() | st.sampled_from(("", "leave at the door")),
        "financial_status": st.sampled_from(("paid", "partially_refunded")),
        "cancels": st.booleans(),
        "refunds": st.booleans(),
    }
)


@st.composite
def histories(draw: Any) -> list[OrderReport]:
    """What a source says hour after hour: each refund is in every list from then on, each cancellation stands."""
    reports, refunds, cancelled_at = [], (), None
    for version, fields in enumerate(draw(st.lists(said, min_size=1, max_size=6))):
        if draw(st.booleans()):
            refunds = (*refunds, Refund(refund_id=f"r{version}", amount_minor=version, refunded_at=at(version)))
        cancels, tells = fields.pop("cancels"), fields.pop("refunds")
        cancelled_at = cancelled_at or (at(version) if cancels else None)
        fields |= {"refunds": refunds if tells else None, "cancelled_at": cancelled_at if cancels else None}
        reports.append(report(version, **fields))
    return reports


@settings(max_examples=150)
@given(histories(), st.data())
def test_an_order_ends_the_same_in_whatever_order_its_reports_come(reports: list[OrderReport], data: Any) -> None:
    twice = data.draw(st.lists(st.sampled_from(reports)))
    expected, _ = after(*reports)
    shuffled = data.draw(st.permutations([*reports, *twice]))
    found, recorded = after(*shuffled)
    assert facts(found) == facts(expected)
    told = [refund for one in reports for refund in one.refunds or ()]
    if told:
        last = max((one for one in reports if one.refunds is not None), key=lambda one: one.source_version)
        assert found.refunds == last.refunds
    assert "updated" not in [compare(found, one, NOW, AS_REPORTED).change for one in reports]
    for one in recorded:
        assert one.before is not None
        assert one.revalued or one.order.kept_minor == one.before.kept_minor


def test_what_a_newer_report_leaves_unsaid_stays_and_an_empty_list_is_said() -> None:
    order, _ = after(
        report(0, lines=(Line(product_id="a"),), tags=("vip",), note="ring"), report(1), report(2, tags=())
    )
    assert ([line.product_id for line in order.lines or ()], order.tags, order.note) == (["a"], (), "ring")
    assert order.items_count == 0
    assert order.said_at == {"lines": at(0), "note": at(0)}


def test_an_older_report_that_comes_late_tells_what_no_newer_one_did() -> None:
    order, (late,) = after(report(5, note="new"), report(1, note="old", lines=(Line(product_id="a"),), tags=("vip",)))
    assert late.change == "updated"
    assert (order.note, order.tags, order.source_version) == ("new", ("vip",), at(5))
    _, (stale,) = after(order_report(order), report(1, note="older still"))
    assert stale.change == "stale"


def order_report(order: Order) -> OrderReport:
    return report(5, **{field: getattr(order, field) for field in SOMETIMES_SAID})


R1, R2 = (Refund(refund_id=f"r{n}", amount_minor=10_00, refunded_at=at(n)) for n in (1, 2))


def test_a_cancellation_stands_until_it_is_taken_back() -> None:
    order, _ = after(report(0), report(1, cancelled_at=at(1)), report(2, status="completed", refunds=(R1,)))
    assert (order.status, order.when_cancelled, order.refunded_minor, order.kept_minor) == (
        "cancelled",
        at(1),
        10_00,
        0,
    )
    back, _ = after(
        report(0), report(2, status="completed"), report(1, cancelled_at=at(1)), report(3, cancelled_at=NEVER)
    )
    assert (back.status, back.when_cancelled) == ("pending", None)
    late, _ = after(report(1, cancelled_at=at(1)), report(4, status="completed"), report(3, cancelled_at=NEVER))
    assert (late.status, late.when_cancelled) == ("completed", None)


def test_a_refund_is_never_forgotten_by_one_who_could_not_know_of_it() -> None:
    paid = report(0, refunds=())
    order, _ = after(paid, report(3, refunds=(R1, R2)), report(2, refunds=(R1,)), report(4))
    assert order.refunds == (R1, R2)
    # Told of alone, before and after lists that are older than it.
    alone = check(refund_report(after(paid)[0], "customer-asha", R2))
    for reports in (
        (paid, alone, report(1, refunds=(R1,))),
        (paid, report(1, refunds=(R1,)), alone),
        (paid, alone, alone),
    ):
        order, recorded = after(*reports)
        assert R2 in (order.refunds or ())
        assert order.source_version == max(one.source_version for one in reports)
        assert any(one.revalued for one in recorded)
    # The list that was true after it says that it is gone.
    gone, (one,) = after(report(3, refunds=(R1, R2)), report(5, refunds=(R1,)))
    assert (gone.refunds, one.change, one.order.kept_minor) == ((R1,), "updated", 90_00)


def test_two_lists_of_one_time_both_count() -> None:
    changed = msgspec.structs.replace(R1, amount_minor=1)
    assert united((R1,), at(2), (R2,), at(2)) == (R1, R2)
    assert united((R1,), at(2), (changed,), at(2)) == (changed,)
