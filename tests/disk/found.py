"""What a store opens to after a power cut, held against what its hall had promised."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any
from unittest import mock

import apsw

from hirehall.app import own_token
from hirehall.errors import HallError
from hirehall.model import State, id_number, id_text
from hirehall.stores import wal
from hirehall.stores.sqlite import SQLiteStore
from tests.disk.ledger import Debt, Ledger

JOBS = (
    "SELECT id, state, attempt, priority, queue, kind, key, payload, result FROM jobs JOIN lanes"
    " USING (lane, queue, kind)"
)
RUNNING, SUCCEEDED = int(State.RUNNING), int(State.SUCCEEDED)
Row = tuple[Any, ...]


class AtOnce:
    """Stands in for the store's threads: an image's disk is memory, and waiting for a thread would take the longest."""

    def __init__(self, *_: Any) -> None: ...

    def submit(self, call: Callable[..., Any], *arguments: Any) -> Future[Any]:
        future: Future[Any] = Future()
        future.set_result(call(*arguments))
        return future

    def shutdown(self) -> None:
        """Nothing is under way."""


class Broken(AssertionError):
    """A promise that was not kept."""


def judge(data: Path, ledger: Ledger, loop: asyncio.AbstractEventLoop, *, thorough: bool) -> None:
    """Start on `data` as a hall does. Raises Broken with a sentence."""
    with mock.patch.object(wal, "ThreadPoolExecutor", AtOnce):
        _judge(data, ledger, loop, thorough=thorough)


def _judge(data: Path, ledger: Ledger, loop: asyncio.AbstractEventLoop, *, thorough: bool) -> None:
    try:
        token = own_token(data)
        store = SQLiteStore(str(data / "hall.db"))
        loop.run_until_complete(store.open())
    except HallError as exc:
        raise Broken(f"a hall does not start: {exc.message}") from exc
    try:
        recovered = loop.run_until_complete(store.recover())
        _judge_file(store.db, thorough)
        _judge_jobs(store.db, ledger, recovered.last_id)
        _judge_settings(store.db, ledger)
        _must(token == ledger.token or not ledger.heard, "the hall's own token is another one")
    except apsw.Error as exc:
        raise Broken(f"the store cannot be read: {exc}") from exc
    finally:
        loop.run_until_complete(store.close())


def _judge_file(db: apsw.Connection, thorough: bool) -> None:
    said = [line for (line,) in db.execute(f"PRAGMA {'integrity_check' if thorough else 'quick_check'}(3)")]
    _must(said == ["ok"], f"the file is damaged: {said}")
    counted = Counter({(lane, state): n for lane, state, n in db.execute("SELECT * FROM counts WHERE jobs <> 0")})
    real = Counter(db.execute("SELECT lane, state FROM jobs").fetchall())
    _must(counted == real, f"the counts say {counted - real}, the jobs {real - counted}")


def _judge_jobs(db: apsw.Connection, ledger: Ledger, last_id: int) -> None:
    rows = {id_text(row[0]): row for row in db.execute(JOBS)}
    logs: dict[str, bytes] = {}
    for job, entries in db.execute("SELECT job, entries FROM logs"):
        logs[id_text(job)] = logs.get(id_text(job), b"") + entries
    numbers: Counter[int] = Counter()
    for name, row in rows.items():
        numbers[_judge_ghost(name, row, ledger)] += 1
    denied = [number for number in ledger.denied if numbers[number]]
    _must(not denied, f"jobs that were refused and are there: {denied}")
    twice = [number for number, times in numbers.items() if times > 1]
    _must(not twice, f"jobs that stand there twice: {twice}")
    for name, debt in ledger.debts.items():
        _judge_debt(name, debt, rows.get(name), logs.get(name, b""), ledger)
        _must(id_number(name) <= last_id, f"the id of {name} could be given out again")
    for bulk, members in ledger.bulks.items():
        there = sum(numbers[number] for number in members)
        _must(there in (0, len(members)), f"{there} of the {len(members)} jobs of bulk {bulk} are there")


def _judge_ghost(name: str, row: Row, ledger: Ledger) -> int:
    """The number of a job that somebody asked for, exactly so."""
    _, state, _, priority, queue, kind, key, payload, result = row
    order = ledger.by_payload.get(payload)
    if order is None:
        raise Broken(f"nobody handed in {name}: {payload[:80]!r}")
    asked = (order.priority, order.queue, order.kind, order.key)
    _must((priority, queue, kind, key) == asked, f"{name} is not as it was handed in: {row[:7]}")
    is_its_own = result is None if state != SUCCEEDED else ledger.results.get(result) == order.number
    _must(is_its_own, f"{name}, {State(state).name}, has the result {result}")
    return order.number


def _judge_debt(name: str, debt: Debt, row: Row | None, log: bytes, ledger: Ledger) -> None:
    if row is None:
        may_be_gone = debt.may_be_removed or (debt.order.goes and debt.order.number in ledger.may_have_ended)
        _must(may_be_gone, f"{name}, job {debt.order.number}, was answered and is lost")
        return
    _must(not debt.was_removed, f"{name} was removed and is back")
    state, attempt, result = row[1], row[2], row[-1]
    _must(attempt >= debt.attempt, f"{name} was handed out as attempt {debt.attempt}, the store knows of {attempt}")
    runs = state == RUNNING and attempt <= debt.idle_at
    _must(not runs, f"{name} runs attempt {attempt} again, which was answered")
    if debt.end is not None:
        found = (State(state).name.lower(), result)
        _must(found == debt.end, f"{name} ended as {debt.end}, the store says {found}")
    _must(debt.log in log, f"{name} has lost the log of its last attempt")


def _judge_settings(db: apsw.Connection, ledger: Ledger) -> None:
    there = {f"token {name}": True for (name,) in db.execute("SELECT name FROM tokens")}
    there |= {
        f"queue {name}": json.loads(settings)["max_waiting"] for name, settings in db.execute("SELECT * FROM queues")
    }
    for setting in ledger.settings:
        found, allowed = there.get(setting, False), ledger.may_be(setting)
        _must(found in allowed, f"{setting} is {found} and not one of {sorted(allowed)}")


def _must(holds: bool, otherwise: str) -> None:
    if not holds:
        raise Broken(otherwise)
