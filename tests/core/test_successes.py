"""Results of many jobs at once: neighbours that are alike go together, and each keeps what is its own."""

from __future__ import annotations

from hirehall.model import State
from hirehall.ports import ByIds
from tests.core.rig import SESSION, WORKER, Rig, on_a_rig


@on_a_rig
async def test_neighbours_go_together_until_something_differs(rig: Rig) -> None:
    rig.work(credit=20, kinds=("k", "other"))
    alike, other = rig.submit_many(3), rig.submit_many(2, kind="other")
    followed = rig.submit_many(2, kind="other", follow=True)
    jobs = [*alike, *other, *followed]
    await rig.commit()
    rig.core.journal.progress(rig.core.leases.in_hand(WORKER, followed[1], 1), b"{}")
    changes = rig.succeed_many(jobs)
    assert [(change.id, change.kind, change.jobs) for change in changes] == [
        (alike[0], "k", 3), (other[0], "other", 2), (followed[0], "other", 1), (followed[1], "other", 1),
    ]  # fmt: skip
    ends = (await rig.commit()).ends
    assert [(end.id, end.state, end.result) for several in ends for end in several.each] == [
        (job, State.SUCCEEDED, b"%d" % job) for job in jobs
    ]
    found = await rig.store.read(ByIds(jobs))
    assert [(job.result, job.progress) for job in found] == [
        (b"%d" % job, b"{}" if job == followed[1] else None) for job in jobs
    ]


@on_a_rig
async def test_one_that_is_not_in_the_hand_is_judged_alone_and_harms_no_neighbour(rig: Rig) -> None:
    rig.work(credit=4)
    jobs = rig.submit_many(5)
    assert [job.id for job in (await rig.commit()).runs[SESSION]] == jobs[:4]
    changes = rig.succeed_many([*jobs, jobs[0] - 1])
    await rig.commit()
    assert [one.answer for change in changes for one in change.each] == ["applied"] * 4 + ["stale", "not_found"]
