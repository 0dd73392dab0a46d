"""What is durable, and what must hold between one commit and the next. It looks only at the jobs that a commit touched
and keeps what it needs of the others; that it has missed none is checked against the whole store at every restart."""

from __future__ import annotations

from collections import Counter, defaultdict
from functools import lru_cache
from typing import TYPE_CHECKING

import msgspec

from hirehall.model import DEFAULT_RULES, FINAL, Instant, QueueSettings, Rules, State
from tests.sim.disk import Changed, Queues, Row, Rows
from tests.sim.limits import Limits

if TYPE_CHECKING:
    from tests.sim.audit import Audit

LIMITS = {"default": 1, "double": 2, "narrow": 1}  # jobs of one lock that may go
FEW_COUNTS = 150  # rows of `counts` that are all read after each commit
Moved = list[tuple[Row | None, Row]]  # as it was before this commit, and as it is


class Ledger:
    """The rows that a reply may lean on."""

    def __init__(self, audit: Audit) -> None:
        self.audit = audit
        self.world = audit.world
        self.demand = audit.demand
        self.rows: Rows = {}
        self.commits = 0
        self.queue_set: dict[str, int] = {}  # the commit that changed its settings last
        self.finals: dict[int, tuple[int, bytes | None]] = {}
        self.succeeded: set[int] = set()
        self.queues: Queues = defaultdict(QueueSettings)  # as this commit left them,
        self.queues_before = self.queues  # and the one before
        self.ready: dict[int, dict[int, Row]] = defaultdict(dict)  # by lane
        self.ready_since: dict[int, int] = {}  # the commit that left it ready in its lane
        self.running: dict[str, dict[int, Row]] = defaultdict(dict)  # by queue
        self.blocked: Rows = {}
        self.open: set[int] = set()  # jobs that have not ended
        self.markers: Counter[str] = Counter()
        self._places: Counter[tuple[str, str]] = Counter()
        self._counts: Counter[tuple[int, int]] = Counter()
        self._cut_in: set[int] = set()  # lanes in which a job came back and was out again in this commit,
        self._cut_in_before: set[int] = set()  # or the one before
        self.limits = Limits(self)

    def _set_queues(self, queues: Queues) -> None:
        self.queues_before, self.queues = self.queues, queues
        for name in queues.keys() | self.queues_before.keys():
            if queues[name] != self.queues_before[name]:
                self.queue_set[name] = self.commits

    def is_as_known(self, queue: str, known: int) -> bool:
        """Whether the queue was already after commit number `known` as it is now."""
        return self.queue_set.get(queue, 0) <= known

    # What happens.

    def committed(self, changed: Changed, queues: Queues, at: Instant) -> None:
        """The store is durable as of this commit, which was sealed `at`."""
        self.commits += 1
        self._set_queues(queues)
        gone = [self.rows[number] for number, row in changed.items() if row is None and number in self.rows]
        moved = self._take_in(changed)
        self._check_steps(moved, gone)
        self._check_dues(moved, at)
        self._check_gates(moved)
        self._check_paused(moved)
        self.limits.check(moved, at)
        self._check_order(moved)
        self._check_groups(moved)
        self._check_counts(moved, gone)
        self.audit.expect_ends(moved)

    def recovered(self, rows: Rows, queues: Queues) -> None:
        """After a restart: at least everything that was durable, and whatever the crash let through."""
        for number, row in self.rows.items():
            self.demand(number in rows or self.audit.may_be_gone(row), "G1 stored jobs survive", row=row)
        self.commits += 1
        self._set_queues(queues)
        changed: Changed = {number: row for number, row in rows.items() if self.rows.get(number) != row}
        changed |= dict.fromkeys(self.rows.keys() - rows.keys())
        gone = [self.rows[number] for number, row in changed.items() if row is None]
        moved = self._take_in(changed)
        self._check_steps(moved, gone)
        self._check_gates(moved)
        self.ready_since = dict.fromkeys(self.ready_since, self.commits - 1)  # it knows them all from the beginning
        self._cut_in, self._cut_in_before = set(), set()
        self.limits.restarted()

    def compare(self, rows: Rows) -> None:
        """What was gathered commit by commit is what is stored."""
        differs = [(self.rows.get(job), rows.get(job)) for job in self.rows.keys() | rows.keys()]
        differs = [pair for pair in differs if pair[0] != pair[1]]
        self.demand(not differs, "no change of a job was missed", differs=differs)

    def _take_in(self, changed: Changed) -> Moved:
        moved: Moved = []
        for number, row in changed.items():
            old = self.rows.get(number)
            if row is not None and row == old:
                continue
            if old is not None:
                self._forget(old, row)
            if row is not None:
                self._remember(row)
                moved.append((old, row))
        return moved

    def _forget(self, old: Row, row: Row | None) -> None:
        number, lane = old["id"], old["lane"]
        del self.rows[number]
        if old["state"] == State.READY:
            del self.ready[lane][number]
            if not self.ready[lane]:
                del self.ready[lane]
            if row is None or row["state"] != State.READY or row["lane"] != lane:
                del self.ready_since[number]
        self.running[old["queue"]].pop(number, None)
        self.blocked.pop(number, None)
        self.open.discard(number)
        self._count(old, -1)

    def _remember(self, row: Row) -> None:
        number = row["id"]
        self.rows[number] = row
        if row["state"] == State.READY:
            self.ready[row["lane"]][number] = row
            self.ready_since.setdefault(number, self.commits)
        elif row["state"] == State.RUNNING:
            self.running[row["queue"]][number] = row
        elif row["state"] == State.BLOCKED:
            self.blocked[number] = row
        if row["state"] not in FINAL:
            self.open.add(number)
        self._count(row, 1)

    def _count(self, row: Row, by: int) -> None:
        self._counts[row["lane"], row["state"]] += by
        self.markers[marker_of(row["payload"])] += by
        lock = rules_of(row).lock
        if lock is not None and row["state"] in (State.READY, State.RUNNING):
            self._places[row["queue"], lock] += by

    # What must hold.

    def _check_steps(self, moved: Moved, gone: list[Row]) -> None:
        for old, row in moved:
            number = row["id"]
            if number in self.finals and self._is_revived(row, old):
                self.world.count("job tried again")
                del self.finals[number]
            if number in self.finals:
                same = self.finals[number] == (row["state"], row["result"])
                self.demand(same, "G6 exactly one end", row=row, old=old)
            elif row["state"] in FINAL:
                self.finals[number] = (row["state"], row["result"])
                if row["state"] == State.SUCCEEDED:
                    self.succeeded.add(number)
                self._count_ends(old, row)
            self.audit.drafts.check(old, row, self.world.wall_ms())
            if old is not None:
                self.demand(row["attempt"] >= old["attempt"], "G7 an attempt never goes back", row=row, old=old)
                self._check_forgiven(old, row)
        for old in gone:
            self.world.count("job removed")
            may_go = self.audit.may_be_gone(old) and old["state"] in FINAL
            if old["state"] == State.DRAFT:
                may_go = self.audit.drafts.may_be_gone(old, self.world.wall_ms())
            self.demand(may_go, "G5 nothing removes jobs", row=old)
            self.audit.tasks.gone.add(old["id"])

    def _check_forgiven(self, old: Row, row: Row) -> None:
        """A restart does not forgive an attempt, nor does anything but its release, or a person."""
        if row["forgiven"] == old["forgiven"]:
            return
        history = msgspec.json.decode(row["history"] or b"[]")
        released = any((entry["attempt"], entry["how"]) == (old["attempt"], "release") for entry in history)
        retried = self.audit.may_be_revived(row) and row["forgiven"] == old["attempt"]
        one_more = released and row["forgiven"] == old["forgiven"] + 1
        self.demand(one_more or retried, "only a release or a person forgives an attempt", row=row, old=old)

    def _count_ends(self, old: Row | None, row: Row) -> None:
        spent = row["attempt"] - row["forgiven"] >= row["max_attempts"]
        begun, over = self.world.down_ms
        if row["state"] == State.FAILED and row["kind"] == "poison" and spent:
            self.world.count("poison dead")
        elif row["state"] == State.SUCCEEDED and old is not None and old["lost"]:
            self.world.count("late result taken")
        elif row["state"] == State.EXPIRED and begun <= (row["expires_at"] or 0) <= over:
            self.world.count("expired while the hall was down")

    def _is_revived(self, row: Row, old: Row | None) -> bool:
        """Whether somebody had this job tried again, so that its end was none; all its attempts are forgiven then. Its
        parents may cancel it in the same commit."""
        ended = self.finals[row["id"]][0]
        if not self.audit.may_be_revived(row) or ended == State.SUCCEEDED or old is None or old["state"] != ended:
            return False
        moved = row["state"] not in FINAL or row["state"] == State.CANCELLED != ended
        return moved and row["forgiven"] == old["attempt"]

    def _check_dues(self, moved: Moved, at: Instant) -> None:
        """What shall wait for its time does, by the wall clock of the hall."""
        for old, row in moved:
            begun = row["state"] in (State.READY, State.RUNNING, State.BLOCKED)
            if old is not None and old["state"] == State.SCHEDULED and begun and row["id"] not in self.audit.edited:
                early = old["wake_at"] is not None and old["wake_at"] > at.wall_ms
                self.demand(not early, "no job goes before its time", row=row, old=old, at=at)
                if old["wake_at"] is not None and old["attempt"] == 0:
                    self.world.count("delayed job went")

    def _check_gates(self, moved: Moved) -> None:
        """No job goes too early, no lock lets too many go, nobody waits for nothing."""
        for (queue, lock), jobs in self._places.items():
            self.demand(jobs <= LIMITS[queue], "a lock lets no more go than its queue says", lock=lock, jobs=jobs)
        for _, row in moved:
            if row["rules"] is not None and row["state"] in (State.READY, State.RUNNING, State.SUCCEEDED):
                self.demand(self.may_go(row), "no job goes before its parents have succeeded", row=row)
        for row in self.blocked.values():
            self._check_blocked(row)

    def may_go(self, row: Row) -> bool:
        """Whether all its parents have succeeded."""
        rows = self.rows
        return all(
            rows[job]["state"] == State.SUCCEEDED if job in rows else job in self.succeeded
            for job in rules_of(row).after or []
        )

    def _check_blocked(self, row: Row) -> None:
        rules = rules_of(row)
        waits = any(job in self.open for job in rules.after or [])
        limit = self.queues[row["queue"]].lock_limit
        full = rules.lock is not None and self._places[row["queue"], rules.lock] >= limit
        self.world.count("job waited for another" if waits else "job waited for its lock")
        self.demand(waits or full, "no job waits for nothing", row=row, places=self._places)

    def _check_paused(self, moved: Moved) -> None:
        """A queue that was paused before this commit has handed out nothing in it. What a worker keeps that comes back
        is no start."""
        for old, row in moved:
            if starts(old, row):
                state = self.queues_before[row["queue"]].state
                self.demand(state in ("open", "drained"), "a paused queue hands out nothing", row=row)

    def _check_order(self, moved: Moved) -> None:
        """No job starts while one that comes before it, known to be ready when the hall chose, goes on waiting.

        A claim is chosen after the last commit was settled; a job placed at submit may be chosen while it is under way.
        """
        self._cut_in_before, self._cut_in = self._cut_in, set()
        started = [(old, row) for old, row in moved if starts(old, row)]
        for old, row in started:
            if old is not None and not (old["state"] == State.READY and old["lane"] == row["lane"]):
                self._cut_in.add(row["lane"])
        for old, row in started:
            if old is None and row["lane"] in self._cut_in_before:
                continue
            known = self.commits - (2 if old is None else 1)
            waiting = self.ready.get(row["lane"], {}).values()
            older = [w for w in waiting if w["place"] < row["place"] and self._has_waited(w, known)]
            self.demand(not older, "order inside a lane", row=row, older=older)
            self._check_priority(row, known)

    def _has_waited(self, row: Row, known: int) -> bool:
        """Whether it was ready already after commit number `known`, and is not over meanwhile."""
        if self.ready_since[row["id"]] > known:
            return False
        return row["attempt"] > 0 or row["expires_at"] is None or row["expires_at"] > self.world.wall_ms()

    def _check_priority(self, row: Row, known: int) -> None:
        """No job starts on a worker for which a more urgent one is waiting."""
        hallway = self.world.hall.core.hallway
        worker = self.world.hall.core.leases.workers.get(row["holder"])
        crew = worker.crew if worker is not None else None
        lane = hallway.by_number.get(row["lane"])
        if crew is None or lane is None:
            return
        for number, waiting in self.ready.items():
            other = hallway.by_number.get(number)  # None: it became ready in this commit
            if other is None or other.key.priority <= lane.key.priority or number in self._cut_in:
                continue
            free = other.line.room is None and self.is_as_known(other.key.queue, known)
            if free and crew.may_take(other.key):
                urgent = [one for one in waiting.values() if self._has_waited(one, known)]
                self.demand(not urgent, "larger priority first", started=row, waiting=urgent)

    def _check_groups(self, moved: Moved) -> None:
        for marker in {marker_of(row["payload"]) for _, row in moved}:
            self.audit.check_marker(marker, self.markers[marker])

    def _check_counts(self, moved: Moved, gone: list[Row]) -> None:
        """The kept sums are those of the rows: all of them, or where there are thousands those that this commit can
        have changed, and all now and then."""
        db = self.world.store.db
        if len(self._counts) < FEW_COUNTS or self.commits % 32 == 0:
            self._counts += Counter()  # without the zeros
            kept = {(lane, state): jobs for lane, state, jobs in db.execute("SELECT * FROM counts") if jobs}
            self.demand(kept == self._counts, "counts are exact", kept=kept, real=self._counts)
            return
        rows = [*gone, *(row for pair in moved for row in pair if row is not None)]
        for lane, state in {(row["lane"], row["state"]) for row in rows}:
            found = db.execute("SELECT jobs FROM counts WHERE lane = ? AND state = ?", (lane, state)).fetchone()
            kept_jobs, real = found[0] if found else 0, self._counts[lane, state]
            self.demand(kept_jobs == real, "counts are exact", lane=lane, state=state, kept=kept_jobs, real=real)


def starts(old: Row | None, row: Row) -> bool:
    """Whether it was handed out in this commit."""
    return row["state"] == State.RUNNING and (old is None or old["attempt"] < row["attempt"])


def rules_of(row: Row) -> Rules:
    """What few jobs have: what it waits for, its tags."""
    return DEFAULT_RULES if row["rules"] is None else _rules(row["rules"])


@lru_cache(maxsize=1_000)
def _rules(stored: bytes) -> Rules:
    return msgspec.json.decode(stored, type=Rules)


@lru_cache(maxsize=1_000)
def marker_of(payload: bytes) -> str:
    """What the job was offered as."""
    return str(msgspec.json.decode(payload)["m"])
