"""TLS and tokens with real processes: clients, an agent on another network, certificates that change."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import hirehall
from hirehall.errors import Unauthenticated, Unavailable
from tests.certificates import Pair, make_pair
from tests.system.elsewhere import Elsewhere, elsewhere
from tests.system.hall_process import ROOT, Hall

PATIENCE = 20.0
SECOND = 1.0


def tls(pair: Pair) -> tuple[str, ...]:
    return ("--tls-cert", str(pair.certificate), "--tls-key", str(pair.key))


@pytest.fixture
def pair(tmp_path: Path) -> Pair:
    return make_pair(tmp_path)


@pytest.fixture
def hall(tmp_path: Path, pair: Pair) -> Iterator[Hall]:
    """On this machine, over TLS; without a token anyone may submit by the UNIX socket."""
    hall = Hall(tmp_path / "hall", anonymous="submit", options=tls(pair))
    try:
        yield hall.start()
        assert hall.stop() == 0
    finally:
        hall.close()


def connect(hall: Hall, pair: Pair, **options: Any) -> hirehall.Hall:
    return hirehall.connect(hall.access["url"], hall.access["token"], ca=pair.certificate, **options)


def command(*words: str, prefix: tuple[str, ...] = (), **env: str) -> subprocess.Popen[str]:
    """`hirehall WORDS`."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("HIREHALL_")}
    return subprocess.Popen(
        [*prefix, sys.executable, "-m", "hirehall", *words],
        cwd=ROOT,
        env={**kept, **env},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def said(*words: str, **env: str) -> tuple[int, str, str]:
    """Status, stdout and stderr of a command."""
    program = command(*words, **env)
    out, err = program.communicate(timeout=PATIENCE)
    return program.returncode, out, err


# Clients.


def test_the_blocking_client_may_be_used_by_many_threads_over_tls(hall: Hall, pair: Pair) -> None:
    with connect(hall, pair) as client:
        ids: list[str] = []

        def submit() -> None:
            for _ in range(30):
                job = client.submit("saw", "x" * 60_000)
                ids.append(job.id)
                assert client.get([job.id])[0].payload == "x" * 60_000

        threads = [threading.Thread(target=submit) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(PATIENCE)
        assert len(set(ids)) == 120


def test_the_asynchronous_client_speaks_tls(hall: Hall, pair: Pair) -> None:
    async def talk() -> None:
        async with hirehall.connect_async(hall.access["url"], hall.access["token"], ca=pair.certificate) as client:
            jobs = await asyncio.gather(*(client.submit("saw", "x" * 60_000) for _ in range(50)))
            assert len({job.id for job in jobs}) == 50

    asyncio.run(talk())


def test_the_command_line_speaks_tls_by_flag_and_by_variable(hall: Hall, pair: Pair) -> None:
    env = {"HIREHALL_URL": hall.access["url"], "HIREHALL_TOKEN": hall.access["token"]}
    status, out, err = said("submit", "saw", "1", "--ca", str(pair.certificate), **env)
    assert status == 0, err
    status, shown, err = said("show", out.strip(), "--json", **env, HIREHALL_CA=str(pair.certificate))
    assert status == 0, err
    assert out.strip() in shown


def test_a_certificate_that_nobody_vouches_for_is_refused_with_the_remedy(hall: Hall, pair: Pair) -> None:
    with pytest.raises(
        Unavailable, match=r"is not trusted: self-signed certificate; name the CA .* --ca or HIREHALL_CA"
    ):
        hirehall.connect(hall.access["url"], hall.access["token"])


def port(hall: Hall) -> int:
    return int(hall.access["url"].rpartition(":")[2])


def test_a_certificate_for_another_name_is_refused(tmp_path: Path) -> None:
    pair = make_pair(tmp_path, hosts=("192.0.2.1",))
    hall = Hall(tmp_path / "hall", anonymous="", options=tls(pair))
    try:
        hall.start()
        with pytest.raises(Unavailable, match="is not trusted: IP address mismatch"):
            connect(hall, pair)
        assert hirehall.connect(f"hall+tls://localhost:{port(hall)}", hall.access["token"], ca=pair.certificate)
    finally:
        hall.close()


def test_tls_and_plain_text_find_out_soon_that_they_do_not_fit(hall: Hall, pair: Pair, tmp_path: Path) -> None:
    with pytest.raises(Unavailable):
        hirehall.connect(f"hall://127.0.0.1:{port(hall)}", hall.access["token"])
    plain = Hall(tmp_path / "plain", anonymous="")
    try:
        plain.start()
        started = time.monotonic()
        with pytest.raises(Unavailable, match="cannot speak TLS with"):
            hirehall.connect(f"hall+tls://127.0.0.1:{port(plain)}", "t", ca=pair.certificate)
        assert time.monotonic() - started < 5 * SECOND
    finally:
        plain.close()


def test_programs_of_this_machine_find_the_hall_as_ever(hall: Hall) -> None:
    assert hall.access["url"].startswith("hall+tls://127.0.0.1:")
    with hirehall.connect(data=hall.data) as client:
        assert client.submit("saw").id


def test_anonymous_roles_are_for_the_unix_socket_not_for_tls(hall: Hall, pair: Pair) -> None:
    assert hall.unix_guest().ok("submit", kind="saw")
    with pytest.raises(Unauthenticated):
        hirehall.connect(hall.access["url"], None, ca=pair.certificate)


# Certificates that change.


def shown_certificate(hall: Hall) -> bytes:
    return ssl.PEM_cert_to_DER_cert(ssl.get_server_certificate(("127.0.0.1", port(hall)), timeout=5))


def until_shown(hall: Hall, pair: Pair) -> None:
    wanted = ssl.PEM_cert_to_DER_cert(pair.certificate.read_text())
    deadline = time.monotonic() + PATIENCE
    while shown_certificate(hall) != wanted:
        assert time.monotonic() < deadline, "the new certificate is not shown"


def test_sighup_shows_a_new_certificate_and_drops_nobody(hall: Hall, pair: Pair, tmp_path: Path) -> None:
    before = tmp_path / "before.pem"
    shutil.copy(pair.certificate, before)
    with connect(hall, pair, reconnect_seconds=0) as client:
        make_pair(tmp_path)
        hall.process.send_signal(signal.SIGHUP)  # type: ignore[union-attr]
        until_shown(hall, pair)
        assert client.submit("saw").id
        with connect(hall, pair) as new:
            assert new.submit("saw").id
        with pytest.raises(Unavailable, match="is not trusted"):
            hirehall.connect(hall.access["url"], hall.access["token"], ca=before)


def test_sighup_with_a_certificate_that_is_none_keeps_the_old_one(hall: Hall, pair: Pair) -> None:
    before = shown_certificate(hall)
    pair.certificate.write_text("oops\n")
    hall.process.send_signal(signal.SIGHUP)  # type: ignore[union-attr]
    deadline = time.monotonic() + PATIENCE
    while "the certificate stays as it was" not in hall.log.read_text():
        assert time.monotonic() < deadline, hall.log.read_text()
    assert shown_certificate(hall) == before


# Files, for the programs of this machine.


@pytest.fixture
def renamed(tmp_path: Path) -> Iterator[Hall]:
    """Its certificate is for another name than the one it is found by here."""
    hall = Hall(tmp_path / "hall", options=tls(make_pair(tmp_path, "renamed", hosts=("192.0.2.1",))))
    try:
        yield hall.start()
    finally:
        hall.close()


def test_who_finds_a_hall_by_its_data_directory_trusts_its_certificate_for_files(renamed: Hall, tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"x" * 300_000)
    (tmp_path / "here").mkdir()
    status, out, err = said("submit", "echo", "--file", str(tmp_path / "a"), HIREHALL_DATA=str(renamed.data))
    assert status == 0, err
    got = said("fetch", out.split()[0], "a", "--into", str(tmp_path / "here"), HIREHALL_DATA=str(renamed.data))
    assert got[0] == 0, got
    assert (tmp_path / "here" / "a").read_bytes() == b"x" * 300_000


def test_no_other_certificate_is_trusted_for_it(renamed: Hall, tmp_path: Path) -> None:
    other = make_pair(tmp_path, "other")
    access = {**renamed.access, "certificate": str(other.certificate)}
    (tmp_path / "lies").mkdir(mode=0o700)
    (tmp_path / "lies" / "access.json").write_text(json.dumps(access))
    (tmp_path / "a").write_text("a")
    status, _, err = said("submit", "echo", "--file", str(tmp_path / "a"), HIREHALL_DATA=str(tmp_path / "lies"))
    assert (status != 0, "certificate" in err) == (True, True), err


# From another network.


@pytest.fixture
def place() -> Iterator[Elsewhere]:
    with elsewhere() as place:
        yield place


@pytest.fixture
def far_hall(place: Elsewhere) -> Iterator[tuple[Hall, Pair]]:
    """A hall that listens on an address which other machines can reach; not as root. It runs from a copy of the
    package, for a user who may not be able to read this checkout."""
    folder = Path(tempfile.mkdtemp(prefix="hall-far-"))
    folder.chmod(0o755)
    shutil.copytree(ROOT / "hirehall", folder / "code" / "hirehall", ignore=shutil.ignore_patterns("__pycache__"))
    pair = make_pair(folder, hosts=(place.address,))
    (folder / "data").mkdir(mode=0o700)
    options = tls(pair)
    if os.geteuid() == 0:
        shutil.chown(folder / "data", "nobody")
        options += ("--user", "nobody")
    tcp = f"{place.address}:0"
    hall = Hall(folder / "data", anonymous="", tcp=tcp, options=options, code=folder / "code")
    if os.geteuid() == 0:
        shutil.chown(hall.spool, "nobody")
    try:
        yield hall.start(), pair
    finally:
        hall.close()
        shutil.rmtree(folder)


def test_a_worker_elsewhere_serves_the_one_queue_of_its_token_until_that_is_revoked(
    far_hall: tuple[Hall, Pair], place: Elsewhere
) -> None:
    hall, pair = far_hall
    status, token, err = said(
        "token", "create", "night", "--role", "work", "--queue", "images", HIREHALL_DATA=str(hall.data)
    )
    assert status == 0, err
    words = ("work", "--script", "echo=cat", "--queue", "images", "--url", hall.access["url"])
    worker = command(
        *words,
        "--ca",
        str(pair.certificate),
        prefix=place.prefix,
        HIREHALL_TOKEN=token.strip(),
        HOME=str(pair.key.parent),
    )
    try:
        with hirehall.connect(data=hall.data) as boss:
            elsewhere_job = boss.submit("echo", {"page": 1})
            job = boss.submit("echo", {"page": 2}, queue="images")
            assert job.result(timeout_seconds=PATIENCE) == '{"page":2}'
            assert boss.get([elsewhere_job.id])[0].state == "ready"
            boss.request({"cmd": "token", "do": "revoke", "name": "night"})
        _, err = worker.communicate(timeout=PATIENCE)
        assert worker.returncode == 3, err
        assert "this token is not known here" in err
    finally:
        with contextlib.suppress(ProcessLookupError):
            worker.kill()
        worker.communicate()


def test_a_worker_elsewhere_may_not_serve_another_queue(far_hall: tuple[Hall, Pair], place: Elsewhere) -> None:
    hall, pair = far_hall
    with hirehall.connect(data=hall.data) as boss:
        made = boss.request({"cmd": "token", "do": "create", "name": "n", "roles": ["work"], "queues": ["images"]})
    words = ("work", "--script", "echo=cat", "--url", hall.access["url"], "--ca", str(pair.certificate))
    worker = command(*words, prefix=place.prefix, HIREHALL_TOKEN=made["token"])
    _, err = worker.communicate(timeout=PATIENCE)
    assert worker.returncode != 0
    assert "queue 'default' is not for token 'n'" in err


def test_a_revoked_token_loses_its_tls_connection_within_a_second(far_hall: tuple[Hall, Pair]) -> None:
    hall, pair = far_hall
    host = hall.access["url"].removeprefix("hall+tls://").rpartition(":")[0]
    with hirehall.connect(data=hall.data) as boss:
        made = boss.request({"cmd": "token", "do": "create", "name": "n", "roles": ["read"]})
        plain = socket.create_connection((host, port(hall)), 5)
        with plain, pair.trust().wrap_socket(plain, server_hostname=host) as line:
            line.sendall(json.dumps({"cmd": "hello", "token": made["token"]}).encode() + b"\n")
            assert b'"ok":true' in line.recv(4096)
            started = time.monotonic()
            boss.request({"cmd": "token", "do": "revoke", "name": "n"})
            heard = b""
            while part := line.recv(4096):
                heard += part
            assert b"unauthenticated" in heard
            assert time.monotonic() - started < SECOND


@pytest.mark.skipif(os.geteuid() != 0 and os.environ.get("CI") != "true", reason="only root can become another user")
def test_root_becomes_the_user_before_it_opens_anything(far_hall: tuple[Hall, Pair]) -> None:
    hall, _ = far_hall
    status = Path(f"/proc/{hall.pid}/status").read_text()
    mine = os.geteuid()
    ids = next(line for line in status.splitlines() if line.startswith("Uid:")).split()[1:]
    assert "0" not in ids, "it is still root, or could be again"
    if mine == 0:
        groups = next(line for line in status.splitlines() if line.startswith("Groups:")).split()[1:]
        assert "0" not in groups
        owners = {file.owner() for file in hall.data.iterdir()}
        assert owners == {"nobody"}


def test_whatever_a_hall_writes_is_for_its_user_alone(hall: Hall) -> None:
    modes = {file.name: file.stat().st_mode & 0o077 for file in hall.data.iterdir()}
    assert {"access.json", "hall.db", "hall.db-wal"} <= modes.keys()
    assert not any(modes.values()), modes
