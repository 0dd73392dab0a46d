"""Submits inside a SQLite transaction."""

from __future__ import annotations

from typing import Any

import apsw

from hirehall.core.operations import NewJob, Submit
from hirehall.errors import Damaged, HallError
from hirehall.model import State, id_text
from hirehall.stores import sqlite_gates, sqlite_runs
from hirehall.stores.sqlite_damage import OF_KEY
from hirehall.stores.sqlite_files import file_submit
from hirehall.stores.sqlite_runs import SHORTEST, runs
from hirehall.stores.sqlite_work import Work

COLUMNS = (
    "lane, queue, kind, state, attempt, forgiven, max_attempts, keep_ms, wake_at, expires_at, holder, worker,"
    " lease_seconds, owner, follow, key, rules, started_at, id, place, payload"
)
TERMS = "?1, ?2, ?3, ?4, ?5, 0, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, iif(?5, ?17, NULL)"
INSERT = f"INSERT INTO jobs ({COLUMNS}) VALUES ({TERMS}, ?18, ?18, ?19)"
INSERT_RUN = f"INSERT INTO jobs ({COLUMNS}) SELECT {TERMS}, ?18 + rowid, ?18 + rowid, value FROM carray(?19)"
FIND_KEY = "SELECT id, kind, payload, state FROM jobs WHERE queue = ? AND key = ?"

Twin = tuple[int, str, bytes, int]  # id, kind, payload, state


def store_submits(work: Work) -> None:
    """Every submit of the batch, each whole or, when a key is in conflict, not at all."""
    fresh: list[NewJob] = []
    for submit in work.batch.submits:
        if submit.has_keys or submit.closed or work.closed:
            fresh += _admitted(work, submit)
        else:
            submit.ids = [job.id for job in submit.jobs]
            fresh += submit.jobs
    if fresh:
        _store(work, fresh)
        _store_beside(work, fresh)


def _store(work: Work, fresh: list[NewJob]) -> None:
    single: list[tuple[Any, ...]] = []
    lanes: set[int] = set()
    for terms, run in runs(fresh, _terms):
        lane, state = terms[0], terms[3]
        lanes.add(lane)
        work.counts[lane, state] += len(run)
        if len(run) < SHORTEST or not sqlite_runs.HAS_ARRAYS:
            single += [(*terms, work.now, job.id, job.payload) for job in run]
        else:
            payloads = apsw.carray(tuple([job.payload for job in run]))
            work.db.execute(INSERT_RUN, (*terms, work.now, run[0].id - 1, payloads))
    if single:
        work.db.executemany(INSERT, single)
    work.declare(lanes)


def _terms(job: NewJob) -> tuple[int, int, tuple[Any, ...]]:
    spec = job.spec
    return job.id, 1, (
        job.lane, spec.queue, spec.kind, job.state, job.attempt, job.max_attempts, job.keep_ms, job.wake_at,
        job.expires_at, job.holder, job.worker, job.lease_seconds, job.owner, job.follow, spec.key, job.rules,
    )  # fmt: skip


def _store_beside(work: Work, fresh: list[NewJob]) -> None:
    tags = [(tag, job.id) for job in fresh if job.has_tags for tag in job.spec.tags or ()]
    if tags:
        work.db.executemany("INSERT OR IGNORE INTO tags VALUES (?, ?)", tags)
    for job in fresh:
        if job.is_gated:
            sqlite_gates.admit(work, job)


def _admitted(work: Work, submit: Submit) -> list[NewJob]:
    """The jobs of `submit` that are new. None of them when a key is in conflict, or when nothing new is taken."""
    closed = submit.closed or work.closed
    ids: list[int] = []
    duplicates: dict[int, State] = {}
    known: dict[tuple[str, str], Twin] = {}
    fresh: list[NewJob] = []
    if work.aside and (lost := _unreadable(work, submit)) is not None:
        submit.refused = Damaged(f"job {id_text(lost)}, which this names, cannot be read: the disk is damaged there")
        return []
    for job in submit.jobs:
        twin = _twin(work, job, known)
        if twin is None:
            fresh.append(job)
            ids.append(job.id)
        elif twin[1:3] != (job.spec.kind, bytes(job.payload)):
            submit.conflict = job.spec.key
            return []
        else:
            ids.append(twin[0])
            duplicates[twin[0]] = State(twin[3])
    if closed is not None and fresh:
        submit.refused = closed
        return []
    if submit.filed is not None:
        try:
            file_submit(work, submit, fresh)
        except HallError as exc:
            submit.refused = exc
            return []
    submit.ids, submit.duplicates = ids, duplicates
    return fresh


def _unreadable(work: Work, submit: Submit) -> int | None:
    """A job that is set aside and has the key of one of these, or is waited for."""
    for job in submit.jobs:
        keyed: list[tuple[Any, ...]] = (
            [] if job.spec.key is None else work.db.execute(OF_KEY, (job.spec.queue, job.spec.key)).fetchall()
        )
        for named in (*job.after, *(int(twin) for (twin,) in keyed)):
            if named in work.aside:
                return named
    return None


def _twin(work: Work, job: NewJob, known: dict[tuple[str, str], Twin]) -> Twin | None:
    """The job that has this key already, in the store or earlier in the same submit."""
    if job.spec.key is None:
        return None
    name = (job.spec.queue, job.spec.key)
    twin = known.get(name) or work.db.execute(FIND_KEY, name).fetchone()
    known[name] = twin or (job.id, job.spec.kind, bytes(job.payload), job.state)
    return twin
