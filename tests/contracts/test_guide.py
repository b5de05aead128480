"""The integrator's guide, pasted into a shell from its first command to its last."""

import os
import re
import subprocess
import sys
from pathlib import Path

from tests.contracts.conftest import Served

GUIDE = Path(__file__).parents[2] / "docs" / "guides" / "integrate.md"
SHELL = re.compile(r"^```sh\n(.*?)^```", re.DOTALL | re.MULTILINE)
CODE = re.compile(r'"code": ?"(\w+)"')


def test_every_command_of_the_integrators_guide_works_as_printed(served: Served, tmp_path: Path) -> None:
    commands = "\n".join(SHELL.findall(GUIDE.read_text(encoding="utf-8")))
    for printed, here in (
        ("http://127.0.0.1:8000", served.url),
        (".venv/bin/regulars", f"{sys.executable} -m regulars.cli"),
    ):
        assert printed in commands
        commands = commands.replace(printed, here)
    ran = subprocess.run(
        ["bash", "-eu", "-c", commands],
        env=os.environ | {"DATABASE_URL": served.database_url, "REGULARS_SECRET_KEY": served.secret_key},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (ran.returncode, ran.stderr) == (0, "")
    assert CODE.findall(ran.stdout) == ["month_limit_reached"], "the one refusal that the guide shows"
