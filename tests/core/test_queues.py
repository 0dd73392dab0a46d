"""Settings of queues: what they refuse, and how many of their jobs may start."""

from __future__ import annotations

import pytest

from hirehall.core.queues import check_settings
from hirehall.errors import BadRequest, Busy, QueueClosed
from hirehall.model import EVERYTHING, Backoff, Fault, QueueSettings, State
from tests.core.rig import SESSION, WORKER, Rig, on_a_rig


async def started(rig: Rig) -> list[int]:
    return [job.id for job in (await rig.commit()).runs.get(SESSION, [])]


# What may be set.


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"state": "asleep"}, "no queue state 'asleep': use one of open, paused, drained, down"),
        ({"max_running": -1}, "max_running is -1: give 0 to"),
        ({"max_waiting": 1 << 40}, "max_waiting"),
        ({"lock_limit": 0}, "lock_limit is 0: give 1 to"),
        ({"max_per_second": 0.0}, "give at least one a day"),
        ({"max_per_second": float("nan")}, "max_per_second is nan"),
        ({"max_attempts": 0}, "max_attempts"),
        ({"backoff": Backoff("random")}, "backoff kind 'random'"),
        ({"keep_seconds": -1.0}, "keep_seconds"),
    ],
)
def test_a_setting_that_cannot_be_names_itself_and_the_remedy(wrong: dict, words: str) -> None:
    with pytest.raises(BadRequest, match=words):
        check_settings(QueueSettings(**wrong))


@on_a_rig
async def test_a_refused_setting_changes_nothing(rig: Rig) -> None:
    with pytest.raises(BadRequest):
        rig.set_queue(lock_limit=0)
    assert not rig.core.wants_commit


@on_a_rig
async def test_settings_count_from_their_commit_on(rig: Rig) -> None:
    rig.set_queue(state="drained")
    rig.submit()
    await rig.commit()
    with pytest.raises(QueueClosed):
        rig.submit()


@on_a_rig
async def test_settings_are_in_hand_again_after_a_restart(rig: Rig) -> None:
    rig.set_queue(state="paused")
    rig.submit()
    await rig.commit()
    rig.work()
    await rig.restart()
    rig.work()
    assert await started(rig) == []


@on_a_rig
async def test_what_a_job_leaves_out_is_as_its_queue_says(rig: Rig) -> None:
    rig.set_queue(max_attempts=2, keep_seconds=7.0, backoff=Backoff("constant", 50.0, jitter=0.0))
    await rig.commit()
    job = await rig.running()
    assert job.max_attempts == 2
    rig.core.leases.reserve((job.id,))
    rig.core.leases.fail(WORKER, job.id, 1, Fault("E", "no"), True, None)
    await rig.commit()
    assert (await rig.row(job.id)).wake_at == rig.instant().wall_ms + 50_000
    rig.core.cancel([job.id], EVERYTHING)
    await rig.commit()
    assert (await rig.row(job.id)).wake_at == rig.instant().wall_ms + 7_000


@on_a_rig
async def test_what_a_job_says_itself_counts_before_its_queue(rig: Rig) -> None:
    rig.set_queue(max_attempts=2, keep_seconds=7.0)
    await rig.commit()
    job = await rig.running(max_attempts=3, keep_seconds=9.0)
    assert job.max_attempts == 3
    rig.core.cancel([job.id], EVERYTHING)
    await rig.commit()
    assert (await rig.row(job.id)).wake_at == rig.instant().wall_ms + 9_000


# Open and closed.


@on_a_rig
async def test_a_paused_queue_takes_jobs_and_hands_out_none_until_it_is_open_again(rig: Rig) -> None:
    waiting = rig.submit()
    await rig.commit()
    rig.set_queue(state="paused")
    await rig.commit()
    rig.work(credit=5)
    new = rig.submit()
    assert await started(rig) == []
    await rig.after(5, beats=True)
    assert [await rig.state(job) for job in (waiting, new)] == [State.READY, State.READY]
    rig.set_queue(state="open")
    assert await started(rig) == [waiting, new]


@on_a_rig
async def test_a_job_that_comes_while_a_pause_is_on_its_way_is_not_handed_out(rig: Rig) -> None:
    rig.work(credit=5)
    rig.set_queue(state="paused")
    batch = rig.core.seal()
    job = rig.submit()
    await rig.store.apply(batch)
    rig.core.settle(batch)
    assert await started(rig) == []
    assert await rig.state(job) is State.READY


