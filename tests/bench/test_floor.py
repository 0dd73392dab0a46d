"""What the machine alone takes for one job: each way is synced before it goes on, and nobody stays behind."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from queue import Queue

import psutil
import pytest

from hirehall.bench import floor


def test_it_is_measured_as_often_as_asked_and_its_processes_end(tmp_path: Path) -> None:
    before = set(psutil.Process().children())
    done = list[int]()
    took = floor.floor_loop(tmp_path, 20, 30.0, done.append)
    assert len(took) == 20
    assert min(took) > 0
    assert done == list(range(1, 21))
    assert set(psutil.Process().children()) == before


def test_when_the_time_is_up_it_ends(tmp_path: Path) -> None:
    assert floor.floor_loop(tmp_path, 20, 0.0) == []


def test_nothing_is_sent_on_before_what_was_written_is_synced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ports, seen = Queue[int](), list[str]()
    monkeypatch.setattr(floor, "say", ports.put)
    monkeypatch.setattr(os, "fdatasync", lambda _fd: seen.append("synced"))
    thread = in_thread(lambda: floor.middle(str(tmp_path)))
    port = ports.get(timeout=10)
    with floor.connected(port) as worker, floor.connected(port) as client:
        client.sendall(floor.MESSAGE)
        assert floor.heard(worker)
        assert seen == ["synced"]
        worker.sendall(floor.MESSAGE)
        assert floor.heard(client)
        assert seen == ["synced", "synced"]
    thread.join(10)
    assert not thread.is_alive()
    assert (tmp_path / "floor.data").stat().st_size == floor.FILE_BYTES


def test_a_worker_says_everything_back_until_nobody_speaks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(floor, "say", lambda _word: None)
    with socket.create_server((floor.LOOPBACK, 0)) as listening:
        thread = in_thread(lambda: floor.worker(str(listening.getsockname()[1])))
        with listening.accept()[0] as middle:
            middle.sendall(floor.MESSAGE)
            assert floor.heard(middle)
    thread.join(10)
    assert not thread.is_alive()


def test_the_log_is_begun_anew_where_it_ends(tmp_path: Path) -> None:
    with closing(floor.Log(tmp_path / "log")) as log:
        for _ in range(floor.FILE_BYTES // floor.COMMIT_BYTES + 1):
            log.commit()
    assert (tmp_path / "log").stat().st_size == floor.FILE_BYTES


def in_thread(work: Callable[[], None]) -> threading.Thread:
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread
