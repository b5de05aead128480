"""Pictures of reviews: sent by pages and older clients, and by whoever means no good."""

import base64
import io
import struct
import zlib
from collections.abc import AsyncIterator
from typing import Any

import pytest
from PIL import Image

from regulars import limits
from tests.doors import Shop, as_documented
from tests.stories.test_reviews import Counter, counter, events_of

__all__ = ["counter"]


def picture(width: int = 900, height: int = 600, format: str = "JPEG", **more: Any) -> bytes:
    written = io.BytesIO()
    Image.effect_noise((width, height), 40).convert("RGB").save(written, format, **more)
    return written.getvalue()


def png(width: int, height: int) -> bytes:
    """A picture of one colour, whatever its size: some kilobytes that come to gigabytes."""
    rows = zlib.compressobj(9)
    line = b"\0" + b"\0" * ((width + 7) // 8)
    data = b"".join(rows.compress(line * 1_000) for _ in range(height // 1_000)) + rows.flush()
    chunks = ((b"IHDR", struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)), (b"IDAT", data), (b"IEND", b""))
    parts = (struct.pack(">I", len(c)) + n + c + struct.pack(">I", zlib.crc32(n + c)) for n, c in chunks)
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


async def sent(shop: Shop, parent: str, data: bytes, **more: Any) -> Any:
    form = {"parent_id": parent, "parent_type": "reviews", "position": "1"} | more
    headers = shop.headers(shop.read_key)
    answer = await shop.client.post(
        "/api/v2/merchant/uploads", headers=headers, data=form, files={"file": ("me.jpg", data, "image/jpeg")}
    )
    return as_documented(answer)


async def test_a_picture_is_made_anew_in_three_sizes_without_what_stood_beside_it(shop: Shop, counter: Counter) -> None:
    await counter.bought()
    item = await counter.written()
    exif = Image.Exif()
    exif[0x010E], exif[0x0112] = "Taken at home", 6
    answer = await sent(shop, item["_id"], picture(exif=exif, comment=b"<script>alert(1)</script>") + b"PK\x03\x04zip")
    assert answer.status_code == 200, answer.text
    upload = answer.json()["data"]["item"]
    assert (upload["parent_id"], upload["position"]) == (item["_id"], 1)
    path = upload["link"].partition("://")[2].partition("/")[2]
    for size, side in (("large", 900), ("medium", 640), ("small", 200)):
        shown = await shop.client.get("/" + path.replace("large", size))
        assert shown.headers["content-type"] == "image/jpeg"
        assert shown.headers["x-content-type-options"] == "nosniff"
        made = Image.open(io.BytesIO(shown.content))
        # It was turned as the camera said, and says so no more.
        assert (made.height, made.width < made.height, dict(made.getexif())) == (side, True, {})
        assert b"script" not in shown.content
        assert b"home" not in shown.content
        assert b"PK\x03\x04zip" not in shown.content
    told = await events_of(shop, "review_create", "review_update")
    assert [body["has_pictures"] for _, body in told] == ["", True]
    (kept,) = (await shop.manage("GET", "/reviews", params={"pictures": "true"})).json()["items"]
    assert kept["pictures"] == ["/" + path]
    await counter.judge(item["_id"], "reject", reason="Not the product")
    assert (await shop.client.get("/" + path)).status_code == 404
    lead = (await shop.lead("shopify-1001"))["_id"]
    await counter.judge(item["_id"], "approve")
    assert (await shop.client.get("/" + path)).status_code == 200
    await shop.manage("DELETE", f"/customers/{lead}")
    assert (await shop.client.get("/" + path)).status_code == 404


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>", "no picture"),
        (b"GIF89a/*<script>*/=1", "no picture"),
        (b"\xff\xd8\xff<html><script>alert(1)</script></html>", "no picture"),
        (b"\x89PNG\r\n\x1a\n" + b"\0" * 5_000, "no picture"),
        (picture()[:9_000], "no picture"),
        (b"RIFF\xff\xff\xff\xffWEBPVP8L" + b"\xff" * 400, "no picture"),
        (png(60_000, 60_000), "megapixels"),
        (b"\xff\xd8\xff" + b"\0" * limits.PICTURE_BYTES_MAX, "10 MB"),
    ],
    ids=["script", "gif", "page", "zeros", "cut off", "false lengths", "bomb", "large"],
)
async def test_what_is_no_picture_is_refused_in_words(shop: Shop, counter: Counter, data: bytes, words: str) -> None:
    await counter.bought()
    item = await counter.written()
    answer = await sent(shop, item["_id"], data)
    assert (answer.status_code, answer.json()["data"]["code"]) == (422, "picture_unusable")
    assert words in answer.json()["data"]["message"]
    assert (await shop.manage("GET", f"/reviews/{item['_id']}")).json()["pictures"] == []


