"""What is generated and committed is what the code says now."""

import importlib.util

import pytest

from tests.tidy.checkout import ROOT


def test_generated_docs_are_current() -> None:
    spec = importlib.util.spec_from_file_location("generate", ROOT / "docs/generate.py")
    assert spec is not None
    assert spec.loader is not None
    generate = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(generate)

    fresh = generate.documents()
    committed = {
        str(path.relative_to(generate.GENERATED)): path.read_text(encoding="utf-8")
        for path in generate.GENERATED.rglob("*")
        if path.is_file()
    }
    stale = sorted(path for path in fresh.keys() | committed.keys() if fresh.get(path) != committed.get(path))
    if stale:
        pytest.fail(f"run `make docs`: {', '.join(stale)}", pytrace=False)
