"""A few of the cases that `make partitions` plays all of; beside each other, for they mostly wait."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.partitions.cable import CannotCut, Namespace
from tests.partitions.case import Finding, play
from tests.partitions.faults import FAULTS, Fault
from tests.partitions.ground import through_proxy

pytestmark = pytest.mark.slow
LEASE = 5.0  # seconds; a tenth of it must be long enough for a busy machine to end a process in
CASES = {
    "command": "full cut",
    "pool": "worker to hall only",
    "thread": "hall to worker only",
    "client": "half-open",
    "late": "64 KiB then stall",
    "closed": "closed, then cut",
}
Game = Callable[[str], Finding]


@pytest.fixture(scope="module")
def can_cut() -> bool:
    """Whether this machine lets us make networks; a proxy stands for the cable where it does not."""
    try:
        Namespace().close()
    except CannotCut as why:
        print(why)
        return False
    return True


@pytest.fixture(scope="module")
def games(can_cut: bool) -> Iterator[dict[str, Future[Finding]]]:
    folder = Path(tempfile.mkdtemp(prefix="hall-cut-"))
    folder.chmod(0o755)  # the hall becomes another user
    with ThreadPoolExecutor(len(CASES)) as pool:
        yield {name: pool.submit(play, runner(name), fault(name, can_cut), folder / name, LEASE) for name in CASES}
    shutil.rmtree(folder)


def runner(name: str) -> str:
    return "command" if name in ("late", "closed") else name


def fault(name: str, can_cut: bool) -> Fault:
    found = FAULTS[CASES[name]]
    return found if can_cut else found._replace(ground=through_proxy)


@pytest.fixture
def played(games: dict[str, Future[Finding]], can_cut: bool) -> Game:
    """The end of a case; what it found is shown when the test fails."""

    def result(name: str) -> Finding:
        if FAULTS[CASES[name]].kills and not can_cut:
            pytest.skip("no machine can vanish without a network namespace of its own: run this as root, with iproute2")
        finding = games[name].result()
        print(finding.row(), finding.findings, finding.said, sep="\n")
        return finding

    return result


@pytest.mark.parametrize("name", ["command", "pool", "late", "closed"])
def test_nobody_works_on_a_job_whose_worker_is_cut_off_but_has_not_died(played: Game, name: str) -> None:
    finding = played(name)
    assert len(finding.margins) >= 3, "all that the cut-off worker held was given to the other one"
    assert finding.overlap == 0.0
    assert finding.faults(LEASE) == []


def test_a_thread_that_goes_on_without_its_lease_is_reported_and_its_result_is_refused(played: Game) -> None:
    finding = played("thread")
    assert finding.overlap > 0.0, "a thread cannot be stopped"
    assert finding.said.count("has lost its lease and still runs") == 3
    assert finding.said.count("ended after its lease: its result is not reported") == 3
    assert finding.faults(LEASE) == []


def test_a_client_whose_hall_lost_its_power_hears_of_its_jobs_when_the_hall_is_back(played: Game) -> None:
    assert played("client").faults(LEASE) == []
