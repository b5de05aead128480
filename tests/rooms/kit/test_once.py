"""Answers of calls that carry an Idempotency-Key."""

import asyncio

import asyncpg
import pytest

from regulars import tenancy
from regulars.kit import once
from regulars.kit.clock import HandClock
from regulars.kit.db import Database
from regulars.kit.once import Answer
from tests import make

SECRET = b"thirty-two bytes of a secret key."[:32]


def an_answer(key: str, body: str = "{}") -> Answer:
    return Answer(key, once.fingerprint(SECRET, "POST /activities", b"{}"), 200, body)


async def test_an_answer_is_recalled(db: Database, workspace: tenancy.Workspace) -> None:
    answers = [an_answer("b", '{"coins": 5, "name": "Zoë"}'), an_answer("a", ""), an_answer("x" * 255)]
    async with db.transaction() as tx:
        once.remember(tx, workspace.id, answers)
    async with db.reading() as tx:
        known = await once.recall(tx, workspace.id, ["a", "b", "x" * 255, "c", "A"])
        assert known == {answer.key: answer for answer in answers}
        assert await once.recall(tx, workspace.id, []) == {}


async def test_a_key_is_of_one_workspace(db: Database, workspace: tenancy.Workspace, clock: HandClock) -> None:
    other = await make.a_workspace(db, clock.now())
    async with db.transaction() as tx:
        once.remember(tx, workspace.id, [an_answer("a", "mine")])
        assert await once.recall(tx, other.id, ["a"]) == {}
        once.remember(tx, other.id, [an_answer("a", "theirs")])
        assert (await once.recall(tx, workspace.id, ["a"]))["a"].body == "mine"


async def test_of_calls_that_race_one_acts_and_the_others_find_its_answer(
    db: Database, workspace: tenancy.Workspace
) -> None:
    """The act is another row of the same table, written in the same transaction."""
    acts = 0

    async def call(n: int) -> str | None:
        nonlocal acts
        try:
            async with db.transaction() as tx:
                known = await once.recall(tx, workspace.id, ["raced"])
                if "raced" in known:
                    return known["raced"].body
                once.remember(tx, workspace.id, [an_answer(f"act-{n}")])
                once.remember(tx, workspace.id, [an_answer("raced", f"answer {n}")])
            acts += 1
            return f"answer {n}"
        except asyncpg.UniqueViolationError:
            return await call(n)

    answers = await asyncio.gather(*(call(n) for n in range(12)))
    assert len(set(answers)) == 1
    assert acts == 1
    async with db.reading() as tx:
        acted = await once.recall(tx, workspace.id, [f"act-{n}" for n in range(12)])
    assert len(acted) == 1, "the acts of those that lost were undone"


async def test_a_key_twice_in_one_batch_is_the_callers_mistake(db: Database, workspace: tenancy.Workspace) -> None:
    with pytest.raises(asyncpg.UniqueViolationError):
        async with db.transaction() as tx:
            once.remember(tx, workspace.id, [an_answer("a"), an_answer("a")])


def test_a_fingerprint_tells_routes_and_bodies_apart() -> None:
    calls = (("/a", b"b"), ("/ab", b""), ("/a", b""), ("/a", b"b "), ("/", b"ab"))
    prints = {once.fingerprint(SECRET, *call) for call in calls}
    assert len(prints) == 5
    assert once.fingerprint(SECRET, "/a", b"b") == once.fingerprint(SECRET, "/a", b"b")
    assert once.fingerprint(SECRET[::-1], "/a", b"b") not in prints, "without the secret nobody can make one to compare"
