"""Files of workers when processes die: real halls and real `hirehall work`, killed in the middle."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from hirehall.client.files import files_of
from hirehall.client.outcomes import JobFailed
from hirehall.client.sync_client import Hall as Client
from tests.patience import eventually
from tests.system.hall_process import ROOT, Hall

pytestmark = pytest.mark.slow

PATIENCE = 60.0  # seconds
SIZE = 256 << 20  # bytes: it takes long enough to be broken off

TASKS = """
from pathlib import Path
from hirehall import job

SIZE = 256 << 20

@job
def build(payload, context):
    Path(payload).open("a").write("x")  # how often it ran
    (context.out / f"a of {context.attempt}").write_text(str(context.attempt))
    with (context.out / "plan").open("wb") as file:
        if context.attempt == 1 or "always" in payload:
            file.truncate(SIZE)
        else:
            file.write(b"small")

@job
def leave(payload, context):
    (context.out / "much").write_bytes(b"x" * payload)
"""


class Works:
    """A hall and its workers."""

    def __init__(self, hall: Hall, folder: Path) -> None:
        self.hall = hall
        self.folder = folder
        self.ran = folder / "ran"
        (folder / "tasks.py").write_text(TASKS)
        self._workers: list[subprocess.Popen[bytes]] = []

    def hire(self) -> subprocess.Popen[bytes]:
        line = [sys.executable, "-m", "hirehall", "work", str(self.folder / "tasks.py"), "--data", str(self.hall.data)]
        env = {**os.environ, "TMPDIR": str(self.folder)}  # what a killed one leaves there goes with the test
        with (self.folder / "log").open("ab") as log:
            self._workers.append(subprocess.Popen(line, cwd=ROOT, env=env, stdout=log, stderr=log))
        return self._workers[-1]

    def client(self) -> Client:
        access = self.hall.access
        return Client(access["url"], access["token"])

    @property
    def received(self) -> int:
        """Bytes of the largest upload that is on its way."""
        sizes = [path.stat().st_size for path in (self.hall.data / "blobs/uploads").glob("*") if not path.suffix]
        return max(sizes, default=0)

    def close(self) -> None:
        for worker in self._workers:
            worker.kill()
            worker.wait()
        print((self.folder / "log").read_text()[-3000:])


@pytest.fixture
def works(tmp_path: Path) -> Iterator[Works]:
    hall = Hall(tmp_path / "data").start()
    works = Works(hall, tmp_path)
    yield works
    works.close()
    hall.close()


def sha256_of_nothing_but_zeros(size: int) -> str:
    digest = hashlib.sha256()
    for _ in range(size >> 20):
        digest.update(bytes(1 << 20))
    return digest.hexdigest()


def outputs(client: Client, job: str) -> dict[str, int]:
    return {file.name: file.bytes for file in client.get([job])[0].files if file.direction == "out"}


def test_a_worker_that_is_killed_while_it_sends_leaves_nothing_to_its_job(works: Works) -> None:
    first = works.hire()
    with works.client() as client:
        job = client.submit("build", str(works.ran))
        eventually(lambda: works.received > SIZE // 8)
        first.send_signal(signal.SIGKILL)
        works.hire()
        job.result(timeout_seconds=PATIENCE)
        shown = client.get([job.id])[0]
        assert (shown.attempt, outputs(client, job.id)) == (2, {"a of 2": 1, "plan": 5})


def test_a_hall_that_is_killed_while_it_is_sent_to_gets_the_rest_and_no_job_runs_twice(works: Works) -> None:
    works.hire()
    always = works.ran.with_name("always")
    http = works.hall.access["http"].partition("//")[2]
    with works.client() as client:
        job = client.submit("build", str(always))
        eventually(lambda: works.received > SIZE // 4)
        works.hall.kill()
        before = works.received
        works.hall.options = ("--http", http)
        works.hall.start()
        assert works.received >= before, "it goes on, and does not begin anew"
        job.result(timeout_seconds=PATIENCE)
        shown = client.get([job.id])[0]
        assert (shown.attempt, outputs(client, job.id)) == (1, {"a of 1": 1, "plan": SIZE})
        (plan,) = (file for file in shown.files if file.name == "plan")
        assert plan.sha256 == sha256_of_nothing_but_zeros(SIZE)
        assert [path.name for path in (works.hall.data / "blobs/uploads").glob("*")] == [], "one upload, and it is done"
    assert always.read_text() == "x"


def test_a_hall_that_comes_back_on_another_port_gets_the_rest_there(works: Works) -> None:
    works.hire()
    with works.client() as client:
        job = client.submit("build", str(works.ran))
        eventually(lambda: works.received > SIZE // 4)
        taken = works.hall.access["http"]
        works.hall.kill()
        works.hall.options = ("--http", "127.0.0.1:0")
        works.hall.start()
        assert works.hall.access["http"] != taken
        job.result(timeout_seconds=PATIENCE)
        assert (client.get([job.id])[0].attempt, outputs(client, job.id)["plan"]) == (1, SIZE)
        files_of(client).download(job.id, "a of 1", works.folder)
    assert works.ran.read_text() == "x"


def test_more_than_the_quota_fails_the_job_in_the_halls_words(tmp_path: Path) -> None:
    hall = Hall(tmp_path / "data", options=("--files-quota", "1")).start()
    works = Works(hall, tmp_path)
    try:
        works.hire()
        with works.client() as client:
            client.submit("leave", 1000).result(timeout_seconds=PATIENCE)
            job = client.submit("leave", 2 << 20)
            with pytest.raises(JobFailed, match="--files-quota"):
                job.result(timeout_seconds=PATIENCE)
            assert client.get([job.id])[0].attempt == 1
    finally:
        works.close()
        hall.close()
