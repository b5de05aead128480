"""Staff sign in; a session ends by the clock or by signing out."""

import asyncio
import base64
import secrets
from typing import Any

import pytest

from regulars import limits, tenancy
from regulars.kit.clock import HandClock
from regulars.kit.db import Database
from regulars.kit.errors import Conflict, Invalid, NotFound, TooMany, Unauthenticated
from regulars.kit.ids import new_id
from regulars.tenancy.passwords import verified
from tests import make

PASSWORD = "correct horse"


def an_email() -> str:
    """Sign-in looks across workspaces, so that each test needs an address of its own."""
    return f"{new_id().hex}@example.com"


async def test_signing_in_and_out(db: Database, workspace: tenancy.Workspace, clock: HandClock) -> None:
    email = an_email()
    async with db.transaction() as tx:
        person = await tenancy.add_staff(
            tx, workspace.id, f" {email.upper()} ", make.hashed(PASSWORD), now=clock.now(), role="editor"
        )
        assert (person.email, person.name, person.role) == (email, email.partition("@")[0], "editor")
        assert (person.actor, person.may_write) == (f"staff:{email}", True)
        session = await make.signed_in(tx, email.upper(), PASSWORD, clock.now())
        assert session.person == person
        assert await tenancy.person_of(tx, session.token, clock.now()) == person
        assert await tenancy.list_staff(tx, workspace.id) == [person]
        stored = await tx.fetch("SELECT t::text AS all FROM tenancy_session t WHERE workspace_id = $1", workspace.id)
        stored += await tx.fetch("SELECT t::text AS all FROM tenancy_staff t WHERE workspace_id = $1", workspace.id)
        assert not any(session.token in row["all"] or PASSWORD in row["all"] for row in stored)
        again = await make.signed_in(tx, email, PASSWORD, clock.now())
        await tenancy.sign_out(tx, session.token)
        assert await tenancy.person_of(tx, session.token, clock.now()) is None
        assert await tenancy.person_of(tx, again.token, clock.now()) == person
        await tenancy.sign_out(tx, session.token)


async def test_the_words_do_not_tell_whether_it_was_the_email_or_the_password(
    db: Database, workspace: tenancy.Workspace, clock: HandClock
) -> None:
    email = an_email()
    said = set()
    async with db.transaction() as tx:
        await tenancy.add_staff(tx, workspace.id, email, make.hashed(PASSWORD), now=clock.now())
        for wrong_email, wrong_password in ((email, PASSWORD + "!"), (an_email(), PASSWORD), (email, ""), ("", "")):
            with pytest.raises(Unauthenticated) as refused:
                await make.signed_in(tx, wrong_email, wrong_password, clock.now())
            said.add((refused.value.message, refused.value.code, str(refused.value.fields)))
    assert len(said) == 1


async def test_a_session_ends_at_its_instant(db: Database, workspace: tenancy.Workspace, clock: HandClock) -> None:
    email = an_email()
    async with db.transaction() as tx:
        person = await tenancy.add_staff(tx, workspace.id, email, make.hashed(PASSWORD), now=clock.now())
        session = await make.signed_in(tx, email, PASSWORD, clock.now())
        just_before = clock.advance(seconds=limits.SESSION_S, microseconds=-1)
        assert await tenancy.person_of(tx, session.token, just_before) == person
        assert clock.advance(microseconds=1) == session.expires_at
        assert await tenancy.person_of(tx, session.token, session.expires_at) is None


async def test_a_forged_token_is_nobodys(db: Database, workspace: tenancy.Workspace, clock: HandClock) -> None:
    email = an_email()
    other = await make.a_workspace(db, clock.now())
    async with db.transaction() as tx:
        await tenancy.add_staff(tx, workspace.id, email, make.hashed(PASSWORD), now=clock.now())
        token = (await make.signed_in(tx, email, PASSWORD, clock.now())).token
        raw = base64.urlsafe_b64decode(token)
        forgeries = [
            "",
            "x",
            "a\x00b",
            "жетон",
            token[:-1],
            token + "A",
            f" {token}",
            token.swapcase(),
            base64.urlsafe_b64encode(raw[:-1] + bytes([raw[-1] ^ 1])).decode(),
            base64.urlsafe_b64encode(other.id.bytes + raw[16:]).decode(),
            base64.urlsafe_b64encode(workspace.id.bytes + secrets.token_bytes(32)).decode(),
            "A" * 10_000,
        ]
        for forged in forgeries:
            assert await tenancy.person_of(tx, forged, clock.now()) is None, forged
            await tenancy.sign_out(tx, forged)
        assert await tenancy.person_of(tx, token, clock.now()) is not None