@on_a_rig
async def test_pausing_takes_no_job_from_a_worker(rig: Rig) -> None:
    job = await rig.running()
    rig.set_queue(state="paused")
    await rig.commit()
    await rig.after(60, beats=True)
    rig.succeed(job.id)
    await rig.commit()
    assert await rig.state(job.id) is State.SUCCEEDED


@on_a_rig
async def test_a_paused_queue_keeps_no_worker_from_others(rig: Rig) -> None:
    rig.set_queue(state="paused")
    rig.submit(priority=9)
    await rig.commit()
    rig.work(queues=("default", "other"))
    other = rig.submit(queue="other")
    assert await started(rig) == [other]


@on_a_rig
async def test_a_drained_queue_hands_out_what_is_there_and_refuses_more(rig: Rig) -> None:
    job = rig.submit()
    rig.set_queue(state="drained")
    await rig.commit()
    with pytest.raises(QueueClosed, match="queue default is drained and takes no jobs: `resume` opens it"):
        rig.submit()
    rig.work()
    assert await started(rig) == [job]


@on_a_rig
async def test_a_queue_that_is_down_does_neither(rig: Rig) -> None:
    job = rig.submit()
    rig.set_queue(state="down")
    await rig.commit()
    with pytest.raises(QueueClosed):
        rig.submit()
    rig.work()
    assert await started(rig) == []
    rig.set_queue()
    assert await started(rig) == [job]
    rig.submit()


@on_a_rig
async def test_a_full_queue_is_busy_until_some_of_its_jobs_start(rig: Rig) -> None:
    rig.set_queue(max_waiting=2)
    await rig.commit()
    rig.submit()
    rig.submit()
    with pytest.raises(Busy, match="takes at most 2 waiting jobs and has 2"):
        rig.submit()
    rig.submit(queue="other")
    rig.work()
    await rig.commit()
    rig.submit()
    with pytest.raises(Busy):
        rig.submit()


@on_a_rig
async def test_a_bulk_submit_that_does_not_fit_is_refused_whole(rig: Rig) -> None:
    rig.set_queue(max_waiting=2)
    await rig.commit()
    with pytest.raises(Busy):
        rig.submit_many(3)
    assert not rig.core.wants_commit
    rig.submit_many(2)


# How many run at once.


@on_a_rig
async def test_no_more_jobs_of_a_queue_run_than_it_says_whatever_the_credit(rig: Rig) -> None:
    rig.set_queue(max_running=2)
    await rig.commit()
    rig.work(credit=5)
    jobs = [rig.submit() for _ in range(6)]
    assert await started(rig) == jobs[:2]
    for place in range(4):
        rig.succeed(jobs[place])
        assert await started(rig) == [jobs[place + 2]]


@on_a_rig
async def test_jobs_of_all_lanes_of_a_queue_count_together_and_those_of_another_do_not(rig: Rig) -> None:
    rig.set_queue(max_running=2)
    await rig.commit()
    rig.work(credit=9, kinds=("*",), queues=("default", "other"))
    for kind in "abc":
        rig.submit(kind=kind)
    others = [rig.submit(kind=kind, queue="other") for kind in "abc"]
    got = await started(rig)
    assert len(got) == 5
    assert set(others) < set(got)


@on_a_rig
async def test_a_limit_below_what_runs_starts_nothing_until_enough_have_ended(rig: Rig) -> None:
    rig.work(credit=5)
    jobs = [rig.submit() for _ in range(6)]
    assert await started(rig) == jobs[:5]
    rig.set_queue(max_running=2)
    for job in jobs[:3]:
        assert await started(rig) == []
        rig.succeed(job)
    assert await started(rig) == []
    rig.succeed(jobs[3])
    assert await started(rig) == [jobs[5]]


@on_a_rig
async def test_raising_the_limit_starts_more_at_once(rig: Rig) -> None:
    rig.set_queue(max_running=1)
    await rig.commit()
    rig.work(credit=5)
    jobs = [rig.submit() for _ in range(4)]
    assert await started(rig) == jobs[:1]
    rig.set_queue(max_running=3)
    assert await started(rig) == jobs[1:3]
    rig.set_queue()
    assert await started(rig) == jobs[3:]


@on_a_rig
async def test_a_limit_of_none_at_all_starts_nothing(rig: Rig) -> None:
    rig.set_queue(max_running=0)
    rig.work()
    await rig.commit()
    rig.submit()
    assert await started(rig) == []


@on_a_rig
async def test_a_cancelled_job_makes_room_though_its_worker_says_nothing(rig: Rig) -> None:
    rig.set_queue(max_running=1)
    await rig.commit()
    rig.work(credit=5)
    first, second = rig.submit(), rig.submit()
    assert await started(rig) == [first]
    rig.core.cancel([first], EVERYTHING)
    assert await started(rig) == [second]