async def test_a_stream_without_an_end_is_cut_off(shop: Shop, counter: Counter) -> None:
    await counter.bought()
    item, taken = await counter.written(), 0

    async def endless() -> Any:
        nonlocal taken
        yield b'{"parent_id": "' + item["_id"].encode() + b'", "file": "'
        while taken < 10**9:
            taken += 1_000_000
            yield b"A" * 1_000_000

    headers = shop.headers(shop.read_key, content_type="application/json")
    answer = await shop.client.post("/api/v2/merchant/uploads", headers=headers, content=endless())
    assert answer.status_code == 413
    # The client of these tests reads all of a body before it calls; the door keeps no more than its limit.
    assert answer.json()["data"]["code"] == "body_too_large"


async def test_an_older_client_sends_base64_and_no_review_has_more_than_six(shop: Shop, counter: Counter) -> None:
    await counter.bought()
    item, other = await counter.written(), {"parent_type": "reviews"}
    said = base64.b64encode(picture(60, 40, "WEBP")).decode()
    for form in (said, f"data:image/webp;base64,{said}"):
        body = {"parent_id": item["_id"], "file": form, "position": None, **other}
        assert (await shop.merchant("POST", "/uploads", json=body)).status_code == 200
    for _ in range(4):
        assert (await sent(shop, item["_id"], picture(60, 40, "PNG"))).status_code == 200
    full = await sent(shop, item["_id"], picture(60, 40))
    assert full.json()["data"]["code"] == "pictures_full"
    body = {"parent_id": item["_id"], "file": "not base64!", **other}
    assert "file" in (await shop.merchant("POST", "/uploads", json=body)).json()["data"]["fields"]
    wrong = await sent(shop, item["_id"], picture(60, 40), parent_type="qnas")
    assert wrong.status_code == 422
    page = await shop.merchant(
        "POST", "/uploads", json={"parent_id": item["_id"], "file": said}, key=shop.storefront_key
    )
    assert page.json()["data"]["code"] == "customer_proof_missing"


async def test_a_picture_earns_what_a_review_without_one_had_not(shop: Shop, counter: Counter) -> None:
    await counter.trigger(50)
    await counter.trigger(20, condition={"property": "has_pictures", "operator": "is", "value": True})
    await counter.rules(approve_from=1)
    await counter.bought()
    item = await counter.written()
    assert await counter.coins() == 50
    for _ in range(2):
        await sent(shop, item["_id"], picture(60, 40))
    assert await counter.coins() == 70
    await counter.judge(item["_id"], "reject", reason="Spam")
    assert await counter.coins() == 0


async def test_nobody_fills_the_memory_with_bodies(
    shop: Shop, counter: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    came = 0

    async def slowly() -> AsyncIterator[bytes]:
        nonlocal came
        while came < 10_000_000:
            came += 100_000
            yield b"x" * 100_000

    unproven = shop.headers(shop.storefront_key) | {"content-type": "application/json"}
    answer = await shop.client.post("/api/v2/merchant/uploads", headers=unproven, content=slowly())
    assert answer.json()["data"]["code"] == "customer_proof_missing"
    monkeypatch.setattr(limits, "BODIES_COMING_BYTES_MAX", 500_000)
    for _ in range(2):
        came, known = 0, shop.headers(shop.read_key) | {"content-type": "application/json"}
        answer = await shop.client.post("/api/v2/merchant/uploads", headers=known, content=slowly())
        assert (answer.status_code, answer.headers["retry-after"], came < 1_000_000) == (429, "60", True)
    await counter.bought()
    assert (await sent(shop, (await counter.written())["_id"], b"x" * 100_000)).status_code == 422
