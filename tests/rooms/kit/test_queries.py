from pathlib import Path

import pytest

from regulars.kit.queries import Queries


def test_statements_are_read_by_name(tmp_path: Path) -> None:
    (tmp_path / "queries.sql").write_text(
        "-- Whatever stands above the first name is not read.\n\n"
        "-- name: one\n-- Why it looks odd.\nSELECT 1;\n\n"
        "-- name: two\nSELECT 'ü -- no comment; here'\n  FROM t\n",
        encoding="utf-8",
    )
    queries = Queries(str(tmp_path / "store.py"))
    assert queries.one == "-- Why it looks odd.\nSELECT 1"
    assert queries.two == "SELECT 'ü -- no comment; here'\n  FROM t"
    with pytest.raises(AttributeError, match="three"):
        _ = queries.three


def test_a_name_given_twice_is_a_mistake(tmp_path: Path) -> None:
    (tmp_path / "queries.sql").write_text("-- name: one\nSELECT 1\n-- name: one\nSELECT 2\n", encoding="utf-8")
    with pytest.raises(AssertionError, match="one"):
        Queries(str(tmp_path / "store.py"))


def test_what_several_say_is_put_in_once_and_with_an_alias_column_by_column(tmp_path: Path) -> None:
    (tmp_path / "queries.sql").write_text(
        "-- part: thing\nid, a || b AS name\n\n-- part: kept\nid > $2\n\n"
        "-- name: one\nSELECT {thing} FROM t WHERE {kept} AND x <> '{}';\n\n-- name: two\nSELECT t.{thing}, n FROM t\n",
        encoding="utf-8",
    )
    queries = Queries(str(tmp_path / "store.py"))
    assert queries.one == "SELECT id, a || b AS name FROM t WHERE id > $2 AND x <> '{}'"
    assert queries.two == "SELECT t.id, t.a || t.b AS name, n FROM t"
