"""What those hear who asked for something that takes its time: tasks with `where`, and logs that are followed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hirehall.model import FINAL, State, id_number
from tests.sim.disk import Row, Rows, log_of
from tests.sim.ledger import rules_of

if TYPE_CHECKING:
    from tests.sim.audit import Audit
    from tests.sim.net import Link


class TasksHeard:
    """Commands with `where`: when one says done, what matched when it was said has happened."""

    def __init__(self, audit: Audit) -> None:
        self._audit = audit
        self.retries: set[str] = set()  # kinds of which somebody said `retry`
        self.removes = False  # somebody said `remove` of all that is loose
        self.gone: set[int] = set()  # loose jobs that were there once
        self._under_way: dict[tuple[Link | None, str], tuple[str, Rows]] = {}

    def wanted(self, cmd: str, where: dict[str, Any]) -> None:
        """It will be said: what it matches may happen from now on."""
        self.removes = self.removes or cmd == "remove"
        if cmd == "retry":
            self.retries.add(where["kind"])

    def matching(self, cmd: str, where: dict[str, Any]) -> Rows:
        """The jobs that it is for, of those that are durable now."""
        return {
            number: row
            for number, row in self._audit.durable.items()
            if self._is_for(cmd, row)
            and where.get("kind", row["kind"]) == row["kind"]
            and ("tag" not in where or where["tag"] in (rules_of(row).tags or []))
            and where.get("state", State(row["state"]).word) == State(row["state"]).word
        }

    def _is_for(self, cmd: str, row: Row) -> bool:
        final = row["state"] in FINAL
        if row["state"] == State.DRAFT:
            return False
        return not final if cmd == "cancel" else final and (cmd == "remove" or row["state"] != State.SUCCEEDED)

    def began(self, link: Link | None, task: str, asked: dict[str, Any]) -> None:
        """The hall has begun: this link will hear of it."""
        self._under_way[link, task] = (asked["cmd"], asked["before"])

    def told(self, link: Link | None, view: dict[str, Any]) -> None:
        """How far a task is."""
        found = self._under_way.get((link, view["id"]))
        if found is None or view["state"] == "running":
            return
        del self._under_way[link, view["id"]]
        if view["state"] == "done" and not view["refused"]:
            self._audit.world.count(f"task done: {found[0]}")
            for number, row in found[1].items():
                self._check(found[0], row, self._audit.durable.get(number))

    def _check(self, cmd: str, before: Row, now: Row | None) -> None:
        audit = self._audit
        if cmd == "cancel":
            happened = now is None or now["state"] in FINAL or audit.may_be_revived(now)
        elif cmd == "remove":
            happened = now is None or audit.may_be_revived(now) or now["id"] in audit.edited
        else:
            happened = now is None or now["state"] != before["state"] or now["forgiven"] >= before["attempt"]
        audit.demand(happened, f"what a task ({cmd}) says is done has happened", before=before, now=now)


class Drafts:
    """What was said to become of drafts, and what may become of them."""

    def __init__(self, audit: Audit) -> None:
        self._audit = audit
        self._said: dict[int, str] = {}
        self.known: set[int] = set()  # jobs that were stored as drafts

    def settled(self, cmd: str, job: str) -> None:
        """Somebody says `commit` or `discard`."""
        self._said[id_number(job)] = cmd
        if cmd == "discard":
            self._audit.removable.add(id_number(job))

    def check(self, old: Row | None, row: Row, now_ms: int) -> None:
        """A row has changed: where it was a draft until now, that was asked for."""
        if row["state"] == State.DRAFT:
            self.known.add(row["id"])
        elif old is not None and old["state"] == State.DRAFT:
            self._check_step(old, row, now_ms)

    def _check_step(self, old: Row, row: Row, now_ms: int) -> None:
        self._audit.demand(self._said.get(row["id"]) == "commit", "only a commit lets a draft run", row=row, old=old)
        due = rules_of(old).due or 0
        early = due > now_ms and row["state"] not in (State.SCHEDULED, State.CANCELLED)
        self._audit.demand(not early, "no draft goes before its time", row=row, old=old)
        self._audit.world.count("draft committed")

    def may_be_gone(self, old: Row, now_ms: int) -> bool:
        """Whether somebody discarded this draft, or its day is over."""
        if old["wake_at"] <= now_ms:
            self._audit.removable.add(old["id"])
        self._audit.world.count("draft discarded")
        return old["id"] in self._audit.removable


class LogsHeard:
    """Logs that are followed: what came is the beginning of what is stored, and all of it once it has ended."""

    def __init__(self, audit: Audit) -> None:
        self._audit = audit
        self._heard: dict[tuple[Link | None, str], tuple[int, list[str]]] = {}
        self._ended: dict[tuple[str, int], list[str]] = {}

    def heard(self, link: Link | None, part: dict[str, Any], is_new: bool) -> None:
        """A part came; `is_new`: from the beginning."""
        texts = [entry["text"] for entry in part["entries"]]
        attempt, before = self._heard.get((link, part["id"]), (part["attempt"], []))
        if is_new:
            attempt, before = part["attempt"], []
        audit = self._audit
        audit.demand(attempt == part["attempt"], "one attempt's log is followed", part=part, attempt=attempt)
        texts = before + texts
        self._heard[link, part["id"]] = (attempt, texts)
        row = audit.durable.get(id_number(part["id"]))
        if row is not None and not audit.may_be_gone(row) and audit.world.store.is_open:
            stored = log_of(audit.world.store.db, id_number(part["id"]), attempt)
            audit.demand(stored[: len(texts)] == texts, "a followed log is as it is stored", part=part, stored=stored)
            if texts and not is_new:
                audit.world.count("log followed")
        if part["ended"]:
            self._ended[part["id"], attempt] = texts

    def healed(self) -> None:
        """Nothing came behind an end."""
        for (job, attempt), texts in self._ended.items():
            row = self._audit.durable.get(id_number(job))
            if row is not None and not self._audit.may_be_revived(row):  # what had not begun may begin after all
                stored = log_of(self._audit.world.store.db, id_number(job), attempt)
                self._audit.demand(stored == texts, "a log that ended is whole", job=job, heard=texts, stored=stored)
