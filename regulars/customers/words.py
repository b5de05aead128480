"""What customers are found by: the words of what is known of them, accents and case apart, and every run of digits.

A word is kept behind a mark of its workspace, so that one index serves all shops and no shop's search walks through
another's words. A search finds beginnings of words; that any run of digits is found comes of keeping, of each number,
what follows after its first digits too.
"""

import re
import unicodedata
from collections.abc import Iterator
from uuid import UUID

from regulars import limits
from regulars.customers.model import Customer
from regulars.kit.phones import digits_of

_WORD = re.compile(r"[^\W_]+")
_ASKED = re.compile(r"\S+@\S*|[^\W_]+")  # an e-mail address is asked for as a whole
_DIGITS = re.compile(r"[0-9]{4,}")
# Letters that Unicode does not take apart into one without its stroke, and people do.
_STROKES = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "ħ": "h", "ı": "i", "æ": "ae", "œ": "oe", "þ": "th", "ð": "d"})


def fold(text: str) -> str:
    """In lower case, without accents: Müller and MULLER are one, and so are Straße and strasse."""
    apart = unicodedata.normalize("NFKD", text.casefold())
    return "".join(letter for letter in apart if not unicodedata.combining(letter)).translate(_STROKES)


def words_of(workspace_id: UUID, customer: Customer) -> list[str]:
    """At most limits.SEARCH_WORDS_MAX, those of what people look for most first."""
    mark, words = _mark(workspace_id), dict[str, None]()
    for word in _words(customer):
        words[mark + word[: limits.SEARCH_WORD_CHARS_MAX]] = None
        if len(words) == limits.SEARCH_WORDS_MAX:
            break
    return list(words)


def asked(workspace_id: UUID, text: str) -> str:
    """The text as a tsquery: each of its words begins a word of the customer. Empty when there is no word in it.

    What one letter alone begins would be half of a shop: that has to be the whole word.
    """
    words = [word[: limits.SEARCH_WORD_CHARS_MAX] for word in _ASKED.findall(fold(text[: limits.NAME_CHARS_MAX]))]
    begins = ":*" if any(len(word) > 1 for word in words) else ""
    mark = _mark(workspace_id)
    quoted = [word.replace("\\", "\\\\").replace("'", "''") for word in words[: limits.SEARCH_ASKED_WORDS_MAX]]
    return " & ".join(f"'{mark}{word}'{begins}" for word in quoted)


def _words(customer: Customer) -> Iterator[str]:
    if customer.email:
        yield fold(customer.email)
    for text in (customer.name, customer.email, customer.customer_id, customer.referral_code):
        yield from _WORD.findall(fold(text))
    numbers = [digits_of(number) for number in (customer.phone, customer.mobile)]
    for number in (*numbers, *_DIGITS.findall(customer.customer_id), *_DIGITS.findall(customer.email)):
        for start in range(max(len(number) - 2, 1)):
            if number[start:]:
                yield number[start:]


def _mark(workspace_id: UUID) -> str:
    """The end of the id, which is drawn at random; its beginning is a time. Whose customers are found is asked of the
    rows besides."""
    return f"{workspace_id.hex[-8:]} "
