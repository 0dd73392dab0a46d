"""Jobs that wait for other jobs (`after`) or for a place of their lock, inside a SQLite transaction.

`open_gates` runs once per batch, when everything else that ends or moves jobs has run: what left gives its place
back, what ended is told to its children, and places that are free are given out, all in the same commit.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from hirehall.core import lifecycle
from hirehall.core.faults import parent_failed
from hirehall.core.operations import SWEEP_JOBS, Moved, NewJob
from hirehall.model import FINAL, State, id_text
from hirehall.stores.sqlite_damage import NOT_ASIDE
from hirehall.stores.sqlite_work import Work

IDLE, WAITING, HOLDING = 0, 1, 2  # stages of a gate
AMONG = "IN (SELECT value FROM json_each(?))"
ADD_GATE = "INSERT OR REPLACE INTO gates VALUES (?, ?, ?, ?, ?, ?)"  # id, waits, queue, lock, priority, stage
GATES_OF = f"SELECT id, queue, lock, stage FROM gates WHERE id {AMONG}"
NEXT_OF_LOCK = (
    f"SELECT id FROM gates WHERE queue = ? AND lock = ? AND stage = {WAITING} AND {NOT_ASIDE}"
    " ORDER BY priority DESC, id LIMIT ?"
)
HOLDERS = f"SELECT count(*) FROM gates WHERE queue = ? AND lock = ? AND stage = {HOLDING}"
ROW = "SELECT lane, state, follow, kind, queue, attempt FROM jobs WHERE id = ?"
UNBLOCK = f"UPDATE jobs SET state = {int(State.READY)} WHERE id = ?"
CANCEL = (
    f"UPDATE jobs SET state = {int(State.CANCELLED)}, finished_at = ?, wake_at = ? + keep_ms, fault = ? WHERE id = ?"
)


def admit(work: Work, job: NewJob) -> None:
    """A new job that waits for others, or for its lock, or for its time first. One whose parents cannot succeed any
    more is cancelled in this batch."""
    work.has_gates = True
    work.admitted.append(job)
    # only what was there before: jobs of one submit that name each other by guessed ids would wait for ever
    states = {parent: state if parent < job.id else None for parent, state in _states(work, job.after).items()}
    waits = sum(state is not State.SUCCEEDED for state in states.values())
    spec = job.spec
    stage = WAITING if not waits and job.state is State.BLOCKED else IDLE
    work.db.execute(ADD_GATE, (job.id, waits, spec.queue, spec.lock, spec.priority, stage))
    parents = [(parent, job.id) for parent, state in states.items() if state is not State.SUCCEEDED]
    work.db.executemany("INSERT INTO parents VALUES (?, ?)", parents)
    for parent, state in states.items():
        if state is None or (state in FINAL and state is not State.SUCCEEDED):
            work.doomed[job.id] = parent_failed(parent, state)
            return
    if stage == WAITING:
        work.wanting.append((job.id, spec.queue, spec.lock))


def admit_again(work: Work, job: int, queue: str, lock: str | None, priority: int, parents: list[int]) -> None:
    """A job that a person tries again; none of `parents` has ended otherwise than succeeded."""
    work.has_gates = True
    waiting = [parent for parent, state in _states(work, parents).items() if state is not State.SUCCEEDED]
    stage = IDLE if waiting else WAITING
    work.db.execute(ADD_GATE, (job, len(waiting), queue, lock, priority, stage))
    work.db.executemany("INSERT OR IGNORE INTO parents VALUES (?, ?)", [(parent, job) for parent in waiting])
    if stage == WAITING:
        work.wanting.append((job, queue, lock))


def begin_again(work: Work, parent: int) -> None:
    """This job has not ended after all: children that have not heard of its end wait for the next one."""
    work.db.execute("DELETE FROM ended_parents WHERE parent = ?", (parent,))


def hopeless(work: Work, parents: list[int]) -> str:
    """Why one of these cannot succeed any more, if so."""
    for parent, state in _states(work, parents).items():
        if state is None:
            return f"job {id_text(parent)}, which was removed: submit it anew"
        if _has_failed(state):
            return f"job {id_text(parent)}, which has not succeeded: retry that first"
    return ""


def _has_failed(state: State) -> bool:
    return state in FINAL and state is not State.SUCCEEDED


def _states(work: Work, jobs: Sequence[int]) -> dict[int, State | None]:
    states: dict[int, State | None] = dict.fromkeys(jobs)
    if jobs:
        for job, state in work.db.execute(f"SELECT id, state FROM jobs WHERE id {AMONG}", (_list(jobs),)):
            states[job] = State(state)
    return states


def due(work: Work, jobs: list[int]) -> set[int]:
    """Of these jobs, whose time has come, those that must wait on at their gates."""
    if not work.has_gates:
        return set()
    gated = list(work.db.execute(f"SELECT id, waits, queue, lock FROM gates WHERE id {AMONG}", (_list(jobs),)))
    for job, waits, queue, lock in gated:
        if not waits:
            work.db.execute(f"UPDATE gates SET stage = {WAITING} WHERE id = ?", (job,))
            work.wanting.append((job, queue, lock))
    return {job for job, *_ in gated}


def open_gates(work: Work) -> None:
    """Give back, tell, let in: see the module's first words."""
    for change in work.batch.queues:
        if change.raises_locks:
            locks = f"SELECT DISTINCT lock FROM gates WHERE queue = ? AND stage = {WAITING} LIMIT {SWEEP_JOBS}"
            work.wanted_locks |= {(change.name, lock): None for (lock,) in work.db.execute(locks, (change.name,))}
    if not work.has_gates:
        return
    _tell_children(work)
    _give_back(work)
    for job, queue, lock in work.wanting:
        if lock is None:
            _let_in(work, job)
        else:
            work.wanted_locks[queue, lock] = None
    for queue, lock in work.wanted_locks:
        _fill(work, queue, lock)
    if work.admitted:
        moved = {moved.id: moved.state for moved in work.batch.moved}
        for new in work.admitted:
            new.became = moved.get(new.id)


