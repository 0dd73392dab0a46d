"""Leases, credit, time: the core's calls in their order."""

from __future__ import annotations

import pytest

from hirehall.core import lifecycle
from hirehall.core.collecting import NextBatch
from hirehall.errors import BadRequest, StaleLease
from hirehall.model import EVERYTHING, Backoff, Fault, State
from hirehall.ports import ByIds
from tests.core.rig import SESSION, WORKER, Rig, on_a_rig


@on_a_rig
async def test_a_submit_is_placed_at_once_on_a_free_worker(rig: Rig) -> None:
    rig.work()
    rig.submit()
    batch = rig.core.collecting.batch
    assert [job.state for job in batch.submits[0].jobs] == [State.RUNNING]
    assert (await rig.commit()).runs[SESSION][0].attempt == 1


@on_a_rig
async def test_a_job_waits_for_a_worker_whose_offers_satisfy_it(rig: Rig) -> None:
    rig.work(credit=5, offers={"gpu": 1})
    small, large = rig.submit(requires={"gpu": 1}), rig.submit(requires={"gpu": 2})
    assert [job.id for job in (await rig.commit()).runs[SESSION]] == [small]
    rig.work(holder="team/w2", session=9, offers={"gpu": 2})
    assert [job.id for job in (await rig.commit()).runs[9]] == [large]


@on_a_rig
async def test_a_placed_duplicate_is_not_delivered_and_gives_the_place_back(rig: Rig) -> None:
    rig.submit(key="a")
    await rig.commit()
    rig.work()
    first = (await rig.commit()).runs[SESSION][0]
    rig.core.collecting.touch([first.id])
    rig.core.leases.succeed(WORKER, [(first.id, 1, b"1")])
    await rig.commit()
    rig.submit(key="a")
    assert (await rig.commit()).runs == {}
    assert rig.core.leases.workers[WORKER].free == 1


@on_a_rig
async def test_credit_is_a_ceiling_and_a_result_makes_room(rig: Rig) -> None:
    rig.work(credit=2)
    for _ in range(5):
        rig.submit()
    jobs = (await rig.commit()).runs[SESSION]
    assert len(jobs) == 2
    rig.core.collecting.touch([jobs[0].id])
    rig.core.leases.succeed(WORKER, [(jobs[0].id, 1, b"1")])
    assert len((await rig.commit()).runs[SESSION]) == 1


@on_a_rig
async def test_a_beaten_lease_lives_and_a_silent_one_is_lost(rig: Rig) -> None:
    job = await rig.running()
    await rig.after(60, beats=True)
    assert await rig.state(job.id) is State.RUNNING
    effects = await rig.after(31)
    assert [stop.why for stop in effects.stops] == ["lost"]
    assert await rig.state(job.id) is State.READY


@on_a_rig
async def test_who_has_lost_a_lease_gets_nothing_more_until_it_says_something(rig: Rig) -> None:
    rig.work(credit=3)
    rig.submit()
    (job,) = (await rig.commit()).runs[SESSION]
    assert (await rig.after(31)).runs == {}
    rig.submit()
    assert (await rig.after(31)).runs == {}
    assert (await rig.row(job.id)).attempt == 1
    assert len((await rig.after(0.5, beats=True)).runs[SESSION]) == 2


@on_a_rig
async def test_a_worker_whose_connection_fell_silent_keeps_its_leases_while_they_last(rig: Rig) -> None:
    job = await rig.running()
    rig.core.lost_connection(SESSION, WORKER, named=True, is_silent=True)
    await rig.after(29)
    assert await rig.state(job.id) is State.RUNNING
    await rig.after(2)
    assert await rig.state(job.id) is State.READY


@on_a_rig
async def test_a_nameless_worker_whose_connection_fell_silent_is_waited_for_no_longer_than_its_lease(rig: Rig) -> None:
    job = await rig.running()
    rig.core.lost_connection(SESSION, WORKER, named=False, is_silent=True)
    await rig.after(29)
    assert await rig.state(job.id) is State.RUNNING
    await rig.after(2)
    assert await rig.state(job.id) is State.READY


