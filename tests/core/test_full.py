"""A store that is full refuses what is new: the core gives back what it had promised, and goes on."""

from __future__ import annotations

from hirehall.errors import StorageFull
from hirehall.model import State
from tests.core.rig import WORKER, Rig, on_a_rig
from tests.stores.makers import Pages


def fill(rig: Rig) -> None:
    """No page more, but for the ballast's."""
    assert rig.store._room is not None
    rig.store.ballast = rig.store._room.ballast = Pages(rig.store.db, 1_000)
    rig.store._room.make()


@on_a_rig
async def test_a_placed_job_that_was_refused_gives_its_place_back(rig: Rig) -> None:
    rig.work(credit=1)
    waiting = rig.submit(kind="other")
    await rig.commit()
    fill(rig)
    refused = rig.submit()
    effects = await rig.commit()
    assert isinstance(rig.batches[-1].submits[0].refused, StorageFull)
    assert (effects.runs, rig.core.leases.open) == ({}, {})
    assert await rig.store_ids() == [waiting]
    assert rig.core.leases.workers[WORKER].free == 1
    assert refused not in rig.core.leases.workers[WORKER].held


@on_a_rig
async def test_waiting_jobs_that_were_refused_are_not_counted(rig: Rig) -> None:
    fill(rig)
    rig.submit_many(3)
    await rig.commit()
    assert sum(lane.ready for lane in rig.core.hallway.lanes.values()) == 0
    rig.work(credit=5)
    assert (await rig.commit()).runs == {}
    assert not rig.core.wants_commit, "it does not ask again and again for jobs that are not there"


@on_a_rig
async def test_what_waits_is_handed_out_and_done_on_a_full_disk(rig: Rig) -> None:
    job = rig.submit()
    await rig.commit()
    fill(rig)
    rig.work()
    assert list((await rig.commit()).runs) == [2]
    rig.succeed(job)
    await rig.commit()
    assert await rig.state(job) is State.SUCCEEDED


@on_a_rig
async def test_a_ready_job_that_was_set_aside_is_not_asked_for_again(rig: Rig) -> None:
    aside, sound = rig.submit_many(2)
    await rig.commit()
    store = rig.store._aside
    store.jobs, store.as_json = {aside}, b"[%d]" % aside
    rig.work(credit=2)
    batch = rig.core.seal()
    await rig.store.apply(batch)
    batch.aside.append(batch.claims[0].lane)  # as the store does when it finds out
    assert [job.id for jobs in rig.core.settle(batch).runs.values() for job in jobs] == [sound]
    await rig.commit()
    assert not rig.core.wants_commit
    assert sum(lane.ready for lane in rig.core.hallway.lanes.values()) == 0
