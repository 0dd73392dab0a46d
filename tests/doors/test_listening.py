"""Conformance: where a door listens, what it refuses, and how it ends."""

from __future__ import annotations

import stat
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest

from hirehall.doors.tcp import LineDoor
from hirehall.errors import Unavailable
from tests.doors.house import DOORS, HERE, House, WatchedStore, dial, listening_socket, new_hall, open_house

Opening = AbstractAsyncContextManager[House]


async def test_the_address_that_a_door_tells_is_where_it_listens(house: Opening) -> None:
    async with house as opened:
        assert (await (await opened.call()).ask(cmd="ping"))["ok"]


async def test_a_closed_door_lets_nobody_in(house: Opening) -> None:
    async with house as opened:
        await opened.door.close()
        with pytest.raises(OSError):
            await dial(opened.url)


async def test_a_closing_door_ends_every_connection(house: Opening) -> None:
    async with house as opened:
        callers = [await opened.call() for _ in range(5)]
        for caller in callers:
            await caller.ask(cmd="ping")
        await opened.door.close()
        assert [await caller.is_closed() for caller in callers] == [True] * 5


async def test_a_hall_that_finishes_answers_what_came_in_before_its_door_closes(house: Opening) -> None:
    async with house as opened:
        caller = await opened.call()
        for ref in range(500):
            caller.say(cmd="submit", kind="saw", ref=ref)
        assert (await caller.hear())["ref"] == 0
        await opened.hall.finish()
        await opened.door.close()
        answers = [line async for line in caller.reader]
        assert len(answers) + 1 == sum(opened.store.sizes)


async def test_a_closing_door_lets_out_what_was_said(house: Opening) -> None:
    async with house as opened:
        caller = await opened.call()
        job = (await caller.ask(cmd="submit", kind="saw", payload="x" * 900_000))["id"]
        caller.writer.transport.pause_reading()
        for _ in range(5):
            caller.say(cmd="get", ids=[job])
        caller.say(cmd="bye")
        other = await opened.call()
        while len(opened.hall.sessions) > 2 or not (await other.ask(cmd="ping"))["ok"]:
            pass
        await opened.hall.finish()
        await opened.door.close()
        caller.writer.transport.resume_reading()
        assert sum([len(line) async for line in caller.reader]) > 5 * 900_000


async def test_the_same_address_can_be_opened_again(door: str, tmp_path: Path) -> None:
    for _ in range(3):
        async with open_house(DOORS[door], tmp_path) as opened:
            assert (await (await opened.call()).ask(cmd="ping"))["ok"]


# TCP.


async def test_port_0_takes_a_free_port_and_tells_it() -> None:
    door = LineDoor(new_hall(WatchedStore()), host=HERE, port=0)
    url = await door.open()
    assert url.startswith(f"hall://{HERE}:")
    assert int(url.rpartition(":")[2]) > 0
    await door.close()


async def test_a_port_that_is_taken_is_named_in_the_refusal() -> None:
    first = LineDoor(new_hall(WatchedStore()), host=HERE, port=0)
    port = int((await first.open()).rpartition(":")[2])
    second = LineDoor(new_hall(WatchedStore()), host=HERE, port=port)
    with pytest.raises(Unavailable, match=f"{port}.*name another address"):
        await second.open()
    await second.close()
    _, writer = await dial(f"hall://{HERE}:{port}")
    writer.close()
    await first.close()


async def test_a_host_that_does_not_exist_is_refused() -> None:
    door = LineDoor(new_hall(WatchedStore()), host="203.0.113.1", port=0)
    with pytest.raises(Unavailable, match=r"cannot listen on 203\.0\.113\.1"):
        await door.open()


# UNIX.


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "hall.sock"


async def test_only_its_user_may_use_the_socket(path: Path) -> None:
    door = LineDoor(new_hall(WatchedStore()), path=path)
    await door.open()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    await door.close()
    assert not path.exists()


async def test_a_socket_that_a_killed_hall_left_is_replaced(path: Path, tmp_path: Path) -> None:
    listening_socket(path).close()
    assert path.exists()
    async with open_house(DOORS["unix"], tmp_path) as opened:
        assert (await (await opened.call()).ask(cmd="ping"))["ok"]


async def test_the_socket_of_a_living_hall_is_refused_and_stays(path: Path, tmp_path: Path) -> None:
    async with open_house(DOORS["unix"], tmp_path) as opened:
        second = LineDoor(new_hall(WatchedStore()), path=path)
        with pytest.raises(Unavailable, match="a hall is listening on"):
            await second.open()
        await second.close()
        assert (await (await opened.call()).ask(cmd="ping"))["ok"]


async def test_a_file_in_the_sockets_place_is_refused_and_stays(path: Path) -> None:
    path.write_text("mine")
    door = LineDoor(new_hall(WatchedStore()), path=path)
    with pytest.raises(Unavailable, match="is no socket"):
        await door.open()
    await door.close()
    assert path.read_text() == "mine"


async def test_a_socket_in_a_directory_that_is_not_there_is_refused(tmp_path: Path) -> None:
    door = LineDoor(new_hall(WatchedStore()), path=tmp_path / "nowhere" / "hall.sock")
    with pytest.raises(Unavailable, match="nowhere"):
        await door.open()


async def test_a_path_longer_than_a_socket_may_have_is_refused(tmp_path: Path) -> None:
    door = LineDoor(new_hall(WatchedStore()), path=tmp_path / ("x" * 120))
    with pytest.raises(Unavailable):
        await door.open()
