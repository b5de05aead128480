"""Templates are compiled once, not at each start."""

from pathlib import Path

import pytest
from jinja2 import Environment

from regulars.dashboard.rendering import environment, prepare


def test_what_was_compiled_is_kept_for_the_next_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    compiled: list[str | None] = []
    compile_ = Environment.compile

    def counted(self: Environment, source: str, name: str | None = None, *more: object) -> object:
        compiled.append(name)
        return compile_(self, source, name, *more)  # type: ignore[call-overload]

    monkeypatch.setattr(Environment, "compile", counted)
    environment.cache_clear()
    prepare(tmp_path)
    assert "base.html" in compiled
    assert len(list((tmp_path / "templates").iterdir())) == len(compiled)
    compiled.clear()
    environment.cache_clear()
    prepare(tmp_path)
    assert compiled == []


def test_where_nothing_can_be_kept_a_start_only_takes_longer(tmp_path: Path) -> None:
    (tmp_path / "templates").touch()
    environment.cache_clear()
    prepare(tmp_path)
