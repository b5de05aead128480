"""SQL lives in `queries.sql` beside the code that calls it, each statement under a line `-- name: what_it_does`."""

from __future__ import annotations

from pathlib import Path


class Queries:
    """The statements of one `queries.sql`, each an attribute holding its text with `$1`-style parameters."""

    def __init__(self, beside: str) -> None:
        path = Path(beside).with_name("queries.sql")
        for block in path.read_text(encoding="utf-8").split("-- name: ")[1:]:
            name, _, sql = block.partition("\n")
            assert name.strip() not in vars(self), f"{path} has two statements named {name.strip()}"
            setattr(self, name.strip(), sql.strip().rstrip(";"))

    def __getattr__(self, name: str) -> str:
        raise AttributeError(f"queries.sql has no statement named {name}")
