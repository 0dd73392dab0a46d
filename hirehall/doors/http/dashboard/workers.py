"""Workers: what they serve, what they hold, and what they are told."""

from __future__ import annotations

from hirehall.doors.http.dashboard.view import Ask, Facts, Params, View
from hirehall.errors import NotFound
from hirehall.wire import replies, requests

ACTS = {
    "pause": "gets nothing more until it is resumed",
    "resume": "gets jobs again",
    "drain": "finishes what it has and leaves",
    "stop": "gives back what it has and leaves",
}
SHOWN_JOBS = 5  # of one worker


async def _facts(ask: Ask, params: Params) -> Facts:
    crew: replies.WorkersReply = await ask(requests.Workers())
    running = [job for worker in crew.workers for job in worker.running[:SHOWN_JOBS]]
    kinds: dict[str, str] = {}
    if running:
        found: replies.Jobs = await ask(requests.Get(ids=running[:200]))
        kinds = {job.id: job.kind for job in found.jobs}
    return {"workers": crew.workers, "kinds": kinds, "shown_jobs": SHOWN_JOBS}


def order(worker: str, do: str) -> requests.WorkerOrder:
    """What a button says to the hall."""
    if do not in ACTS:
        raise NotFound(f"there is nothing called {do[:40]!r} to do with a worker")
    return requests.WorkerOrder(worker=worker, do=do)


WORKERS = View(
    name="workers",
    path="/workers",
    place="workers",
    needs=(requests.Workers, requests.Get),
    facts=_facts,
    parts=("worker-rows",),
)
