"""The same work as functions, for threads and for a pool of processes."""

from __future__ import annotations

from hirehall import job
from tests.partitions.work import work


@job(kind="function")
def function(payload, context):
    return work(context.id, context.attempt, payload)
