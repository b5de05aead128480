"""What is in `deploy` runs commands and sets settings that there are."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from regulars.kit.settings import Settings
from tests.tidy.checkout import ROOT, files, name
from tests.tidy.test_docs import wrong_with

DEPLOY = [path for path in files() if path.parent == ROOT / "deploy" or ROOT / "deploy" in path.parents]
UNITS = [path for path in DEPLOY if path.suffix in (".service", ".timer", ".target")]
PROGRAM = "/opt/regulars/bin/regulars"
# A unit's command, one of compose or of the container file.
_COMMAND = re.compile(rf'{PROGRAM} (.+)$|^ *(?:command:|CMD) \["([a-z]+)"\]$', re.MULTILINE)
_SETTING = re.compile(r"\b(?:REGULARS_[A-Z_]+|DATABASE_URL)\b")


@pytest.mark.parametrize("path", DEPLOY, ids=name)
def test_its_commands_and_settings_exist(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    asked = [unit or other for unit, other in _COMMAND.findall(text)]
    assert [command for command in asked if wrong_with(command.split(), [])] == []
    known = {field.validation_alias or f"REGULARS_{one.upper()}" for one, field in Settings.model_fields.items()}
    assert set(_SETTING.findall(text)) - known == set()
    assert (path.suffix == ".service" or path.name in ("compose.yaml", "Containerfile")) == bool(asked)


def test_the_container_is_made_of_files_and_by_goals_that_exist() -> None:
    kept = re.findall(r"^!(\S+)$", (ROOT / "deploy/Containerfile.dockerignore").read_text(), re.MULTILINE)
    assert [one for one in kept if not (ROOT / one).exists()] == []
    needed = {path.name for path in ROOT.glob("requirements*.lock")} - {"requirements-dev.lock"}
    assert needed | {"Makefile", "package-lock.json", "pyproject.toml"} <= set(kept)
    goals = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    made = re.findall(r"\bmake ([a-z-]+)$", (ROOT / "deploy/Containerfile").read_text(), re.MULTILINE)
    assert made
    assert set(made) <= set(goals)


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not here")
def test_systemd_understands_its_units(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "deploy", tmp_path, dirs_exist_ok=True)
    for unit in tmp_path.glob("*.service"):
        unit.write_text(unit.read_text().replace(PROGRAM, sys.executable))
    units = [str(tmp_path / unit.name.replace("@.", "@1.")) for unit in UNITS]
    said = subprocess.run(["systemd-analyze", "verify", *units], capture_output=True, text=True, check=False)
    assert (said.returncode, said.stderr) == (0, "")
