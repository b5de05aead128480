"""What the look-alikes received: counters for all of it, the newest of it in full."""

import asyncio
from collections import Counter, OrderedDict, deque
from collections.abc import Iterable
from datetime import UTC, datetime
from itertools import islice

import msgspec

from regulars import limits


class Call(msgspec.Struct, gc=False):
    """One call as it came in. `path` holds the query; header names are in lower case."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


class Received(msgspec.Struct, frozen=True, gc=False):
    """A call and how it was answered. `status` is None where a fault kept the answer back."""

    at: datetime
    tool: str
    call: Call
    status: int | None
    words: str
    fault: str | None


class Message(msgspec.Struct, frozen=True):
    """As it would look. `sender` is a mail's From, or the number it came from."""

    at: datetime
    channel: str
    sender: str
    to: str
    text: str
    subject: str = ""
    html: str = ""
    headers: dict[str, str] = {}


class Memory:
    """`accepted` ids are those of events taken with a 2xx; `duplicates` counts those that came again."""

    def __init__(self, tools: Iterable[str]) -> None:
        self.newest: deque[Received] = deque(maxlen=limits.SANDBOX_CALLS_MAX)
        self.counts: dict[str, Counter[str]] = {tool: Counter() for tool in tools}
        self.messages: deque[Message] = deque(maxlen=limits.SANDBOX_CALLS_MAX)
        self.greylisted: set[str] = set()
        self.one_by_one = asyncio.Lock()
        self._ids: dict[str, OrderedDict[str, None]] = {tool: OrderedDict() for tool in self.counts}

    def clear(self) -> None:
        self.newest.clear()
        self.messages.clear()
        for tool in self.counts:
            self.counts[tool].clear()
            self._ids[tool].clear()

    def note(self, tool: str, call: Call, status: int | None, words: str, fault: str | None) -> None:
        counts = self.counts[tool]
        counts["calls"] += 1
        counts[str(status) if status is not None else "unanswered"] += 1
        if fault is not None:
            counts["faults"] += 1
        self.newest.append(Received(datetime.now(UTC), tool, call, status, words, fault))

    def accept(self, tool: str, delivery_id: str) -> bool:
        """Whether the id is new; the newest `limits.SANDBOX_IDS_MAX` are remembered."""
        ids, counts = self._ids[tool], self.counts[tool]
        if delivery_id in ids:
            counts["duplicates"] += 1
            return False
        ids[delivery_id] = None
        counts["events"] += 1
        if len(ids) > limits.SANDBOX_IDS_MAX:
            ids.popitem(last=False)
        return True

    def inbox(self, newest: int) -> dict[str, object]:
        """Messages as they would look, newest first."""
        return {"messages": list(islice(reversed(self.messages), newest))}

    def shown(self, newest: int) -> dict[str, object]:
        """For people and programs: bodies as text, secrets as they came, newest first and at most so many."""
        return {
            "counts": self.counts,
            "calls": [
                msgspec.structs.asdict(received.call)
                | {name: value for name, value in msgspec.structs.asdict(received).items() if name != "call"}
                | {"body": received.call.body.decode("utf-8", "replace")}
                for received in islice(reversed(self.newest), newest)
            ],
        }
