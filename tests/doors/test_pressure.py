"""Conformance: floods, readers that do not read, and what each may cost the others."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager

import pytest

from hirehall.core.operations import MAX_BYTES, MAX_OPERATIONS
from hirehall.doors import connection
from hirehall.model import MAX_MESSAGE
from hirehall.service import hall
from hirehall.service.sessions import MOST_HELD_BACK
from tests.doors.house import Caller, House, until

Opening = AbstractAsyncContextManager[House]
READ_BYTES = 1 << 18  # a loop reads at most this at once
SUBMIT = b'{"cmd":"submit","kind":"saw"}\n'
FLOOD = 20_000


async def test_a_flood_is_accepted_in_order_in_bounded_batches(house: Opening) -> None:
    async with house as opened:
        caller = await opened.call()
        caller.write(SUBMIT * FLOOD)
        ids = [(await caller.hear())["id"] for _ in range(FLOOD)]
        assert ids == sorted(ids)
        assert len(set(ids)) == FLOOD
        assert sum(opened.store.sizes) == FLOOD
        assert max(opened.store.sizes) <= MAX_OPERATIONS + READ_BYTES // len(SUBMIT)


async def test_a_flood_of_large_jobs_comes_in_batches_of_bounded_bytes(house: Opening) -> None:
    async with house as opened:
        caller = await opened.call()
        line = b'{"cmd":"submit","kind":"saw","payload":"%s"}\n' % (b"x" * 500_000)
        caller.write(line * 60)
        for _ in range(60):
            assert (await caller.hear())["ok"]
        assert max(opened.store.bytes) <= MAX_BYTES + MAX_MESSAGE + READ_BYTES


async def test_a_flood_leaves_room_for_others(house: Opening) -> None:
    async with house as opened:
        flood, other = await opened.call(), await opened.call()
        flood.write(SUBMIT * FLOOD * 3)
        assert (await other.ask(cmd="ping"))["ok"]
        assert sum(opened.store.sizes) < FLOOD * 3, "the answer came before the flood was over"
        for _ in range(FLOOD * 3):
            await flood.hear()


async def test_a_worker_that_does_not_read_gets_no_more_jobs_until_it_reads(house: Opening) -> None:
    async with house as opened:
        worker, boss = await opened.call(), await opened.call()
        jobs = 150
        assert (await worker.ask(cmd="work", kinds=["saw"], credit=jobs))["ok"]
        stop_reading(worker)
        for _ in range(jobs):
            await boss.ask(cmd="submit", kind="saw", payload="x" * 100_000)
        left = [job["id"] for job in (await boss.ask(cmd="find", state="ready", limit=1000))["jobs"]]
        assert 0 < len(left) < jobs
        worker.writer.transport.resume_reading()
        got: list[str] = []
        while len(got) < jobs:
            got += [job["id"] for job in (await worker.hear())["run"]]
        assert got == sorted(got)


def stop_reading(caller: Caller) -> None:
    caller.writer.transport.pause_reading()  # type: ignore[attr-defined]


async def test_who_does_not_read_is_not_read_either(house: Opening) -> None:
    async with house as opened:
        deaf, other = await opened.call(), await opened.call()
        job = (await other.ask(cmd="submit", kind="saw", payload="x" * 200_000))["id"]
        stop_reading(deaf)
        asked = 0
        while deaf.writer.transport.get_write_buffer_size() < 100_000 and asked < 50_000:
            deaf.write(b'{"cmd":"get","ids":["%s"],"ref":"%s"}\n' % (job.encode(), b"r" * 20_000))
            asked += 1
            await other.ask(cmd="ping")
        assert asked < 50_000, "everything was read"
        assert (await other.ask(cmd="ping"))["ok"]
        assert len(opened.hall.sessions) == 2


async def test_who_does_not_read_is_held_back_alone_and_hears_all_when_it_reads_again(house: Opening) -> None:
    async with house as opened:
        deaf, other = await opened.call(), await opened.call()
        job = (await other.ask(cmd="submit", kind="saw", payload="x" * 900_000))["id"]
        stop_reading(deaf)
        deaf.write(b'{"cmd":"get","ids":["%s"]}\n' % job.encode() * 60)
        await until(lambda: any(session.held_back for session in opened.hall.sessions.values()))
        assert (await other.ask(cmd="ping"))["ok"]
        deaf.writer.transport.resume_reading()
        for _ in range(60):
            assert (await deaf.hear())["jobs"]


async def test_large_answers_to_many_at_once_leave_room_for_others(house: Opening) -> None:
    async with house as opened:
        other = await opened.call()
        readers = [await opened.call() for _ in range(20)]
        job = (await other.ask(cmd="submit", kind="saw", payload="x" * 900_000))["id"]
        opened.store.disk.clear()  # the questions of all come together behind this one
        other.say(cmd="submit", kind="saw")
        for reader in readers:
            reader.say(cmd="get", ids=[job])
            reader.say(cmd="get", ids=[], ref="last")
        asked = len(readers) * 2
        await until(lambda: sum(session.unanswered for session in opened.hall.sessions.values()) == asked + 1)
        opened.store.disk.set()
        assert (await other.hear())["ok"]
        assert (await other.ask(cmd="ping"))["ok"]
        waiting = sum(session.unanswered for session in opened.hall.sessions.values())
        assert waiting, "the answer came after all the large ones"
        assert (await other.ask(cmd="submit", kind="saw"))["ok"]
        for reader in readers:
            assert (await reader.hear())["jobs"]
            assert (await reader.hear())["ref"] == "last"


async def test_who_does_not_take_what_is_left_for_it_is_dropped_in_the_end(
    house: Opening, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "LINGER_SECONDS", 0.1)
    async with house as opened:
        deaf, other = await opened.call(), await opened.call()
        job = (await other.ask(cmd="submit", kind="saw", payload="x" * 900_000))["id"]
        stop_reading(deaf)
        deaf.write(b'{"cmd":"get","ids":["%s"]}\n' % job.encode() * 60)
        await until(lambda: any(session.held_back for session in opened.hall.sessions.values()))
        next(iter(opened.hall.sessions.values())).connection.close()
        await until(lambda: len(opened.hall.sessions) == 1)
        assert (await other.ask(cmd="ping"))["ok"]


async def test_who_asks_for_more_than_can_be_said_is_not_read_until_it_is(
    house: Opening, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hall, "MAX_OPERATIONS", 20)  # a batch takes no more, beside what a loop reads at once
    async with house as opened:
        eager, other = await opened.call(), await opened.call()
        job = (await other.ask(cmd="submit", kind="saw", payload="x" * 100_000))["id"]
        line = b'{"cmd":"get","ids":["%s"],"ref":"%s"}\n' % (job.encode(), b"r" * 8_000)
        asked, most = 500, MOST_HELD_BACK + 3 * (20 + READ_BYTES // len(line))
        eager.write(line * asked)
        held_back = []
        for _ in range(asked):
            assert (await eager.hear())["jobs"]
            held_back.append(max(len(session.held_back) for session in opened.hall.sessions.values()))
        assert MOST_HELD_BACK // 2 < max(held_back) < most < asked
        assert (await eager.ask(cmd="ping"))["ok"]


async def test_a_hall_that_ends_does_not_wait_for_all_that_is_asked_of_it(
    house: Opening, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hall, "LAST_READS_SECONDS", 0.0)
    async with house as opened:
        eager, other = await opened.call(), await opened.call()
        job = (await other.ask(cmd="submit", kind="saw", payload="x" * 40_000))["id"]
        eager.write(b'{"cmd":"get","ids":["%s"]}\n' % job.encode() * 1_000)
        await until(lambda: any(session.held_back for session in opened.hall.sessions.values()))
        other.say(cmd="submit", kind="saw")
        await until(lambda: sum(opened.store.sizes) == 2)
        await opened.hall.finish()
        assert (await other.hear())["ok"]
        heard = 0
        while await eager.line():
            heard += 1
        assert heard < 1_000
