"""What a person wants of a worker: working, paused, draining."""

from __future__ import annotations

import pytest

from hirehall.core.workers import DRAINING, PAUSED, WORKING
from hirehall.model import State
from tests.core.rig import SESSION, WORKER, Rig, on_a_rig


async def started(rig: Rig, session: int = SESSION) -> list[int]:
    return [job.id for job in (await rig.commit()).runs.get(session, [])]


def set_mode(rig: Rig, mode: str) -> None:
    rig.core.leases.set_mode(rig.core.leases.workers[WORKER], mode)


@pytest.mark.parametrize("mode", [PAUSED, DRAINING])
def test_a_worker_that_is_paused_or_draining_gets_nothing_new(mode: str) -> None:
    @on_a_rig
    async def play(rig: Rig) -> None:
        rig.work(credit=5)
        held, waiting = rig.submit(), []
        assert await started(rig) == [held]
        set_mode(rig, mode)
        waiting += [rig.submit(), rig.submit()]
        assert await started(rig) == []
        rig.succeed(held)
        assert await started(rig) == []
        assert [await rig.state(job) for job in (held, *waiting)] == [State.SUCCEEDED, State.READY, State.READY]
        set_mode(rig, WORKING)
        assert await started(rig) == waiting

    play()


@on_a_rig
async def test_pausing_a_worker_takes_no_job_from_it(rig: Rig) -> None:
    job = await rig.running()
    set_mode(rig, PAUSED)
    await rig.after(60, beats=True)
    assert await rig.state(job.id) is State.RUNNING


@on_a_rig
async def test_others_get_what_a_paused_worker_does_not(rig: Rig) -> None:
    rig.work(credit=5)
    set_mode(rig, PAUSED)
    rig.work(holder="team/w2", session=3)
    job = rig.submit()
    assert await started(rig, 3) == [job]


@on_a_rig
async def test_a_paused_worker_stays_paused_over_a_lost_connection(rig: Rig) -> None:
    rig.work()
    set_mode(rig, PAUSED)
    rig.core.lost_connection(SESSION, WORKER, named=True)
    rig.work(session=9)
    rig.submit()
    assert await started(rig, 9) == []


@on_a_rig
async def test_a_paused_worker_may_keep_what_it_holds(rig: Rig) -> None:
    job = await rig.running()
    set_mode(rig, PAUSED)
    rig.core.lost_connection(SESSION, WORKER, named=True)
    answer = rig.core.leases.come_back(9, WORKER, [(job.id, 1)])
    await rig.commit()
    assert answer.kept == [job.id]
    rig.succeed(job.id)
    await rig.commit()
    assert await rig.state(job.id) is State.SUCCEEDED
