"""How many may be in, how long a line may take, and what a door does when there is no room."""

from __future__ import annotations

import asyncio
import contextlib
import re
import resource
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest

from hirehall.doors import listening, places, unfinished
from hirehall.doors.places import RESERVED, Places, room_for_connections
from hirehall.doors.tcp import LineDoor
from hirehall.errors import Busy
from hirehall.service.access import ROLES
from hirehall.service.sessions import Identity
from tests.doors.house import HERE, Caller, House, certificates, dial, new_hall, open_house, until
from tests.doors.house import WatchedStore as Store

Opening = AbstractAsyncContextManager[House]
OPERATIONS = Path(__file__).resolve().parents[2] / "docs" / "operations.md"
TOKEN = "a token of this test"


def small_house(door: str, directory: Path, few: Places) -> Opening:
    """Behind a door with as many `few` places."""
    ways = {"tcp": {"host": HERE}, "tls": {"host": HERE, "tls": certificates().context}}
    ways["unix"] = {"path": directory / "hall.sock"}
    return open_house(lambda hall, _: LineDoor(hall, **ways[door], places=few), directory)  # type: ignore[arg-type]


async def is_heard(caller: Caller) -> bool:
    return bool((await caller.ask(cmd="ping"))["ok"])


@pytest.mark.parametrize("door", ["tcp", "unix"], indirect=True)
async def test_who_finds_no_place_hears_busy_and_the_others_are_not_disturbed(door: str, tmp_path: Path) -> None:
    async with small_house(door, tmp_path, Places(2)) as house:
        inside = [await house.call(), await house.call()]
        assert [await is_heard(caller) for caller in inside] == [True, True]
        late = await house.call()
        assert (await late.hear())["error"]["code"] == "busy"
        assert await late.is_closed()
        assert [await is_heard(caller) for caller in inside] == [True, True]
        assert house.hall.metrics.counts["turned_away"] == 1


@pytest.mark.parametrize("door", ["tcp", "unix"], indirect=True)
async def test_who_finds_no_place_hears_that_though_it_speaks_first(door: str, tmp_path: Path) -> None:
    async with small_house(door, tmp_path, Places(1)) as house:
        inside = await house.call()
        assert await is_heard(inside)
        late = await house.call()
        await until(lambda: house.hall.metrics.counts["turned_away"] == 1)
        for _ in range(5):
            late.say(cmd="ping")  # to a socket that is closed this would be a broken pipe, or a reset
            await is_heard(inside)
        assert (await late.hear())["error"]["code"] == "busy"
        assert await late.is_closed()


async def test_a_place_that_comes_free_is_given_again(door: str, tmp_path: Path) -> None:
    few = Places(1)
    async with small_house(door, tmp_path, few) as house:
        for _ in range(3):
            caller = await house.call()
            assert await is_heard(caller)
            caller.close()
            await until(lambda: few.taken == 0)


async def test_by_tls_who_finds_no_place_is_let_go_before_the_handshake(tmp_path: Path) -> None:
    async with small_house("tls", tmp_path, Places(1)) as house:
        inside = await house.call()
        assert await is_heard(inside)
        with pytest.raises(OSError):
            await dial(house.url)
        assert await is_heard(inside)


async def test_a_handshake_that_fails_gives_its_place_back(tmp_path: Path) -> None:
    few = Places(1)
    async with small_house("tls", tmp_path, few) as house:
        _, writer = await asyncio.open_connection(HERE, int(house.url.rpartition(":")[2]))
        await until(lambda: few.taken == 1)
        writer.write(b"this is no TLS\n")
        await until(lambda: few.taken == 0)
        assert await is_heard(await house.call())
        writer.transport.abort()


async def test_the_doors_of_a_hall_share_its_places(tmp_path: Path) -> None:
    few = Places(1)
    async with small_house("tcp", tmp_path, few) as house:
        other = LineDoor(house.hall, path=tmp_path / "hall.sock", places=few)
        url = await other.open()
        assert await is_heard(await house.call())
        late = Caller(*await dial(url))
        assert (await late.hear())["error"]["code"] == "busy"
        late.close()
        await other.close()


# Strangers: from other machines, before hello.


@contextlib.asynccontextmanager
async def remote_house(directory: Path) -> AsyncIterator[House]:
    async with open_house(lambda hall, _: LineDoor(hall, host=HERE, remote=True), directory) as house:
        house.hall.tokens.add(TOKEN, Identity("tester", ROLES))
        yield house


