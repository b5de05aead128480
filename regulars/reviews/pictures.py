"""Pictures of reviews: what a stranger sent, made anew by a limited process; kept with their post and gone with it."""

import asyncio
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from typing import Literal
from uuid import UUID

import msgspec

from regulars import limits
from regulars.kit import Conflict, NotFound, Reading, Refusal, TooMany, Tx
from regulars.reviews.store import sql

Size = Literal["large", "medium", "small"]
SIDES: dict[Size, int] = {"large": 1_600, "medium": 640, "small": 200}
"""The longer side of each, in pixels."""

_PROGRAM = str(Path(__file__).with_name("decoding.py"))
_LIMITS = (limits.PICTURE_MEMORY_BYTES, limits.PICTURE_CPU_S, limits.PICTURE_PIXELS_MAX)
_threads = ThreadPoolExecutor(limits.PICTURES_AT_ONCE, thread_name_prefix="pictures")
_waiting = 0


class BadPicture(Refusal, code="picture_unusable"):
    """This is no picture that can be read. Send a JPEG, PNG or WebP."""

    expected = ("file", "a JPEG, PNG or WebP picture")


class PicturesFull(Conflict, code="pictures_full"):
    """The review has as many pictures as one may have."""

    message = f"It has {limits.PICTURES_MAX} pictures, as many as one may have."


class Picture(msgspec.Struct, frozen=True, gc=False):
    """`place` is where it stands among those of its review."""

    id: UUID
    post_id: UUID
    place: int

    def link(self, workspace_id: UUID, size: Size = "large") -> str:
        """Where it is shown, on this server."""
        return f"/pictures/{workspace_id}/{self.id}/{size}.jpg"


async def rendered(sent: bytes) -> list[bytes]:
    """The picture in each of SIDES, without anything that stood in it beside its pixels. Raises BadPicture, TooMany.
    Not to be called inside a transaction."""
    global _waiting
    if len(sent) > limits.PICTURE_BYTES_MAX:
        raise BadPicture(f"The picture is larger than {limits.PICTURE_BYTES_MAX // 1_000_000} MB. Send a smaller one.")
    if not (
        sent.startswith((b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n")) or (sent[:4] == b"RIFF" and sent[8:12] == b"WEBP")
    ):
        raise BadPicture
    if _waiting >= limits.PICTURES_WAITING_MAX:
        raise TooMany("Many pictures are sent at this moment. Wait some seconds, then try again.", retry_after_s=5)
    _waiting += 1
    try:
        return await asyncio.get_running_loop().run_in_executor(_threads, _made, sent)
    finally:
        _waiting -= 1


def _made(sent: bytes) -> list[bytes]:
    arguments = [sys.executable, "-I", _PROGRAM, *map(str, (*_LIMITS, *SIDES.values()))]
    try:
        done = subprocess.run(arguments, input=sent, capture_output=True, timeout=limits.PICTURE_S, check=False)
    except subprocess.TimeoutExpired:
        raise BadPicture("The picture takes too long to be read. Send a smaller one.") from None
    if done.stderr in (b"pixels", b"memory"):
        most = limits.PICTURE_PIXELS_MAX // 1_000_000
        why = f"has more than {most} megapixels" if done.stderr == b"pixels" else "takes too much memory to be read"
        raise BadPicture(f"The picture {why}. Send a smaller one.")
    if done.returncode:
        raise BadPicture
    sizes, out = [], done.stdout
    while out:
        ends = 4 + int.from_bytes(out[:4], "big")
        sizes.append(out[4:ends])
        out = out[ends:]
    return sizes


async def add_picture(tx: Tx, workspace_id: UUID, picture: Picture, sizes: Sequence[bytes], now: datetime) -> int:
    """Of a post that is locked; how many it has with this one. Raises PicturesFull."""
    had = len((await pictures_of(tx, workspace_id, [picture.post_id])).get(picture.post_id, []))
    if had >= limits.PICTURES_MAX:
        raise PicturesFull
    await tx.execute(sql.insert_picture, workspace_id, picture.id, picture.post_id, picture.place, now, *sizes)
    return had + 1


async def pictures_of(tx: Reading, workspace_id: UUID, post_ids: Sequence[UUID]) -> dict[UUID, list[Picture]]:
    """By post, each in its place."""
    found: dict[UUID, list[Picture]] = {}
    for one in await tx.all(Picture, sql.pictures, workspace_id, post_ids) if post_ids else []:
        found.setdefault(one.post_id, []).append(one)
    return found


async def picture_bytes(tx: Reading, workspace_id: UUID, id: UUID, size: str) -> bytes:
    """A JPEG, unless it was rejected. Raises NotFound."""
    found: bytes | None = await tx.fetchval(sql.picture, workspace_id, id, size)
    if found is None:
        raise NotFound("There is no such picture.")
    return found
