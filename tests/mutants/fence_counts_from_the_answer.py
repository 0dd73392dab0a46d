"""G13: a worker counts its lease from when a beat was answered, which is later than when the hall heard it."""

from __future__ import annotations

from hirehall.worker.lease import Beats
from tests.mutants import Replace

CATCHERS = ("tests/worker/test_agent_leases.py::test_the_fence_counts_from_when_an_answered_beat_was_sent",)


def plant(replace: Replace) -> None:
    original = Beats.confirmed
    replace(Beats, "confirmed", lambda beats, sent_at: original(beats, beats._clock.time()))
