"""What must always hold of what clients, workers and watchers are told; what is durable is in the ledger.

The audit knows what actors offered and heard and what is durable; it never asks the hall.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Any

import msgspec

from hirehall.model import FINAL, State, id_number
from tests.sim.asked import Drafts, LogsHeard, TasksHeard
from tests.sim.disk import Row, log_of
from tests.sim.hearing import Hearing
from tests.sim.ledger import Ledger, Moved, rules_of

if TYPE_CHECKING:
    from tests.sim.net import Link
    from tests.sim.world import World

HISTORY = 15  # a row keeps at least the last so many ends of attempts
FINAL_WORDS = {state.word for state in FINAL}


class Violation(AssertionError):
    """A promise was broken."""


class Audit:
    """One run's observer."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.offers: Counter[str] = Counter()  # payload marker -> submits with it that travelled,
        self.refusals: Counter[str] = Counter()  # and that were refused
        self.groups: dict[str, int] = {}  # marker of a bulk submit -> its jobs
        self.keys: dict[str, str] = {}  # key -> the id that was acknowledged for it
        self.acked: set[int] = set()
        self.delivered: dict[int, int] = {}  # id -> highest attempt that left the hall
        self.starts: Counter[tuple[str, int]] = Counter()
        self.begun: dict[str, list[int]] = defaultdict(list)  # id -> the attempts that workers began
        self.returned: set[tuple[str, int]] = set()  # attempts that their workers gave back, forgiven
        self.removable: set[int] = set()  # somebody said `remove`
        self.revivable: set[int] = set()  # somebody said `retry`
        self.edited: set[int] = set()  # somebody said `change`
        self.cancelled_in_time: set[int] = set()  # a cancel was said at the moment of the result
        self.unheard: dict[int, int] = {}  # job that ended -> the session that follows it and has not been told
        self.log_lines: dict[tuple[str, int], tuple[list[str], bool]] = {}  # what was taken, and whether in its order
        self.guest_gone_at: float | None = None  # when the guest's token was revoked for good
        self.ledger = Ledger(self)
        self.durable = self.ledger.rows
        self.hearing = Hearing(self)
        self.tasks = TasksHeard(self)
        self.logs = LogsHeard(self)
        self.drafts = Drafts(self)

    def demand(self, promise: bool, name: str, **facts: Any) -> None:
        """Raise Violation unless the promise holds."""
        if not promise:
            raise Violation(f"{name}: {facts} at t={self.world.now:.4f}, step {self.world.timeline.steps}")

    # What actors tell.

    def offered(self, message: dict[str, Any], copies: int) -> None:
        """A submit is on its way, so many times."""
        jobs = message.get("jobs", [message])
        self.offers[jobs[0]["payload"]["m"]] += copies
        if "jobs" in message:
            self.groups[jobs[0]["payload"]["m"]] = len(jobs)

    def check_marker(self, marker: str, found: int) -> None:
        """So many jobs with this marker are stored."""
        jobs = self.groups.get(marker, 1)
        self.demand(found % jobs == 0, "G4 a bulk submit is all or nothing", marker=marker, found=found)
        most = (self.offers[marker] - self.refusals[marker]) * jobs
        self.demand(found <= most, "G3 an error means that nothing happened; no ghosts", marker=marker, found=found)

    def started(self, worker: str, job: dict[str, Any]) -> None:
        name, attempt = job["id"], job["attempt"]
        self.starts[name, attempt] += 1
        self.demand(self.starts[name, attempt] == 1, "G7 one worker per attempt", worker=worker, job=job)
        self._check_once(name, attempt)
        self.begun[name].append(attempt)

    def _check_once(self, name: str, attempt: int) -> None:
        """Who may be started once only is, unless its worker gave it back or a person wants it again."""
        row = self.durable.get(id_number(name))
        if row is None or row["max_attempts"] > 1 or self.world.network_lied or self.may_be_revived(row):
            return
        self.world.count("job that runs at most once")
        before = [(name, other) for other in self.begun[name]]
        self.demand(self.returned.issuperset(before), "G9 never started twice", job=name, attempts=(attempt, before))

    def gave_back(self, id: str, attempt: int) -> None:  # noqa: A002
        """A worker will say `release` of this attempt."""
        self.returned.add((id, attempt))

    def answered(self, asked: dict[str, Any], message: dict[str, Any]) -> None:
        code = message.get("error", {}).get("code", "")
        self.demand(code != "unknown", "no command fails inside the hall", asked=asked, message=message)
        if code in ("busy", "storage_full", "unavailable"):
            self.world.count(f"answered {code}")
        getattr(self, f"_{asked['cmd']}_answered", lambda *_: None)(asked, message)

    def _submit_answered(self, asked: dict[str, Any], message: dict[str, Any]) -> None:
        jobs = asked.get("jobs", [asked])
        marker = jobs[0]["payload"]["m"]
        if "ok" not in message:
            self.refusals[marker] += 1
            self.check_marker(marker, self.ledger.markers[marker])
            self._submit_refused(asked, message["error"]["code"])
            return
        ids = message.get("ids") or [message["id"]]
        self.acked.update(map(id_number, ids))
        if "key" in asked:
            known = self.keys.setdefault(asked["key"], ids[0])
            self.demand(known == ids[0], "G2 one id per key", key=asked["key"], ids=(known, ids[0]))
            row = self.durable.get(id_number(ids[0]))
            same = row is None or msgspec.json.decode(row["payload"]) == asked["payload"]
            self.demand(same, "G2 the same key with other content is no job", asked=asked, row=row)

    def _commit_answered(self, asked: dict[str, Any], message: dict[str, Any]) -> None:
        draft = self.durable.get(id_number(asked["id"]))
        if message.get("error", {}).get("code") == "busy" and draft is not None:
            self.world.count("draft of a full queue")
            self._refused_as_full(draft)

    def _refused_as_full(self, asked: dict[str, Any]) -> None:
        waiting = sum(len(one.asked) for one in self.world.clients)
        self.ledger.limits.busy(asked, waiting + self.world.lost_lines)

    def _submit_refused(self, asked: dict[str, Any], code: str) -> None:
        if code == "key_conflict":
            self.world.count("key conflict")
            found = [row for row in self.durable.values() if row["key"] == asked["key"]]
            other = [row for row in found if msgspec.json.decode(row["payload"]) != asked["payload"]]
            self.demand(bool(other), "G2 a conflict has its reason", asked=asked, found=found)
        elif code == "busy":
            self._refused_as_full(asked)

    def meddled(self, message: dict[str, Any]) -> None:
        """What people asked for may have been done from now on, whether they hear of it or not."""
        said = {"remove": self.removable, "retry": self.revivable, "change": self.edited}
        told = said.get(message["cmd"])
        if told is not None:
            told.add(id_number(message["id"]))

    def cancelling(self, job: str) -> None:
        """Somebody cancels it at the moment of its result."""
        self.cancelled_in_time.add(id_number(job))

    def may_be_gone(self, row: Row) -> bool:
        """Whether somebody said `remove` of this job, one by one or with where."""
        return row["id"] in self.removable or (self.tasks.removes and self.is_loose(row))

    def is_loose(self, row: Row) -> bool:
        """Whether it carries the label of jobs that may be removed by where, or did before somebody changed it."""
        return "loose" in (rules_of(row).tags or []) or row["id"] in self.edited

    def may_be_revived(self, row: Row) -> bool:
        """Whether somebody said `retry` of this job."""
        return row["id"] in self.revivable or row["kind"] in self.tasks.retries

    def logged(self, job: str, attempt: int, texts: list[str]) -> None:
        """These lines were taken one after the other, and then the attempt's end, on one connection."""
        if texts:
            self.world.count("log kept")
            self.log_lines[job, attempt] = (texts, not self.world.network_lied)

    def _done_answered(self, asked: dict[str, Any], message: dict[str, Any]) -> None:
        row = self.durable.get(id_number(asked["id"]))
        if row is None or self.may_be_gone(row):
            return
        if "ok" in message:
            ours = row["state"] == State.SUCCEEDED and row["attempt"] == asked["attempt"]
            self.demand(ours, "G11 an accepted result is the job's result", asked=asked, row=row)
        elif message["error"]["code"] == "stale_lease" and "result" in asked:
            ours = row["state"] == State.SUCCEEDED and msgspec.json.decode(row["result"]) == asked["result"]
            self.demand(not ours, "G11 a refused result is not the job's result", asked=asked, row=row)
            cancelled = row["id"] in self.cancelled_in_time and row["state"] == State.CANCELLED
            self.world.count("cancel came before the result" if cancelled else "late result refused")

    def _cancel_answered(self, asked: dict[str, Any], message: dict[str, Any]) -> None:
        if "id" not in asked:
            return
        row = self.durable.get(id_number(asked["id"]))
        if row is None or self.may_be_gone(row) or self.may_be_revived(row):
            return
        if "error" in message and row["id"] in self.drafts.known:
            return  # it was refused as a draft
        if "ok" in message:
            self.demand(row["state"] == State.CANCELLED, "G16 cancelled means cancelled", row=row)
        elif message["error"]["code"] == "wrong_state":
            self.demand(row["state"] in FINAL, "G16 refused because it had ended", row=row)
            if row["id"] in self.cancelled_in_time and row["state"] == State.SUCCEEDED:
                self.world.count("result came before the cancel")

    def _get_answered(self, asked: dict[str, Any], message: dict[str, Any]) -> None:
        for job in message.get("jobs", []):
            number = id_number(job["id"])
            final, row = self.ledger.finals.get(number), self.durable.get(number)
            if final is not None and row is not None and job["state"] in FINAL_WORDS and not self.may_be_revived(row):
                self.demand(State(final[0]).word == job["state"], "G6 an end is an end", job=job)

    _wait_answered = _find_answered = _get_answered

    # What leaves the hall.

    def sent(self, link: Link, line: bytes) -> None:
        """Save before send: nothing leaves that is not durable."""
        message = msgspec.json.decode(line)
        if "event" in message:
            return
        self._check_guest(link, message)
        for job in message.get("ids") or ([message["id"]] if "state" in message else []):
            self.demand(self._is_known(job), "G1 acknowledged means stored", line=line)
        for job in message.get("jobs", []):
            self.demand(self._is_known(job["id"]), "nobody is shown what is not stored", line=line)
        for job in message.get("run", []):
            self._sent_run(link, job)
        for end in message.get("end", []):
            self._sent_end(end)

    def _is_known(self, job: str) -> bool:
        return id_number(job) in self.durable or id_number(job) in self.removable or bool(self.tasks.removes)

    def _check_guest(self, link: Link, message: dict[str, Any]) -> None:
        """Who came with a token that was revoked hears nothing more, a second later."""
        session = link.door._session
        gone = self.guest_gone_at is not None and self.world.now - self.guest_gone_at > 1.0
        if gone and session is not None and session.identity.name == "guest":
            self.demand("error" in message, "a revoked token loses its connections", message=message)

    def _sent_end(self, end: dict[str, Any]) -> None:
        row = self.durable.get(id_number(end["id"]))
        self.unheard.pop(id_number(end["id"]), None)
        if row is None and self._is_known(end["id"]):
            return
        self.demand(row is not None, "G6 a told end is stored", end=end)
        assert row is not None
        if State(row["state"]).word != end["state"] and self.may_be_revived(row):
            return  # it was told behind an answer that took its time
        self.demand(State(row["state"]).word == end["state"], "G6 a told end is stored", end=end, row=row)
        if row["result"] is not None:
            same = msgspec.json.decode(row["result"]) == end["result"]
            self.demand(same, "G6 a told result is stored", end=end, row=row)

    def _sent_run(self, link: Link, job: dict[str, Any]) -> None:
        number = id_number(job["id"])
        row = self.durable.get(number)
        self.demand(row is not None, "G8 only stored jobs are delivered", job=job)
        assert row is not None
        session = link.door._session
        held = row["state"] == State.RUNNING and row["attempt"] == job["attempt"]
        ours = held and session is not None and row["holder"] == session.holder
        self.demand(ours, "G7 delivered to its holder", job=job, row=row)
        worker = link.hall.core.leases.workers[row["holder"]]
        most = max(worker.credit, link.actor.most_credit)
        self.demand(len(worker.held) <= most, "credit is a ceiling", job=job, held=len(worker.held))
        before = self.delivered.get(number, 0)
        self.demand(job["attempt"] > before, "G7 attempts grow with every hand-out", job=job, before=before)
        self.delivered[number] = job["attempt"]
        ended = {entry["attempt"] for entry in msgspec.json.decode(row["history"] or b"[]")}
        caused = set(range(max(1, job["attempt"] - HISTORY), job["attempt"])) <= ended
        self.demand(caused, "G8 every further start has a recorded cause", job=job, history=row["history"])
        self.demand(self.ledger.may_go(row), "no job runs before its parents have succeeded", job=job)
        counted = row["attempt"] - row["forgiven"]
        self.demand(counted <= row["max_attempts"], "G9, G10 no more attempts than allowed", job=job, row=row)

    # What becomes durable.

    def expect_ends(self, moved: Moved) -> None:
        """Whoever follows a job and is still there must be told of its end."""
        for old, row in moved:
            ended = row["state"] in FINAL and (old is None or old["state"] not in FINAL)
            if ended and row["follow"] in self.world.hall.sessions:
                self.world.count("follower to be told")
                self.unheard[row["id"]] = row["follow"]
        known = self.world.store.db.execute("SELECT EXISTS (SELECT 1 FROM tokens)").fetchone()[0]
        if known:
            self.guest_gone_at = None
        elif self.guest_gone_at is None:
            self.guest_gone_at = self.world.now

    def rested(self) -> None:
        """The hall has done all it could: what it owes, it has said, save what stands behind an answer."""
        sessions = self.world.hall.sessions
        there = {number: session for number, session in self.unheard.items() if session in sessions}
        self.unheard = {
            number: session
            for number, session in there.items()
            if sessions[session].held_back or sessions[session].is_served
        }
        self.demand(there == self.unheard, "a follower is told of the end", ids=there.keys() - self.unheard.keys())

    # The end.

    def healed(self) -> None:
        for number in self.acked:
            self.demand(number in self.durable or self._was_removed(number), "G1 acknowledged means kept", id=number)
        self.hearing.healed()
        for (job, attempt), (texts, in_order) in self.log_lines.items():
            if id_number(job) in self.durable:
                self._check_log(log_of(self.world.store.db, id_number(job), attempt), texts, in_order)
        self.logs.healed()
        self._check_places()
        for row in self.durable.values():
            self.demand(row["state"] in FINAL, "G6 every job ends", row=row)

    def _was_removed(self, number: int) -> bool:
        return number in self.removable or number in self.tasks.gone

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
