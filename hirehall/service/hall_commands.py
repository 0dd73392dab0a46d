"""Commands about who works here, and the hall itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import UNSET

from hirehall.core.workers import DRAINING, PAUSED, STOPPING, WORKING, Worker
from hirehall.errors import BadRequest, NotFound
from hirehall.model import id_text
from hirehall.service import scope
from hirehall.service.answers import Answer
from hirehall.service.sessions import Session
from hirehall.service.worker_commands import LEAVING, check_credit
from hirehall.wire import replies, requests

if TYPE_CHECKING:
    from hirehall.service.hall import Hall

ORDERS = ("pause", "resume", "drain", "stop", "set")


def workers(hall: Hall, session: Session, message: requests.Workers) -> Answer:
    """Every worker that is here, or gone so shortly that it still holds jobs."""
    now = hall.core.now.mono
    shown = [_view(worker, now, session) for worker in visible_workers(hall, session)]
    return replies.WorkersReply(workers=sorted(shown, key=lambda view: (view.name, view.worker)))


def visible_workers(hall: Hall, session: Session) -> list[Worker]:
    """Those that serve a queue of which the session may know."""
    limits = session.identity.queues
    return [
        worker
        for worker in hall.core.leases.workers.values()
        if limits is None or (worker.crew is not None and not limits.isdisjoint(worker.crew.queues))
    ]


def _view(worker: Worker, now: float, session: Session) -> replies.WorkerView:
    token, _, word = worker.holder.rpartition("/")
    crew = worker.crew
    limits = session.identity.queues
    return replies.WorkerView(
        worker=word,
        name=worker.name or word,
        token=token or "anonymous",
        connected=worker.session is not None,
        state=worker.mode,
        queues=sorted(scope.visible(session, crew.queues)) if crew is not None else [],
        kinds=sorted(crew.kinds) if crew is not None else [],
        offers=crew.offers if crew is not None else {},
        credit=worker.credit,
        running=[id_text(job) for job, lease in worker.held.items() if limits is None or lease.job.queue in limits],
        lease_seconds=worker.lease_seconds,
        silent_seconds=round(max(now - worker.beat_at, 0.0), 3),
        concurrency=UNSET if worker.concurrency is None else worker.concurrency,
    )


def worker(hall: Hall, session: Session, message: requests.WorkerOrder) -> Answer:
    """Tell one worker something. Pausing and draining hold for any worker; `credit` is the worker's own to follow."""
    if message.do not in ORDERS:
        raise BadRequest(f"there is nothing called {message.do[:40]!r} to do: use one of {', '.join(ORDERS)}")
    if (message.do == "set") != (message.credit is not None):
        raise BadRequest("`set` needs a credit, and only `set` takes one")
    chosen = _one(visible_workers(hall, session), message.worker)
    scope.check_whole_worker(session, chosen)
    if message.credit is not None:
        check_credit(message.credit)
        _tell(hall, chosen, replies.SetPush(replies.WorkerSetting(message.credit)))
    elif message.do in ("pause", "resume"):
        hall.core.leases.set_mode(chosen, PAUSED if message.do == "pause" else WORKING)
    else:
        _send_home(hall, chosen, STOPPING if message.do == "stop" else DRAINING)
    return replies.WorkersReply(workers=[_view(chosen, hall.core.now.mono, session)])


def _one(workers: list[Worker], name: str) -> Worker:
    """By its word, else by its name when only one has it."""
    by_word = [worker for worker in workers if worker.holder.rpartition("/")[2] == name]
    by_name = [worker for worker in workers if worker.name == name]
    found = by_word or by_name
    if not found:
        raise NotFound(f"there is no worker {name[:80]!r} here: `workers` lists them")
    if len(found) > 1:
        words = ", ".join(worker.holder.rpartition("/")[2] for worker in found)
        raise BadRequest(f"{len(found)} workers are called {name!r}: name one of {words}")
    return found[0]


def _send_home(hall: Hall, chosen: Worker, mode: str) -> None:
    """It gets nothing more, and is asked to finish what it has and leave; when it stops, to give it back and leave."""
    hall.core.leases.set_mode(chosen, mode)
    _tell(hall, chosen, replies.StopPush(replies.Stop("", 0, LEAVING[mode])))


def _tell(hall: Hall, chosen: Worker, push: replies.StopPush | replies.SetPush) -> None:
    session = hall.sessions.get(chosen.session or 0)
    if session is not None and session.deputy is None:
        session.put(push)
        session.flush()


def shutdown(hall: Hall, session: Session, message: requests.Shutdown) -> Answer:
    """End the hall; with `workers` they finish what they have and leave first."""
    scope.check_unlimited(session, "end the hall")
    if message.workers:
        for chosen in list(hall.core.leases.workers.values()):
            if chosen.mode != STOPPING:
                _send_home(hall, chosen, DRAINING)
    hall.ending.begin(wait_for_workers=message.workers)
    return replies.Reply()
