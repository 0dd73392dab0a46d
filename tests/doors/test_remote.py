"""A door for other machines: TLS, hello first, short and soon, and no end of guessing."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from hirehall.doors import remote
from hirehall.doors.knocks import FAILURES, WINDOW_SECONDS, Knocks, source
from hirehall.doors.tcp import LineDoor
from hirehall.doors.tls import Certificates
from hirehall.service.access import ROLES
from hirehall.service.sessions import Identity
from tests.certificates import Pair, common_pair, make_pair
from tests.doors.house import HERE, Caller, House, certificates, open_house, until

TOKEN = "a token of this test"


@contextlib.asynccontextmanager
async def remote_house(directory: Path, tls: ssl.SSLContext | None = None) -> AsyncIterator[House]:
    """Behind a door for other machines; anonymous sessions would have every role elsewhere."""
    async with open_house(lambda hall, _: LineDoor(hall, host=HERE, tls=tls, remote=True), directory) as house:
        house.hall.tokens.add(TOKEN, Identity("tester", ROLES))
        yield house


async def refused(caller: Caller) -> str:
    """The code of the last error before the hall closed the connection."""
    code = (await caller.hear())["error"]["code"]
    assert await caller.is_closed()
    return str(code)


async def test_hello_with_a_token_opens_it(tmp_path: Path) -> None:
    async with remote_house(tmp_path) as house:
        caller = await house.call()
        assert (await caller.ask(cmd="hello", token=TOKEN))["ok"]
        assert (await caller.ask(cmd="submit", kind="saw", payload="x" * 100_000))["ok"]


async def test_a_hello_and_what_follows_may_come_in_one_piece(tmp_path: Path) -> None:
    async with remote_house(tmp_path) as house:
        caller = await house.call()
        line = b'{"cmd":"submit","kind":"saw","payload":"%s"}\n' % (b"x" * 100_000)
        caller.write(b'{"cmd":"hello","token":"%s"}\n' % TOKEN.encode() + line)
        assert (await caller.hear())["hall"]
        assert (await caller.hear())["id"]


@pytest.mark.parametrize(
    "first", [{"cmd": "ping"}, {"cmd": "submit", "kind": "saw"}, {"cmd": "do", "type": "saw"}, {"cmd": "metrics"}]
)
async def test_anything_before_hello_ends_the_connection(tmp_path: Path, first: dict[str, str]) -> None:
    async with remote_house(tmp_path) as house:
        caller = await house.call()
        caller.say(**first)
        caller.say(cmd="hello", token=TOKEN)
        assert await refused(caller) == "unauthenticated"


async def test_nobody_is_anonymous_there(tmp_path: Path) -> None:
    async with remote_house(tmp_path) as house:
        caller = await house.call()
        caller.say(cmd="hello")
        assert await refused(caller) == "unauthenticated"


async def test_a_long_hello_ends_the_connection_before_it_is_whole(tmp_path: Path) -> None:
    async with remote_house(tmp_path) as house:
        caller = await house.call()
        for _ in range(5):
            caller.write(b"{" + b" " * 1_000)
        assert await refused(caller) == "too_large"


async def test_who_says_nothing_is_sent_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote, "HELLO_SECONDS", 0.1)
    async with remote_house(tmp_path) as house:
        silent, slow, quick = await house.call(), await house.call(), await house.call()
        assert (await quick.ask(cmd="hello", token=TOKEN))["ok"]
        slow.write(b'{"cmd":"he')
        assert await refused(silent) == "unauthenticated"
        assert await refused(slow) == "unauthenticated"
        assert (await quick.ask(cmd="ping"))["ok"]


async def test_after_ten_wrong_tokens_an_address_has_to_wait_and_its_open_sessions_live_on(tmp_path: Path) -> None:
    async with remote_house(tmp_path) as house:
        before = await house.call()
        assert (await before.ask(cmd="hello", token=TOKEN))["ok"]
        for _ in range(FAILURES):
            guess = await house.call()
            guess.say(cmd="hello", token="wrong")
            assert await refused(guess) == "unauthenticated"
        assert await refused(await house.call()) == "busy"
        assert (await before.ask(cmd="ping"))["ok"]


def test_an_address_may_try_again_after_a_minute() -> None:
    knocks = Knocks()
    for second in range(FAILURES):
        assert not knocks.must_wait("a", 100.0 + second)
        knocks.failed("a", 100.0 + second)
    assert knocks.must_wait("a", 110.0)
    assert not knocks.must_wait("b", 110.0)
    assert not knocks.must_wait("a", 100.0 + WINDOW_SECONDS)


def test_one_ipv6_host_cannot_be_many() -> None:
    assert source(("2001:db8::1", 5, 0, 0)) == source(("2001:db8::ffff:1", 6, 0, 0))
    assert source(("2001:db8::1", 5, 0, 0)) != source(("2001:db8:0:1::1", 5, 0, 0))
    assert source(("::ffff:192.0.2.1", 5, 0, 0)) == source(("192.0.2.1", 5)) == "192.0.2.1"


# TLS.


def knock(url: str, context: ssl.SSLContext) -> bytes:
    """The certificate that a new connection is shown; raises what the handshake does."""
    port = int(url.rpartition(":")[2])
    with socket.create_connection((HERE, port), 5) as plain, context.wrap_socket(plain, server_hostname=HERE) as tls:
        return tls.getpeercert(binary_form=True) or b""


def der(pair: Pair) -> bytes:
    return ssl.PEM_cert_to_DER_cert(pair.certificate.read_text())


async def test_the_address_says_that_it_is_tls(tmp_path: Path) -> None:
    async with remote_house(tmp_path, certificates().context) as house:
        assert house.url.startswith(f"hall+tls://{HERE}:")
        assert (await (await house.call()).ask(cmd="hello", token=TOKEN))["ok"]


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
async def test_tls_older_than_1_2_is_refused(tmp_path: Path) -> None:
    async with remote_house(tmp_path, certificates().context) as house:
        assert certificates().context.minimum_version is ssl.TLSVersion.TLSv1_2  # today's OpenSSL alone would do it too
        old = common_pair().trust()
        old.set_ciphers("ALL:@SECLEVEL=0")
        old.minimum_version, old.maximum_version = ssl.TLSVersion.MINIMUM_SUPPORTED, ssl.TLSVersion.TLSv1_1
        with pytest.raises(ssl.SSLError):
            await asyncio.to_thread(knock, house.url, old)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_new_connections_see_a_new_certificate_and_old_ones_live_on(
    tmp_path: Path, version: ssl.TLSVersion
) -> None:
    pair = make_pair(tmp_path)
    first = der(pair)
    shown = Certificates(*pair)
    anyone = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    anyone.check_hostname, anyone.verify_mode = False, ssl.CERT_NONE
    anyone.maximum_version = version
    async with remote_house(tmp_path, shown.context) as house:
        reader, writer = await asyncio.open_connection(HERE, int(house.url.rpartition(":")[2]), ssl=anyone)
        old = Caller(reader, writer)
        house.callers.append(old)
        assert (await old.ask(cmd="hello", token=TOKEN))["ok"]
        assert await asyncio.to_thread(knock, house.url, anyone) == first
        second = der(make_pair(tmp_path, kind="rsa"))  # of another type: it must not stand beside the old one
        shown.reload()
        assert await asyncio.to_thread(knock, house.url, anyone) == second
        assert (await old.ask(cmd="ping"))["ok"]


async def test_plain_text_on_a_tls_port_costs_that_connection_only(tmp_path: Path) -> None:
    async with remote_house(tmp_path, certificates().context) as house:
        good = await house.call()
        reader, writer = await asyncio.open_connection(HERE, int(house.url.rpartition(":")[2]))
        writer.write(b'{"cmd":"hello","token":"%s"}\n' % TOKEN.encode())
        with contextlib.suppress(ConnectionError):
            assert b"ok" not in await asyncio.wait_for(reader.read(), 5)
        writer.transport.abort()
        assert (await good.ask(cmd="hello", token=TOKEN))["ok"]


async def test_a_handshake_that_never_ends_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hirehall.doors.entrance.HANDSHAKE_SECONDS", 0.2)
    async with remote_house(tmp_path, certificates().context) as house:
        reader, writer = await asyncio.open_connection(HERE, int(house.url.rpartition(":")[2]))
        with contextlib.suppress(ConnectionError):
            assert await asyncio.wait_for(reader.read(), 5) == b""
        writer.transport.abort()
        assert not house.hall.sessions


@pytest.mark.parametrize("door", ["tcp", "unix"], indirect=True)
async def test_a_client_that_expects_tls_is_let_go_at_once_by_a_plain_door(
    house: contextlib.AbstractAsyncContextManager[House],
) -> None:
    async with house as opened:
        client = ssl.create_default_context().wrap_bio(ssl.MemoryBIO(), sent := ssl.MemoryBIO(), server_hostname=HERE)
        with pytest.raises(ssl.SSLWantReadError):
            client.do_handshake()
        good, stray = await opened.call(), await opened.call()
        stray.write(sent.read().replace(b"\n", b" "))
        assert await stray.is_closed()
        assert (await good.ask(cmd="ping"))["ok"]
        await until(lambda: len(opened.hall.sessions) == 1)
