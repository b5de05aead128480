"""The fastest HTTP client there is for Python, posting what the product posts and doing nothing else.

A process of its own: told what to do in JSON on standard input, it answers in JSON.
"""

import asyncio
import sys
import time
from collections.abc import Iterator
from itertools import cycle

import msgspec
import uvloop
from pyreqwest.client import Client, ClientBuilder


class Post(msgspec.Struct, frozen=True):
    url: str
    headers: dict[str, str]
    body: str


class Task(msgspec.Struct, frozen=True):
    """Post these over and over for `seconds`, `at_once` at a time."""

    posts: list[Post]
    at_once: int
    seconds: float


class Report(msgspec.Struct, frozen=True):
    """`rate` is of calls answered with 200 within the time."""

    rate: float
    answered: int
    failed: int


async def post_all(task: Task) -> Report:
    posts = cycle([(post.url, post.headers, post.body.encode()) for post in task.posts])
    builder = ClientBuilder().no_proxy().follow_redirects(False).default_cookie_store(False).gzip(False).brotli(False)
    builder = builder.zstd(False).deflate(False).pool_max_idle_per_host(task.at_once)
    async with builder.build() as client:
        began = time.perf_counter()
        counts = await asyncio.gather(*(_post(client, posts, began + task.seconds) for _ in range(task.at_once)))
        took_s = time.perf_counter() - began
    answered = sum(answered for answered, _ in counts)
    return Report(rate=answered / took_s, answered=answered, failed=sum(failed for _, failed in counts))


async def _post(client: Client, posts: Iterator[tuple[str, dict[str, str], bytes]], until: float) -> tuple[int, int]:
    answered = failed = 0
    while time.perf_counter() < until:
        url, headers, body = next(posts)
        response = await client.post(url).headers(headers).body_bytes(body).build().send()
        if response.status == 200:
            answered += 1
        else:
            failed += 1
    return answered, failed


if __name__ == "__main__":
    _task = msgspec.json.decode(sys.stdin.buffer.read(), type=Task)
    sys.stdout.buffer.write(msgspec.json.encode(uvloop.run(post_all(_task))))
