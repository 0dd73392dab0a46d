"""The jobs whose end a client awaits."""

from __future__ import annotations

from hirehall.client.jobs import Followed, Handle
from hirehall.wire.replies import Ended


def test_two_handles_on_one_job_both_hear_its_end() -> None:
    followed = Followed(lambda job, handle: None)
    handles = [Handle("a", "ready"), Handle("a", "ready", duplicate=True)]
    for handle in handles:
        followed.add(handle)
    followed.ended([Ended("a", "succeeded")])
    assert [handle.is_ended for handle in handles] == [True, True]
    assert len(followed) == 0
