"""Conformance of where contents of files are kept."""

from __future__ import annotations

import asyncio

import pytest

from hirehall.errors import BadRequest, NotFound, WrongState
from hirehall.model import Blob
from hirehall.ports import MAX_PIECE, Blobs
from tests.blobs.shelf import DAY_MS, HOUR_MS, Shelf, digest, facts

TEXT = b"a sentence that is long enough to be cut into pieces"


def test_what_was_written_is_read_with_both_digests(shelf: Shelf) -> None:
    assert shelf.put(TEXT) == facts(TEXT)
    assert shelf.read(facts(TEXT)) == TEXT


def test_a_content_of_many_pieces_is_the_same_when_it_is_read(shelf: Shelf) -> None:
    data = bytes(range(256)) * (3 * MAX_PIECE // 256) + b"end"
    blob = shelf.put(data)
    assert blob == facts(data)
    pieces = [shelf.read(blob, at) for at in range(0, len(data), MAX_PIECE)]
    assert b"".join(pieces) == data


def test_an_empty_content_is_one(shelf: Shelf) -> None:
    assert shelf.put(b"") == facts(b"")
    assert shelf.read(facts(b"")) == b""


@pytest.mark.parametrize(("offset", "count"), [(0, 5), (3, 1), (40, 100), (len(TEXT), 5), (1000, 5), (0, 0)])
def test_a_range_is_what_a_slice_is(shelf: Shelf, offset: int, count: int) -> None:
    assert shelf.read(shelf.put(TEXT), offset, count) == TEXT[offset : offset + count]


def test_size_and_digest_need_not_be_declared(shelf: Shelf) -> None:
    upload = shelf.begin()
    shelf.write(upload, 0, TEXT[:10])
    shelf.write(upload, 10, TEXT[10:])
    assert shelf.finish(upload) == facts(TEXT)


def test_nothing_can_be_read_before_it_is_published(shelf: Shelf) -> None:
    upload = shelf.begin(len(TEXT))
    shelf.write(upload, 0, TEXT)
    for blob in (facts(TEXT), shelf.seal(upload)):
        with pytest.raises(NotFound):
            shelf.read(blob)


def test_an_upload_goes_on_where_it_is_and_nowhere_else(shelf: Shelf) -> None:
    upload = shelf.begin()
    assert shelf.write(upload, 0, TEXT[:10]).received == 10
    for wrong in (0, 9, 11):
        with pytest.raises(WrongState, match="has 10 bytes"):
            shelf.write(upload, wrong, TEXT[10:])
    assert shelf.received(upload).received == 10
    shelf.write(upload, 10, TEXT[10:])
    assert shelf.finish(upload) == facts(TEXT)


def test_nothing_is_added_to_what_was_sealed(shelf: Shelf) -> None:
    upload = shelf.begin()
    shelf.write(upload, 0, TEXT)
    sealed = shelf.seal(upload)
    with pytest.raises(WrongState, match="being finished"):
        shelf.write(upload, len(TEXT), b"more")
    shelf.run(shelf.blobs.publish(upload.id))
    assert shelf.read(sealed) == TEXT


def test_an_upload_goes_on_in_another_run_of_the_hall(shelf: Shelf) -> None:
    for upload in (shelf.begin(), shelf.begin(len(TEXT), digest(TEXT))):
        shelf.write(upload, 0, TEXT[:10])
        shelf.reopen()
        found = shelf.received(upload)
        assert (found.received, found.owner, found.size) == (10, "team", upload.size)
        shelf.write(upload, 10, TEXT[10:])
        assert shelf.finish(upload) == facts(TEXT)


def test_a_sealed_upload_is_published_in_another_run(shelf: Shelf) -> None:
    upload = shelf.begin()
    shelf.write(upload, 0, TEXT)
    shelf.seal(upload)
    shelf.reopen()
    assert shelf.finish(upload) == facts(TEXT)
    assert shelf.read(facts(TEXT)) == TEXT


def test_more_than_was_declared_is_refused_and_less_is_waited_for(shelf: Shelf) -> None:
    upload = shelf.begin(10)
    with pytest.raises(BadRequest, match="declared with 10 bytes"):
        shelf.write(upload, 0, TEXT)
    shelf.write(upload, 0, TEXT[:4])
    with pytest.raises(BadRequest, match="has 4 of 10 bytes"):
        shelf.seal(upload)
    shelf.write(upload, 4, TEXT[4:10])
    assert shelf.finish(upload) == facts(TEXT[:10])


def test_another_content_than_declared_is_not_kept(shelf: Shelf) -> None:
    upload = shelf.begin(None, digest(b"something else"))
    shelf.write(upload, 0, TEXT)
    with pytest.raises(BadRequest, match=f"sha256 {digest(TEXT)}, not"):
        shelf.seal(upload)
    with pytest.raises(NotFound):
        shelf.write(upload, len(TEXT), b"more")
    with pytest.raises(NotFound):
        shelf.read(facts(TEXT))


def test_a_piece_that_is_too_large_is_refused(shelf: Shelf) -> None:
    with pytest.raises(BadRequest, match=str(MAX_PIECE)):
        shelf.write(shelf.begin(), 0, bytes(MAX_PIECE + 1))


def test_the_same_content_again_is_one_content(shelf: Shelf) -> None:
    first, second = shelf.put(TEXT), shelf.put(TEXT)
    assert first == second
    shelf.remove(first.sha256)
    with pytest.raises(NotFound):
        shelf.read(second)


def test_two_uploads_of_one_content_at_the_same_time_are_one_content(shelf: Shelf) -> None:
    uploads = [shelf.begin(len(TEXT), digest(TEXT)) for _ in range(2)]

    async def put(upload: str) -> Blob:
        await shelf.blobs.write(upload, 0, TEXT)
        blob = await shelf.blobs.seal(upload)
        await shelf.blobs.publish(upload)
        return blob

    async def both() -> list[Blob]:
        return list(await asyncio.gather(*(put(upload.id) for upload in uploads)))

    assert shelf.run(both()) == [facts(TEXT)] * 2
    assert shelf.read(facts(TEXT)) == TEXT
    shelf.now_ms += DAY_MS + 1
    assert shelf.sweep() == [digest(TEXT)]


def test_what_is_removed_and_published_again_is_there(shelf: Shelf) -> None:
    """The last name of a content goes while it is uploaded anew: whatever is asked for last counts."""
    shelf.put(TEXT)
    upload = shelf.begin()
    shelf.write(upload, 0, TEXT)
    shelf.seal(upload)

    async def at_once() -> None:
        await asyncio.gather(shelf.blobs.remove(digest(TEXT)), shelf.blobs.publish(upload.id))

    shelf.run(at_once())
    assert shelf.read(facts(TEXT)) == TEXT


def test_what_is_gone_can_be_removed_again(shelf: Shelf) -> None:
    upload = shelf.begin()
    for name in (digest(TEXT), upload.id, upload.id):
        shelf.remove(name)
    with pytest.raises(NotFound):
        shelf.received(upload)


def test_the_sweep_takes_uploads_that_nobody_went_on_with(shelf: Shelf) -> None:
    old, young = shelf.begin(), shelf.begin()
    shelf.now_ms += DAY_MS + 1
    shelf.write(young, 0, TEXT)
    shelf.reopen()
    assert shelf.sweep() == []
    with pytest.raises(NotFound):
        shelf.received(old)
    assert shelf.received(young).received == len(TEXT)


def test_the_sweep_names_blobs_that_are_older_than_an_hour_and_leaves_them(shelf: Shelf) -> None:
    old = [shelf.put(bytes([number])) for number in range(20)]
    shelf.now_ms += HOUR_MS + 1
    shelf.put(TEXT)
    assert sorted(shelf.sweep()) == sorted(blob.sha256 for blob in old)
    assert shelf.read(old[0]) == b"\0"


def test_a_blob_that_came_again_is_young_again(shelf: Shelf) -> None:
    shelf.put(TEXT)
    shelf.now_ms += HOUR_MS + 1
    shelf.put(TEXT)
    assert shelf.sweep() == []


@pytest.mark.parametrize(
    "name", ["", "..", "../../etc/passwd", "a" * 31, "A" * 32, "0" * 64, "%2e%2e", "a/b", "\0" * 32]
)
def test_no_name_leads_elsewhere(shelf: Shelf, name: str) -> None:
    with pytest.raises(NotFound):
        shelf.run(shelf.blobs.received(name))
    with pytest.raises(NotFound):
        shelf.run(shelf.blobs.read(name, 0, 1))
    if name != "0" * 64:
        with pytest.raises(NotFound):
            shelf.run(shelf.blobs.remove(name))


def test_the_seam_is_small() -> None:
    """Another place for contents is one more file: this is all that it has to do."""
    calls = [name for name in vars(Blobs) if not name.startswith("_")]
    assert calls == ["begin", "received", "write", "seal", "publish", "read", "remove", "sweep"]
