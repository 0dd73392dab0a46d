"""Conformance: what is said through a door, the same through every one."""

from __future__ import annotations

import re
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest

from hirehall.model import MAX_MESSAGE
from tests.doors.house import Caller, House

Opening = AbstractAsyncContextManager[House]
JOB_ID = re.compile(rb"[0-9a-f]{16}")

RUN = (
    b'{"run":[{"id":"ID","attempt":1,"kind":"saw","queue":"default","payload":{ "a":1},'
    b'"lease_seconds":30.0,"timeout_seconds":null,"meta":{},"files":[]}]}\n'
)
DIALOGUE = [
    (b'{"cmd":"ping","ref":0}\n', [b'{"ok":true,"ref":0}\n']),
    (b'{"cmd":"submit","ref":1,"kind":"saw","payload":{ "a":1},"follow":true}\r\n',
     [b'{"ok":true,"ref":1,"id":"ID","state":"ready"}\n']),
    (b'not JSON\n{"cmd":"dance","ref":2}\n', [b"cannot read this line", b"there is no command 'dance'"]),
    (b'{"cmd":"work","ref":3,"kinds":["saw"]}\n',
     [b'{"ok":true,"ref":3}\n', RUN]),
    (b'{"cmd":"done","ref":4,"id":"ID","attempt":1,"result":"\xc3\xa9"}\n',
     [b'{"ok":true,"ref":4}\n', b'{"end":[{"id":"ID","state":"succeeded","result":"\xc3\xa9","error":null}]}\n']),
    (b'{"cmd":"done","ref":5,"id":"ID","attempt":1,"result":2}\n', [b'{"ok":true,"ref":5,"duplicate":true}\n']),
    (b'{"cmd":"bye","ref":6}\n', [b'{"ok":true,"ref":6}\n', b""]),
]  # fmt: skip


async def test_the_same_dialogue_is_held_through_every_door(house: Opening) -> None:
    async with house as opened:
        caller = await opened.call()
        job = b""
        for said, expected in DIALOGUE:
            caller.write(said.replace(b'"ID"', b'"%s"' % job))
            for wanted in expected:
                heard = await caller.line()
                job = (JOB_ID.findall(heard) or [job])[0]
                assert (wanted in JOB_ID.sub(b"ID", heard)) if wanted else heard == b"", heard


async def test_a_dialogue_in_single_bytes_is_the_same(house: Opening) -> None:
    async with house as opened:
        caller = await opened.call()
        for byte in b'{"cmd":"ping","ref":1}\r\n\n{"cmd":"ping","ref":2}\n':
            caller.write(bytes([byte]))
            await caller.writer.drain()
        assert [await caller.hear(), await caller.hear()] == [{"ok": True, "ref": 1}, {"ok": True, "ref": 2}]


async def test_callers_do_not_hear_each_other(house: Opening) -> None:
    async with house as opened:
        callers = [await opened.call() for _ in range(20)]
        for number, caller in enumerate(callers):
            caller.say(cmd="submit", kind="saw", ref=number, key=f"k{number}")
        assert [(await caller.hear())["ref"] for caller in callers] == list(range(20))


async def test_a_first_line_that_is_no_command_closes_and_nothing_behind_it_runs(house: Opening) -> None:
    async with house as opened:
        stranger, caller = await opened.call(), await opened.call()
        stranger.write(b'POST / HTTP/1.1\r\nHost: here\r\n\r\n{"cmd":"submit","kind":"saw"}\n')
        assert (await stranger.hear())["error"]["code"] == "bad_request"
        assert await stranger.is_closed()
        assert (await caller.ask(cmd="find"))["jobs"] == []


@pytest.mark.parametrize(
    ("leaving", "answer"),
    [
        ({"cmd": "bye"}, "ok"),
        ({"cmd": "hello", "token": "guessed"}, "error"),
        ({"cmd": "hello", "protocol": 9}, "error"),
    ],
)
@pytest.mark.parametrize("together", [True, False])
async def test_what_comes_behind_the_end_of_a_session_does_not_run(
    house: Opening, leaving: dict[str, Any], answer: str, together: bool
) -> None:
    async with house as opened:
        leaver, caller = await opened.call(), await opened.call()
        leaver.say(**leaving)
        if not together:
            assert answer in await leaver.hear()
        leaver.say(cmd="submit", kind="saw")
        if together:
            assert answer in await leaver.hear()
        assert await leaver.is_closed()
        assert (await caller.ask(cmd="find"))["jobs"] == []


async def test_a_line_that_is_too_long_closes_only_its_connection(house: Opening) -> None:
    async with house as opened:
        long, other = await opened.call(), await opened.call()
        assert (await long.ask(cmd="ping"))["ok"]
        long.write(b"x" * (MAX_MESSAGE + 1))
        assert (await long.hear())["error"]["code"] == "too_large"
        assert await long.is_closed()
        assert (await other.ask(cmd="ping"))["ok"]


async def test_what_came_before_a_line_that_is_too_long_is_answered(house: Opening) -> None:
    async with house as opened:
        caller, other = await opened.call(), await opened.call()
        opened.store.disk.clear()
        caller.write(b'{"cmd":"submit","kind":"saw","ref":1}\n' + b"x" * (MAX_MESSAGE + 1) + b"\n")
        await everything_is_read(caller, other)
        opened.store.disk.set()
        assert (await caller.hear())["ref"] == 1
        assert (await caller.hear())["error"]["code"] == "too_large"
        assert await caller.is_closed()


async def everything_is_read(caller: Caller, other: Caller) -> None:
    """What `caller` wrote is on its way, and the loop went round often enough for it to arrive."""
    await caller.writer.drain()
    for _ in range(20):
        await other.ask(cmd="ping")


async def test_the_longest_line_is_read(house: Opening) -> None:
    async with house as opened:
        caller = await opened.call()
        line = b'{"cmd":"ping","ref":1}'
        caller.write(line + b" " * (MAX_MESSAGE - len(line)) + b"\n")
        assert (await caller.hear())["ref"] == 1


async def test_half_a_line_and_a_closed_connection_harm_nobody(house: Opening) -> None:
    async with house as opened:
        gone, caller = await opened.call(), await opened.call()
        gone.write(b'{"cmd":"ping"}\n{"cmd":"submit","kind":"saw"')
        assert (await gone.hear())["ok"]
        gone.close()
        assert (await caller.ask(cmd="find"))["jobs"] == []


@pytest.mark.parametrize("door", ["tcp", "unix"], indirect=True)  # TLS cannot be closed by half
async def test_who_has_said_everything_still_hears_the_answers(house: Opening) -> None:
    async with house as opened:
        caller, other = await opened.call(), await opened.call()
        opened.store.disk.clear()
        caller.say(cmd="submit", kind="saw", ref=1)
        caller.say(cmd="get", ids=[], ref=2)
        caller.writer.write_eof()
        await everything_is_read(caller, other)
        opened.store.disk.set()
        assert [(await caller.hear())["ref"], (await caller.hear())["ref"]] == [1, 2]
        assert await caller.is_closed()


async def refs(caller: Caller, count: int) -> list[Any]:
    return [(await caller.hear())["ref"] for _ in range(count)]


async def test_answers_keep_the_order_of_their_questions(house: Opening) -> None:
    async with house as opened:
        caller = await opened.call()
        for ref in range(300):
            caller.say(cmd=("submit", "ping", "find")[ref % 3], ref=ref, **({"kind": "saw"} if ref % 3 == 0 else {}))
        assert await refs(caller, 300) == list(range(300))
