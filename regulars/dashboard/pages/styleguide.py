"""Every component in every state on one page, for those who build pages and for the browser tests."""

from datetime import timedelta
from typing import Any

from litestar import Response, get

from regulars.dashboard import chart
from regulars.dashboard.desk import Handed
from regulars.dashboard.forms import Form
from regulars.dashboard.lists import Page
from regulars.dashboard.story import Fact, Note


@get("/styleguide")
async def show(desk: Handed) -> Response[str]:
    right = {"name": "Corner Shop", "amount": "12", "tool": "webhook", "agreed": "yes", "way": "a"}
    typed = {"name": "A", "amount": "-3", "tool": "omnisend", "about": "Some text", "agreed": "yes", "way": "b"}
    errors = {"b-name": "Give 2 to 80 characters.", "b-amount": "Give a whole number of at least 1."}
    hours = [(f"{hour:02d}:00", (hour * 7919) % 97 if hour > 6 else 0) for hour in range(24)]
    labels = ["0", "6", "12", "18", "24"]
    context: dict[str, Any] = {
        "forms": [
            ("a-", "Filled", Form(values=_named("a-", right))),
            ("b-", "With errors", Form(_named("b-", typed), errors, "Something here needs another look.")),
            ("c-", "Locked", Form(values=_named("c-", typed), locked=True)),
        ],
        "page": Page("/styleguide?newer", "/styleguide?older", "Page 2"),
        "loaded": chart.bars("Orders per hour today", "Hour", "Orders", hours, labels),
        "flat": chart.bars("Orders per hour today", "Hour", "Orders", [(name, 0) for name, _ in hours], labels),
        "failed": chart.bars("Failures per hour", "Hour", "Failures", hours[:7] + hours[2:19], labels, bad=True),
        "facts": [
            Fact(desk.now, "order", "", "Order #1028 over $84.95", "/", "From shopify"),
            Fact(
                desk.now - timedelta(minutes=4),
                "plus",
                "good",
                "84 coins earned",
                "",
                "Coins for orders",
                [Note("send", "good", "Omnisend was told of walletreward_create", "/")],
            ),
            Fact(desk.now - timedelta(hours=3), "refused", "care", "No coins: the order was of $0.00", "", ""),
            Fact(desk.now - timedelta(days=2), "send", "bad", "walletreward_create was not delivered", "/", "HTTP 401"),
        ],
        "past": [desk.now - timedelta(seconds=s) for s in (2, 200, 9_000, 200_000, 9_000_000)],
        "long_name": "Maximiliana Wolfeschlegelsteinhausenbergerdorffwelchevoralternwarengewissenhaft",
        "rtl_name": "محمد عبد الرحمن بن أحمد الهاشمي",
    }
    return desk.page("pages/styleguide.html", **context)


def _named(prefix: str, values: dict[str, str]) -> dict[str, Any]:
    """Three forms stand on this page, and each field has a name of its own."""
    return {prefix + name: value for name, value in values.items()}
