"""A mail server that takes all and forgets it: a process of its own, whose argument is the port. NOOP is answered with
how many mails came, and when the first of those since the last NOOP was there, in seconds since 1970."""

import asyncio
import sys
import time
from typing import cast

import uvloop


class Came:
    mails, first_s = 0, 0.0


class Receiver(asyncio.Protocol):
    def __init__(self, came: Came) -> None:
        self._came, self._left, self._data = came, b"", False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._transport.write(b"220 sink\r\n")

    def data_received(self, data: bytes) -> None:
        self._left += data
        while True:
            said, end, rest = self._left.partition(b"\r\n.\r\n" if self._data else b"\r\n")
            if not end:
                return
            self._left, answer, came = rest, b"250 OK\r\n", self._came
            if self._data:
                came.mails, came.first_s = came.mails + 1, came.first_s or time.time()
            elif said.startswith(b"EHLO"):
                answer = b"250-sink\r\n250 PIPELINING\r\n"
            elif said == b"NOOP":
                answer, came.first_s = f"250 {came.mails} {came.first_s}\r\n".encode(), 0.0
            self._data = not self._data and said == b"DATA"
            self._transport.write(b"354 Go on\r\n" if self._data else answer)
            if said == b"QUIT":
                self._transport.close()


async def _serve(port: int) -> None:
    came = Came()
    server = await asyncio.get_running_loop().create_server(lambda: Receiver(came), "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(_serve(int(sys.argv[1])))
