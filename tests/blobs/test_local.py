"""Contents in a directory: who may read it, what stands in it, what a full or failing disk does."""

from __future__ import annotations

import asyncio
import errno
import os
import stat
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from hirehall.blobs import unfinished
from hirehall.blobs.local import LocalBlobs
from hirehall.errors import Damaged, NotFound, StorageFull, StoreBroken
from tests.blobs.shelf import START_MS, Shelf, digest, facts

TEXT = b"a content"


@pytest.fixture
def local(tmp_path: Path) -> Iterator[Shelf]:
    with asyncio.Runner() as runner:
        shelf = Shelf(lambda: LocalBlobs(tmp_path / "blobs", lambda: shelf.now_ms), runner.run)
        shelf.now_ms = START_MS
        shelf.reopen()
        yield shelf


def files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def test_nothing_is_made_before_it_is_used(local: Shelf, tmp_path: Path) -> None:
    before = threading.active_count()
    local.reopen()
    assert list(tmp_path.iterdir()) == []
    assert threading.active_count() <= before


def test_only_the_halls_user_can_read_it(local: Shelf, tmp_path: Path) -> None:
    local.put(TEXT)
    local.write(local.begin(), 0, TEXT)
    found = {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.rglob("*") if path.is_dir()}
    assert found == {0o700}
    assert {stat.S_IMODE(path.stat().st_mode) for path in files(tmp_path)} == {0o600}


def test_a_content_is_a_file_named_by_its_digest_and_nothing_else_stays(local: Shelf, tmp_path: Path) -> None:
    local.put(TEXT)
    local.put(TEXT)
    assert files(tmp_path) == [tmp_path / "blobs" / digest(TEXT)[:2] / digest(TEXT)]


def test_a_blob_is_synced_before_it_has_its_name_and_the_name_afterwards(
    local: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload = local.begin()
    local.write(upload, 0, TEXT)
    done: list[str] = []
    real_sync, real_rename = os.fsync, Path.replace

    def sync(fd: int) -> None:
        done.append("directory" if stat.S_ISDIR(os.fstat(fd).st_mode) else "file")
        real_sync(fd)

    def rename(path: Path, to: Path) -> Path:
        done.append("rename")
        return real_rename(path, to)

    monkeypatch.setattr(os, "fsync", sync)
    monkeypatch.setattr(Path, "replace", rename)
    local.finish(upload)
    at = done.index("rename")
    assert "file" in done[:at]
    assert "directory" in done[at:]


def test_without_a_digest_another_boot_begins_anew_and_with_one_goes_on(
    local: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A power cut may leave zeros where bytes were: only a digest would see that."""
    plain, sure = local.begin(), local.begin(None, digest(TEXT))
    for upload in (plain, sure):
        local.write(upload, 0, TEXT[:3])
    monkeypatch.setattr(unfinished, "this_boot", lambda: "another")
    local.reopen()
    assert (local.received(plain).received, local.received(sure).received) == (0, 3)
    local.write(sure, 3, TEXT[3:])
    assert local.finish(sure) == facts(TEXT)


def test_a_disk_that_has_no_room_refuses_and_the_upload_goes_on_later(
    local: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload = local.begin()
    local.write(upload, 0, TEXT[:3])
    real = os.pwrite

    def half(fd: int, data: memoryview, offset: int) -> int:
        if len(data) > 2:
            return real(fd, data[:2], offset)
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "pwrite", half)
    with pytest.raises(StorageFull, match="free some"):
        local.write(upload, 3, TEXT[3:7])
    monkeypatch.undo()
    assert local.received(upload).received == 3
    local.reopen()
    assert local.received(upload).received == 3, "half of a piece is none of it"
    local.write(upload, 3, TEXT[3:])
    assert local.finish(upload) == facts(TEXT)


def test_room_that_belongs_to_others_is_left_to_them(tmp_path: Path) -> None:
    with asyncio.Runner() as runner:
        blobs = LocalBlobs(tmp_path / "blobs", lambda: START_MS, spare=1 << 60)
        with pytest.raises(StorageFull, match="no room for this file"):
            runner.run(blobs.begin("team"))


def test_a_size_for_which_there_is_no_room_is_refused_at_once(local: Shelf) -> None:
    with pytest.raises(StorageFull):
        local.begin(1 << 60)


def test_a_sync_that_fails_is_no_answer(local: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    upload = local.begin()
    local.write(upload, 0, TEXT)

    def fail(fd: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(StoreBroken):
        local.seal(upload)


def test_what_cannot_be_read_is_damaged_and_no_reason_to_stop(local: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    blob = local.put(TEXT)

    def fail(fd: int, count: int, offset: int) -> bytes:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "pread", fail)
    with pytest.raises(Damaged):
        local.read(blob)


def test_a_link_in_the_store_is_not_followed(local: Shelf, tmp_path: Path) -> None:
    blob = local.put(TEXT)
    secret = tmp_path / "secret"
    secret.write_text("not for you")
    path = tmp_path / "blobs" / blob.sha256[:2] / blob.sha256
    path.unlink()
    path.symlink_to(secret)
    with pytest.raises((NotFound, StoreBroken)):
        local.read(blob)


def test_the_loop_is_not_held_up_by_a_slow_disk(local: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    upload = local.begin()
    may_go_on = threading.Event()
    real = os.pwrite

    def slow(fd: int, data: memoryview, offset: int) -> int:
        assert may_go_on.wait(10)
        return real(fd, data, offset)

    monkeypatch.setattr(os, "pwrite", slow)

    async def both() -> int:
        writing = asyncio.create_task(local.blobs.write(upload.id, 0, TEXT))
        await asyncio.sleep(0)
        assert not writing.done()
        may_go_on.set()  # by the loop, which has its turn
        return (await writing).received

    assert local.run(both()) == len(TEXT)


def test_who_was_cut_off_while_writing_finds_all_of_it_or_nothing(
    local: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload = local.begin()
    entered, may_go_on = threading.Event(), threading.Event()
    real = os.pwrite

    def slow(fd: int, data: memoryview, offset: int) -> int:
        entered.set()
        assert may_go_on.wait(10)
        return real(fd, data, offset)

    monkeypatch.setattr(os, "pwrite", slow)

    async def cut_off() -> int:
        writing = asyncio.create_task(local.blobs.write(upload.id, 0, TEXT))
        assert await asyncio.to_thread(entered.wait, 10)
        writing.cancel()
        again = asyncio.create_task(local.blobs.received(upload.id))
        may_go_on.set()
        return (await again).received

    assert local.run(cut_off()) == len(TEXT)


def test_the_sweep_takes_a_declaration_that_was_never_whole(local: Shelf, tmp_path: Path) -> None:
    upload = tmp_path / "blobs/uploads" / ("ab" * 16)
    local.begin()
    (fresh := upload.with_name(f"{upload.name}.json.new")).write_bytes(b"{")  # as a kill in `begin` leaves it
    os.utime(fresh, (0, 0))
    local.sweep()
    assert not fresh.exists()
