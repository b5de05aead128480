"""What can be made to go wrong, on demand."""

from collections.abc import Collection
from random import Random
from typing import Literal

import msgspec

_Broken = Literal["slow", "hang", "reset", "close", "garbage", "huge", "nul", "truncated", "redirect", "500_after"]
_Status = Literal["400", "401", "403", "404", "410", "421", "429", "451", "500", "502", "503", "550"]
Name = _Broken | _Status


class Fault(msgspec.Struct, forbid_unknown_fields=True):
    """Put to `/faults`. It befalls the next `times` calls of the tool, or each call with the probability `share`; with
    neither it befalls all calls until it is taken away.

    slow       answers as ever, after `seconds`
    hang       never answers, and keeps the connection
    reset      breaks the connection (RST)
    close      closes the connection without an answer
    garbage    answers bytes that are not HTTP, NUL bytes among them
    huge       answers 200 with 10 MB
    nul        answers as ever, with NUL bytes in the body
    truncated  announces more than it sends
    redirect   answers 302 to `location`
    500_after  does what was asked, and answers 500
    401, ...   answers that status in the tool's own words; 429 asks to wait `retry_after_s`
    """

    tool: str
    fault: Name
    times: int | None = None
    share: float | None = None
    seconds: float = 2.0
    retry_after_s: int = 1
    location: str = "http://127.0.0.1/"


class Faults:
    """At most one per tool."""

    def __init__(self, tools: Collection[str]) -> None:
        self._tools = tools
        self._by_tool: dict[str, Fault] = {}
        # Not a secret: the same run makes the same calls fail.
        self._random = Random(0)  # noqa: S311

    def put(self, fault: Fault) -> None:
        """Raises ValueError for a tool that is not known, and for a fault of no calls."""
        if fault.tool not in self._tools:
            raise ValueError(f"tool: expected one of {', '.join(self._tools)}")
        if fault.times is not None and fault.times < 1:
            raise ValueError("times: expected at least 1")
        self._by_tool[fault.tool] = fault

    def clear(self, tool: str = "") -> None:
        """Of one tool, or of all."""
        for name in [tool] if tool else list(self._by_tool):
            self._by_tool.pop(name, None)

    def shown(self) -> list[Fault]:
        """`times` is how many calls are still to come."""
        return list(self._by_tool.values())

    def next_for(self, tool: str) -> Fault | None:
        """The fault that befalls this call of the tool, counted off."""
        fault = self._by_tool.get(tool)
        if fault is None or (fault.share is not None and self._random.random() >= fault.share):
            return None
        if fault.times is not None:
            fault.times -= 1
            if fault.times <= 0:
                del self._by_tool[tool]
        return fault
