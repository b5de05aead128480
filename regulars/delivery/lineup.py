"""What a turn has read of its lane and not sent: each share in a line of its own, from which what is read and what is
sent next are taken turn about; and behind a call about a customer what else is to be said of the same one."""

from collections import Counter, deque
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from itertools import cycle, islice
from uuid import UUID

from regulars import limits
from regulars.delivery.model import SHARES, Due, Share

_START = (datetime.min.replace(tzinfo=UTC), UUID(int=0))
_TURNS: Sequence[Share] = ("first", "first", "retry", "first", "profile", "first", "replay")


class Lineup:
    """`in_order`: one customer's calls are made one by one, and none before an earlier one that is tried again. Without
    it, that is so of what has the customer's profile with it, but for what is tried again. `moved`: something was read
    since `step_back`."""

    def __init__(self, *, in_order: bool) -> None:
        self.moved = False
        self._in_order = in_order
        self._lines: dict[Share, deque[Due]] = {share: deque() for share in SHARES}
        self._turns = cycle(_TURNS)
        self._after = dict.fromkeys(SHARES, _START)
        self._exhausted: set[Share] = set()
        self._behind: dict[UUID, deque[Due]] = {}
        self._held: dict[UUID, tuple[UUID, deque[Due]]] = {}

    def __len__(self) -> int:
        """How many are ready to be sent."""
        return sum(map(len, self._lines.values()))

    @property
    def exhausted(self) -> bool:
        """There is nothing more to be read."""
        return len(self._exhausted) == len(SHARES)

    def wake(self) -> None:
        """More has been queued."""
        self._exhausted.clear()

    def step_back(self, to: datetime) -> None:
        self._after = {share: min(after, (to, _START[1])) for share, after in self._after.items()}
        self._exhausted.clear()
        self.moved = False

    def wanting(self, few: int, profiles: int) -> list[Share]:
        """Of which shares more is to be read: no more than a few are left."""
        return [
            share
            for share in SHARES
            if share not in self._exhausted and len(self._lines[share]) <= few and (share != "profile" or profiles >= 1)
        ]

    def begin(self, most: int, few: int, profiles: int) -> list[tuple[Share, datetime, UUID, int]]:
        """How many to read of each share, and after which place. They count as exhausted until a full page `came`, so
        that what is queued while it is read takes that back."""
        wanting = self.wanting(few, profiles)
        if not wanting:  # the lines were filled, or the rate used up, while the lane was looked at
            return []
        parts = Counter(islice((share for share in self._turns if share in wanting), most))
        if parts["profile"] > profiles:
            parts["profile"] = profiles
        parts = +parts
        self._exhausted.update(parts)
        return [(share, *self._after[share], many) for share, many in parts.items()]

    def came(self, page: Sequence[Due], asked: Sequence[tuple[Share, datetime, UUID, int]]) -> None:
        many = Counter(one.share for one in page)
        self._exhausted.difference_update(share for share, *_, most in asked if many[share] == most)
        self._after |= {one.share: (one.due_at, one.id) for one in page}
        self.moved |= bool(page)

    def put(self, fresh: Iterable[Due]) -> None:
        for one in fresh:
            whose = self._whose(one)
            if whose is not None and whose in self._behind:
                self._behind[whose].append(one)
                continue
            if whose is not None:
                self._behind[whose] = deque()
            self._lines[one.share].append(one)

    @property
    def profiles(self) -> int:
        """How many of them are profiles."""
        return len(self._lines["profile"])

    def next(self, *, profiles_only: bool = False) -> Due | None:
        for share in islice(self._turns, len(_TURNS)):
            if self._lines[share] and (share == "profile" or not profiles_only):
                return self._lines[share].popleft()
        return None

    def together(self, most: int, least: int) -> list[Due]:
        """Those that stand next and one call may carry; none where they are too few."""
        found, chars = list[Due](), 0
        for share in ("first", "replay"):
            for one in islice(self._lines[share], most - len(found)):
                chars += len(one.mapped or one.body)
                if one.tries or one.test or chars > limits.LANE_TOGETHER_CHARS_MAX:
                    break
                found.append(one)
        if len(found) < least:
            return []
        for one in found:
            self._lines[one.share].popleft()
        return found

    def put_back(self, one: Due) -> None:
        """It is the next of its line."""
        self._lines[one.share].appendleft(one)

    def behind(self, one: Due, *, again: bool) -> Due | None:
        """Its call has ended: what is to be sent now instead. If it is made `again`, nothing is, and what stands behind
        it is `held`."""
        whose = self._whose(one)
        if whose is None:
            return None
        behind = self._behind[whose]
        if again and self._in_order:
            self._held[one.id] = whose, behind
        elif behind:
            return behind.popleft()
        del self._behind[whose]
        return None

    def held(self, ids: Iterable[UUID]) -> Mapping[UUID, tuple[UUID, Sequence[Due]]]:
        """Behind which of these something waits, or will: the customer, and what does."""
        return {id: self._held[id] for id in ids if id in self._held}

    def let_go(self, ids: Iterable[UUID]) -> None:
        """What was held is in the queue for later."""
        for id in ids:
            del self._held[id]
            self._exhausted.clear()

    def clear(self) -> list[UUID]:
        """Of everything that is not sent; what is held stays so until its call is recorded."""
        waiting = [*self._lines.values(), *self._behind.values()]
        ids = [one.id for line in waiting for one in line]
        for line in waiting:
            line.clear()
        return ids

    def _whose(self, one: Due) -> UUID | None:
        """The customer about whom one call is made at a time."""
        return one.customer_id if self._in_order or one.profile is not None else None