@on_a_rig
async def test_a_deputy_worker_whose_connection_fell_silent_is_gone_at_once(rig: Rig) -> None:
    job = await rig.running()
    rig.core.leases.workers[WORKER].is_deputy = True
    rig.core.lost_connection(SESSION, WORKER, named=False, is_silent=True)
    await rig.commit()
    assert await rig.state(job.id) is State.READY


@on_a_rig
async def test_a_job_that_may_start_once_fails_when_its_worker_breaks_it_off(rig: Rig) -> None:
    once = await rig.running(max_attempts=1)
    rig.core.leases.reserve([once.id])
    rig.core.leases.release(WORKER, once.id, 1, 0.0, begun=True)
    await rig.commit()
    assert await rig.state(once.id) is State.FAILED
    often = await rig.running(max_attempts=2)
    rig.core.leases.reserve([often.id])
    rig.core.leases.release(WORKER, often.id, 1, 60.0, begun=True)
    await rig.commit()
    assert await rig.state(often.id) is State.SCHEDULED


@on_a_rig
async def test_a_lost_job_counts_its_attempt_and_ends_when_none_is_left(rig: Rig) -> None:
    job = await rig.running(max_attempts=1)
    effects = await rig.after(31)
    assert [(end.id, end.state) for end in effects.ends] == [(job.id, State.FAILED)]
    assert b"WorkerLost" in (effects.ends[0].fault or b"")


@on_a_rig
async def test_a_late_result_counts_while_nobody_else_has_the_job(rig: Rig) -> None:
    job = await rig.running()
    await rig.after(31)
    rig.core.collecting.touch([job.id])
    rig.core.leases.succeed(WORKER, [(job.id, 1, b"1")])
    await rig.commit()
    assert await rig.state(job.id) is State.SUCCEEDED


@on_a_rig
async def test_a_stale_attempt_changes_nothing(rig: Rig) -> None:
    job = await rig.running()
    rig.core.leases.depart(rig.core.leases.workers[WORKER], lifecycle.LOSE)
    await rig.commit()
    rig.work(holder="team/w2", session=3)
    assert (await rig.commit()).runs[3][0].attempt == 2
    rig.core.collecting.touch([job.id])
    rig.core.leases.succeed(WORKER, [(job.id, 1, b"1")])
    await rig.commit()
    assert await rig.state(job.id) is State.RUNNING


@on_a_rig
async def test_a_named_worker_has_three_seconds_to_come_back_and_an_unnamed_one_none(rig: Rig) -> None:
    job = await rig.running()
    rig.core.lost_connection(SESSION, WORKER, named=True)
    await rig.after(2)
    assert await rig.state(job.id) is State.RUNNING
    await rig.after(1.5)
    assert await rig.state(job.id) is State.READY
    rig.work(holder="~7", session=7)
    await rig.commit()
    rig.core.lost_connection(7, "~7", named=False)
    await rig.commit()
    assert await rig.state(job.id) is State.READY


@on_a_rig
async def test_a_worker_that_came_back_after_its_grace_outlives_the_leases_it_lost(rig: Rig) -> None:
    await rig.running()
    rig.core.lost_connection(SESSION, WORKER, named=True)
    await rig.after(4)
    rig.work(session=9)
    await rig.after(40, beats=False)
    assert rig.core.leases.workers[WORKER].session == 9, "the timer of its first life ended its second one"


@on_a_rig
async def test_what_a_worker_does_not_keep_never_arrived(rig: Rig) -> None:
    rig.work(credit=2)
    rig.submit()
    rig.submit()
    kept, other = (await rig.commit()).runs[SESSION]
    rig.core.lost_connection(SESSION, WORKER, named=True)
    answer = rig.core.leases.come_back(9, WORKER, [(kept.id, 1)])
    await rig.commit()
    assert answer.kept == [kept.id]
    row = (await rig.store.read(ByIds([other.id])))[0]
    assert (row.state, row.forgiven) == (State.READY, 1)


