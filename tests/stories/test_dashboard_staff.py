"""At the dashboard: people change their own password, owners change and remove people."""

from __future__ import annotations

from regulars.dashboard import security
from tests.doors import Shop
from tests.stories.browsing import PASSWORD, Browser, person, signed_in


async def acts(shop: Shop) -> list[tuple[str, str]]:
    lines = (await shop.manage("GET", "/audit")).json()["items"]
    return [(line["actor"], line["act"]) for line in lines]


async def test_a_reader_changes_their_own_password_and_stays_signed_in(shop: Shop) -> None:
    ben = await person(shop, "ben", "reader")
    here, phone = await signed_in(shop, ben), await signed_in(shop, ben)
    assert (await here.get("/password")).status_code == 200
    new = "battery staple"
    wrong = await here.post("/password", current_password="guess", password=new, again=new)
    assert (wrong.status_code, "Give the password you sign in with now." in wrong.text) == (422, True)
    unlike = await here.post("/password", current_password=PASSWORD, password=new, again="other")
    assert (unlike.status_code, new in unlike.text) == (422, False)
    done = await here.post("/password", current_password=PASSWORD, password=new, again=new)
    assert (done.status_code, done.headers["location"]) == (303, "/")
    assert (await phone.get("/customers")).headers["location"].startswith("/sign-in")
    assert (await here.get("/customers")).headers["location"].startswith("/sign-in")
    assert (await Browser(shop, done.cookies[security.SESSION_COOKIE]).get("/customers")).status_code == 200
    assert await acts(shop) == [(ben.actor, "staff.new_password")]


async def test_an_owner_changes_and_removes_people(shop: Shop) -> None:
    asha, ben = await person(shop, "asha"), await person(shop, "ben", "editor")
    owner, editor = await signed_in(shop, asha), await signed_in(shop, ben)
    assert f"/staff/{ben.id}" in (await owner.get("/staff")).text
    assert (await owner.post(f"/staff/{ben.id}", role="reader")).status_code == 303
    assert (await editor.get("/staff")).status_code == 303, "signed out"
    assert (await owner.post(f"/staff/{ben.id}/password", password="battery staple")).status_code == 303
    editor = await signed_in(shop, ben, "battery staple")
    assert "Remove Ben" not in (await editor.get(f"/staff/{asha.id}")).text
    last = await owner.post(f"/staff/{asha.id}", role="reader")
    assert (last.status_code, "This is the only owner." in last.text) == (422, True)
    assert (await owner.post(f"/staff/{asha.id}/remove")).status_code == 409
    assert f"Remove {ben.name}?" in (await owner.get(f"/staff/{ben.id}/remove")).text
    assert (await owner.post(f"/staff/{ben.id}/remove")).status_code == 303
    assert (await editor.get("/")).headers["location"].startswith("/sign-in")
    assert (await owner.get(f"/staff/{ben.id}")).status_code == 404
    done = ["staff.delete", "staff.new_password", "staff.update"]
    assert await acts(shop) == [(asha.actor, act) for act in done]


async def test_only_owners_change_people(shop: Shop) -> None:
    asha, ben = await person(shop, "asha"), await person(shop, "ben", "editor")
    editor = await signed_in(shop, ben)
    for path, form in (("", {"role": "reader"}), ("/password", {"password": "battery staple"}), ("/remove", {})):
        assert (await editor.post(f"/staff/{asha.id}{path}", **form)).status_code == 403
    assert await acts(shop) == []
