"""Dependencies are pinned by what they are, not by where they were found: each has a hash, none has a host."""

import json
import re

import pytest

from tests.tidy.checkout import ROOT, files, name

LOCKS = sorted(path.name for path in ROOT.glob("requirements*.lock"))
_REGISTRY = re.compile(
    r"https?://[^\s/\"']*(?:pypi|pythonhosted|npmjs|registry|crates|maven)|\\b(?:docker|ghcr|quay)\\.io\\b",
    re.IGNORECASE,
)


@pytest.mark.parametrize("lock", LOCKS)
def test_python_locks_have_hashes_and_no_hosts(lock: str) -> None:
    text = (ROOT / lock).read_text(encoding="utf-8")
    entries = re.split(r"\n(?=\S)", text.strip())
    assert entries
    assert [
        entry for entry in entries if not re.match(r"[\w.\[\]-]+==\S+.*\\\n\s+--hash=sha256:[0-9a-f]{64}", entry)
    ] == []
    assert "://" not in text


def test_the_npm_lock_has_hashes_and_no_hosts() -> None:
    packages = json.loads((ROOT / "package-lock.json").read_text(encoding="utf-8"))["packages"]
    assert [path for path, entry in packages.items() if path and "integrity" not in entry] == []
    assert [path for path, entry in packages.items() if "resolved" in entry] == []


def test_the_locks_agree() -> None:
    """The tools are added to what the product runs on; they never change it."""
    pins = [
        re.findall(r"^([\w.-]+==\S+)", (ROOT / lock).read_text(encoding="utf-8"), re.MULTILINE)
        for lock in ("requirements.lock", "requirements-dev.lock")
    ]
    assert set(pins[0]) <= set(pins[1])


def test_no_file_names_a_registry() -> None:
    found = [name(path) for path in files() if _REGISTRY.search(path.read_text(encoding="utf-8", errors="replace"))]
    assert found == []