async def test_one_address_has_only_so_many_connections_without_hello(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(places, "MAX_STRANGERS_OF_ONE", 2)
    async with remote_house(tmp_path) as house:
        first, second = await house.call(), await house.call()
        late = await house.call()
        assert (await late.hear())["error"]["code"] == "busy"
        assert (await first.ask(cmd="hello", token=TOKEN))["ok"]
        assert (await (await house.call()).ask(cmd="hello", token=TOKEN))["ok"], "who has said hello is no stranger"
        assert (await second.ask(cmd="hello", token=TOKEN))["ok"]


def test_all_addresses_together_have_only_so_many_connections_without_hello() -> None:
    room = Places()
    taken = [room.take(f"192.0.2.{number}") for number in range(places.MAX_STRANGERS)]
    with pytest.raises(Busy, match="256 connections have not said hello"):
        room.take("198.51.100.1")
    room.take()  # of this machine
    taken[0].greeted()
    room.take("198.51.100.1")
    taken[1].leave()
    room.take("198.51.100.2")


def test_the_numbers_of_strangers_are_those_that_the_documents_say() -> None:
    documented = re.search(
        r"[Aa]t most (\d+) connections, (\d+) of one address", " ".join(OPERATIONS.read_text().split())
    )
    assert documented is not None
    assert documented.groups() == (str(places.MAX_STRANGERS), str(places.MAX_STRANGERS_OF_ONE)) == ("256", "64")
    room = Places()
    for _ in range(64):
        room.take("192.0.2.1")
    with pytest.raises(Busy, match=r"64 connections from 192\.0\.2\.1 have not said hello"):
        room.take("192.0.2.1")
    room.take("192.0.2.2")


def test_there_are_as_many_places_as_were_said() -> None:
    room = Places(2)
    first, _ = room.take(), room.take("192.0.2.1")
    with pytest.raises(Busy, match="all the 2 connections"):
        room.take()
    first.leave()
    room.take()


def test_a_place_is_left_once() -> None:
    room = Places(2)
    first, _ = room.take("192.0.2.1"), room.take("192.0.2.1")
    first.leave()
    first.leave()
    assert room.taken == 1


# Lines.


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """A line must be at its end within five looks, of which there are a hundred a second."""
    monkeypatch.setattr(unfinished, "LINE_SECONDS", 5)
    monkeypatch.setattr(unfinished, "LOOK_SECONDS", 0.01)


async def looks(house: House, count: int) -> None:
    """So many looks have been taken since the call."""
    sweep = house.door._unfinished  # type: ignore[attr-defined]
    goal = sweep._looks + count
    await until(lambda: sweep._looks >= goal)


@pytest.mark.usefixtures("hasty")
async def test_a_line_that_does_not_go_on_ends_its_connection_and_no_other(house: Opening) -> None:
    async with house as opened:
        slow, idle = await opened.call(), await opened.call()
        assert await is_heard(slow)
        assert await is_heard(idle)
        slow.write(b'{"cmd":"pi')
        await looks(opened, 2)
        slow.write(b"n")  # a byte now and then is no end
        assert (await slow.hear())["error"]["code"] == "bad_request"
        assert await slow.is_closed()
        assert await is_heard(idle)


@pytest.mark.usefixtures("hasty")
async def test_whose_lines_end_may_begin_others_for_ever(house: Opening) -> None:
    async with house as opened:
        steady, slow = await opened.call(), await opened.call()
        slow.write(b"{")
        steady.write(b'{"cmd":"pi')
        for _ in range(10):
            await looks(opened, 1)
            steady.write(b'ng"}\n{"cmd":"pi')
            assert (await steady.hear())["ok"]
        assert (await slow.hear())["error"]["code"] == "bad_request"
        await looks_without(opened, 10)
        assert (await steady.hear())["error"]["code"] == "bad_request"


async def looks_without(house: House, count: int) -> None:
    """Time passes, at most as long as anybody's line is unfinished."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(1):
            await looks(house, count)


@pytest.mark.usefixtures("hasty")
async def test_a_line_that_the_hall_does_not_read_is_not_late(house: Opening) -> None:
    async with house as opened:
        busy, other = await opened.call(), await opened.call()
        busy.write(b'{"cmd":"pi')
        await until(lambda: bool(opened.door._unfinished._begun))  # type: ignore[attr-defined]
        connection = next(iter(opened.door._unfinished._begun))  # type: ignore[attr-defined]
        connection.pause()
        await looks(opened, 20)
        assert await is_heard(other)
        connection.resume()
        busy.write(b'ng"}\n')
        assert (await busy.hear())["ok"]


# Descriptors.


@pytest.fixture
def few_descriptors() -> Iterator[None]:
    """Give back what a test takes away."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


@pytest.mark.usefixtures("few_descriptors")
def test_the_limit_of_open_files_is_raised_and_some_are_kept_back() -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 500), hard))
    room = room_for_connections(10**9)
    assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] == hard
    assert room == (10**9 if hard == resource.RLIM_INFINITY else hard - RESERVED)
    assert room_for_connections(7) == 7


@pytest.mark.usefixtures("few_descriptors")
@pytest.mark.parametrize("door", ["tcp", "unix"], indirect=True)
async def test_without_descriptors_a_door_waits_and_goes_on_when_there_are_some(
    house: Opening, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(listening, "REST_SECONDS", 0.05)
    async with house as opened:
        inside = await opened.call()
        late = socket.socket(socket.AF_UNIX if "+unix" in opened.url else socket.AF_INET)
        late.setblocking(False)
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (late.fileno() + 1, hard))
        where = opened.url.partition("://")[2]
        address = where if "+unix" in opened.url else (HERE, int(where.rpartition(":")[2]))
        await asyncio.get_running_loop().sock_connect(late, address)
        began = asyncio.get_running_loop().time()
        await until(lambda: "cannot take a connection" in caplog.text)
        assert all([await is_heard(inside) for _ in range(50)])
        rests = (asyncio.get_running_loop().time() - began) / listening.REST_SECONDS
        assert len(caplog.records) <= rests + 2, "it spins"
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        await asyncio.get_running_loop().sock_sendall(late, b'{"cmd":"ping"}\n')
        answer = await asyncio.wait_for(asyncio.get_running_loop().sock_recv(late, 100), 10)
        assert answer.startswith(b'{"ok":true')
        late.close()


async def test_a_door_that_closes_lets_go_of_who_is_in_the_handshake(tmp_path: Path) -> None:
    few = Places(3)
    hall = new_hall(Store())
    await hall.start()
    door = LineDoor(hall, host=HERE, tls=certificates().context, places=few)
    port = int((await door.open()).rpartition(":")[2])
    reader, writer = await asyncio.open_connection(HERE, port)
    await until(lambda: few.taken == 1)
    await hall.finish()
    await door.close()
    with contextlib.suppress(ConnectionError):
        assert await asyncio.wait_for(reader.read(), 10) == b""
    await until(lambda: few.taken == 0)
    writer.transport.abort()
    await hall.close()
