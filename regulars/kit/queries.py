"""SQL lives in `queries.sql` beside the code that calls it, each statement under a line `-- name: what_it_does`.

What several of them say stands once, under a line `-- part: coupon`, and is put in where they say `{coupon}`;
`c.{coupon}` is each of its columns with the alias.
"""

import re
from collections.abc import Iterable, Sequence
from functools import cache, lru_cache, partial
from pathlib import Path
from typing import Any

from regulars import limits

_TITLE = re.compile(r"^-- (name|part): (\w+)\n", re.MULTILINE)
_PART = re.compile(r"(\w+\.)?\{(\w+)\}")
_COLUMN = re.compile(r"(?<!AS )\b[a-z_]+\b")


def statements(path: Path) -> dict[str, str]:
    """Those of a `queries.sql`, whole, by their names."""
    _, *blocks = _TITLE.split(path.read_text(encoding="utf-8"))
    found: dict[str, dict[str, str]] = {"name": {}, "part": {}}

    def part(said: re.Match[str]) -> str:
        text = found["part"][said[2]]
        return _COLUMN.sub(rf"{said[1]}\g<0>", text) if said[1] else text

    for kind, name, text in zip(blocks[::3], blocks[1::3], blocks[2::3], strict=True):
        assert name not in found[kind], f"{path} says {name} twice"
        found[kind][name] = _PART.sub(part, text.strip().rstrip(";"))
    return found["name"]


class Queries:
    """The statements of one `queries.sql`, each an attribute holding its text with `$1`-style parameters."""

    def __init__(self, beside: str) -> None:
        vars(self).update(statements(Path(beside).with_name("queries.sql")))

    def __getattr__(self, name: str) -> str:
        raise AttributeError(f"queries.sql has no statement named {name}")


def shaped(rows: Iterable[tuple[Any, ...]], own: int) -> list[Sequence[Any]]:
    """The columns of rows that differ in little: the first `own`, the number of each row's shape, then what the shapes
    say, each sent once, for a statement to look up as `($6::text[])[n.shape]`. There has to be a row."""
    columns, shapes = list(zip(*rows, strict=True)), dict[tuple[Any, ...], int]()
    before, number, numbers = None, 0, list[int]()
    for one in zip(*columns[own:], strict=True):
        if one != before:  # as most are not, and to compare is cheaper than to look up
            before, number = one, shapes.setdefault(one, len(shapes) + 1)
        numbers.append(number)
    return [*columns[:own], numbers, *zip(*shapes, strict=True)]


_COMMENT = re.compile(r"--[^\n]*")
_NAME = re.compile(r"[a-z_][a-z0-9_]*")
_WRITES = re.compile(r"\s*(?:INSERT INTO|UPDATE|DELETE FROM) ([a-z_]+)")
_PARAMETER = re.compile(r"\$([0-9]+)")


@cache
def is_select(statement: str) -> bool:
    return _COMMENT.sub("", statement).lstrip().startswith("SELECT")


@cache
def tables_of(statement: str) -> tuple[str, frozenset[str]]:
    """The table it writes, and every name in it whose rows it may look at: its own table's unless it only adds rows."""
    text = _COMMENT.sub("", statement)
    writes = _WRITES.match(text)
    assert writes, f"only an INSERT, UPDATE or DELETE can be queued, not {statement}"
    only_adds = text.lstrip().startswith("INSERT") and "ON CONFLICT" not in text
    return writes[1], frozenset(_NAME.findall(text[writes.end() :] if only_adds else text))


@lru_cache(limits.DB_STATEMENTS_TOGETHER_MAX)
def together(*statements: tuple[str, int]) -> str:
    """One statement that does what all do; each comes with how many parameters it has beside `$1`, which they share.
    None of them is the last: where tables are spread over nodes, that one would be sent away with the others in it."""
    parts, before = [], 0
    for text, parameters in statements:
        parts.append(_PARAMETER.sub(partial(_shifted, before), text))
        before += parameters
    if len(parts) == 1:
        return parts[0]
    named = ",\n".join(f"part_{n} AS (\n{part}\n)" for n, part in enumerate(parts))
    return f"WITH {named}\nSELECT 1"


@cache
def for_each(statement: str, many: int) -> str:
    """The statement for each of the `many` texts of `$1`, as if it were that text. LATERAL says the same, but not where
    tables are spread over nodes and no workspace is named. There has to be one."""
    return "\nUNION ALL\n".join(f"({statement.replace('$1', f'($1::text[])[{n}]')})" for n in range(1, many + 1))


def _shifted(by: int, parameter: re.Match[str]) -> str:
    number = int(parameter[1])
    return "$1" if number == 1 else f"${number + by}"
