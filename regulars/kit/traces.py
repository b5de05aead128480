"""What says who somebody was, looked for in texts that are kept whole: bodies, files, reports.

A name alone is no trace: others have it, and what is found is emptied for good.
"""

import codecs
import re
from collections.abc import AsyncIterator
from functools import cached_property
from typing import Any

import msgspec

from regulars import limits

GONE = "The customer was erased."
_BETWEEN_DIGITS = r"[\s().\-/]{0,3}"


class Traces(msgspec.Struct, dict=True):
    """`words` are e-mail addresses, ids and codes, found as whole words, case apart, and numbers, found however their
    digits are grouped."""

    words: list[str]

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        return re.compile("|".join(_written(word) for word in self.words if word), re.IGNORECASE)

    def __bool__(self) -> bool:
        return any(self.words)

    def in_text(self, text: str) -> bool:
        return bool(self) and self._pattern.search(text) is not None

    def in_body(self, body: bytes) -> bool:
        """However JSON writes its letters."""
        try:
            plain = msgspec.json.encode(msgspec.json.decode(body))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            plain = body
        return self.in_text(plain.decode(errors="replace"))

    async def in_file(self, parts: AsyncIterator[bytes], encoding: str) -> bool:
        """`parts` follow one another, and may be cut anywhere."""
        decoder, before = codecs.getincrementaldecoder(encoding)(errors="replace"), ""
        async for part in parts:
            text = before + decoder.decode(part)
            if self.in_text(text):
                return True
            before = text[-limits.TRACE_CHARS_MAX :]
        return False

    def emptied(self, said: Any) -> Any:
        """The same of dicts, lists and texts, without the texts that hold a trace."""
        if isinstance(said, str):
            return GONE if self.in_text(said) else said
        if isinstance(said, list):
            return [self.emptied(one) for one in said]
        if isinstance(said, dict):
            return {self.emptied(name): self.emptied(value) for name, value in said.items()}
        return said


def _written(word: str) -> str:
    digits = re.sub(r"[\s().\-/+]", "", word)
    if digits.isascii() and digits.isdigit():
        return rf"(?<!\d)(?:00)?{_BETWEEN_DIGITS.join(digits)}(?!\d)"
    return rf"(?<![\w@.+-]){re.escape(word)}(?!\.?[\w@-])"
