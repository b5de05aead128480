"""Whatever a stranger sends, to whichever door: an answer in words, never a fault, and nothing of it remembered."""

import gc
import json
import re
import string
from functools import _lru_cache_wrapper
from hashlib import blake2b, sha256
from typing import Any
from urllib.parse import quote

import httpx
import pytest
import structlog

from regulars.api.app import Doors
from regulars.dashboard import security
from regulars.kit import logs
from tests.doors import Shop
from tests.stories.browsing import PASSWORD, Browser, person, signed_in

NASTY = [
    "中",
    "é",
    "%00",
    "%ff",
    "%ed%a0%80",
    "%",
    "%zz",
    "x%0d%0aset-cookie:a=b",
    "%0aerror%20FORGED",
    "..%2f..",
    "x" * 900,
    "'",
    "{{7*7}}",
]
HEADERS: list[dict[str, Any]] = [
    {"host": "x:abc"},
    {"host": "[::1"},
    {"host": b"\xff\xfe"},
    {"host": ""},
    {"cookie": b"regulars_session=\xff; =; regulars_said=\xe9; regulars_door=\xff"},
    {"cookie": "regulars_session=" + "A" * 64 + "; regulars_said=/w==; regulars_theme=%00"},
    {"accept": b"text/html;q=\xff, */*;q=x"},
    {"authorization": b"Bearer \xff", "x-workspaceid": b"\xff", "x-apikey": b"\xff\xfe"},
    {"content-type": b"multipart/form-data; boundary=\xff", "content-length": "x"},
    {"content-type": b"\xff; charset=\xff"},
    {"referer": b"http://x/\xff", "hx-request": b"\xff", "x-csrf-token": b"\xe9", "sec-fetch-site": b"\xff"},
    {"x-forwarded-for": b"\xff, ,", "x-forwarded-proto": b"\xff"},
    {"idempotency-key": b"\xff", "x-leaddigest": b"\xff", "x-leadtoken": b"\xff", "x-timestamp": b"\xb2"},
]
BODIES = [
    b"",
    b"\xff",
    b"_csrf=%E9&email=%E9&password=%E9",
    b"_csrf=\xe9",
    b"a=%00",
    b"{",
    b"[]",
    b'{"\\u0000": 1}',
    b"&" * 2_000,
]
TYPES = ["application/x-www-form-urlencoded", "application/json", "multipart/form-data; boundary=line", ""]


def routes(shop: Shop) -> list[tuple[str, str]]:
    """Each method and template."""
    return [
        (method, route.path)
        for route in Doors(shop.app).litestar.routes
        for method in sorted(getattr(route, "methods", {"GET"}) - {"OPTIONS"})
    ]


async def call(shop: Shop, method: str, target: str, **more: Any) -> httpx.Response:
    """`target` as it stands in the request's first line."""
    url = httpx.URL("http://shop.test").copy_with(raw_path=quote(target, safe=string.punctuation).encode())
    shop.client.cookies.clear()
    answer = await shop.client.send(shop.client.build_request(method, url, **more))
    unwell = target.startswith("/health") and answer.status_code == 503  # what it is asked for, not a fault
    assert answer.status_code < 500 or unwell, f"{method} {target} {more}: {answer.status_code}"
    return answer


async def test_no_door_breaks_on_what_no_client_sends(shop: Shop) -> None:
    owner = await signed_in(shop, await person(shop, "asha"))
    inside = {"cookie": f"{security.SESSION_COOKIE}={owner.token}", "x-csrf-token": security.csrf_token(owner.token)}
    key = {
        "authorization": f"Bearer {shop.write_key}",
        "x-workspaceid": shop.id,
        "x-apikey": shop.write_key,
        "x-source": "web",
    }
    tried, doors = 0, set[str]()
    for method, template in routes(shop):
        kept_out = re.compile(r"/(sign-out|password|staff/.*)")
        known = key if template.startswith("/api") else {} if kept_out.fullmatch(template) else inside
        for nasty in NASTY:
            path = re.sub(r"\{[^}]*\}", nasty, template)
            await call(shop, method, f"{path}?{nasty}={nasty}&q={nasty}&after={nasty}&to={nasty}", headers=known)
            tried += 1
        plain = re.sub(r"\{[^}]*\}", "x", template)
        if (door := f"{method} {template[:12]}") not in doors:
            doors.add(door)
            for headers in HEADERS:
                await call(shop, method, plain, headers=known | headers)
        if method in ("POST", "PUT", "PATCH"):
            for n, body in enumerate(BODIES):
                for type_ in {TYPES[0], TYPES[n % len(TYPES)]}:
                    await call(shop, method, plain, headers=known | {"content-type": type_}, content=body)
                    tried += 1
    assert tried > 1_000


