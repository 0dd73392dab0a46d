"""The paths that are taxed, each by its name."""

from __future__ import annotations

from benchmarks.gate.paths import crowds, plain, polls
from benchmarks.gate.paths.path import Path

PATHS: dict[str, type[Path]] = {
    "submit": plain.Submit,
    "deliver": plain.Deliver,
    "complete": plain.Complete,
    "end-to-end": plain.EndToEnd,
    "end-to-end-bulk": plain.EndToEndBulk,
    "one-at-a-time": plain.OneAtATime,
    "progress-flood": plain.ProgressFlood,
    "status-get": polls.Get,
    "status-wait": polls.Wait,
    "status-counts": polls.Counts,
    "event-feed": crowds.EventFeed,
    "many-lanes": crowds.ManyLanes,
    "many-queues": crowds.ManyQueues,
    "idle-workers": crowds.IdleWorkers,
    "idle-beats": crowds.IdleBeats,
}
