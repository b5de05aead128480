"""The only module that calls out. (Under construction: the types are settled, the client follows.)"""

from __future__ import annotations

from typing import Literal, Protocol

import msgspec

NoAnswerKind = Literal[
    "connect",
    "dns",
    "tls",
    "timeout_before_sent",
    "timeout_after_sent",
    "reset",
    "refused_address",
    "garbage",
]


class Request(msgspec.Struct, frozen=True, gc=False):
    """One call, complete: sending it twice sends the same bytes.

    `secret_headers` names the headers (as spelt in `headers`) whose values are shown as dots wherever the call is kept.
    """

    method: str
    url: str
    headers: dict[str, str]
    body: bytes
    secret_headers: frozenset[str] = frozenset()


class Answer(msgspec.Struct, frozen=True, gc=False):
    """What the other side said. Header names are in lower case; the body is cut at `limits.ANSWER_BYTES_MAX`."""

    status: int
    headers: dict[str, str]
    body: bytes
    duration_ms: int


class NoAnswer(msgspec.Struct, frozen=True, gc=False):
    """Why there is no answer. `detail` is for people.

    connect              nobody listens, or the network did not let us through: nothing was sent
    dns                  the name has no address: nothing was sent
    tls                  no trusted encrypted connection: nothing was sent
    timeout_before_sent  the deadline passed before a connection stood: nothing was sent
    timeout_after_sent   the deadline passed while waiting: it may have been received
    reset                the connection broke after it stood: it may have been received
    refused_address      the URL leads to an address that must not be called: nothing was sent
    garbage              what came back is not HTTP: it may have been received
    """

    kind: NoAnswerKind
    detail: str
    duration_ms: int

    @property
    def unclear(self) -> bool:
        """The call may have been received, so that sending it again may do its work twice."""
        return self.kind in ("timeout_after_sent", "reset", "garbage")


class Sender(Protocol):
    async def send(self, request: Request) -> Answer | NoAnswer:
        """Never raises for a fault of the outside world; ends within the deadline."""
        ...