async def test_what_stands_in_an_address_goes_back_as_an_address(shop: Shop) -> None:
    asha = await person(shop, "asha")
    page = await shop.client.get("/sign-in?to=/%E4%B8%AD")
    door = page.cookies[security.DOOR_COOKIE]
    form = {"email": asha.email, "password": PASSWORD, "_csrf": security.csrf_token(door)}
    for to, location in {
        "/中?q=é": "/%E4%B8%AD?q=%C3%A9",
        "//x": "/",
        "/\\x": "/",
        "/a%0d%0ab": "/a%0d%0ab",
        "/a\nb": "/",
    }.items():
        answer = await shop.client.post("/sign-in", data=form | {"to": to})
        assert (answer.status_code, answer.headers["location"]) == (303, location)


async def test_nothing_that_is_sent_is_remembered(shop: Shop) -> None:
    async def visit(n: int) -> None:
        mark = f"{n}-{'x' * 100}"
        cookies = {"cookie": f"regulars_door={mark}; regulars_session={mark}"}
        for method, template in routes(shop):
            path = re.sub(r"\{[^}]*\}", mark, template)
            more = {"content": f"email={mark}&password={mark}"} if method == "POST" else {}
            form = {"content-type": f"application/x-www-form-urlencoded; charset={mark}"}
            await call(shop, method, f"{path}?q={mark}&{mark}=1", headers=cookies | form, **more)

    def remembered() -> dict[int, tuple[Any, int]]:
        found = [one for one in gc.get_objects() if isinstance(one, _lru_cache_wrapper)]
        return {id(one): (one, one.cache_info().currsize) for one in found}

    await visit(0)
    before = remembered()
    for n in range(1, 9):
        await visit(n)
    grown = [one for id_, (one, size) in remembered().items() if size - before.get(id_, (one, size))[1] >= 8]
    assert grown == []


