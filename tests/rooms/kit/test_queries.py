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
