"""How long to wait before the next try. Pure: the random number is handed in."""

from __future__ import annotations

from regulars import limits


def wait_s(tries: int, asked_wait_s: float | None, random: float) -> float:
    """Seconds until the next try, after `tries` that did not succeed (1, 2, ...).

    Exponential, plus up to BACKOFF_JITTER_S so that deliveries that failed together do not come back together; and
    never sooner than the tool asked for, in a header or in its body. `random` is in [0, 1).
    """
    exponential_s = min(limits.BACKOFF_FIRST_S * limits.BACKOFF_FACTOR ** (tries - 1), limits.BACKOFF_MAX_S)
    asked_s = min(asked_wait_s or 0.0, limits.RETRY_AFTER_MAX_S)
    # The jitter is added to either wait: a tool that asked everybody for a minute would else meet everybody after it.
    return max(exponential_s, asked_s) + limits.BACKOFF_JITTER_S * random
