"""How often a look-alike may be called."""

import math
import time
from collections import deque


class Windows:
    """Windows that slide: in none of them more calls than it has, whenever a client thinks that it begins."""

    def __init__(self) -> None:
        self._calls_at: deque[float] = deque()
        self.left = 0
        self.reset_s = 0

    def wait_s(self, *windows: tuple[int, float]) -> int:
        """Count this call, 0, or refuse it: in how many seconds another is taken. A window is (calls, seconds), the
        longest of them last; `left` and `reset_s` say how that one stands."""
        now, at = time.monotonic(), self._calls_at
        longest, span_s = windows[-1]
        while at and at[0] <= now - span_s:
            at.popleft()
        for calls, seconds in windows:
            if len(at) >= calls and at[-calls] > now - seconds:
                return max(math.ceil(at[-calls] + seconds - now), 1)
        at.append(now)
        self.left, self.reset_s = longest - len(at), math.ceil(at[0] + span_s - now)
        return 0
