"""Where CI=true a skipped test fails, whether it was skipped while running or while it was collected."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = """
import pytest
def test_that_skips(): pytest.skip("no database here")
@pytest.mark.skip(reason="marked so")
def test_that_is_marked(): ...
@pytest.mark.xfail(reason="known")
def test_that_is_known_to_fail(): assert False
"""
MODULE = 'import pytest\npytest.skip("no broker here", allow_module_level=True)\n'


def outcome(folder: Path, ci: str) -> tuple[int, str]:
    """pytest in a folder with our conftest: its status and its report."""
    (folder / "conftest.py").write_text((Path(__file__).parent / "conftest.py").read_text())
    (folder / "test_some.py").write_text(TESTS)
    (folder / "test_module.py").write_text(MODULE)
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-ra", str(folder)]
    env = {**os.environ, "CI": ci}
    found = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False)
    return found.returncode, found.stdout


def test_in_ci_a_skip_is_a_failure_with_its_reason(tmp_path: Path) -> None:
    status, report = outcome(tmp_path, "true")
    assert status != 0
    assert "skipped, which is a failure where CI=true" in report
    assert "no broker here" in report


@pytest.mark.parametrize("name", ["that_skips", "that_is_marked"])
def test_in_ci_every_way_to_skip_fails(tmp_path: Path, name: str) -> None:
    outcome(tmp_path, "true")
    (tmp_path / "test_module.py").unlink()
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-ra", str(tmp_path), "-k", name]
    env = {**os.environ, "CI": "true"}
    assert subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, check=False).returncode == 1


def test_elsewhere_a_skip_is_a_skip(tmp_path: Path) -> None:
    status, report = outcome(tmp_path, "")
    assert status == 0
    assert "3 skipped, 1 xfailed" in report
