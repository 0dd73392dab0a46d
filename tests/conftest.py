"""For all tests: where CI is true, nothing is skipped quietly; what a test does to our logger ends with it."""

from __future__ import annotations

import logging
import os
from collections.abc import Generator, Iterator
from typing import TypeVar

import pytest

os.environ.setdefault("HIREHALL_BALLAST", "1")  # MiB: directories of tests stay, and so do the ballasts of their halls

R = TypeVar("R", pytest.TestReport, pytest.CollectReport)


@pytest.fixture(autouse=True)
def the_log_speaks_again() -> Iterator[None]:
    """A test that silences our logger, or makes it loud, does so for itself only."""
    logger = logging.getLogger("hirehall")
    logger.setLevel(logging.NOTSET)
    yield
    logger.setLevel(logging.NOTSET)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    return refuse_skip((yield))


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    return refuse_skip((yield))


def refuse_skip(report: R) -> R:
    """A skip in CI is a check that did not happen. An expected failure did happen."""
    if os.environ.get("CI") == "true" and report.outcome == "skipped" and not hasattr(report, "wasxfail"):
        why = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        report.outcome = "failed"
        report.longrepr = f"skipped, which is a failure where CI=true: {why}"
    return report
