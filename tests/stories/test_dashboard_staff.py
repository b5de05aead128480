"""At the dashboard: people change their own password, owners change and remove people."""

import re

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


async def test_somebody_signs_in_at_the_door(shop: Shop) -> None:
    ben = await person(shop, "ben", "reader")
    door = await shop.client.get("/sign-in", params={"to": "/customers"})
    token = re.search(r'name="_csrf" value="(\w+)"', door.text)
    assert token, "the form carries its token"
    form = {"email": ben.email, "password": PASSWORD, "to": "/customers"}
    assert (await shop.client.post("/sign-in", data=form)).status_code == 403
    answer = await shop.client.post("/sign-in", data=form | {"_csrf": token[1]})
    assert (answer.status_code, answer.headers["location"]) == (303, "/customers")
    assert (await shop.client.get("/customers")).status_code == 200


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


async def test_whoever_is_removed_leaves_no_key_that_the_owner_does_not_know(shop: Shop) -> None:
    asha, ben = await person(shop, "asha"), await person(shop, "ben")
    owner, leaving = await signed_in(shop, asha), await signed_in(shop, ben)
    for name in ("Checkout", "Laptop"):
        assert (await leaving.post("/keys/new", name=name, access="WRITE", purpose="SERVER")).status_code == 200
    keys = {key["name"]: key["id"] for key in (await shop.manage("GET", "/keys")).json()["items"]}

    asked = (await owner.get(f"/staff/{ben.id}/remove")).text
    assert all(name in asked and keys[name] in asked for name in ("Checkout", "Laptop"))
    assert keys["Till"] not in asked
    done = await owner.post(f"/staff/{ben.id}/remove", key=keys["Laptop"])
    assert done.status_code == 303

    revoked = {key["name"] for key in (await shop.manage("GET", "/keys")).json()["items"] if key["revoked_at"]}
    assert revoked == {"Laptop"}
    assert sorted((await acts(shop))[:2]) == [(asha.actor, "key.revoke"), (asha.actor, "staff.delete")]


async def test_keys_are_issued_and_revoked_by_owners_alone(shop: Shop) -> None:
    owner = await signed_in(shop, await person(shop, "asha"))
    editor = await signed_in(shop, await person(shop, "ben", "editor"))
    form = {"name": "Stock", "access": "NONE", "purpose": "SERVER", "areas.data": "READ", "areas.rules": "WRITE"}
    assert (await editor.post("/keys/new", **form)).status_code == 403
    assert "areas.staff" in (await owner.get("/keys/new")).text
    assert (await owner.post("/keys/new", **form | {"purpose": "STOREFRONT"})).status_code == 422
    made = await owner.post("/keys/new", **form)
    assert "rg_manage_" in made.text
    [key] = [key for key in (await shop.manage("GET", "/keys")).json()["items"] if key["name"] == "Stock"]
    assert key["areas"] == {"staff": "NONE", "settings": "NONE", "rules": "WRITE", "data": "READ"}
    page = (await editor.get("/keys")).text
    for said in ("Read only: customers and orders", "Read and write: rules", "asha@", "never"):
        assert said in page
    assert (await editor.post(f"/keys/{key['id']}/revoke")).status_code == 403
    assert (await owner.post(f"/keys/{key['id']}/revoke")).status_code == 303


async def test_only_owners_change_people(shop: Shop) -> None:
    asha, ben = await person(shop, "asha"), await person(shop, "ben", "editor")
    editor = await signed_in(shop, ben)
    for path, form in (("", {"role": "reader"}), ("/password", {"password": "battery staple"}), ("/remove", {})):
        assert (await editor.post(f"/staff/{asha.id}{path}", **form)).status_code == 403
    assert await acts(shop) == []
