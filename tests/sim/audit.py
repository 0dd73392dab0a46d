"""What must always hold, checked after every commit, every line that leaves the hall, and at the end.

The audit knows what actors offered and heard and what is durable; it never asks the hall.
"""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any

from hirehall.model import FINAL, State, id_number

if TYPE_CHECKING:
    from tests.sim.net import Link
    from tests.sim.world import World

Rows = dict[int, dict[str, Any]]


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

    def _done_answered(self, asked: dict[str, Any], message: dict[str, Any]) -> None:
        if "ok" in message:
            row = self.durable[id_number(asked["id"])]
            ours = row["state"] == State.SUCCEEDED and row["attempt"] == asked["attempt"]
            self.demand(ours, "G11 an accepted result is the job's result", asked=asked, row=row)

        elif message["error"]["code"] == "stale_lease" and "result" in asked:
            row = self.durable[id_number(asked["id"])]
            ours = row["state"] == State.SUCCEEDED and json.loads(row["result"]) == asked["result"]
            self.demand(not ours, "G11 a refused result is not the job's result", asked=asked, row=row)

    def _cancel_answered(self, asked: dict[str, Any], message: dict[str, Any]) -> None:
        row = self.durable[id_number(asked["id"])]
        if "ok" in message:
            self.demand(row["state"] == State.CANCELLED, "G16 cancelled means cancelled", row=row)
        elif message["error"]["code"] == "wrong_state":
            self.demand(row["state"] in FINAL, "G16 refused because it had ended", row=row)

    def _get_answered(self, asked: dict[str, Any], message: dict[str, Any]) -> None:
        for job in message.get("jobs", []):
            final = self.finals.get(id_number(job["id"]))
            if final is not None and job["state"] in {state.word for state in FINAL}:
                self.demand(State(final[0]).word == job["state"], "G6 an end is an end", job=job)

    _wait_answered = _get_answered

    # What leaves the hall.

    def sent(self, link: Link, line: bytes) -> None:
        """Save before send: nothing leaves that is not durable."""
        message = json.loads(line)
        for job in message.get("ids") or ([message["id"]] if "state" in message else []):
            self.demand(id_number(job) in self.durable, "G1 acknowledged means stored", line=line)
        for job in message.get("run", []):
            self._sent_run(link, job)
        for end in message.get("end", []):
            row = self.durable.get(id_number(end["id"]))
            self.demand(row is not None, "G6 a told end is stored", end=end)
            assert row is not None
            self.demand(State(row["state"]).word == end["state"], "G6 a told end is stored", end=end, row=row)
            if row["result"] is not None:
                self.demand(json.loads(row["result"]) == end["result"], "G6 a told result is stored", end=end, row=row)

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
        ended = {entry["attempt"] for entry in json.loads(row["history"] or b"[]")}
        caused = set(range(max(1, job["attempt"] - HISTORY), job["attempt"])) <= ended
        self.demand(caused, "G8 every further start has a recorded cause", job=job, history=row["history"])
        counted = row["attempt"] - row["forgiven"]
        self.demand(counted <= row["max_attempts"], "G9, G10 no more attempts than allowed", job=job, row=row)

    # What becomes durable.

    def committed(self, rows: Rows) -> None:
        before, self.durable = self.durable, rows
        self._check_steps(before, rows)
        self._check_order(before, rows)
        self._check_groups(rows)
        self._check_counts(rows)

    def recovered(self, rows: Rows) -> None:
        """After a restart: at least everything that was durable, and whatever the crash let through."""
        for number, row in self.durable.items():
            self.demand(number in rows, "G1 stored jobs survive", row=row)
        self._check_steps(self.durable, rows)
        self.durable = rows

    def _check_steps(self, before: Rows, rows: Rows) -> None:
        for number, row in rows.items():
            old = before.get(number)
            if number in self.finals:
                self.demand(
                    self.finals[number] == (row["state"], row["result"]), "G6 exactly one end", row=row, old=old
                )
            elif row["state"] in FINAL:
                self.finals[number] = (row["state"], row["result"])
            if old is not None:
                self.demand(row["attempt"] >= old["attempt"], "G7 an attempt never goes back", row=row, old=old)
        for number in before:
            self.demand(number in rows, "G5 nothing removes jobs", id=number)

    def _check_order(self, before: Rows, rows: Rows) -> None:
        """No job starts while one that comes before it, known to be ready when the hall chose, goes on waiting.

        A claim is chosen after the last commit was settled; a job placed at submit may be chosen while it is under way.
        """
        since_last = self._still_ready(before, rows)
        known_long = {
            job: row for job, row in since_last.items() if self.earlier.get(job, {}).get("state") == State.READY
        }
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
            if row["state"] == State.READY and before.get(number, {}).get("state") == State.READY
            and (row["attempt"] > 0 or row["expires_at"] is None or row["expires_at"] > wall)
        }  # fmt: skip

    def _check_groups(self, rows: Rows) -> None:
        found = Counter(json.loads(row["payload"])["m"] for row in rows.values())
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
            self.demand(number in self.durable, "G1 acknowledged means kept", id=number)
        for row in self.durable.values():
            self.demand(row["state"] in FINAL, "G6 every job ends", row=row)
