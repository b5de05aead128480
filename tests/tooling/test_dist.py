"""The wheel holds all that the product reads. `make dist` tries one, by `trying_dist.py`."""

import re
from pathlib import PurePath

import pytest
from setuptools import Distribution

from tests.tidy.checkout import ROOT, files, name


def test_the_wheel_holds_all_that_the_product_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    distribution = Distribution()
    distribution.parse_config_files()
    distribution.include_package_data = False  # by the patterns of pyproject.toml, not by what git knows
    building = distribution.get_command_obj("build_py")
    building.ensure_finalized()
    held = {f"{folder}/{one}" for _, folder, _, ones in building.data_files for one in ones}
    ours = {PurePath(name(path)) for path in files() if name(path).startswith("regulars/")}
    assets = re.search(r"^ASSETS = (.+)$", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    assert assets is not None
    brought = {f"regulars/dashboard/static/vendor/{PurePath(one).name}" for one in assets[1].split()}
    assert {str(one) for one in ours if one.suffix != ".py"} | brought == held
    packages = {one.replace(".", "/") for one in distribution.packages or []}
    assert {str(one.parent) for one in ours if one.suffix == ".py"} <= packages
