"""Progress and log lines on their way into batches."""

from __future__ import annotations

from hirehall.core.leases import Leases
from hirehall.core.operations import MAX_CHUNK, LogChunk
from hirehall.core.workers import Lease
from hirehall.model import EVERYTHING, Fault
from tests.core.rig import WORKER, Rig, on_a_rig


def say(rig: Rig, job: int, *entries: bytes, attempt: int = 1) -> Lease:
    lease = rig.core.leases.in_hand(WORKER, job, attempt)
    for entry in entries:
        rig.core.journal.add(lease, entry)
    return lease


def chunks(rig: Rig) -> list[LogChunk]:
    """Everything that batches have brought to the store."""
    return [chunk for batch in rig.batches for chunk in batch.logs]


def written(rig: Rig, job: int) -> list[bytes]:
    return [line for chunk in chunks(rig) if chunk.id == job for line in chunk.entries.split(b"\n")]


@on_a_rig
async def test_lines_wait_for_the_second_and_come_as_one_chunk(rig: Rig) -> None:
    job = (await rig.running()).id
    await rig.after(1.0, beats=True)
    say(rig, job, b"1", b"2")
    assert not rig.core.wants_commit
    say(rig, job, b"3")
    await rig.after(1.0, beats=True)
    assert [(chunk.id, chunk.attempt, chunk.entries) for chunk in chunks(rig)] == [(job, 1, b"1\n2\n3")]


@on_a_rig
async def test_the_end_of_an_attempt_brings_its_last_lines_in_the_same_batch(rig: Rig) -> None:
    job = (await rig.running()).id
    say(rig, job, b"1", b"2")
    rig.succeed(job)
    batch = rig.core.collecting.batch
    assert [chunk.entries for chunk in batch.logs] == [b"1\n2"]
    assert [change.id for change in batch.changes] == [job]


@on_a_rig
async def test_every_way_to_end_an_attempt_brings_its_lines(rig: Rig) -> None:
    leases = rig.core.leases

    def fail(leases: Leases, job: int) -> None:
        leases.fail(WORKER, job, 1, Fault("E", "no"), False, None)

    for end in (fail, lambda leases, job: leases.release(WORKER, job, 1, 1_000)):
        job = (await rig.running()).id
        say(rig, job, b"1")
        leases.reserve((job,))
        end(leases, job)
        await rig.commit()
        assert written(rig, job) == [b"1"]
    lost = (await rig.running()).id
    await rig.after(1.0, beats=True)
    say(rig, lost, b"2")
    await rig.after(31)
    assert written(rig, lost) == [b"2"]


@on_a_rig
async def test_the_lines_of_a_cancelled_attempt_are_not_lost(rig: Rig) -> None:
    job = (await rig.running()).id
    say(rig, job, b"1")
    rig.core.cancel([job], EVERYTHING)
    await rig.commit()
    assert written(rig, job) == [b"1"]


@on_a_rig
async def test_many_lines_do_not_wait(rig: Rig) -> None:
    job = (await rig.running()).id
    say(rig, job, *[b"x" * 1_000 for _ in range(40)])
    assert rig.core.wants_commit
    await rig.commit()
    assert len(written(rig, job)) > 30


@on_a_rig
async def test_a_chunk_is_never_longer_than_it_may_be(rig: Rig) -> None:
    job = (await rig.running()).id
    lines = [b"%d%s" % (n, b"x" * (n * 7_919 % (MAX_CHUNK - 10))) for n in range(60)]
    say(rig, job, *lines)
    rig.succeed(job)
    await rig.commit()
    assert max(len(chunk.entries) for chunk in chunks(rig)) <= MAX_CHUNK
    assert written(rig, job) == lines


@on_a_rig
async def test_lines_come_at_once_while_somebody_follows(rig: Rig) -> None:
    job = (await rig.running()).id
    rig.core.journal.followers[job] += 1
    say(rig, job, b"1")
    await rig.commit()
    assert written(rig, job) == [b"1"]
    rig.core.journal.followers[job] -= 1
    say(rig, job, b"2")
    assert not rig.core.wants_commit


@on_a_rig
async def test_lines_of_one_attempt_in_one_batch_are_one_chunk_and_others_their_own(rig: Rig) -> None:
    rig.work(credit=2)
    one, two = rig.submit(), rig.submit()
    await rig.commit()
    rig.core.journal.followers.update((one, two))
    say(rig, one, b"1")
    say(rig, one, b"2")
    say(rig, two, b"3")
    say(rig, one, b"4")
    assert [(chunk.id, chunk.entries) for chunk in rig.core.collecting.batch.logs] == [
        (one, b"1\n2"), (two, b"3"), (one, b"4"),
    ]  # fmt: skip


@on_a_rig
async def test_lines_for_the_next_batch_do_not_join_one_that_is_under_way(rig: Rig) -> None:
    job = (await rig.running()).id
    rig.core.journal.followers[job] += 1
    say(rig, job, b"1")
    sealed = rig.core.seal()
    say(rig, job, b"2")
    assert [chunk.entries for chunk in sealed.logs] == [b"1"]
    await rig.store.apply(sealed)
    rig.core.settle(sealed)
    await rig.commit()
    assert written(rig, job) == [b"2"]


@on_a_rig
async def test_progress_is_stored_once_a_second_and_only_when_it_is_new(rig: Rig) -> None:
    job = (await rig.running()).id
    for percent in (b"1", b"2"):
        rig.core.journal.progress(rig.core.leases.in_hand(WORKER, job, 1), percent)
    await rig.after(3.0, beats=True)
    assert [note.progress for batch in rig.batches for note in batch.notes] == [b"2"]
    assert (await rig.row(job)).progress == b"2"


@on_a_rig
async def test_the_end_brings_the_last_progress(rig: Rig) -> None:
    job = (await rig.running()).id
    rig.core.journal.progress(rig.core.leases.in_hand(WORKER, job, 1), b"9")
    rig.succeed(job)
    await rig.commit()
    assert (await rig.row(job)).progress == b"9"
