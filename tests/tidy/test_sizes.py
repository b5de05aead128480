"""A file fits in one head, a function on one screen."""

import ast

from tests.tidy.checkout import files, name

FILE_LINES_MAX = 400
FUNCTION_LINES_MAX = 70


def test_files_are_short() -> None:
    sources = files(".py", ".sql", ".html", ".css", ".js")
    lengths = {name(path): len(path.read_text(encoding="utf-8").splitlines()) for path in sources}
    assert {path: length for path, length in lengths.items() if length > FILE_LINES_MAX} == {}


def test_functions_are_short() -> None:
    long = {}
    for path in files(".py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno is not None:
                length = node.end_lineno - node.lineno + 1
                if length > FUNCTION_LINES_MAX:
                    long[f"{name(path)}:{node.lineno} {node.name}"] = length
    assert long == {}
