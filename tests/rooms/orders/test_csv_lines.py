"""Files with a row for each line of an order: the rows of one order are gathered."""

import io

from regulars import limits
from regulars.kit.csv_file import Unusable
from regulars.orders import OrderReport
from tests.rooms.orders.test_csv_orders import rows

# As Shopify writes it: an order's first line with the order, each further one with no more than its name and a line.
SHOPIFY = (
    "Name,Email,Financial Status,Fulfillment Status,Currency,Shipping,Taxes,Total,Discount Code,Discount Amount,"
    "Created at,Lineitem quantity,Lineitem name,Lineitem price,Lineitem sku,Lineitem discount,Notes,Cancelled at,"
    "Payment Method,Refunded Amount,Id,Tags\n"
    "#1001,asha@a.shop,partially_refunded,unfulfilled,USD,4.90,15.82,94.90,SPRING,10.00,2026-03-14 09:26:53 -0400,"
    '2,Espresso beans,30.00,kilo,0,Leave at the door,,bogus,30.00,5001,"vip, wholesale"\n'
    "#1001,asha@a.shop,,,,,,,,,2026-03-14 09:26:53 -0400,1,Cup,45.00,cup,5.00,,,,,,\n"
    "#1002,bo@a.shop,paid,fulfilled,USD,0,0,12.50,,0,2026-03-15 09:26:53 -0400,1,Cup,12.50,cup,0,,,bogus,0.00,5002,\n"
    "#1003,bo@a.shop,voided,,USD,0,0,12.50,,0,2026-03-15,1,Cup,12.50,cup,0,,2026-03-16 10:00 -0400,,,5003,\n"
)


def test_the_rows_of_one_order_are_its_lines() -> None:
    found = rows(io.BytesIO(SHOPIFY.encode()), columns={"customer_id": "Email"})
    first, second, third = (row for row in found if isinstance(row, OrderReport))
    assert [(row.reference_id, row.name, row.line) for row in (first, second, third)] == [
        ("5001", "#1001", 2),
        ("5002", "#1002", 4),
        ("5003", "#1003", 5),
    ]
    lines = [(line.title, line.variant_id, line.quantity, line.amount_minor) for line in first.lines or ()]
    assert lines == [("Espresso beans", "kilo", 2, 60_00), ("Cup", "cup", 1, 40_00)]
    assert (first.items_count, first.shipping_minor, first.coupon_codes, first.tags) == (
        3,
        490,
        ("SPRING",),
        ("vip", "wholesale"),
    )
    assert (first.note, first.delivery_status, first.detail) == (
        "Leave at the door",
        "pending",
        {"payment_medium": "bogus"},
    )
    assert [(one.refund_id, one.amount_minor) for one in first.refunds or ()] == [("total", 30_00)]
    assert (second.refunds, second.coupon_codes, second.cancelled_at) == ((), None, None)
    assert (third.status, third.financial_status, third.refunds) == ("cancelled", "voided", None)


LINED = b"order_id,customer_id,amount,placed_at,product_name,unit_price,item_quantity\n"


def test_rows_that_say_the_order_again_are_its_lines_unless_it_costs_something_else() -> None:
    again = b"1,customer-1,30,2026-03-14,Cup,10,1\n1,customer-1,30,2026-03-14,Beans,20,1\n"
    (one,) = rows(again, LINED)
    assert isinstance(one, OrderReport)
    assert [line.title for line in one.lines or ()] == ["Cup", "Beans"]
    (other,) = rows(again.replace(b"30", b"10", 1), LINED)
    assert isinstance(other, Unusable)
    assert "the same in each of its rows; here are 10 and 30" in other.reason
    wrong, after = rows(again.replace(b"20,1\n", b"20,some\n") + b"2,customer-1,5,2026-03-14,Cup,5,1\n", LINED)
    assert isinstance(wrong, Unusable)
    assert (wrong.line, wrong.reason) == (2, "line_quantity: expected a whole number")
    assert isinstance(after, OrderReport)


def test_of_an_order_with_a_row_that_can_not_be_read_no_lines_are_said() -> None:
    torn = b"1,customer-1,30,2026-03-14,Cup,10,1\n1,customer-1,30\n2,customer-1,5,2026-03-14,Cup,5,1\n"
    first, unread, second = rows(torn, LINED)
    assert isinstance(first, OrderReport)
    assert isinstance(second, OrderReport)
    assert (first.lines, first.amount_minor, len(second.lines or ())) == (None, 30_00, 1)
    assert isinstance(unread, Unusable)
    assert unread.line == 3


def test_an_order_of_more_rows_than_lines_may_be_costs_itself_and_bounded_memory() -> None:
    many = b"".join(b"1,customer-1,30,2026-03-14,Cup,10,1\n" for _ in range(limits.ORDER_LINES_MAX * 3))
    too_long, other = rows(many + b"2,customer-1,5,2026-03-14,Cup,5,1\n", LINED)
    assert isinstance(too_long, Unusable)
    assert too_long.reason == f"lines: expected at most {limits.ORDER_LINES_MAX:,} lines"
    assert isinstance(other, OrderReport)
