"""Tables as people have them in files: text in some code page, cells between some sign, lines that end somehow.

Nothing about a file is trusted. It is read line by line in bounded memory; bytes that are no letters of its code page,
a line that is too long and a quote that is never closed cost their own row, and no other.

    bytes --encoding--> lines --separator, quotes--> rows of cells
"""

import codecs
import csv
import io
import re
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from typing import BinaryIO

import msgspec

from regulars import limits
from regulars.kit.errors import invalid

ENCODINGS = {
    "utf-8": "UTF-8",
    "utf-16": "UTF-16",
    "utf-16-le": "UTF-16, little end first",
    "utf-16-be": "UTF-16, big end first",
    "cp1252": "Western European (Windows-1252)",
    "cp1250": "Central European (Windows-1250)",
    "cp1251": "Cyrillic (Windows-1251)",
    "cp1253": "Greek (Windows-1253)",
    "cp1254": "Turkish (Windows-1254)",
    "cp1255": "Hebrew (Windows-1255)",
    "cp1256": "Arabic (Windows-1256)",
    "cp1257": "Baltic (Windows-1257)",
    "cp1258": "Vietnamese (Windows-1258)",
    "cp874": "Thai (Windows-874)",
    "cp932": "Japanese (Shift-JIS)",
    "euc_jis_2004": "Japanese (EUC-JP)",
    "gb18030": "Chinese, simplified (GBK, GB18030)",
    "big5hkscs": "Chinese, traditional (Big5)",
    "cp949": "Korean (EUC-KR)",
    "koi8-r": "Cyrillic (KOI8-R)",
    "cp866": "Cyrillic (DOS 866)",
    "cp852": "Central European (DOS 852)",
    "cp850": "Western European (DOS 850)",
    "mac-roman": "Western European (Macintosh)",
}
"""What may be chosen, by the name it is chosen by."""
# What is only met in files of long ago is not guessed: a few letters would often be taken for it.
_GUESSED = [name for name in ENCODINGS if name not in ("koi8-r", "cp866", "cp852", "cp850", "mac-roman")]
_UNMISTAKABLE = ("utf-8", "utf-16", "utf-16-le", "utf-16-be")

SEPARATORS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "vertical bar"}

_BINARY = {
    b"PK\x03\x04": "a spreadsheet (such as xlsx) or a zip archive",
    b"\xd0\xcf\x11\xe0": "a spreadsheet in Excel's old format (xls)",
    b"%PDF": "a PDF",
    b"\x1f\x8b": "a gzip archive, which has to be unpacked",
    b"\x89PNG": "a picture",
    b"\xff\xd8\xff": "a picture",
    b"GIF8": "a picture",
    b"{\\rtf": "a text document",
}
_AS_CSV = "Open it in your spreadsheet program, choose Save as (or Download), take CSV UTF-8, and give that file."

_UNREAD = "\udcff"
codecs.register_error("mark", lambda error: (_UNREAD, error.end))  # type: ignore[attr-defined]


class BadRow(msgspec.Struct, frozen=True):
    """A row that can't be read: the line it starts on, counted from 1, and why."""

    line: int
    reason: str


class Encoding(msgspec.Struct, frozen=True):
    """The encoding a file was found to have; `others` are about as likely and make other letters of its bytes."""

    name: str
    others: list[str] = []

    @property
    def proven(self) -> bool:
        return self.name in _UNMISTAKABLE


