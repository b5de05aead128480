"""Finding deliveries again."""

from typing import Any
from uuid import UUID

import pytest

from regulars import delivery, dispatch, events, limits
from regulars.delivery import Addressee, Delivery, delivery_ids
from regulars.events import NewEvent
from regulars.kit.errors import Invalid, NotFound
from regulars.kit.ids import new_id
from regulars.worker import drain
from tests.rooms.delivery.street import BODY, Corner, answer


async def found(shop: Corner, **by: object) -> list[Delivery]:
    async with shop.db.reading() as tx:
        return (await delivery.search_deliveries(tx, shop.workspace.id, **by)).items  # type: ignore[arg-type]


async def ids(shop: Corner, **by: object) -> list[UUID]:
    return [one.id for one in await found(shop, **by)]


async def test_what_is_tried_next_and_what_was_tried_most_are_asked_for(shop: Corner) -> None:
    good, bad = await shop.lane("good"), await shop.lane("bad")
    shop.street.always["http://bad/"] = answer(503, b"later")
    thrice = await shop.queue(bad, 3)
    for minutes in (0, 5):
        shop.clock.advance(minutes=minutes)
        await drain(shop.db, shop.street, shop.street, clock=shop.clock)
    (twice,) = await shop.queue(bad)
    await drain(shop.db, shop.street, shop.street, clock=shop.clock)
    (fresh,) = await shop.queue(good)
    all_of = {one.id: one for one in await found(shop)}
    waiting = sorted(all_of.values(), key=lambda one: (one.due_at, one.id))
    often = [one for one in all_of.values() if one.attempts_made > 1]
    often.sort(key=lambda one: (one.attempts_made, one.id), reverse=True)
    assert {one.id for one in often} >= set(thrice)
    assert fresh not in {one.id for one in often}
    assert twice in all_of
    for sort, by, expected in (
        ("next_try", {}, waiting),
        ("next_try", {"lane_id": good}, [all_of[fresh]]),
        ("next_try", {"state": "failed"}, []),
        ("attempts", {}, often),
        ("attempts", {"lane_id": good}, []),
        ("attempts", {"text": "later"}, often),
    ):
        assert await found(shop, sort=sort, **by) == expected, (sort, by)
        one_by_one, before_id = [], None
        while True:
            async with shop.db.reading() as tx:
                page = await delivery.search_deliveries(
                    tx,
                    shop.workspace.id,
                    sort=sort,
                    before_id=before_id,
                    limit=1,
                    **by,  # type: ignore[arg-type]
                )
            one_by_one += page.items
            before_id = page.next_before_id
            if before_id is None:
                break
        assert one_by_one == expected, (sort, by)


async def test_every_filter_finds_its_own(shop: Corner) -> None:
    good, bad = await shop.lane("good"), await shop.lane("bad")
    shop.street.always["http://bad/"] = answer(422, b"no such property: amount%")
    delivered = await shop.queue(good, 3)
    failed = await shop.queue(bad, 2, body='{"user_name":"Gintaras"}')
    await drain(shop.db, shop.street, shop.street, clock=shop.clock)
    queued = await shop.queue(good, 2)
    assert await ids(shop) == [*reversed(queued), *reversed(failed), *reversed(delivered)]
    assert await ids(shop, lane_id=bad) == failed[::-1]
    assert await ids(shop, state="failed") == failed[::-1]
    assert await ids(shop, state="queued") == queued[::-1]
    assert await ids(shop, state="delivered") == delivered[::-1]
    assert await ids(shop, state="failed", lane_id=good) == []
    assert await ids(shop, topic="order_create") == []
    assert await ids(shop, topic="walletreward_create", limit=1) == queued[-1:]
    assert await ids(shop, text="gintaras") == failed[::-1]
    assert await ids(shop, text="AMOUNT%") == failed[::-1]
    assert await ids(shop, text="http://good") == delivered[::-1]
    assert await ids(shop, text="Shop:wallet", state="queued") == queued[::-1]
    assert await ids(shop, text="_") == await ids(shop)
    assert await ids(shop, text="amount_no") == []
    (one,) = await found(shop, event_id=(await shop.found(failed[0]))[0].event_id)
    assert one.id == failed[0]
    assert await ids(shop, event_id=new_id()) == []