async def test_nobody_writes_a_line_of_their_own_into_the_log(
    shop: Shop, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    owner = await signed_in(shop, await person(shop, "asha"))
    logs.configure("info")
    try:

        async def broken(*_: object, **__: object) -> None:
            raise RuntimeError("first line\nerror FORGED \x1b[2J")

        monkeypatch.setattr("regulars.tenancy.person_of", broken)
        monkeypatch.setattr("regulars.tenancy.workspace_id_of", broken)
        assert (await shop.client.get(f"/review/FORGED/{shop.id}/opens-the-order")).status_code == 500
        answer = await owner.get("/integrations/new/x%0aerror%20FORGED%1b[2J")
        assert answer.status_code == 500
    finally:
        structlog.reset_defaults()
    written = capsys.readouterr().out
    lines = [line for line in written.splitlines() if "FORGED" in line]
    assert [json.loads(line)["event"] for line in lines] == ["broken", "broken"]
    assert "/review/{" in written
    assert "opens-the-order" not in written, "what a link proves stands in no log"
    assert "\x1b" not in "".join(lines)


def test_at_a_terminal_nothing_moves_the_cursor() -> None:
    assert logs.printable("Café 中\n\x1b[2J\u202e") == r"Café 中\n\x1b[2J\u202e"
    line = logs._escaped(None, "", {"event": "broken", "request": "GET /\nx", "exception": "a\nerror \x1b[2J"})
    assert line == {"event": "broken", "request": r"GET /\nx", "exception": "a\n  error \\x1b[2J"}


async def test_every_answer_says_that_it_is_for_its_caller_alone(shop: Shop) -> None:
    paths = [
        "/api/v1/workspace",
        "/api/v1/nowhere",
        "/api/v2/merchant/triggers",
        "/api/v2/merchant/activities",
        "/",
        "/nowhere",
    ]
    for path in [*paths, "/sign-in", "/healthz", "/api/docs/openapi.json"]:
        for method in ("GET", "POST", "OPTIONS"):
            answer = await call(shop, method, path)
            assert answer.headers["x-content-type-options"] == "nosniff", f"{method} {path}"
            assert answer.headers["cache-control"] == "no-store", f"{method} {path}"


async def test_over_tls_cookies_are_of_this_very_host(shop: Shop) -> None:
    asha = await person(shop, "asha")
    tls = {"x-forwarded-proto": "https"}
    page = await call(shop, "GET", "/sign-in", headers=tls)
    [set_cookie] = page.headers.get_list("set-cookie")
    assert set_cookie.startswith("__Host-regulars_door=")
    assert ("Secure" in set_cookie, "Path=/" in set_cookie, "Domain" in set_cookie) == (True, True, False)
    door = page.cookies["__Host-regulars_door"]
    form = {"email": asha.email, "password": PASSWORD, "_csrf": security.csrf_token(door)}
    planted = await call(shop, "POST", "/sign-in", data=form, headers=tls | {"cookie": f"regulars_door={door}"})
    assert planted.status_code == 403, "a neighbour's cookie does not count"
    done = await call(shop, "POST", "/sign-in", data=form, headers=tls | {"cookie": f"__Host-regulars_door={door}"})
    assert done.status_code == 303
    session = done.cookies["__Host-regulars_session"]
    assert (
        await call(shop, "GET", "/", headers=tls | {"cookie": f"__Host-regulars_session={session}"})
    ).status_code == 200
    assert (await call(shop, "GET", "/", headers=tls | {"cookie": f"regulars_session={session}"})).status_code == 303
    assert (await Browser(shop, session).get("/")).status_code == 200, "and over plain HTTP, as on one's own machine"


async def test_what_is_kept_under_an_idempotency_key_gives_no_password_away(shop: Shop) -> None:
    """Whoever reads the table can guess bodies fast: without the server's secret it gets them nowhere."""
    trigger = json.dumps({"name": "Bonus", "source": "api", "rule": {"coins_min": 1, "coins_max": 1}}).encode()
    sent = {"idempotency-key": "once", "content-type": "application/json"}
    assert (await shop.manage("POST", "/triggers", content=trigger, send=sent)).status_code == 201
    staff = json.dumps({"email": f"ben@{shop.id}.example", "password": "correct horse"}).encode()
    sent["idempotency-key"] = "twice"
    assert (await shop.manage("POST", "/staff", content=staff, send=sent)).status_code == 201
    again = await shop.manage("POST", "/staff", content=staff, send=sent)
    assert (again.status_code, again.json()["code"]) == (409, "staff_exists")
    async with shop.app.db.reading() as tx:
        kept = await tx.fetch("SELECT key, fingerprint FROM once_call WHERE workspace_id = $1", shop.workspace.id)
    assert [row["key"] for row in kept] == ["once"]
    route = "POST /api/v1/triggers?"
    whole = route.encode() + b"\0" + trigger
    guesses = {hashed(text).digest() for hashed in (sha256, blake2b) for text in (trigger, whole)}
    assert kept[0]["fingerprint"] not in guesses
    assert kept[0]["fingerprint"] == shop.app.fingerprint(route, trigger)


@pytest.mark.parametrize(
    ("settings", "headers", "status"),
    [
        ({}, {}, 200),
        ({}, {"x-forwarded-for": "8.8.8.8"}, 404),
        ({"host": "0.0.0.0"}, {}, 404),
        ({"public_url": "https://rewards.shop.example"}, {}, 404),
        ({"metrics_token": "a token of metrics"}, {}, 401),
        ({"metrics_token": "a token of metrics"}, {"authorization": b"Bearer \xff"}, 401),
        (
            {"host": "0.0.0.0", "metrics_token": "a token of metrics"},
            {"authorization": "Bearer a token of metrics"},
            200,
        ),
    ],
)
async def test_metrics_are_for_who_was_named(shop: Shop, settings: dict[str, str], headers: Any, status: int) -> None:
    shop.app.settings = type(shop.app.settings)(**{**shop.app.settings.model_dump(), **settings})
    assert (await call(shop, "GET", "/metrics", headers=headers)).status_code == status
