"""Files of a real hall over HTTP: large ones, what a kill leaves of them, and the commands for them."""

from __future__ import annotations

import hashlib
import http.client
import json
import os
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import psutil
import pytest

from hirehall.client import files as client_files
from hirehall.client.files import Files, files_of
from hirehall.client.sync_client import Hall as Client
from tests.cli.program import Shell
from tests.system.hall_process import Hall

pytestmark = pytest.mark.slow

GIB = 1 << 30
PIECE = 1 << 20
MOST_GROWTH = 32 << 20  # bytes of memory
NOISE = os.urandom(1 << 10)


@pytest.fixture
def hall(tmp_path: Path) -> Iterator[Hall]:
    hall = Hall(tmp_path / "data").start()
    yield hall
    hall.close()


def noisy(size: int) -> Iterator[bytes]:
    """Zeros with noise, no two pieces alike."""
    for number in range(size // PIECE):
        yield number.to_bytes(8) + NOISE + bytes(PIECE - len(NOISE) - 8)


class Asking(AbstractContextManager["Asking"]):
    """One connection to the door."""

    def __init__(self, hall: Hall) -> None:
        self._access = hall.access
        self._connection = http.client.HTTPConnection(self._access["http"].partition("//")[2], timeout=120)

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def begin(self, method: str, path: str, body: Any = None, **headers: str) -> http.client.HTTPResponse:
        given = {"authorization": f"Bearer {self._access['token']}", **headers}
        self._connection.request(method, f"/api/v1{path}", body, given)
        return self._connection.getresponse()

    def __call__(self, method: str, path: str, body: Any = None) -> Any:
        data = None if body is None else json.dumps(body)
        answer = self.begin(method, path, data, **{"content-type": "application/json"})
        return json.loads(answer.read())


class Memory:
    """The most that a process had while somebody looked."""

    def __init__(self, pid: int) -> None:
        self._process = psutil.Process(pid)
        self.first = self.most = self._process.memory_info().rss

    def look(self) -> None:
        self.most = max(self.most, self._process.memory_info().rss)


def test_a_gibibyte_goes_up_and_down_in_little_memory(hall: Hall) -> None:
    with Asking(hall) as ask:
        up_and_down(ask, hall.pid)


def up_and_down(ask: Asking, pid: int) -> None:
    job = ask("POST", "/jobs", {"kind": "saw", "draft": True})["id"]
    ask.begin("PUT", f"/jobs/{job}/files/small", b"x" * 100_000).read()  # what every file needs is loaded
    memory, digest = Memory(pid), hashlib.sha256()

    def pieces() -> Iterator[bytes]:
        for piece in noisy(GIB):
            digest.update(piece)
            memory.look()
            yield piece

    answer = ask.begin("PUT", f"/jobs/{job}/files/large", pieces(), **{"content-length": str(GIB)})
    assert json.loads(answer.read())["file"]["sha256"] == digest.hexdigest()
    got, back = ask.begin("GET", f"/jobs/{job}/files/large"), hashlib.sha256()
    while piece := got.read(PIECE):
        back.update(piece)
        memory.look()
    assert back.digest() == digest.digest()
    assert memory.most - memory.first < MOST_GROWTH
    assert ask("DELETE", f"/jobs/{job}/files/large")["ok"]
    ask("POST", f"/jobs/{job}/discard")


def test_a_hall_that_is_killed_in_an_upload_shows_no_part_of_it_and_the_upload_goes_on(
    hall: Hall, tmp_path: Path
) -> None:
    size, path = 64 << 20, tmp_path / "plan.bin"
    with path.open("wb") as file:
        file.writelines(noisy(size))
    access = hall.access
    seen: list[int] = []  # since the hall is back

    def shown(done: int) -> None:
        if seen:
            seen.append(done)
        elif done > size // 2:
            hall.kill()
            assert not list((hall.data / "blobs").glob("??/*"))
            options = hall.options
            hall.options = (*options, "--http", access["http"].partition("//")[2])
            hall.start()
            seen.append(done)

    sent = Files(access["http"], hall.access["token"]).upload(path, shown)
    assert min(seen) > size // 4, "it goes on, and does not begin anew"
    assert sent.bytes == size
    assert [blob.name for blob in (hall.data / "blobs").glob("??/*")] == [sent.sha256]
    with Client(access["url"], hall.access["token"]) as client:
        job = client.submit("saw", files=[{"name": "plan.bin", "sha256": sent.sha256}])
        assert client.get([job.id])[0].state == "ready"


def test_a_file_for_a_job_that_broke_off_with_the_hall_is_not_there(hall: Hall) -> None:

    def pieces() -> Iterator[bytes]:
        yield from noisy(8 << 20)
        hall.kill()

    with Asking(hall) as ask:
        job = ask("POST", "/jobs", {"kind": "saw", "draft": True})["id"]
        with pytest.raises((OSError, http.client.HTTPException)):
            ask.begin("PUT", f"/jobs/{job}/files/a", pieces(), **{"content-length": str(16 << 20)})
    hall.start()
    with Asking(hall) as ask:
        assert ask("GET", f"/jobs/{job}/files")["files"] == []


def test_the_commands_carry_files_there_and_back(tmp_path: Path) -> None:
    home = Shell(tmp_path)
    for name, data in (("a.txt", b"hello\n"), ("b ä.bin", b"x" * 300_000), ("empty", b"")):
        (tmp_path / name).write_bytes(data)
    into = tmp_path / "into"
    into.mkdir()
    try:
        home.start("hirehall serve").says("http")
        given = " ".join(f"--file '{tmp_path / name}'" for name in ("a.txt", "b ä.bin", "empty"))
        status, job = home.run(f"hirehall submit saw {given}")
        assert status == 0, job
        (into / f"b ä.bin.{hashlib.sha256(b'x' * 300_000).hexdigest()[:16]}.part").write_bytes(b"x" * 1_000)
        (into / "a.txt.part").write_bytes(b"of somebody else")
        status, said = home.run(f"hirehall fetch last a.txt 'b ä.bin' empty --into {into}")
        assert status == 0, said
        for name in ("a.txt", "b ä.bin", "empty"):
            assert (into / name).read_bytes() == (tmp_path / name).read_bytes()
        assert (into / "a.txt.part").read_bytes() == b"of somebody else"
        assert len(list(into.iterdir())) == 4
        again, said = home.run(f"hirehall fetch last a.txt --into {into}")
        assert (again, "is there already" in said) == (2, True)
        missing, said = home.run(f"hirehall fetch last c.txt --into {into}")
        assert (missing, "it has: a.txt" in said) == (3, True)
    finally:
        home.close()


def test_a_disk_that_is_full_ends_a_download_at_once_in_its_words(hall: Hall, tmp_path: Path) -> None:
    path = tmp_path / "plan.bin"
    path.write_bytes(b"".join(noisy(2 << 20)))
    access, home = hall.access, Shell(tmp_path)
    with Client(access["url"], access["token"]) as client:
        sent = files_of(client).upload(path)
        job = client.submit("saw", files=[{"name": "plan", "sha256": sent.sha256}]).id
    fetch = f"hirehall fetch {job} plan --data {hall.data} --into {tmp_path}"
    status, said = home.run(f"bash -c 'ulimit -f 1000; exec {fetch}'")  # KiB; a full disk has only another word
    assert (status, "File too large" in said) == (74, True)
    assert home.run(fetch)[0] == 0
    assert (tmp_path / "plan").read_bytes() == path.read_bytes()
    home.close()


def test_a_download_that_is_broken_off_goes_on_and_one_that_is_not_the_file_is_thrown_away(
    hall: Hall, tmp_path: Path
) -> None:
    path = tmp_path / "plan.bin"
    path.write_bytes(b"".join(noisy(4 << 20)))
    access = hall.access
    files = Files(access["http"], access["token"])
    sent = files.upload(path)
    with Client(access["url"], access["token"]) as client:
        job = client.submit("saw", files=[{"name": "plan", "sha256": sent.sha256}]).id
    into = tmp_path / "into"
    into.mkdir()
    part = into / f"plan.{sent.sha256[:16]}.part"
    part.write_bytes(b"other bytes")
    with pytest.raises(client_files.Damaged):
        files.download(job, "plan", into)
    assert list(into.iterdir()) == []
    part.write_bytes(path.read_bytes()[: 1 << 20])
    seen: list[int] = []
    assert files.download(job, "plan", into, seen.append).read_bytes() == path.read_bytes()
    assert seen[0] > 1 << 20
    assert [one.name for one in into.iterdir()] == ["plan"]