@on_a_rig
async def test_a_lost_job_that_nobody_took_is_kept_under_the_same_attempt(rig: Rig) -> None:
    job = await rig.running()
    rig.core.lost_connection(SESSION, WORKER, named=True)
    await rig.after(4)
    answer = rig.core.leases.come_back(9, WORKER, [(job.id, 1)])
    await rig.commit()
    assert [change.answer for change in answer.asked] == ["applied"]
    assert rig.core.leases.open[job.id].job.attempt == 1


@on_a_rig
async def test_a_timeout_waits_fifteen_seconds_for_the_worker_and_then_ends_the_attempt(rig: Rig) -> None:
    job = await rig.running(timeout_seconds=2, backoff=Backoff("constant", 100))
    effects = await rig.after(3, beats=True)
    assert [stop.why for stop in effects.stops] == ["timeout"]
    await rig.after(13, beats=True)
    assert await rig.state(job.id) is State.RUNNING
    await rig.after(2, beats=True)
    assert await rig.state(job.id) is State.SCHEDULED
    assert rig.core.leases.workers[WORKER].free == 0, "the place is filled until the worker answers"


@on_a_rig
async def test_cancelling_a_running_job_is_final_at_once_and_tells_its_worker(rig: Rig) -> None:
    job = await rig.running()
    rig.core.cancel([job.id], EVERYTHING)
    effects = await rig.commit()
    assert [(stop.id, stop.why) for stop in effects.stops] == [(job.id, "cancelled")]
    assert await rig.state(job.id) is State.CANCELLED


@on_a_rig
async def test_one_job_takes_one_operation_per_batch(rig: Rig) -> None:
    job = await rig.running()
    rig.core.cancel([job.id], EVERYTHING)
    with pytest.raises(NextBatch):
        rig.core.cancel([job.id], EVERYTHING)
    rig.core.seal()
    rig.core.cancel([job.id], EVERYTHING)


@on_a_rig
async def test_a_failure_waits_its_backoff_and_runs_again(rig: Rig) -> None:
    job = await rig.running()
    rig.core.collecting.touch([job.id])
    rig.core.leases.fail(WORKER, job.id, 1, Fault("E", "no"), True, None)
    await rig.commit()
    assert await rig.state(job.id) is State.SCHEDULED
    assert not (await rig.after(0.5, beats=True)).runs  # of the second that the first backoff takes
    effects = await rig.after(1.0, beats=True)
    assert effects.runs[SESSION][0].attempt == 2


@on_a_rig
async def test_a_machine_that_slept_costs_no_lease(rig: Rig) -> None:
    job = await rig.running()
    rig.seconds += 600
    rig.core.turn(rig.instant())
    rig.core.tick()
    await rig.commit()
    assert await rig.state(job.id) is State.RUNNING
    await rig.after(31)
    assert await rig.state(job.id) is State.READY


@on_a_rig
async def test_progress_of_another_attempt_or_worker_is_refused(rig: Rig) -> None:
    job = await rig.running()
    assert rig.core.leases.in_hand(WORKER, job.id, 1).job == job
    for holder, attempt in ((WORKER, 2), ("team/w2", 1)):
        with pytest.raises(StaleLease):
            rig.core.leases.in_hand(holder, job.id, attempt)


@on_a_rig
async def test_lowering_credit_takes_nothing_back(rig: Rig) -> None:
    job = await rig.running()
    rig.core.leases.set_credit(rig.core.leases.workers[WORKER], 0)
    rig.submit()
    assert (await rig.commit()).runs == {}
    assert await rig.state(job.id) is State.RUNNING


@on_a_rig
async def test_timeouts_of_jobs_that_ended_do_not_pile_up(rig: Rig) -> None:
    rig.work()
    for _ in range(300):
        rig.submit(timeout_seconds=3600)
        job = (await rig.commit()).runs[SESSION][0]
        rig.core.collecting.touch([job.id])
        rig.core.leases.succeed(WORKER, [(job.id, 1, b"1")])
        await rig.commit()
    assert len(rig.core._timers) < 10


