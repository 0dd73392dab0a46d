"""Where CI=true a skipped test fails, whether it was skipped while running or while it was collected."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

TESTS = """
import pytest
def test_that_skips(): pytest.skip("no database here")
@pytest.mark.skip(reason="marked so")
def test_that_is_marked(): ...
@pytest.mark.xfail(reason="known")
def test_that_is_known_to_fail(): assert False
"""
MODULE = 'import pytest\npytest.skip("no broker here", allow_module_level=True)\n'


def outcome(folder: Path, tests: str, ci: str) -> tuple[int, str]:
    """pytest on these tests, with our conftest: its status and its report."""
    (folder / "conftest.py").write_text((Path(__file__).parent / "conftest.py").read_text())
    (folder / "test_some.py").write_text(tests)
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-ra", str(folder)]
    env = {**os.environ, "CI": ci}
    found = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False)
    return found.returncode, found.stdout


def test_in_ci_a_skip_is_a_failure_with_its_reason(tmp_path: Path) -> None:
    status, report = outcome(tmp_path, TESTS, "true")
    assert status == 1
    assert "1 failed, 1 xfailed, 1 error" in report  # a mark skips in the set-up, where a failure is an error
    assert "skipped, which is a failure where CI=true: Skipped: no database here" in report


def test_in_ci_a_module_that_skips_itself_is_a_failure_too(tmp_path: Path) -> None:
    status, report = outcome(tmp_path, MODULE, "true")
    assert status == 2
    assert "no broker here" in report


def test_elsewhere_a_skip_is_a_skip(tmp_path: Path) -> None:
    status, report = outcome(tmp_path, TESTS, "")
    assert status == 0
    assert "2 skipped, 1 xfailed" in report
