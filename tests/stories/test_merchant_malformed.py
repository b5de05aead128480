"""Whatever is sent, the answer is a clear no and nothing changes."""

import pytest

from regulars import customers
from tests.doors import Shop

JSON = "application/json"
FORM = "application/x-www-form-urlencoded"
ID = "019aa8a1-5c2e-7b1f-9c3d-2f6a1e8b4d70"
DEEP = b"[" * 20_000 + b"]" * 20_000
BODIES = {
    "empty": (b"", JSON, 400),
    "no json": (b"trigger_id=1", JSON, 400),
    "cut short": (b'{"trigger_id": "', JSON, 400),
    "not a number": (b'{"trace": {"params_for_activityrule": {"amount": NaN}}}', JSON, 400),
    "latin-1": ('{"name": "Müller"}'.encode("latin-1"), JSON, 400),
    "half a surrogate": (b'{"name": "\\ud800"}', JSON, 400),
    "utf-16": ('{"name": "x"}'.encode("utf-16"), JSON, 400),
    "a mark at the start": (b"\xef\xbb\xbf{}", JSON, 400),
    "two values": (b"{} {}", JSON, 400),
    "deep": (b'{"trace": {"params_for_email": {"x": ' + DEEP + b"}}}", JSON, 400),
    "a list": (b"[]", JSON, 422),
    "null": (b"null", JSON, 422),
    "text": (b'"x"', JSON, 422),
    "a nul": (b'{"trigger_id": "%s", "customer_id": "shopify-\\u00001"}' % ID.encode(), JSON, 422),
    "a nul in a name": (
        b'{"trace": {"params_for_email": {"a\\u0000": 1}}, "trigger_id": "%s"}' % ID.encode(),
        JSON,
        422,
    ),
    "a huge number": (b'{"trace": {"params_for_activityrule": {"count": ' + b"9" * 5_000 + b"}}}", JSON, 422),
    "beyond floats": (b'{"trace": {"params_for_activityrule": {"amount": 1e999}}}', JSON, 422),
    "a wrong type": (b'{"trigger_id": 7}', JSON, 422),
    "an unknown key": (b'{"triger_id": "x"}', JSON, 422),
    "a form": (b"{}", FORM, 422),
    "a form that is deep": (b"metadetail" + b"[a]" * 2_000 + b"=1", FORM, 422),
    "a form that says it twice": (b"metadetail[email]=a&metadetail[email]=b", FORM, 422),
    "a form that says both": (b"metadetail=a&metadetail[email]=b", FORM, 422),
    "a form with brackets": (b"metadetail[[email]]=a", FORM, 422),
    "a form with a nul": (b"customer_id=shopify-1001%00", FORM, 422),
    "a form of JSON that is none": (b"metadetail={", FORM, 422),
    "a form of deep JSON": (b"metadetail=" + DEEP, FORM, 422),
    "many parts": (b"multipart", "multipart/form-data; boundary=x", 415),
    "xml": (b"<x/>", "text/xml", 415),
    "json by another name": (b"{}", "application/jsonx", 415),
    "too long": (b'{"name": "' + b"x" * 1_100_000 + b'"}', JSON, 413),
}


NULLS = {
    "amid nulls": b'{"name": null, "customer_id": "shopify-\\u00001", "trigger_id": "%s"}' % ID.encode(),
    "amid nulls, cut short": b'{"name": null, "customer_id": "shopify-1001", ',
    "amid nulls, deep": b'{"name": null, "trace": {"params_for_email": {"x": ' + DEEP + b"}}}",
}
BODIES |= {name: (body, JSON, 422 if name == "amid nulls" else 400) for name, body in NULLS.items()}


@pytest.mark.parametrize("case", BODIES)
async def test_a_body_that_can_not_be_taken(shop: Shop, case: str) -> None:
    body, media_type, status = BODIES[case]
    # A body is read in one pass: what is wrong first is said, be it the text or what it holds.
    wanted = {400, 422} if status == 400 else {status}
    for path in ("/activities", "/leads", "/wallettransactions"):
        answer = await shop.merchant("POST", path, content=body, send={"content-type": media_type})
        assert answer.status_code in wanted
        assert answer.headers["content-type"] == "application/json"
        said = answer.json()
        assert said["meta"] == {"status": "error", "code": answer.status_code}
        assert said["data"]["message"]
        assert said["data"]["code"]
    async with shop.app.db.reading() as tx:
        assert await customers.search(tx, shop.workspace.id) == []


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nowhere", 404),
        ("GET", "/leads", 405),
        ("DELETE", "/triggers", 405),
        ("GET", "/activities", 405),
        ("PUT", "/activities", 405),
        ("GET", "/leads/no-id", 422),
        ("GET", "/leads/%00", 422),
        ("GET", f"/leads/{ID}?customer_id=%00", 422),
        ("GET", f"/leads/{ID}?customer_id=a&customer_id=b", 422),
        ("GET", f"/leads/{ID}?email=%ff%fe", 422),
        ("GET", f"/leads/{ID}/", 422),
        ("GET", "/triggers?page=0", 422),
        ("POST", "/activities?x=1", 422),
        ("GET", f"/wallettransactions?lead_id={ID}&page=99999999999999999999", 422),
        ("GET", f"/wallettransactions?lead_id={ID}&limit=1e3", 422),
    ],
)
async def test_an_address_that_leads_nowhere(shop: Shop, method: str, path: str, status: int) -> None:
    answer = await shop.merchant(method, path)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/json")
    assert answer.json()["data"]["message"]
    if status == 405:
        assert answer.headers["allow"]


async def test_json_may_say_its_charset(shop: Shop) -> None:
    trigger = await shop.trigger()
    body = b'{"trigger_id": "%s", "customer_id": "shopify-1001", "name": "\xe2\x98\x83"}' % str(trigger.id).encode()
    for media_type in ("application/json; charset=utf-8", "application/vnd.shop+json", ""):
        answer = await shop.merchant("POST", "/activities", content=body, send={"content-type": media_type})
        assert answer.status_code == 200
    assert (await shop.lead("shopify-1001"))["name"] == "\u2603"
