"""What a statement must not do, so that the tables can be spread over the nodes of a Citus cluster, each shop's on one.

Each law was broken once, and found by trying: `docs/guides/scale.md` says what is tried there.
"""

import ast
import re
from pathlib import Path

import pytest
import sqlglot
from sqlglot import exp

from regulars.kit.queries import statements
from regulars.migrations import commands
from tests.tidy.checkout import ROOT, files, name
from tests.tidy.test_sql import tables, trees

PRODUCT = [path for path in files(".py") if path.is_relative_to(ROOT / "regulars") and path.parent.name != "bench"]
MIGRATIONS = [path for path in files(".sql") if path.parent.name == "migrations"]


def calls(path: Path, *methods: str) -> list[ast.Call]:
    return [
        node
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in methods
    ]


QUERIES = [path for path in files(".sql") if path.name == "queries.sql"]
STATEMENTS = {f"{name(path.parent)} {title}": sql for path in QUERIES for title, sql in statements(path).items()}
TREES = {f"{name(path.parent)} {title}": tree for path in QUERIES for title, tree in trees(path).items()}
QUEUED = {
    f"{path.parent.relative_to(ROOT)} {call.args[0].attr}"
    for path in PRODUCT
    for call in calls(path, "write")
    if call.args and isinstance(call.args[0], ast.Attribute)
}
"""The statements that a `Tx` sends together, as parts of one WITH."""


def faults(title: str, sql: str, tree: exp.Expr) -> list[str]:
    found = []
    with_parts = list(tree.find_all(exp.With))
    places = [column for column in tree.find_all(exp.Column) if column.name == "ctid"]
    if places and (with_parts or title in QUEUED):
        found.append("a row's place (ctid) in a statement that has WITH, or is sent as a part of one")
    for one in with_parts:
        for table in tables(one) if one.recursive else ():
            scope = table.find_ancestor(exp.Select)
            assert scope is not None
            if "workspace_id = $1" not in scope.sql(dialect="postgres"):
                found.append("a recursive query of no workspace")
    for conflict in tree.find_all(exp.OnConflict):
        insert = conflict.find_ancestor(exp.Insert)
        assert insert is not None
        if isinstance(insert.expression, exp.Select) and list(conflict.find_all(exp.Parameter)):
            found.append("a parameter in the ON CONFLICT of an INSERT ... SELECT")
    if "-- every workspace" in sql:
        return found + across(tree)
    if any(borrowed(inner) for inner in tree.find_all(exp.Lateral, exp.Subquery, exp.Exists)):
        found.append("a subquery that has its workspace from outside, where $1 would say it")
    return found


def borrowed(inner: exp.Expr) -> bool:
    own = {table.alias_or_name for table in inner.find_all(exp.Table)}
    for test in inner.find_all(exp.EQ):
        sides = [one for one in (test.this, test.expression) if isinstance(one, exp.Column)]
        if [one.name for one in sides] == ["workspace_id"] * 2 and any(one.table not in {"", *own} for one in sides):
            return True
    return False


def across(tree: exp.Expr) -> list[str]:
    """Of a statement that looks across workspaces."""
    found = []
    if isinstance(tree, exp.Update | exp.Delete | exp.Insert):
        found.append("a write in no workspace")
    for lateral in tree.find_all(exp.Lateral):
        within = re.search(r"workspace_id = \w+\.workspace_id", lateral.sql(dialect="postgres"))
        if list(lateral.find_all(exp.Limit)) and not within:
            found.append("the first few of each of something, of no workspace: `kit.queries.for_each` asks for them")
    return found


def test_each_statement_can_be_asked_of_many_nodes() -> None:
    wrong = {title: faults(title, sql, TREES[title]) for title, sql in STATEMENTS.items() if "/bench " not in title}
    assert {title: found for title, found in wrong.items() if found} == {}
    assert len(QUEUED & STATEMENTS.keys()) > 15


@pytest.mark.parametrize(
    ("sql", "fault"),
    [
        ("WITH a AS (SELECT ctid FROM t WHERE workspace_id = $1) SELECT ctid FROM a", "ctid"),
        ("WITH RECURSIVE a AS (SELECT id FROM t UNION ALL SELECT t.id FROM a, t) SELECT id FROM a", "recursive"),
        (
            "INSERT INTO t (workspace_id, n) SELECT $1, n FROM unnest($2::int[]) AS u (n)"
            " ON CONFLICT (workspace_id) DO UPDATE SET n = $3",
            "ON CONFLICT",
        ),
        ("-- every workspace: why\nUPDATE t SET a = 1 WHERE a = $1", "a write"),
        (
            "SELECT (SELECT max(a) FROM u WHERE u.workspace_id = t.workspace_id) AS a FROM t WHERE t.workspace_id = $1",
            "from outside",
        ),
        (
            "-- every workspace: why\nSELECT f.a FROM unnest($1::text[]) AS k (k)"
            " CROSS JOIN LATERAL (SELECT a FROM t WHERE b = k.k LIMIT 1) AS f",
            "first few",
        ),
    ],
)
def test_this_check_itself(sql: str, fault: str) -> None:
    assert {fault in one for one in faults("", sql, sqlglot.parse_one(sql, read="postgres"))} == {True}


def test_nothing_hands_the_place_of_a_row_to_the_server() -> None:
    """What a row type or a parameter carries may end in a write that is sent together with others."""
    carried = [one for one, sql in STATEMENTS.items() if re.search(r"\$\d+::tid", sql)]
    assert (
        carried + [name(path) for path in MIGRATIONS if re.search(r"\btid\b", path.read_text(encoding="utf-8"))] == []
    )


def test_nobody_counts_rows_by_what_the_server_says_of_a_statement() -> None:
    """`Tx.count` counts those of its RETURNING. That `Tx.execute` answers nothing, mypy sees; here it is seen of those
    who ask the driver."""
    told = []
    for path in PRODUCT:
        kept = {
            node for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.Constant)
        }
        told += [
            f"{name(path)}: {one.value!r}"
            for one in kept
            if re.fullmatch(r"(INSERT 0|UPDATE|DELETE) \d*", str(one.value))
        ]
    assert told == []


@pytest.mark.parametrize("path", MIGRATIONS, ids=name)
def test_a_migration_falls_into_commands_of_one_act_each(path: Path) -> None:
    parts = commands(path.read_text(encoding="utf-8"))
    for part in parts:
        tree = sqlglot.parse_one(part, read="postgres")
        assert not isinstance(tree, exp.Alter) or len(tree.args["actions"]) == 1, part
    whole = [
        one
        for one in sqlglot.parse(path.read_text(encoding="utf-8"), read="postgres")
        if isinstance(one, exp.Create | exp.Alter)
    ]
    assert len(parts) == len(whole)


def test_one_command_goes_in_one_call() -> None:
    joined = [
        f"{name(path)}: {text.value}"
        for path in PRODUCT
        for call in calls(path, "execute", "fetch", "fetchval", "fetchrow")
        for text in ast.walk(call.args[0] if call.args else call)
        if isinstance(text, ast.Constant) and isinstance(text.value, str) and ";" in text.value
    ]
    assert joined == []