@on_a_rig
async def test_a_job_lost_by_its_worker_makes_room(rig: Rig) -> None:
    rig.set_queue(max_running=1)
    await rig.commit()
    rig.work()
    job = rig.submit()
    await rig.commit()
    rig.work(holder="team/w2", session=3)
    effects = await rig.after(31)
    assert [(run.id, run.attempt) for run in effects.runs[3]] == [(job, 2)]


@on_a_rig
async def test_a_start_that_found_no_job_makes_room_for_another(rig: Rig) -> None:
    rig.set_queue(max_running=1)
    await rig.commit()
    gone, job = rig.submit(kind="a"), rig.submit(kind="b")
    await rig.commit()
    rig.work(kinds=("a", "b"))
    rig.core.cancel([gone], EVERYTHING)
    assert await started(rig) == [job]


# How many start in a second.


@on_a_rig
async def test_jobs_start_no_faster_than_their_queue_says_and_no_slower(rig: Rig) -> None:
    rig.set_queue(max_per_second=2.0)
    await rig.commit()
    rig.work(credit=100, lease_seconds=1_000.0)
    for _ in range(50):
        rig.submit()
    first = await started(rig)
    assert len(first) == 2, "as many as one second allows may begin together"
    effects = await rig.after(10)
    assert len(effects.runs[SESSION]) == 20


@on_a_rig
async def test_a_rate_below_one_a_second_lets_one_start_now_and_then(rig: Rig) -> None:
    rig.set_queue(max_per_second=0.25)
    await rig.commit()
    rig.work(credit=100, lease_seconds=1_000.0)
    for _ in range(9):
        rig.submit()
    assert len(await started(rig)) == 1
    assert len((await rig.after(20)).runs[SESSION]) == 5


@on_a_rig
async def test_a_rate_does_not_save_up_for_more_than_a_second(rig: Rig) -> None:
    rig.set_queue(max_per_second=3.0)
    await rig.commit()
    rig.work(credit=100, lease_seconds=1_000.0)
    rig.submit()
    await rig.commit()
    await rig.after(60, beats=True)
    for _ in range(50):
        rig.submit()
    assert len(await started(rig)) == 3


@on_a_rig
async def test_what_started_without_a_rate_is_not_held_against_a_later_one(rig: Rig) -> None:
    rig.set_queue(max_per_second=1.0)
    await rig.commit()
    rig.work(credit=1_000, lease_seconds=10_000.0)
    rig.submit()
    assert len(await started(rig)) == 1
    rig.set_queue(max_running=1_000)
    await rig.commit()
    for _ in range(500):
        rig.submit()
    assert len(await started(rig)) == 500
    rig.set_queue(max_per_second=1.0)
    await rig.commit()
    rig.submit()
    assert len(await started(rig)) + len((await rig.after(1.5)).runs.get(SESSION, [])) == 1


@on_a_rig
async def test_a_rate_and_a_limit_hold_both(rig: Rig) -> None:
    rig.set_queue(max_per_second=5.0, max_running=2)
    await rig.commit()
    rig.work(credit=100, lease_seconds=1_000.0)
    jobs = [rig.submit() for _ in range(50)]
    assert await started(rig) == jobs[:2]
    assert (await rig.after(10)).runs == {}
    for job in jobs[:2]:
        rig.succeed(job)
    assert await started(rig) == jobs[2:4]


# Locks.


@on_a_rig
async def test_raising_the_lock_limit_lets_more_start_in_the_same_commit(rig: Rig) -> None:
    rig.work(credit=9)
    jobs = [rig.submit(lock="saw") for _ in range(4)]
    assert await started(rig) == jobs[:1]
    rig.set_queue(lock_limit=3)
    assert await started(rig) == jobs[1:3]


@on_a_rig
async def test_a_raised_lock_limit_counts_though_the_queue_is_set_again_in_the_same_batch(rig: Rig) -> None:
    rig.work(credit=9)
    jobs = [rig.submit(lock="saw") for _ in range(4)]
    assert await started(rig) == jobs[:1]
    rig.set_queue(lock_limit=3)
    rig.set_queue(lock_limit=3, max_attempts=2)
    assert await started(rig) == jobs[1:3]
    assert len(rig.batches[-2].queues) <= 1


@on_a_rig
async def test_an_end_frees_the_lock_and_the_next_one_starts_without_another_word(rig: Rig) -> None:
    rig.work(credit=9)
    first, second = rig.submit(lock="saw"), rig.submit(lock="saw")
    assert await started(rig) == [first]
    rig.succeed(first)
    assert await started(rig) == [second]
