"""The three kinds of failure are never mixed: a Refusal is an expected no with a stable code; an outcome of the outside
world is a value (see delivery); anything else is a bug and crashes."""

from __future__ import annotations

from collections.abc import Collection
from types import TracebackType

from regulars import limits


class Refusal(Exception):
    """An expected no. `code` is stable; `message` is for people; `fields` says what each wrong field should hold. What
    one of its classes always says stands there: `class OfferClosed(Refusal, code="offer_closed")`, and its `status`,
    which is its base's otherwise. What it says to people is its docstring, where whoever raises it says nothing else.

    A refusal changes nothing: the transaction it is raised in is rolled back by the door.
    """

    code = "refused"
    status = 422
    message = ""
    expected: tuple[str, str] | None = None
    """A field, and what it should hold."""

    def __init_subclass__(cls, *, code: str = "", status: int = 0) -> None:
        cls.code, cls.status = code or cls.code, status or cls.status
        if cls.__doc__ and "message" not in vars(cls):
            cls.message = " ".join(cls.__doc__.split())

    def __init__(self, message: str = "", *, code: str = "", fields: dict[str, str] | None = None) -> None:
        super().__init__(message or self.message)
        self.message, self.code = message or self.message, code or self.code
        self.fields = fields or ({self.expected[0]: f"expected {self.expected[1]}"} if self.expected else {})


class Invalid(Refusal, code="invalid"):
    """A field holds something else than was expected; `fields` says which and what."""


class NotFound(Refusal, code="not_found", status=404):
    """The named thing does not exist in this workspace."""


class Conflict(Refusal, code="conflict", status=409):
    """The thing exists already, or was changed since it was read."""


class Forbidden(Refusal, code="forbidden", status=403):
    """The key or the person has no right to this."""


class Unauthenticated(Refusal, code="unauthenticated", status=401):
    """Nobody is signed in, or the key is unknown or revoked."""


class TooMany(Refusal, code="too_many_requests", status=429):
    """The caller is over its rate; nothing was done. `retry_after_s` says when to come back."""

    def __init__(self, message: str, *, retry_after_s: float) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


def invalid(field: str, expected: str) -> Invalid:
    """One field, one sentence: `invalid("amount", "a whole number of at least 1")`."""
    return Invalid(f"{field}: expected {expected}", fields={field: f"expected {expected}"})


class Faults:
    """What is wrong field by field, so that somebody is told all of it at once.

        faults = Faults()
        with faults:                      # an Invalid in here is noted, and what follows goes on
            topic = checked_topic(topic)
        if len(name) > 200:
            faults.add("name", "at most 200 characters")
        faults.check()                    # raises Invalid with all of them

    Of a field the first fault counts.
    """

    __slots__ = ("fields",)

    def __init__(self) -> None:
        self.fields: dict[str, str] = {}

    def add(self, field: str, expected: str) -> None:
        self.fields.setdefault(field, f"expected {expected}")

    def note(self, refusal: Invalid, inside: str = "", names: Collection[str] = ()) -> None:
        """With `inside`, the fields of these names stand within that one: `metadetail.email`."""
        for field, words in refusal.fields.items():
            self.fields.setdefault(f"{inside}.{field}" if field in names else field, words)

    def refusal(self) -> Invalid:
        named = [f"{field}: {words}" for field, words in self.fields.items()][: limits.FAULTS_IN_WORDS_MAX]
        more = len(self.fields) - len(named)
        return Invalid("; ".join(named) + (f" (and {more} more)" if more else ""), fields=dict(self.fields))

    def check(self) -> None:
        """Raises Invalid naming every field, if there is a fault."""
        if self.fields:
            raise self.refusal()

    def __enter__(self) -> Faults:
        return self

    def __exit__(self, kind: type[BaseException] | None, raised: BaseException | None, _: TracebackType | None) -> bool:
        if not isinstance(raised, Invalid) or not raised.fields:
            return False
        self.note(raised)
        return True


class Overtaken(Exception):
    """What was read has been changed by another transaction since, so nothing can be built on it: run again, this one
    finds what is there now."""
