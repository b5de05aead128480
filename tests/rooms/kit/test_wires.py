"""Calls to one address share its connections and its watch over their deadlines, and nothing else."""

import asyncio

from regulars.kit.wires import Lost, Wires


async def test_each_call_ends_at_its_own_deadline_whichever_began_first() -> None:
    ended: list[tuple[float, str]] = []

    closed = asyncio.Semaphore(0)

    async def keep_silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()
        await writer.wait_closed()
        closed.release()

    server = await asyncio.start_server(keep_silent, "127.0.0.1", 0)
    wires = Wires("127.0.0.1", server.sockets[0].getsockname()[1], None, "", 1.0)

    async def call(within_s: float) -> None:
        try:
            await wires.call(b"GET / HTTP/1.1\r\n\r\n", 100, within_s)
        except Lost as lost:
            ended.append((within_s, lost.kind))

    async with server:
        await asyncio.wait_for(asyncio.gather(*map(call, (0.3, 0.1, 0.5))), 10)
        await asyncio.wait_for(call(0.2), 10)
        for _ in range(4):
            await closed.acquire()
    assert ended == [(within_s, "timeout_after_sent") for within_s in (0.1, 0.3, 0.5, 0.2)]
