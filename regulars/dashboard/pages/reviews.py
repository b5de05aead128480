"""Reviews and questions: what waits is looked at, shown or not, and replied to."""

from typing import Any, NamedTuple

from regulars import customers, reviews, triggers
from regulars.customers import Customer
from regulars.dashboard.cells import Badge, Link, Small
from regulars.dashboard.declaring import act
from regulars.dashboard.desk import Desk
from regulars.dashboard.lists import CUSTOMER, CUSTOMER_ID, Asked, Column, Filter, Found, Listing, until_next
from regulars.kit import Reading, Tx
from regulars.reviews import Post

STATES = {
    "posted": ("care", "Waits"),
    "approved": ("good", "Shown"),
    "answered": ("good", "Answered"),
    "rejected": ("off", "Rejected"),
}


class Row(NamedTuple):
    post: Post
    customer: Customer | None
    pictures: list[str]

    @property
    def badge(self) -> Badge:
        return Badge(*STATES[self.post.status])


async def _read(desk: Desk, tx: Reading, asked: Asked) -> Found[Row]:
    kind, status, rating = asked.values["kind"] or "review", asked.chosen("status"), asked.chosen("rating")
    by: dict[str, Any] = {"status": status, "rating": int(rating) if rating else None}
    by |= {"customer_id": asked.id("customer_id"), "product_id": asked.values["q"].strip() or None}
    found = await reviews.posts(tx, desk.id, kind, **asked.one_more(**by))  # type: ignore[arg-type]
    people = await customers.by_ids(tx, desk.id, list({one.customer_id for one in found}))
    pictures = await reviews.pictures_of(tx, desk.id, [one.id for one in found])
    links = {id: [one.link(desk.id, "medium") for one in its] for id, its in pictures.items()}
    rows = [Row(one, people.get(one.customer_id), links.get(one.id, [])) for one in found]
    of = {"customer_id": [(asked.values["customer_id"], "one customer")]}
    shown, after = until_next(rows, asked.limit)
    return Found(shown, after, of, {"posts": shown})


REVIEWS = Listing[Row](
    path="/reviews",
    purpose="What customers say of products, and ask about them. What you approve is shown in your shop.",
    columns=[
        Column("Product", lambda row: [Link(row.post.product_name or row.post.product_id, row.post.product_link)]),
        Column("Product id", lambda row: row.post.product_id, only="file"),
        Column("Stars", lambda row: row.post.rating, right=True),
        Column("Title", lambda row: row.post.title),
        Column("Text", lambda row: [row.post.text, Small(row.post.reason)] if row.post.reason else row.post.text),
        Column("Signed", lambda row: row.post.name),
        CUSTOMER,
        CUSTOMER_ID,
        Column("State", lambda row: row.badge),
        Column("Verified", lambda row: "yes" if row.post.verified else "no"),
        Column("Reply", lambda row: row.post.reply, only="file"),
        Column("Pictures", lambda row: " ".join(row.pictures), only="file"),
        Column("Written", lambda row: row.post.created_at),
    ],
    read=_read,
    nothing="Nothing was written yet",
    nothing_why="Reviews come from your shop’s pages, from the link that customers are sent, and by the API.",
    filters=[
        Filter("kind", "Show", "Reviews", [("question", "Questions")]),
        Filter("status", "State", "Any state", [(name, words) for name, (_, words) in STATES.items()]),
        Filter("rating", "Stars", "Any stars", [(str(n), f"{n} stars") for n in (5, 4, 3, 2)] + [("1", "1 star")]),
        Filter("customer_id", "Of"),
    ],
    days="Written",
    search="A product’s whole id",
    template="reviews",
)

_VERBS: dict[str, dict[str, Any]] = {
    "approve": {"status": "approved"},
    "reject": {"status": "rejected"},
    "feature": {"featured": True},
    "unfeature": {"featured": False},
    "reply": {},
}
_SAID = {"approve": "It is shown.", "reject": "It is not shown.", "reply": "Your reply is kept."}


@act("/reviews/{id:uuid}/judge", "review.judge", "/reviews")
async def judge(desk: Desk, tx: Tx) -> Any:
    form = await desk.form()
    verb = form.choice("verb", _VERBS)
    form.check()
    given = _VERBS[verb] | ({"reply": form.typed("reply")} if verb == "reply" else {})
    post = await triggers.change_review(tx, desk.workspace, desk.key, desk.now, actor=desk.who.actor, **given)
    desk.about(post.id, verb=verb)
    # On to what waits next, where somebody goes through what waits.
    query = [f"kind={post.type}"] if post.type == "question" else []
    query += ["status=posted"] if form.text("waiting") else []
    return desk.see(f"/reviews?{'&'.join(query)}", _SAID.get(verb, "Changed."))