def find_encoding(file: BinaryIO) -> Encoding:
    """Reads the whole file. UTF-8 proves itself; another one is told by the letters it would make. Raises Invalid of
    what is no text at all, with what to do about it."""
    file.seek(0)
    begins = file.read(limits.CSV_LOOKED_AT_BYTES)
    for mark, what in _BINARY.items():
        if begins.startswith(mark):
            raise invalid("file", f"a CSV file; this is {what}. {_AS_CSV}")
    if begins.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return Encoding("utf-16")
    if b"\x00" in begins:
        zeros = begins[: len(begins) // 2 * 2]
        even, odd = zeros[::2].count(0), zeros[1::2].count(0)
        if max(even, odd) > len(zeros) // 8 and min(even, odd) <= max(even, odd) // 8:
            return Encoding("utf-16-be" if even > odd else "utf-16-le")
    file.seek(0)
    read, misread = 0, []
    size = 0
    for line in _lines_beyond_ascii(file):
        try:
            line.decode()
            read += 1
        except UnicodeDecodeError:
            misread.append(line)
            size += len(line)
            if size > limits.CSV_LOOKED_AT_BYTES:
                break
    # A line in another code page is hardly ever UTF-8 by chance; a few that are not are read as such by nobody.
    return Encoding("utf-8") if read >= len(misread) else _likely(misread)


def _lines_beyond_ascii(file: BinaryIO) -> Iterator[bytes]:
    rest, skipping = b"", False
    while chunk := file.read(1_000_000):
        if chunk.isascii() and rest.isascii():
            rest = b""
            continue
        *lines, rest = re.split(rb"[\r\n]+", rest + chunk)
        yield from (line for line in lines[int(skipping) :] if not line.isascii())
        skipping = skipping and not lines
        if len(rest) > limits.CSV_LINE_CHARS_MAX * 4:
            # Nobody reads a line as long as this one, and its half might end within a letter.
            rest, skipping = b"", True
    if not rest.isascii() and not skipping:
        yield rest


def _likely(lines: list[bytes]) -> Encoding:
    # Only the cells that hold such letters count, each once. These signs are never the second half of a letter.
    cells = dict.fromkeys(cell for line in lines for cell in re.split(rb"[,;\t\"]", line) if not cell.isascii())
    sample = b"\n".join(cells)
    import chardet  # a heavy one, which only an import needs

    found = chardet.detect_all(sample, ignore_threshold=True, include_encodings=_GUESSED, compat_names=False)
    texts: dict[str, tuple[float, str]] = {}
    for one in found:
        name = chosen_encoding(one["encoding"]) if one["encoding"] else ""
        if not name or name in texts or _UNREAD in (text := sample.decode(name, "mark")):
            continue
        # What puts letters of two scripts, or signs, within a word is next to impossible.
        texts[name] = one["confidence"] / (100 if _MIXED.search(text) else 1), text
    if not texts:
        return Encoding("utf-8")
    (best, (confidence, text)), *rest = sorted(texts.items(), key=lambda one: -one[1][0])
    return Encoding(best, [name for name, (c, other) in rest if other != text and c * 2 > confidence])


_FOREIGN = "\u00a1-\u00bf\u00d7\u00f7\u02c6-\u02ff\u0370-\u0fff"
_MIXED = re.compile(f"[A-Za-z][{_FOREIGN}]|[{_FOREIGN}][A-Za-z]")


def chosen_encoding(name: str) -> str:
    """One of ENCODINGS, by any name it is known by. Raises Invalid."""
    try:
        codec = codecs.lookup(name).name
    except LookupError:
        codec = ""
    codec = _WIDER.get(codec, codec)
    if codec not in ENCODINGS:
        raise invalid("encoding", f"one of {', '.join(ENCODINGS)}")
    return codec


# What these write the wider one reads, and programs that say the one often mean the other.
_WIDER = {
    **dict.fromkeys(("ascii", "utf-8-sig", "cp65001"), "utf-8"),
    **dict.fromkeys(("iso8859-1", "iso8859-15"), "cp1252"),
    **dict.fromkeys(("gbk", "gb2312"), "gb18030"),
    **dict.fromkeys(("big5", "cp950"), "big5hkscs"),
    **dict.fromkeys(("shift_jis",), "cp932"),
    **dict.fromkeys(("euc_jp",), "euc_jis_2004"),
    **dict.fromkeys(("euc_kr",), "cp949"),
    "iso8859-9": "cp1254",
    "tis-620": "cp874",
}


def find_separator(file: BinaryIO, encoding: str) -> str:
    """As a first line `sep=;` says, or whichever of SEPARATORS the header has most of outside of quotes."""
    for line in _lines(file, encoding):
        text = line[1]
        if isinstance(text, BadRow) or not text.strip():
            continue
        if said := _SEP.fullmatch(text):
            return said[1]
        outside = re.sub(r'"[^"]*"', "", text)
        return max(SEPARATORS, key=outside.count)
    return ","


_SEP = re.compile(r'"?sep=([,;|\t])"?', re.IGNORECASE)


def read_rows(file: BinaryIO, encoding: str, separator: str) -> Iterator[tuple[int, list[str] | BadRow]]:
    """Rows as cells, with the line each starts on. A quoted cell may hold line breaks, but not for ever; a row that is
    not CSV costs its first line, and the lines that were taken for the rest of it are read anew."""
    lines = _lines(file, encoding)
    ahead: deque[tuple[int, str | BadRow]] = deque()

    def pull() -> tuple[int, str | BadRow] | None:
        return ahead.popleft() if ahead else next(lines, None)

    while (started := pull()) is not None:
        line, text = started
        if isinstance(text, BadRow):
            yield line, text
            continue
        if line == 1 and _SEP.fullmatch(text):
            continue
        tried: list[tuple[int, str | BadRow]] = []
        open_ = _ends_in_quotes(text, False, separator)
        while open_ and len(tried) < limits.CSV_RECORD_LINES_MAX and (following := pull()) is not None:
            tried.append(following)
            if isinstance(following[1], BadRow):
                break
            text = f"{text}\n{following[1]}"
            open_ = _ends_in_quotes(following[1], True, separator)
        cells = _cells(line, text, separator)
        if open_ or (tried and isinstance(cells, BadRow)):
            cells = BadRow(line, "a quote that is not closed")
            ahead.extendleft(reversed(tried))
        if cells:
            yield line, cells


def _cells(line: int, text: str, separator: str) -> list[str] | BadRow:
    """None at all of a blank line."""
    try:
        return next(csv.reader([text], delimiter=separator, strict=True)) if text.strip() else []
    except csv.Error as error:
        return BadRow(line, f"not CSV: {error}")


def _ends_in_quotes(text: str, inside: bool, separator: str) -> bool:
    """Whether the line breaks off within a quoted cell; `inside`: it began within one. Only a quote that a cell begins
    with opens one: in a cell such as 7" single it is a sign like any other."""
    if '"' not in text:
        return inside
    at = 0
    while True:
        if not inside and text.startswith('"', at):
            inside, at = True, at + 1
        if inside:
            quote = text.find('"', at)
            while text.startswith('""', quote):
                quote = text.find('"', quote + 2)
            if quote < 0:
                return True
            at = quote + 1
        following = text.find(separator, at)
        if following < 0:
            return False
        inside, at = False, following + 1


def _lines(file: BinaryIO, encoding: str) -> Iterator[tuple[int, str | BadRow]]:
    """From the beginning, whichever way they end: LF, CR LF or CR alone."""
    file.seek(0)
    codec = "utf-8-sig" if encoding == "utf-8" else encoding
    text = io.TextIOWrapper(file, codec, errors="mark", newline="")
    number, most = 0, limits.CSV_LINE_CHARS_MAX
    try:
        while line := text.readline(most + 1):
            number += 1
            if len(line) > most and not line.endswith(("\n", "\r")):
                while (more := text.readline(most)) and not more.endswith(("\n", "\r")):
                    pass
                yield number, BadRow(number, f"a line longer than {most:,} characters")
            elif "\x00" in line:
                yield number, BadRow(number, "a NUL byte, which no text holds")
            elif _UNREAD in line:
                name = ENCODINGS.get(encoding, encoding)
                yield number, BadRow(number, f"bytes that are no letters in {name}; save the file as UTF-8")
            else:
                yield number, line.rstrip("\r\n")
    finally:
        # The file is the caller's: it stays open, unless they have closed it.
        with suppress(ValueError):
            text.detach()
