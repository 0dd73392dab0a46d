"""Commands with `where`: in steps, in the background, with progress, stoppable.

A task is a session of its own, with its starter's rights. Each step searches some jobs and then says the same command
with their ids, as anybody could; so the rules are the same, others have their turn between the steps, and a task whose
token is revoked ends.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Set
from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import UNSET, Struct

from hirehall.errors import HallError, NotFound
from hirehall.model import State, StoredJob, id_text
from hirehall.ports import Search
from hirehall.service.answers import rfc3339
from hirehall.service.asking import Asking, asking
from hirehall.service.sessions import Identity, Session
from hirehall.wire.replies import TaskPush, TaskView

if TYPE_CHECKING:
    from hirehall.service.hall import Hall

STEP_JOBS = 200
KEPT_TASKS = 100  # that can be asked for after their end
KEPT_REFUSALS = 10_000  # jobs that get a second chance
RUNNING, DONE, STOPPED = "running", "done", "stopped"


class Order(Struct):
    """What a task shall do: say `command` for the jobs of `search` that are in one of `states`."""

    action: str
    states: Set[State]
    search: Search
    command: Callable[[list[str]], Any]


class Task:
    """One order on its way."""

    def __init__(self, number: int, order: Order, starter: str) -> None:
        self.order = order
        self.view = TaskView(str(number), order.action, RUNNING, 0, 0, 0)
        self.starter = starter  # whose token began it
        self.refused: list[int] = []
        self.stopping = False

    def is_for(self, asker: Identity) -> bool:
        """Whether it may see and stop this task. A token that is limited to queues knows its own only."""
        return asker.queues is None or asker.name == self.starter


class Tasks:
    """All tasks of this run of the hall; they end with it."""

    def __init__(self, hall: Hall) -> None:
        self._hall = hall
        self._tasks: dict[str, Task] = {}
        self._numbers = itertools.count(1)
        self._running: set[asyncio.Task[None]] = set()

    def start(self, starter: Session, order: Order) -> TaskView:
        """Begin; the starter hears how far it is. Answers what there is to say at once."""
        task = Task(next(self._numbers), order, starter.identity.name)
        self._tasks[task.view.id] = task
        for old in [name for name, other in self._tasks.items() if other.view.state != RUNNING][:-KEPT_TASKS]:
            del self._tasks[old]
        running = asyncio.get_running_loop().create_task(self._run(task, starter))
        self._running.add(running)
        running.add_done_callback(partial(self._ended, task, starter))
        return msgspec.structs.replace(task.view)

    def find(self, name: str, asker: Identity) -> Task:
        """The task of this id; raise NotFound."""
        task = self._tasks.get(name)
        if task is None or not task.is_for(asker):
            raise NotFound(f"there is no task {name[:40]!r}: tasks are forgotten when the hall restarts")
        return task

    def visible(self, asker: Identity) -> list[Task]:
        """Those that it may know of, the oldest first."""
        return [task for task in self._tasks.values() if task.is_for(asker)]

    def stop_all(self) -> None:
        """The hall ends: no task begins another step."""
        for task in self._tasks.values():
            task.stopping = True
        for running in self._running:
            running.cancel()

    async def _run(self, task: Task, starter: Session) -> None:
        try:
            with asking(self._hall, starter.identity, f"task {task.view.id}") as session:
                await self._steps(task, session, starter)
        except HallError:
            task.stopping = True

    def _ended(self, task: Task, starter: Session, running: asyncio.Task[None]) -> None:
        """Called by the loop: of a task that is forgotten together with its loop there is nobody left to be told."""
        self._running.discard(running)
        task.view.state = STOPPED if task.stopping else DONE
        task.view.ended_at = rfc3339(self._hall.clock().wall_ms) or UNSET
        self._tell(task, starter)

    async def _steps(self, task: Task, session: Asking, starter: Session) -> None:
        before = task.order.search.before
        while not task.stopping:
            found = await self._hall.store.read(msgspec.structs.replace(task.order.search, before=before))
            await self._apply(task, session, [job for job in found.jobs if job.state in task.order.states])
            task.view.looked += len(found.jobs)
            self._tell(task, starter)
            if found.next is None:
                break
            before = found.next
        # A job that waits for another is found before it, and may go once that one has gone.
        again = sorted(task.refused)
        for begin in range(0, len(again), STEP_JOBS):
            if not task.stopping:
                task.view.refused -= len(again[begin : begin + STEP_JOBS])
                await self._ask(task, session, again[begin : begin + STEP_JOBS])

    async def _apply(self, task: Task, session: Asking, jobs: list[StoredJob]) -> None:
        if jobs and not task.stopping:
            refused = await self._ask(task, session, [job.id for job in jobs])
            room = KEPT_REFUSALS - len(task.refused)
            task.refused += refused[:room]

    async def _ask(self, task: Task, session: Asking, jobs: list[int]) -> list[int]:
        """Say the command for these jobs; those that were refused come back."""
        try:
            answer = await session.ask(task.order.command([id_text(job) for job in jobs]))
        except HallError:
            if session.closed:
                raise
            task.view.refused += len(jobs)
            return []
        refused = {refusal.id for refusal in answer.refused}
        task.view.refused += len(refused)
        task.view.done += len(jobs) - len(refused)
        return [job for job in jobs if id_text(job) in refused]

    def _tell(self, task: Task, starter: Session) -> None:
        if not starter.closed:
            starter.put(TaskPush(msgspec.structs.replace(task.view)))
            starter.flush()
