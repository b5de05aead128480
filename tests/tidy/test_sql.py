"""Every statement names one workspace: for each table it touches, the workspace is given or joined. It keeps shops
apart, and it is what lets the tables be spread over several machines by workspace.

A statement that has to look across workspaces says why, in a line `-- every workspace: reason` under its name.
"""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
import sqlglot
from sqlglot import exp

from regulars.kit.queries import statements
from tests.tidy.checkout import files, name

Statement = exp.Select | exp.Insert | exp.Update | exp.Delete
_ACROSS = re.compile(r"^-- every workspace: \S", re.MULTILINE)


every_room = pytest.mark.parametrize("path", [path for path in files(".sql") if path.name == "queries.sql"], ids=name)


@cache
def trees(path: Path) -> dict[str, exp.Expr]:
    """By the statement's name."""
    return {title: sqlglot.parse_one(f"{sql}\n", read="postgres") for title, sql in statements(path).items()}


@every_room
def test_each_statement_names_one_workspace(path: Path) -> None:
    across = {title for title, sql in statements(path).items() if _ACROSS.search(sql)}
    strays = {
        title: [table.sql() for table in tables(tree) if not tied(table)]
        for title, tree in trees(path).items()
        if title not in across
    }
    assert {title: found for title, found in strays.items() if found} == {}


@every_room
def test_each_statement_names_the_columns_it_answers_with(path: Path) -> None:
    """`SELECT *` answers with something else once a table has one column more."""
    assert [title for title, tree in trees(path).items() if starred(tree)] == []


@every_room
def test_no_row_of_a_partitioned_table_is_locked_where_it_is_found_one_by_one(path: Path) -> None:
    """PostgreSQL 18.4 dies of it, when such rows were changed while they were waited for."""
    migrations = "".join(one.read_text(encoding="utf-8") for one in files(".sql") if one.parent.name == "migrations")
    parts = set(re.findall(r"CREATE TABLE (\w+) \((?:(?!CREATE TABLE).)*?\) PARTITION BY", migrations, re.DOTALL))
    assert "delivery_delivery" in parts
    locked = {
        title: {table.name for table in select.find_all(exp.Table)} & parts
        for title, tree in trees(path).items()
        for lateral in tree.find_all(exp.Lateral)
        for select in lateral.find_all(exp.Select)
        if select.args.get("locks")
    }
    assert {title: found for title, found in locked.items() if found} == {}


@every_room
def test_each_statement_names_the_columns_it_fills(path: Path) -> None:
    """A table with one column more is still written by the version before."""
    inserts = {title: list(tree.find_all(exp.Insert)) for title, tree in trees(path).items()}
    assert {title for title, sql in statements(path).items() if "INSERT INTO" in sql} == {
        title for title, found in inserts.items() if found
    }
    unnamed = [
        (title, one) for title, found in inserts.items() for one in found if not isinstance(one.this, exp.Schema)
    ]
    assert unnamed == []


def test_row_types_carry_a_number() -> None:
    """What an old process sends stays what it was: a row type that changes is another type, the next by number."""
    types = re.compile(r"^CREATE TYPE (\w+) AS \(", re.MULTILINE)
    made = [one for path in files(".sql") for one in types.findall(path.read_text(encoding="utf-8"))]
    assert made
    assert [one for one in made if not re.fullmatch(r"[a-z_]+_row_[1-9][0-9]*", one)] == []


