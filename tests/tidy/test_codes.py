"""Every code that can be answered is described, and none that can't: when it is said, and what to do."""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import regulars
from regulars.api.about import sections
from regulars.api.codes import ATTEMPTS, FIRINGS, REFUSALS, RULES
from regulars.delivery.model import OutcomeName
from regulars.dispatch.outcomes import What
from regulars.ledger import errors as book
from regulars.triggers.model import GUARDS

SOURCE = Path(regulars.__file__).parent


def raised() -> Iterator[tuple[str, int | None]]:
    """Each code that the doors of programs and the rooms behind them say, and its status where it stands beside it."""
    for path in SOURCE.rglob("*.py"):
        if not path.is_relative_to(SOURCE / "dashboard"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                yield from _said(node)


def _said(node: ast.AST) -> Iterator[tuple[str, int | None]]:
    match node:
        case ast.keyword(arg="code", value=ast.Constant(value=str(code))):
            yield code, None
        case ast.Assign(targets=[ast.Name(id="code")], value=ast.Constant(value=str(code))):
            yield code, None
        case ast.ClassDef(keywords=keywords):
            own = {one.arg: one.value.value for one in keywords if isinstance(one.value, ast.Constant)}
            if isinstance(own.get("code"), str):
                yield str(own["code"]), int(str(own["status"])) if "status" in own else None
        case ast.Call(
            func=ast.Name(id="failure"), args=[_, ast.Constant(value=int(status)), ast.Constant(value=c), *_]
        ):
            yield str(c), status
        case ast.Assign(targets=[ast.Name(id="_CODES")], value=ast.Dict(keys=keys, values=values)):
            for status_, said in zip(keys, values, strict=True):
                yield ast.literal_eval(said)[0], ast.literal_eval(status_) if status_ else None


def test_every_refusal_is_described_and_every_description_is_of_one() -> None:
    assert {code for code, _ in raised()} == REFUSALS.keys()


def test_a_refusals_status_is_what_its_description_says() -> None:
    for code, status in raised():
        assert status in (None, REFUSALS[code]), code


def test_every_reason_of_a_firing_is_described() -> None:
    of_the_book = {kind.code for kind in vars(book).values() if getattr(kind, "__module__", "") == book.__name__}
    assert GUARDS.keys() | of_the_book == FIRINGS


def test_every_outcome_is_described() -> None:
    assert set(get_args(What)) == RULES
    assert set(get_args(OutcomeName)) == ATTEMPTS


def test_both_apis_tell_their_callers() -> None:
    for style in ("envelope", "problem"):
        told = sections(style)
        assert [code for code in (*REFUSALS, *FIRINGS) if f"| `{code}` |" not in told] == []