@on_a_rig
async def test_an_answer_right_behind_keep_waits_until_the_store_said_who_has_the_job(rig: Rig) -> None:
    job = await rig.running()
    await rig.after(31)
    rig.core.leases.come_back(9, WORKER, [(job.id, 1)])
    batch = rig.core.seal()
    with pytest.raises(NextBatch):
        rig.core.leases.reserve((job.id,))
    await rig.store.apply(batch)
    rig.core.settle(batch)
    rig.core.leases.reserve((job.id,))
    rig.core.leases.fail(WORKER, job.id, 1, Fault("E", "no"), False, None)
    await rig.commit()
    assert await rig.state(job.id) is State.FAILED


@on_a_rig
async def test_who_keeps_a_job_and_leaves_at_once_gives_it_back(rig: Rig) -> None:
    job = await rig.running()
    await rig.after(31)
    rig.core.leases.come_back(9, WORKER, [(job.id, 1)])
    rig.core.leave(9, WORKER)
    await rig.commit()
    assert await rig.state(job.id) is State.READY


@on_a_rig
async def test_short_timeouts_beside_a_long_job_leave_one_timer(rig: Rig) -> None:
    rig.work(credit=2)
    rig.submit()
    await rig.commit()
    for _ in range(200):
        rig.submit(timeout_seconds=1)
        job = (await rig.commit()).runs[SESSION][0]
        rig.core.leases.reserve((job.id,))
        rig.core.leases.succeed(WORKER, [(job.id, 1, b"1")])
        await rig.after(1.5, beats=True)
    assert len(rig.core._timers) < 100, "cancelled ones may stay for a while, but not all of them"


@on_a_rig
async def test_a_worker_that_gives_every_job_back_leaves_the_next_turn_to_others(rig: Rig) -> None:
    """It never hears of its jobs, comes back with empty hands, and is the first in the hall's order."""
    rig.work(kinds=("k", "deaf"))
    rig.work(holder="team/w2", session=3)
    rig.submit()
    assert list((await rig.commit()).runs) == [SESSION]
    rig.core.leases.come_back(SESSION, WORKER, [])
    assert list((await rig.commit()).runs) == [3]


@on_a_rig
async def test_only_the_last_connection_of_a_worker_speaks_for_it(rig: Rig) -> None:
    """What an earlier one had said, held up on its way, takes nothing from the worker."""
    rig.work(session=9)
    rig.submit()
    job = (await rig.commit()).runs[9][0]
    with pytest.raises(StaleLease, match="speaks on a later connection"):
        rig.core.leases.come_back(SESSION, WORKER, [])
    with pytest.raises(StaleLease, match="speaks on a later connection"):
        rig.work()
    await rig.commit()
    assert await rig.state(job.id) is State.RUNNING


@on_a_rig
async def test_a_resume_counts_from_its_commit_on_also_when_a_refused_submit_comes_with_it(rig: Rig) -> None:
    rig.set_queue(state="paused")
    await rig.commit()
    rig.work()
    rig.set_queue()
    with pytest.raises(BadRequest):
        rig.submit(delay_seconds=-1.0)
    rig.submit()
    assert [job.state for job in rig.core.collecting.batch.submits[0].jobs] == [State.READY]
    assert rig.core.seal().claims == []


@on_a_rig
async def test_crews_take_turns_at_jobs_that_are_placed_at_once(rig: Rig) -> None:
    holders = {SESSION: WORKER, SESSION + 1: "team/w2"}
    for size, (session, holder) in enumerate(holders.items()):
        rig.work(holder=holder, session=session, offers={"size": size})
    taken = []
    for _ in range(4):
        rig.submit()
        ((session, (job,)),) = (await rig.commit()).runs.items()
        taken.append(session)
        rig.succeed(job.id, holder=holders[session])
        await rig.commit()
    assert sorted(taken[:2]) == sorted(taken[2:]) == list(holders)