async def test_one_person_in_two_shops_is_told_apart_by_the_password(
    db: Database, workspace: tenancy.Workspace, clock: HandClock
) -> None:
    other, email = await make.a_workspace(db, clock.now()), an_email()
    async with db.transaction() as tx:
        here = await tenancy.add_staff(tx, workspace.id, email, make.hashed(PASSWORD), now=clock.now())
        there = await tenancy.add_staff(
            tx, other.id, email, make.hashed("battery staple"), now=clock.now(), role="reader"
        )
        assert (await make.signed_in(tx, email, PASSWORD, clock.now())).person == here
        session = await make.signed_in(tx, email, "battery staple", clock.now())
        assert (session.person, there.may_write) == (there, False)
        await tx.execute("DELETE FROM tenancy_staff WHERE workspace_id = $1 AND id = $2", other.id, there.id)
        assert await tenancy.person_of(tx, session.token, clock.now()) is None


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"email": "nobody"}, "email"),
        ({"email": "a@" + "x" * 253}, "email"),
        ({"email": "a\x00@example.com"}, "email"),
        ({"role": "king"}, "role"),
        ({"name": "x" * 201}, "name"),
        ({"name": "a\x00b"}, "name"),
    ],
)
async def test_staff_are_not_added_with_wrong_details(
    db: Database, workspace: tenancy.Workspace, clock: HandClock, given: dict[str, Any], field: str
) -> None:
    details = {"email": an_email(), "password": make.hashed(PASSWORD), **given}
    async with db.transaction() as tx:
        with pytest.raises(Invalid) as refused:
            await tenancy.add_staff(tx, workspace.id, now=clock.now(), **details)
        assert list(refused.value.fields) == [field]
        assert await tenancy.list_staff(tx, workspace.id) == []


@pytest.mark.parametrize(
    "password",
    [
        "",
        "short one",
        "1234567890",
        "qwertyuiop",
        "aaaaaaaaaaaaaaaa",
        "password123",
        "P@ssw0rd2026",
        "asha.rao@shop.example",
        "Asha Rao 2026",
        "x" * 201,
    ],
)
async def test_a_password_that_is_soon_guessed_is_not_taken(password: str) -> None:
    with pytest.raises(Invalid) as refused:
        await tenancy.hashed(password, "asha.rao@shop.example", "Asha Rao")
    assert list(refused.value.fields) == ["password"]


async def test_a_good_password_proves_its_person_whatever_their_name() -> None:
    for password in (PASSWORD, "kiosk 74 Lantern", tenancy.draw_password(), "долгая дорога в дюнах"):
        known = await tenancy.hashed(password, "asha.rao@shop.example", "Asha Rao")
        assert (await verified(known, password), await verified(known, password + " ")) == (True, False)


async def test_hashing_is_done_a_little_at_a_time_and_others_are_told_to_wait() -> None:
    known = make.hashed(PASSWORD)
    asked = [verified(known, PASSWORD) for _ in range(limits.PASSWORDS_WAITING_MAX + 3)]
    answers = await asyncio.gather(*asked, return_exceptions=True)
    assert answers[: limits.PASSWORDS_WAITING_MAX] == [True] * limits.PASSWORDS_WAITING_MAX
    assert [type(answer) for answer in answers[limits.PASSWORDS_WAITING_MAX :]] == [TooMany] * 3
    assert await verified(known, PASSWORD), "the gate is open again"


async def test_an_email_is_on_the_staff_once(db: Database, workspace: tenancy.Workspace, clock: HandClock) -> None:
    email = an_email()
    async with db.transaction() as tx:
        await tenancy.add_staff(tx, workspace.id, email, make.hashed(PASSWORD), now=clock.now())
        with pytest.raises(Conflict):
            await tenancy.add_staff(tx, workspace.id, email.upper(), make.hashed("other password"), now=clock.now())
        # The refusal did not break the transaction, and the first password holds.
        await make.signed_in(tx, email, PASSWORD, clock.now())


