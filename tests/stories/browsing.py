"""The dashboard without a browser: pages and forms as they go over the wire."""

from html.parser import HTMLParser
from typing import Any

import httpx

from regulars import tenancy
from regulars.dashboard import security
from regulars.tenancy import Person
from tests import make
from tests.doors import Shop

PASSWORD = "correct horse"


async def person(shop: Shop, name: str, role: Any = "owner") -> Person:
    async with shop.app.db.transaction() as tx:
        email = f"{name}@{shop.id}.example"
        return await tenancy.add_staff(
            tx, shop.workspace.id, email, make.hashed(PASSWORD), now=shop.app.clock.now(), role=role
        )


class Browser:
    """Somebody who is signed in, with their cookie and the token of their forms."""

    def __init__(self, shop: Shop, token: str) -> None:
        self.shop, self.token = shop, token

    async def get(self, path: str) -> httpx.Response:
        return await self._call("GET", path)

    async def post(self, path: str, **form: str) -> httpx.Response:
        return await self._call("POST", path, data=form | {"_csrf": security.csrf_token(self.token)})

    async def upload(self, path: str, filename: str, content: bytes, **form: str) -> httpx.Response:
        fields = form | {"_csrf": security.csrf_token(self.token)}
        return await self._call("POST", path, data=fields, files={"file": (filename, content, "text/csv")})

    async def _call(self, method: str, path: str, **more: Any) -> httpx.Response:
        self.shop.client.cookies.clear()
        headers = {"cookie": f"{security.SESSION_COOKIE}={self.token}"}
        return await self.shop.client.request(method, path, headers=headers, **more)


def form_of(page: str, action: str = "") -> dict[str, str]:
    """What the page's form for this address, or all of its forms, would send as they were drawn."""
    reader = _Controls(action)
    reader.feed(page)
    return reader.fields


class _Controls(HTMLParser):
    def __init__(self, action: str) -> None:
        super().__init__()
        self.fields: dict[str, str] = {}
        self._action, self._inside, self._select, self._area = action, not action, "", ""

    def handle_starttag(self, tag: str, given: list[tuple[str, str | None]]) -> None:
        attrs = {name: value or "" for name, value in given}
        name, value = attrs.get("name", ""), attrs.get("value", "")
        if tag == "form":
            self._inside = not self._action or attrs.get("action") == self._action
        if not self._inside:
            return
        if tag == "input" and name not in ("", "_csrf"):
            if attrs.get("type") not in ("checkbox", "radio") or "checked" in attrs:
                self.fields[name] = value
        elif tag == "select":
            self._select = name
        elif tag == "option" and ("selected" in attrs or self._select not in self.fields):
            self.fields[self._select] = value
        elif tag == "textarea":
            self._area, self.fields[name] = name, ""

    def handle_data(self, data: str) -> None:
        if self._area:
            self.fields[self._area] += data.removeprefix("\n")

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea":
            self._area = ""


async def signed_in(shop: Shop, who: Person, password: str = PASSWORD) -> Browser:
    async with shop.app.db.transaction() as tx:
        return Browser(shop, (await make.signed_in(tx, who.email, password, shop.app.clock.now())).token)
