"""A pytest plugin: instead of each test once, it runs those that a list names, each with a mutant in the process.

Used by `_catching.caught_by_tests`, in a process of its own: collecting the tests once is most of the time it takes.
"""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from _pytest.runner import runtestprotocol

from tests.mutants import planted
from tests.mutants._catching import CASE_SECONDS, TooLong, no_longer_than

Verdict = tuple[str, float, str]  # caught, survived or blind; seconds; what was said


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--mutants", help="JSON: pairs of a mutant and the node id of its test")
    parser.addoption("--found", help="where to write a verdict for each of them")


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> bool:
    if session.testsfailed:
        raise session.Interrupted("not all of these tests could be collected")
    pairs = json.loads(Path(session.config.getoption("--mutants")).read_text())
    judge = Judge(session.items)
    found = [judge.verdict(mutant, node) for mutant, node in pairs]
    Path(session.config.getoption("--found")).write_text(json.dumps(found))
    return True


class Judge:
    """Runs tests with and without mutants; each once without."""

    def __init__(self, items: list[pytest.Item]) -> None:
        self._items = items
        self._sound: dict[str, str] = {}  # what a test says without a mutant

    def verdict(self, mutant: str, node: str) -> Verdict:
        """Of a test with parameters, the first of them that fails suffices."""
        begun = time.monotonic()
        items = [
            item for item in self._items if item.nodeid == node or item.nodeid.startswith((f"{node}[", f"{node}::"))
        ]
        if not items:
            return "blind", 0.0, f"there is no test {node}"
        for item in items:
            if item.nodeid not in self._sound:
                self._sound[item.nodeid] = failure(item)
            if self._sound[item.nodeid]:
                return "blind", 0.0, f"{item.nodeid} fails without {mutant} too: {self._sound[item.nodeid]}"
            with planted(mutant):
                said = failure(item)
            if said:
                return "caught", time.monotonic() - begun, said
        return "survived", time.monotonic() - begun, ""


def failure(item: pytest.Item) -> str:
    """Run a test; what was wrong, or nothing."""
    try:
        with no_longer_than(CASE_SECONDS):
            reports = runtestprotocol(item, log=False, nextitem=None)
    except TooLong as exc:
        return str(exc)
    failed = [report for report in reports if report.failed]
    return _message(failed[0]) if failed else ""


def _message(report: pytest.TestReport) -> str:
    crash = getattr(report.longrepr, "reprcrash", None)
    return (crash.message if crash is not None else report.longreprtext).strip() or "it failed"