async def test_a_customers_deliveries_are_found_by_the_customer(shop: Corner) -> None:
    lane_id, customer_id, rule_ids = await shop.lane(), new_id(), [new_id(), new_id()]
    now = shop.clock.now()
    async with shop.db.transaction() as tx:
        new = [NewEvent("order_create", who, BODY, now) for who in (customer_id, new_id(), customer_id)]
        event_ids = await events.append(tx, shop.workspace.id, new, now)
        queued = [(Addressee(lane_id, rule, "", "order_create"), event_ids) for rule in rule_ids]
        await delivery.queue(tx, shop.workspace.id, queued, now)
        by_event = await delivery.deliveries_of_events(tx, shop.workspace.id, [*event_ids[:2], new_id()])
    mine = {one for rule in rule_ids for one in delivery_ids(event_ids[::2], rule)}
    assert set(await ids(shop, customer_id=customer_id)) == mine
    assert await ids(shop, customer_id=customer_id, state="failed") == []
    assert await ids(shop, customer_id=new_id()) == []
    assert {event: len(of_it) for event, of_it in by_event.items()} == {event_ids[0]: 2, event_ids[1]: 2}
    pages: list[UUID] = []
    before_id: UUID | None = None
    async with shop.db.reading() as tx:
        for _ in range(5):
            page = await delivery.search_deliveries(
                tx, shop.workspace.id, customer_id=customer_id, before_id=before_id, limit=1
            )
            pages += [one.id for one in page.items]
            before_id = page.next_before_id
            if before_id is None:
                break
    assert len(pages) == 4
    assert set(pages) == mine


async def test_pages_follow_each_other_without_gaps(shop: Corner) -> None:
    lane_id = await shop.lane()
    all_ids = await shop.queue(lane_id, 25)
    seen: list[UUID] = []
    before_id: UUID | None = None
    async with shop.db.reading() as tx:
        while True:
            page = await delivery.search_deliveries(tx, shop.workspace.id, before_id=before_id, limit=10)
            seen += [one.id for one in page.items]
            before_id = page.next_before_id
            if before_id is None:
                break
    assert seen == all_ids[::-1]


async def test_pages_of_what_few_match_go_on_where_they_stopped_looking(shop: Corner) -> None:
    rare, common = await shop.lane("rare"), await shop.lane("common")
    first = await shop.queue(rare, 1, body='{"user_name":"Gintaras"}')
    await drain(shop.db, shop.street, shop.street, clock=shop.clock)
    await shop.queue(common, limits.SEARCH_TEXT_ROWS_MAX)
    last = await shop.queue(rare, 1)
    assert await ids(shop, lane_id=rare, limit=2) == [*last, *first], "further down than the first step looks"
    async with shop.db.reading() as tx:
        page = await delivery.search_deliveries(tx, shop.workspace.id, text="gintaras")
        assert page.items == []
        assert page.next_before_id is not None
        page = await delivery.search_deliveries(tx, shop.workspace.id, text="gintaras", before_id=page.next_before_id)
    assert ([one.id for one in page.items], page.next_before_id) == (first, None)


async def test_another_shop_finds_nothing(shop: Corner) -> None:
    lane_id = await shop.lane()
    (one,) = await shop.queue(lane_id)
    async with shop.db.reading() as tx:
        assert (await delivery.search_deliveries(tx, new_id())).items == []
        with pytest.raises(NotFound):
            await delivery.get_delivery(tx, new_id(), one)


@pytest.mark.parametrize(
    ("by", "field"),
    [({"state": "lost"}, "state"), ({"limit": 0}, "limit"), ({"limit": 10_000}, "limit"), ({"text": "\0"}, "text")],
)
async def test_odd_questions_are_refused(shop: Corner, by: dict[str, object], field: str) -> None:
    with pytest.raises(Invalid) as refused:
        await found(shop, **by)
    assert list(refused.value.fields) == [field]


async def test_an_event_is_found_once_also_where_the_search_stops_between_two_who_were_told_of_it(
    shop: Corner, monkeypatch: pytest.MonkeyPatch
) -> None:
    lane_id, other, now = await shop.lane(), await shop.lane(), shop.clock.now()
    async with shop.db.transaction() as tx:
        new = [NewEvent("walletreward_create", new_id(), BODY, now)]
        (event_id,) = await events.append(tx, shop.workspace.id, new, now)
        await events.drop_pending(tx, shop.workspace.id, "dispatch")
        rules = [Addressee(lane_id, new_id(), "", "walletreward_create") for _ in range(2)]
        await delivery.queue(tx, shop.workspace.id, [(rule, [event_id]) for rule in rules], now)
    await shop.queue(other, 20)
    monkeypatch.setattr(limits, "SEARCH_ROWS_MAX", 21)
    by: dict[str, Any] = {"lane_id": lane_id, "limit": 2}
    async with shop.db.reading() as tx:
        page = await dispatch.search_events(tx, shop.workspace.id, **by)
        further = await dispatch.search_events(tx, shop.workspace.id, **by, before_id=page.next_before_id)
    assert [[one.id for one in some.items] for some in (page, further)] == [[event_id], []]