# Parents and children.


def _tell_children(work: Work) -> None:
    room = SWEEP_JOBS
    for job, fault in work.doomed.items():
        _cancel(work, job, fault)
    if work.batch.sweep:
        late = work.db.execute(f"SELECT parent, state FROM ended_parents LIMIT {SWEEP_JOBS}")
        work.ended |= {parent: State(state) for parent, state in late}
    told: set[int] = set()
    while parents := [parent for parent in work.ended if parent not in told]:
        told.update(parents)
        room = _tell(work, parents, room)
    if work.batch.sweep:
        work.db.execute("DELETE FROM ended_parents WHERE parent NOT IN (SELECT parent FROM parents)")


def _tell(work: Work, parents: list[int], room: int) -> int:
    """Tell the children of `parents`, at most `room` of them; the rest in a later sweep."""
    query = f"SELECT parent, child FROM parents WHERE parent {AMONG} LIMIT ?"
    pairs = list(work.db.execute(query, (_list(parents), room + 1)))
    for parent, child in pairs[:room]:
        state = work.ended[parent]
        work.db.execute("DELETE FROM parents WHERE parent = ? AND child = ?", (parent, child))
        if state is State.SUCCEEDED:
            _one_less(work, child)
        else:
            _cancel(work, child, parent_failed(parent, state))
    if len(pairs) > room:
        work.batch.sweep_again = True
        rows = [(parent, int(work.ended[parent])) for parent in _with_children(work, parents)]
        work.db.executemany("INSERT OR REPLACE INTO ended_parents VALUES (?, ?)", rows)
    return max(room - len(pairs), 0)


def _with_children(work: Work, parents: list[int]) -> list[int]:
    found = work.db.execute(f"SELECT DISTINCT parent FROM parents WHERE parent {AMONG}", (_list(parents),))
    return [parent for (parent,) in found]


def _one_less(work: Work, child: int) -> None:
    sql = "UPDATE gates SET waits = waits - 1 WHERE id = ? RETURNING waits, queue, lock"
    gate = work.db.execute(sql, (child,)).fetchone()
    if gate is None or gate[0] or child in work.aside:
        return
    work.spot.job = child
    state = work.db.execute("SELECT state FROM jobs WHERE id = ?", (child,)).get
    work.spot.job = None
    if state == State.BLOCKED:
        work.db.execute(f"UPDATE gates SET stage = {WAITING} WHERE id = ?", (child,))
        work.wanting.append((child, gate[1], gate[2]))


def _cancel(work: Work, job: int, fault: bytes) -> None:
    if job in work.aside:
        return
    work.spot.job = job
    row = work.db.execute(ROW, (job,)).fetchone()
    if row is None or State(row[1]) in FINAL:
        return
    lane, state, follow, kind, queue, attempt = row
    was = State(state)
    target = lifecycle.take(job, was, lifecycle.CANCEL, State.CANCELLED)
    work.db.execute(CANCEL, (work.now, work.now, fault, job))
    work.spot.job = None
    work.move(job, lane, was, target)
    work.batch.moved.append(Moved(job, lane, was, target, follow, kind, queue, attempt, fault))


# Places of locks.


def _give_back(work: Work) -> None:
    if not work.left:
        return
    for job, queue, lock, stage in list(work.db.execute(GATES_OF, (_list(work.left),))):
        if job in work.ended:
            work.db.execute("DELETE FROM gates WHERE id = ?", (job,))
            work.db.execute("DELETE FROM parents WHERE child = ?", (job,))
        elif stage == HOLDING:
            work.db.execute(f"UPDATE gates SET stage = {IDLE} WHERE id = ?", (job,))
        if stage == HOLDING and lock is not None:
            work.wanted_locks[queue, lock] = None


def _fill(work: Work, queue: str, lock: str) -> None:
    free = work.batch.lock_limits.get(queue, 1) - int(work.db.execute(HOLDERS, (queue, lock)).get)
    if free > 0:
        for (job,) in list(
            work.db.execute(NEXT_OF_LOCK, (queue, lock, work.aside_json or b"[]", min(free, SWEEP_JOBS)))
        ):
            _let_in(work, job)


def _let_in(work: Work, job: int) -> None:
    if job in work.aside:
        return
    work.spot.job = job
    row = work.db.execute(ROW, (job,)).fetchone()
    if row is None or row[1] != State.BLOCKED:
        return
    lane, _, follow, kind, queue, attempt = row
    target = lifecycle.take(job, State.BLOCKED, lifecycle.UNBLOCK, State.READY)
    work.db.execute(f"UPDATE gates SET stage = {HOLDING} WHERE id = ?", (job,))
    work.db.execute(UNBLOCK, (job,))
    work.spot.job = None
    work.move(job, lane, State.BLOCKED, target)
    work.remember_lane(lane)
    work.batch.moved.append(Moved(job, lane, State.BLOCKED, target, follow, kind, queue, attempt))


def _list(jobs: object) -> bytes:
    return msgspec.json.encode(jobs)