async def test_a_new_password_ends_what_rested_on_the_old_one(
    db: Database, workspace: tenancy.Workspace, clock: HandClock
) -> None:
    email, now = an_email(), clock.now()
    async with db.transaction() as tx:
        person = await tenancy.add_staff(tx, workspace.id, email, make.hashed(PASSWORD), now=now)
        other = await tenancy.add_staff(tx, workspace.id, an_email(), make.hashed(PASSWORD), now=now)
        theirs = await make.signed_in(tx, other.email, PASSWORD, now)
        here, elsewhere = [await make.signed_in(tx, email, PASSWORD, now) for _ in range(2)]
        known = await tenancy.known_person(tx, person)
        await tenancy.change_password(tx, workspace.id, person.id, make.hashed("battery staple"))
        with pytest.raises(Unauthenticated):
            await tenancy.open_session(tx, known, now)  # which was proven just before
        fresh = await tenancy.open_session(tx, await tenancy.known_person(tx, person), now)
        alive = [await tenancy.person_of(tx, one.token, now) for one in (here, elsewhere, fresh, theirs)]
        assert alive == [None, None, person, other]
        with pytest.raises(Unauthenticated):
            await make.signed_in(tx, email, PASSWORD, now)
        given = await tenancy.change_password(tx, workspace.id, person.id, make.hashed("a third one"))
        assert (given, await tenancy.person_of(tx, fresh.token, now)) == (person, None)
        assert (await make.signed_in(tx, email, "a third one", now)).person == person


async def test_a_new_role_begins_with_a_new_session(
    db: Database, workspace: tenancy.Workspace, clock: HandClock
) -> None:
    now = clock.now()
    async with db.transaction() as tx:
        owner = await tenancy.add_staff(tx, workspace.id, an_email(), make.hashed(PASSWORD), now=now)
        editor = await tenancy.add_staff(tx, workspace.id, an_email(), make.hashed(PASSWORD), now=now, role="editor")
        session = await make.signed_in(tx, editor.email, PASSWORD, now)
        assert await tenancy.change_role(tx, workspace.id, editor.id, "editor") == editor
        assert await tenancy.person_of(tx, session.token, now) == editor, "nothing was changed"
        assert (await tenancy.change_role(tx, workspace.id, editor.id, "reader")).role == "reader"
        assert await tenancy.person_of(tx, session.token, now) is None
        with pytest.raises(tenancy.LastOwner):
            await tenancy.change_role(tx, workspace.id, owner.id, "editor")
        with pytest.raises(Invalid):
            await tenancy.change_role(tx, workspace.id, editor.id, "king")  # type: ignore[arg-type]


async def test_who_is_removed_is_out_at_once_and_an_owner_stays(
    db: Database, workspace: tenancy.Workspace, clock: HandClock
) -> None:
    now = clock.now()
    other = await make.a_workspace(db, now)
    async with db.transaction() as tx:
        first = await tenancy.add_staff(tx, workspace.id, an_email(), make.hashed(PASSWORD), now=now)
        second = await tenancy.add_staff(tx, workspace.id, an_email(), make.hashed(PASSWORD), now=now)
        session = await make.signed_in(tx, first.email, PASSWORD, now)
        with pytest.raises(NotFound):
            await tenancy.remove_staff(tx, other.id, first.id)
        assert await tenancy.remove_staff(tx, workspace.id, first.id) == first
        assert await tenancy.person_of(tx, session.token, now) is None
        with pytest.raises(tenancy.LastOwner):
            await tenancy.remove_staff(tx, workspace.id, second.id)
        assert await tenancy.list_staff(tx, workspace.id) == [second]


async def test_two_owners_who_remove_each_other_at_once_leave_one(
    db: Database, workspace: tenancy.Workspace, clock: HandClock
) -> None:
    async with db.transaction() as tx:
        people = [
            await tenancy.add_staff(tx, workspace.id, an_email(), make.hashed(PASSWORD), now=clock.now())
            for _ in range(2)
        ]

    async def remove(person: tenancy.Person) -> None:
        async with db.transaction() as tx:
            await tenancy.remove_staff(tx, workspace.id, person.id)

    ended = await asyncio.gather(*(remove(person) for person in people), return_exceptions=True)
    assert sorted(type(end).__name__ for end in ended) == ["LastOwner", "NoneType"]
    async with db.reading() as tx:
        assert len(await tenancy.list_staff(tx, workspace.id)) == 1
