"""An answer of a look-alike, before a fault changes it."""

from __future__ import annotations

import msgspec

_REASONS = {200: "OK", 202: "Accepted", 204: "No Content", 302: "Found", 400: "Bad Request", 401: "Unauthorized"}


class Reply(msgspec.Struct, frozen=True, gc=False):
    """`words` says what was found, for whoever looks at what was received."""

    status: int
    body: bytes
    content_type: str = "application/json"
    headers: str = ""
    words: str = ""

    @classmethod
    def json(cls, status: int, value: object, words: str = "") -> Reply:
        return cls(status, msgspec.json.encode(value), words=words)

    def wire(self) -> bytes:
        head = (
            f"HTTP/1.1 {self.status} {_REASONS.get(self.status, 'Status')}\r\n"
            f"content-type: {self.content_type}\r\ncontent-length: {len(self.body)}\r\n{self.headers}\r\n"
        )
        return head.encode("latin-1") + self.body
