"""What must always hold, checked after every commit, every line that leaves the hall, and at the end.

The audit knows what actors offered and heard and what is durable; it never asks the hall.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import msgspec

from hirehall.model import DEFAULT_RULES, FINAL, QueueSettings, Rules, State, id_number
from tests.sim.disk import Queues, log_of
from tests.sim.hearing import Hearing

if TYPE_CHECKING:
    from tests.sim.net import Link
    from tests.sim.world import World

Row = dict[str, Any]
Rows = dict[int, Row]
LIMITS = {"default": 1, "double": 2}  # jobs of one lock that may go

HISTORY = 15  # a row keeps at least the last so many ends of attempts


class Violation(AssertionError):
    """A promise was broken."""


class Audit:
    """One run's observer."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.durable: Rows = {}  # what a reply may lean on
        self.earlier: Rows = {}  # one commit before that
        self.offers: Counter[str] = Counter()  # payload marker -> jobs offered with it
        self.groups: dict[str, int] = {}  # marker of a bulk submit -> its jobs
        self.keys: dict[str, str] = {}  # key -> the id that was acknowledged for it
        self.acked: set[int] = set()
        self.delivered: dict[int, int] = {}  # id -> highest attempt that left the hall
        self.starts: Counter[tuple[str, int]] = Counter()
        self.finals: dict[int, tuple[int, bytes | None]] = {}
        self.removable: set[int] = set()  # somebody said `remove`
        self.revivable: set[int] = set()  # somebody said `retry`
        self.succeeded: set[int] = set()
        self.queues: Queues = defaultdict(QueueSettings)  # as this commit left them,
        self.queues_before = self.queues  # and the one before
        self.unheard: dict[int, int] = {}  # job that ended -> the session that follows it and has not been told
        self.log_lines: dict[tuple[str, int], tuple[list[str], bool]] = {}  # what was taken, and whether in its order
        self.hearing = Hearing(self)

    def demand(self, promise: bool, name: str, **facts: Any) -> None:
        """Raise Violation unless the promise holds."""
        if not promise:
            raise Violation(f"{name}: {facts} at t={self.world.now:.4f}, step {self.world.timeline.steps}")

    # What actors tell.

    def offered(self, message: dict[str, Any]) -> None:
        for job in message.get("jobs", [message]):
            self.offers[job["payload"]["m"]] += 1
        if "jobs" in message:
            self.groups[message["jobs"][0]["payload"]["m"]] = len(message["jobs"])

    def started(self, worker: str, job: dict[str, Any]) -> None:
        self.starts[job["id"], job["attempt"]] += 1
        self.demand(self.starts[job["id"], job["attempt"]] == 1, "G7 one worker per attempt", worker=worker, job=job)

    def answered(self, asked: dict[str, Any], message: dict[str, Any]) -> None:
        getattr(self, f"_{asked['cmd']}_answered", lambda *_: None)(asked, message)

    def _submit_answered(self, asked: dict[str, Any], message: dict[str, Any]) -> None:
        if "ok" not in message:
            return
        ids = message.get("ids") or [message["id"]]
        self.acked.update(map(id_number, ids))
        if "key" in asked:
            known = self.keys.setdefault(asked["key"], ids[0])
            self.demand(known == ids[0], "G2 one id per key", key=asked["key"], ids=(known, ids[0]))

    def meddled(self, message: dict[str, Any]) -> None:
        """What people asked for may have been done from now on, whether they hear of it or not."""
        told = {"remove": self.removable, "retry": self.revivable}.get(message["cmd"])
        if told is not None:
            told.add(id_number(message["id"]))

    def logged(self, job: str, attempt: int, texts: list[str]) -> None:
        """These lines were taken one after the other, and then the attempt's end, on one connection."""
        if texts:
            self.world.count("log kept")
            self.log_lines[job, attempt] = (texts, not self.world.faults.reorder)

    def _done_answered(self, asked: dict[str, Any], message: dict[str, Any]) -> None:
        if id_number(asked["id"]) in self.removable:
            return
        if "ok" in message:
            row = self.durable[id_number(asked["id"])]
            ours = row["state"] == State.SUCCEEDED and row["attempt"] == asked["attempt"]
            self.demand(ours, "G11 an accepted result is the job's result", asked=asked, row=row)

        elif message["error"]["code"] == "stale_lease" and "result" in asked:
            row = self.durable[id_number(asked["id"])]
            ours = row["state"] == State.SUCCEEDED and msgspec.json.decode(row["result"]) == asked["result"]
            self.demand(not ours, "G11 a refused result is not the job's result", asked=asked, row=row)

    def _cancel_answered(self, asked: dict[str, Any], message: dict[str, Any]) -> None:
        if id_number(asked["id"]) in self.removable | self.revivable:
            return
        row = self.durable[id_number(asked["id"])]
        if "ok" in message:
            self.demand(row["state"] == State.CANCELLED, "G16 cancelled means cancelled", row=row)
        elif message["error"]["code"] == "wrong_state":
            self.demand(row["state"] in FINAL, "G16 refused because it had ended", row=row)

    def _get_answered(self, asked: dict[str, Any], message: dict[str, Any]) -> None:
        for job in message.get("jobs", []):
            final = self.finals.get(id_number(job["id"]))
            if (
                id_number(job["id"]) not in self.revivable
                and final is not None
                and job["state"] in {state.word for state in FINAL}
            ):
                self.demand(State(final[0]).word == job["state"], "G6 an end is an end", job=job)

    _wait_answered = _get_answered

    # What leaves the hall.

    def sent(self, link: Link, line: bytes) -> None:
        """Save before send: nothing leaves that is not durable."""
        message = msgspec.json.decode(line)
        if "event" in message:
            return
        for job in message.get("ids") or ([message["id"]] if "state" in message else []):
            known = id_number(job) in self.durable or id_number(job) in self.removable
            self.demand(known, "G1 acknowledged means stored", line=line)
        for job in message.get("run", []):
            self._sent_run(link, job)
        for end in message.get("end", []):
            row = self.durable.get(id_number(end["id"]))
            self.unheard.pop(id_number(end["id"]), None)
            if row is None and id_number(end["id"]) in self.removable:
                continue
            self.demand(row is not None, "G6 a told end is stored", end=end)
            assert row is not None
            self.demand(State(row["state"]).word == end["state"], "G6 a told end is stored", end=end, row=row)
            if row["result"] is not None:
                self.demand(
                    msgspec.json.decode(row["result"]) == end["result"], "G6 a told result is stored", end=end, row=row
                )

    def _sent_run(self, link: Link, job: dict[str, Any]) -> None:
        number = id_number(job["id"])
        row = self.durable.get(number)
        self.demand(row is not None, "G8 only stored jobs are delivered", job=job)
        assert row is not None
        session = link.door._session
        held = row["state"] == State.RUNNING and row["attempt"] == job["attempt"]
        self.demand(
            held and session is not None and row["holder"] == session.holder,
            "G7 delivered to its holder",
            job=job,
            row=row,
        )
        worker = link.hall.core.leases.workers[row["holder"]]
        self.demand(len(worker.held) <= worker.credit, "credit is a ceiling", job=job, held=len(worker.held))
        before = self.delivered.get(number, 0)
        self.demand(job["attempt"] > before, "G7 attempts grow with every hand-out", job=job, before=before)
        self.delivered[number] = job["attempt"]
        ended = {entry["attempt"] for entry in msgspec.json.decode(row["history"] or b"[]")}
        caused = set(range(max(1, job["attempt"] - HISTORY), job["attempt"])) <= ended
        self.demand(caused, "G8 every further start has a recorded cause", job=job, history=row["history"])
        self.demand(self._may_go(row, self.durable), "no job runs before its parents have succeeded", job=job)
        counted = row["attempt"] - row["forgiven"]
        self.demand(counted <= row["max_attempts"], "G9, G10 no more attempts than allowed", job=job, row=row)

    # What becomes durable.

    def committed(self, rows: Rows, queues: Queues) -> None:
        before, self.durable = self.durable, rows
        self.queues_before, self.queues = self.queues, queues
        self._check_steps(before, rows)
        self._check_gates(rows)
        self._check_queues(before, rows)
        self._check_order(before, rows)
        self._check_groups(rows)
        self._check_counts(rows)
        self._expect_ends(before, rows)

    def recovered(self, rows: Rows, queues: Queues) -> None:
        """After a restart: at least everything that was durable, and whatever the crash let through."""
        for number, row in self.durable.items():
            self.demand(number in rows or number in self.removable, "G1 stored jobs survive", row=row)
        self.queues_before, self.queues = self.queues, queues
        self._check_steps(self.durable, rows)
        self._check_gates(rows)
        self.durable = rows
        self.unheard.clear()

    def _check_steps(self, before: Rows, rows: Rows) -> None:
        for number, row in rows.items():
            old = before.get(number)
            if number in self.finals and self._is_revived(number, row, old):
                self.world.count("job tried again")
                del self.finals[number]
            if number in self.finals:
                self.demand(
                    self.finals[number] == (row["state"], row["result"]), "G6 exactly one end", row=row, old=old
                )
            elif row["state"] in FINAL:
                self.finals[number] = (row["state"], row["result"])
                if row["state"] == State.SUCCEEDED:
                    self.succeeded.add(number)
            if old is not None:
                self.demand(row["attempt"] >= old["attempt"], "G7 an attempt never goes back", row=row, old=old)
        for number, old in before.items():
            gone = number in self.removable and old["state"] in FINAL
            if number not in rows:
                self.world.count("job removed")
            self.demand(number in rows or gone, "G5 nothing removes jobs", id=number)

    def _is_revived(self, number: int, row: Row, old: Row | None) -> bool:
        """Whether somebody had this job tried again, so that its end was none; all its attempts are forgiven then. Its
        parents may cancel it in the same commit."""
        ended = self.finals[number][0]
        if number not in self.revivable or ended == State.SUCCEEDED or old is None or old["state"] != ended:
            return False
        moved = row["state"] not in FINAL or row["state"] == State.CANCELLED != ended
        return moved and row["forgiven"] == old["attempt"]

    def _check_gates(self, rows: Rows) -> None:
        """No job goes too early, no lock lets too many go, nobody waits for nothing."""
        places = Counter(
            (row["queue"], lock)
            for row in rows.values()
            if row["state"] in (State.READY, State.RUNNING) and (lock := gate_of(row).lock) is not None
        )
        for (queue, lock), jobs in places.items():
            self.demand(jobs <= LIMITS[queue], "a lock lets no more go than its queue says", lock=lock, jobs=jobs)
        for row in rows.values():
            if row["rules"] is not None and row["state"] in (State.READY, State.RUNNING, State.SUCCEEDED):
                self.demand(self._may_go(row, rows), "no job goes before its parents have succeeded", row=row)
            elif row["state"] == State.BLOCKED:
                self._check_blocked(row, rows, places)

    def _may_go(self, row: Row, rows: Rows) -> bool:
        after = gate_of(row).after or []
        return all(rows[job]["state"] == State.SUCCEEDED if job in rows else job in self.succeeded for job in after)

    def _check_blocked(self, row: Row, rows: Rows, places: Counter[tuple[str, str]]) -> None:
        gate = gate_of(row)
        waits = any(job in rows and rows[job]["state"] not in FINAL for job in gate.after or [])
        limit = self.queues[row["queue"]].lock_limit
        full = gate.lock is not None and places[row["queue"], gate.lock] >= limit
        self.world.count("job waited for another" if waits else "job waited for its lock")
        self.demand(waits or full, "no job waits for nothing", row=row, places=places)

    def _check_queues(self, before: Rows, rows: Rows) -> None:
        """A queue that was paused before this commit has handed out nothing in it, and none starts more than may run.
        What a worker keeps that comes back is no start."""
        running = [row for row in rows.values() if row["state"] == State.RUNNING]
        for row in running:
            old = before.get(row["id"])
            settings = self.queues_before[row["queue"]]
            if old is not None and old["attempt"] == row["attempt"]:
                continue
            self.demand(settings.state in ("open", "drained"), "a paused queue hands out nothing", row=row)
            if settings.max_running is not None:
                beside = sum(one["queue"] == row["queue"] and not _is_kept(one, before) for one in running)
                self.demand(beside <= settings.max_running, "no more jobs run than may", row=row, running=beside)

    def _expect_ends(self, before: Rows, rows: Rows) -> None:
        """Whoever follows a job and is still there must be told of its end."""
        for number, row in rows.items():
            ended = row["state"] in FINAL and (number not in before or before[number]["state"] not in FINAL)
            if ended and row["follow"] in self.world.hall.sessions:
                self.world.count("follower to be told")
                self.unheard[number] = row["follow"]

    def rested(self) -> None:
        """The hall has done all it could: what it owes, it has said."""
        for number, session in self.unheard.items():
            told = session not in self.world.hall.sessions
            self.demand(told, "a follower is told of the end", id=number)
        self.unheard.clear()

    def _check_order(self, before: Rows, rows: Rows) -> None:
        """No job starts while one that comes before it, known to be ready when the hall chose, goes on waiting.

        A claim is chosen after the last commit was settled; a job placed at submit may be chosen while it is under way.
        """
        since_last = self._still_ready(before, rows)
        known_long = {job: row for job, row in since_last.items() if is_ready_in(self.earlier, job, row["lane"])}
        for number, row in rows.items():
            old = before.get(number)
            if row["state"] == State.RUNNING and (old is None or old["attempt"] < row["attempt"]):
                waiting = known_long if old is None else since_last
                older = [w for w in waiting.values() if w["lane"] == row["lane"] and w["place"] < row["place"]]
                if old is None and self.world.cut_in(row["lane"], before, self.earlier):
                    continue
                self.demand(not older, "order inside a lane", row=row, older=older)
                self.world.check_priority(row, waiting, rows, before)
        self.earlier = before

    def _still_ready(self, before: Rows, rows: Rows) -> Rows:
        wall = self.world.wall_ms()
        return {
            number: row
            for number, row in rows.items()
            if is_ready_in(before, number, row["lane"]) and row["state"] == State.READY
            and (row["attempt"] > 0 or row["expires_at"] is None or row["expires_at"] > wall)
        }  # fmt: skip

    def _check_groups(self, rows: Rows) -> None:
        found = Counter(marker_of(row["payload"]) for row in rows.values())
        for marker, jobs in self.groups.items():
            self.demand(
                found[marker] % jobs == 0, "G4 a bulk submit is all or nothing", marker=marker, found=found[marker]
            )
        for marker in found:
            self.demand(marker in self.offers, "no ghosts", marker=marker)

    def _check_counts(self, rows: Rows) -> None:
        kept = {
            (lane, state): jobs for lane, state, jobs in self.world.store.db.execute("SELECT * FROM counts") if jobs
        }
        real = Counter((row["lane"], row["state"]) for row in rows.values())
        self.demand(kept == dict(real), "counts are exact", kept=kept, real=dict(real))

    # The end.

    def healed(self) -> None:
        for number in self.acked:
            kept = number in self.durable or number in self.removable
            self.demand(kept, "G1 acknowledged means kept", id=number)
        self.hearing.healed()
        for (job, attempt), (texts, in_order) in self.log_lines.items():
            if id_number(job) in self.durable:
                self._check_log(log_of(self.world.store.db, id_number(job), attempt), texts, in_order)
        self._check_places()
        for row in self.durable.values():
            self.demand(row["state"] in FINAL, "G6 every job ends", row=row)

    def _check_log(self, stored: list[str], taken: list[str], in_order: bool) -> None:
        self.demand(set(taken) <= set(stored), "a log holds every line that was taken", taken=taken, stored=stored)
        first_seen = [text for text in dict.fromkeys(stored) if text in set(taken)]
        self.demand(not in_order or first_seen == taken, "a log keeps its order", taken=taken, stored=stored)

    def _check_places(self) -> None:
        """The hand of no living worker is full when nothing is left to do."""
        for living in self.world.workers:
            worker = self.world.hall.core.leases.workers.get(f"team/{living.word}")
            empty = worker is not None and worker.free == living.credit
            self.demand(empty, "every place is given back", worker=living.word, held=worker and worker.held)


def gate_of(row: Row) -> Rules:
    """What the job waits for."""
    return DEFAULT_RULES if row["rules"] is None else _rules(row["rules"])


@lru_cache(maxsize=1_000)
def _rules(stored: bytes) -> Rules:
    return msgspec.json.decode(stored, type=Rules)


def _is_kept(row: Row, before: Rows) -> bool:
    """Whether a worker came back and keeps it."""
    old = before.get(row["id"])
    return old is not None and old["state"] == State.READY and old["attempt"] == row["attempt"]


@lru_cache(maxsize=1_000)
def marker_of(payload: bytes) -> str:
    """What the job was offered as."""
    return str(msgspec.json.decode(payload)["m"])


def is_ready_in(rows: Rows, job: int, lane: int) -> bool:
    """Whether this job was ready in this lane."""
    row = rows.get(job)
    return row is not None and row["state"] == State.READY and row["lane"] == lane
