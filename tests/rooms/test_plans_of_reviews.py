"""Reviews, their sums and who is asked are found by keys, however little PostgreSQL knows of the tables."""

from collections.abc import AsyncIterator

import pytest

from regulars import reviews, triggers
from regulars.kit.clock import HandClock
from regulars.kit.ids import new_id
from regulars.reviews import NewPost, Post
from tests import make
from tests.rooms.delivery.street import Corner, corner
from tests.rooms.plans import planning, unanalysed

MANY = 1_000


@pytest.fixture
async def shop(server_url: str, clock: HandClock) -> AsyncIterator[Corner]:
    db = await unanalysed(server_url)
    async with corner(db, clock) as made:
        yield made
    await db.close()


async def test_reviews_go_by_keys(shop: Corner) -> None:
    db, workspace, now = shop.db, shop.workspace, shop.clock.now()
    names = [f"Customer{n:04}" for n in range(MANY)]
    people = list((await make.some_customers(db, workspace, now, *names)).values())
    kinds = {"review": {"rating": 5}, "question": {"text": "Is it warm?"}}

    def written(product: str, kind: str) -> list[Post]:
        new = NewPost(product_id=product, **kinds[kind])  # type: ignore[arg-type]
        return [reviews.prepared(workspace, new, one, None, now) for one in people]

    async with db.transaction() as tx:
        posts = await triggers.post_reviews(tx, workspace, written("1", "review"), now)
        posts += await triggers.post_reviews(tx, workspace, written("1", "question"), now)
        await reviews.open_asks(tx, workspace.id, [new_id() for _ in range(MANY)], now)
    first = posts[0]
    assert isinstance(first, Post)
    for analysed in (False, True):
        async with planning(db, analysed=analysed, at_least=20) as spy:
            await triggers.post_reviews(spy, workspace, written("2", "review")[:50], now)
            await triggers.change_review(spy, workspace, first.id, now, status="approved")
            asked = await reviews.open_asks(spy, workspace.id, [new_id()], now)
            for ask in (await reviews.asks_of(spy, workspace.id, list(asked))).values():
                reviews.save_asks(spy, workspace.id, [ask], now)
            await reviews.brought_in(spy, workspace.id, written("3", "review")[:50])
            await reviews.holding(spy, workspace.id, [(one.id, "1", "") for one in people[:50]])
            await reviews.posts_of_order(spy, workspace.id, new_id())
            await reviews.reviewed(spy, workspace.id, [(new_id(), first.customer_id)])
            for of in (
                {},
                {"status": "posted"},
                {"product_id": "1"},
                {"customer_id": first.customer_id},
                {"rating": 5},
            ):
                await reviews.posts(spy, workspace.id, "review", limit=20, **of)  # type: ignore[arg-type]
            for product in (None, "1"):
                await reviews.numbered_page(spy, workspace.id, "review", product_id=product, limit=20)
                await reviews.sums_of(spy, workspace.id, product or "")
            picture = reviews.Picture(new_id(), first.id, 1)
            assert await reviews.add_picture(spy, workspace.id, picture, [b"1", b"2", b"3"], now) == 1
            assert await reviews.pictures_of(spy, workspace.id, [first.id]) == {first.id: [picture]}
            assert await reviews.picture_bytes(spy, workspace.id, picture.id, "medium") == b"2"
            await reviews.move(spy, workspace.id, first.customer_id, people[1].id)
            await reviews.forget(spy, workspace.id, [people[1].id])