@pytest.mark.parametrize(
    ("sql", "strays"),
    [
        ("SELECT a FROM t WHERE workspace_id = $1", []),
        ("SELECT a FROM t WHERE id = $1", ["t"]),
        ("SELECT a FROM t JOIN u ON u.workspace_id = t.workspace_id WHERE t.workspace_id = $1", []),
        ("SELECT a FROM t JOIN u ON u.id = t.id WHERE t.workspace_id = $1", ["u"]),
        ("SELECT a FROM t JOIN u USING (workspace_id, id) WHERE t.workspace_id = $1", []),
        ("SELECT a FROM t WHERE t.workspace_id = $1 AND EXISTS (SELECT 1 FROM u WHERE u.id = t.id)", ["u"]),
        ("WITH x AS (DELETE FROM t WHERE id = $1 RETURNING id) SELECT id FROM x", ["t"]),
        ("UPDATE t SET a = 1 FROM unnest($2::int[]) AS n (id) WHERE t.workspace_id = $1 AND t.id = n.id", []),
        ("UPDATE t SET workspace_id = $1", ["t"]),
        ("INSERT INTO t (workspace_id, a) SELECT $1, n.a FROM unnest($2::int[]) AS n (a)", []),
        ("INSERT INTO t (a) VALUES (1)", ["t"]),
    ],
)
def test_this_check_itself(sql: str, strays: list[str]) -> None:
    tree = sqlglot.parse_one(sql, read="postgres")
    assert [table.name for table in tables(tree) if not tied(table)] == strays


def starred(answer: exp.Expr) -> bool:
    if isinstance(answer, exp.SetOperation):
        return starred(answer.left) or starred(answer.right)
    answering = answer if isinstance(answer, exp.Select) else answer.args.get("returning")
    return answering is not None and any(one.is_star for one in answering.expressions)


def tables(tree: exp.Expr) -> list[exp.Table]:
    """The stored tables of a statement: neither its own WITH parts nor functions that return rows."""
    parts = {part.alias for part in tree.find_all(exp.CTE)}
    return [
        table
        for table in tree.find_all(exp.Table)
        if isinstance(table.this, exp.Identifier) and table.name not in parts
    ]


def tied(table: exp.Table) -> bool:
    """Whether the statement that reads or writes the table there says whose rows it means."""
    scope = table.find_ancestor(exp.Select, exp.Insert, exp.Update, exp.Delete)
    assert scope is not None
    if isinstance(scope, exp.Insert):
        target = scope.this
        return isinstance(target, exp.Schema) and target.expressions[0].name == "workspace_id"
    alone = len([other for other in tables(scope) if other.find_ancestor(*_SCOPES) is scope]) == 1
    return any(
        column.name == "workspace_id" and (column.table == table.alias_or_name or (alone and not column.table))
        for test in scope.find_all(exp.EQ, exp.In, exp.Join)
        if test.find_ancestor(*_SCOPES) is scope
        and (isinstance(test, exp.Join) or isinstance(test.find_ancestor(exp.Where, exp.Join, *_SCOPES), _TESTING))
        for column in compared(test)
    )


_TESTING = (exp.Where, exp.Join)
_SCOPES = (exp.Select, exp.Insert, exp.Update, exp.Delete)


def compared(test: exp.Expr) -> Iterator[exp.Column]:
    """The columns a test compares: `a = b`, `(a, b) = (c, d)`, `(a, b) IN (...)`, `JOIN ... USING (a)`."""
    if isinstance(test, exp.Join):
        for named in test.args.get("using") or []:
            yield exp.column(named.name, table=test.alias_or_name)
        return
    for side in (test.this, test.args.get("expression")):
        members = side.expressions if isinstance(side, exp.Tuple) else [side]
        for member in members:
            if isinstance(member, exp.Paren):
                member = member.this
            if isinstance(member, exp.Column):
                yield member


@pytest.mark.parametrize("path", [path for path in files(".sql") if path.parent.name == "migrations"], ids=name)
def test_the_workspace_is_first_in_every_primary_key(path: Path) -> None:
    wrong = []
    for statement in sqlglot.parse(path.read_text(encoding="utf-8"), read="postgres"):
        if not isinstance(statement, exp.Create) or not isinstance(statement.this, exp.Schema):
            continue
        keys = [[column.name for column in key.expressions] for key in statement.find_all(exp.PrimaryKey)]
        keys += [
            [column.name]
            for column in statement.find_all(exp.ColumnDef)
            if any(column.find_all(exp.PrimaryKeyColumnConstraint))
        ]
        if [key[0] for key in keys] != ["workspace_id"]:
            wrong.append(f"{statement.this.this.name}: {keys}")
    assert wrong == []
