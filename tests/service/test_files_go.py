"""Contents of files go with their last name, and never before; what a crash leaves is swept."""

from __future__ import annotations

import asyncio

import pytest

from hirehall.errors import HallError, NotFound
from hirehall.service.file_commands import Attach
from hirehall.service.files import Files
from tests.blobs.shelf import digest
from tests.service.archive import OTHER, TEXT, Archive, Desk, attach, draft, shown
from tests.service.office import Guest

HOUR, DAY = 3_600.0, 86_400.0


def test_a_content_goes_with_its_last_name(archive: Archive, boss: Guest, desk: Desk) -> None:
    jobs = [draft(boss) for _ in range(3)]
    for job in jobs:
        attach(archive, desk, job)
    for job in jobs[:2]:
        boss.ok("discard", id=job)
        assert archive.contents() == [digest(TEXT)]
    boss.ok("commit", id=jobs[2])
    boss.ok("cancel", id=jobs[2])
    assert archive.contents() == [digest(TEXT)], "who tries it again needs its files"
    boss.ok("remove", id=jobs[2])
    assert archive.contents() == []
    assert archive.hall.store.db.execute("SELECT count(*) FROM blobs").get == 0
    assert archive.hall.store.db.execute("SELECT count(*) FROM kept").get == 0


def test_a_job_that_was_kept_long_enough_takes_its_files_along(archive: Archive, boss: Guest, desk: Desk) -> None:
    job, ann = draft(boss, keep_seconds=60), archive.worker("ann")
    attach(archive, desk, job)
    boss.ok("commit", id=job)
    ann.done(job)
    archive.pass_time(58)
    assert archive.contents() == [digest(TEXT)]
    archive.pass_time(5)
    assert archive.contents() == []


def test_a_draft_that_nobody_commits_takes_its_files_along(archive: Archive, boss: Guest, desk: Desk) -> None:
    attach(archive, desk, draft(boss))
    archive.leap(DAY)
    assert archive.contents() == []


def test_a_retried_job_has_its_files_again(archive: Archive, boss: Guest, desk: Desk) -> None:
    job = draft(boss)
    attach(archive, desk, job)
    boss.ok("commit", id=job)
    boss.ok("cancel", id=job)
    boss.ok("retry", id=job)
    assert [file["name"] for file in archive.worker("ann").runs()[0]["files"]] == ["a.txt"]


def test_an_upload_that_no_job_names_is_kept_for_an_hour(archive: Archive, boss: Guest, desk: Desk) -> None:
    archive.upload(desk, TEXT)
    archive.leap(HOUR - 20)
    assert archive.contents() == [digest(TEXT)]
    archive.leap(30)
    assert archive.contents() == []
    assert boss.refused("submit", kind="saw", files=[{"name": "a", "sha256": digest(TEXT)}]).startswith("not_found")


def test_an_upload_that_a_submit_named_stays_when_its_hour_is_over(archive: Archive, boss: Guest, desk: Desk) -> None:
    archive.upload(desk, TEXT)
    job = boss.submit(files=[{"name": "a", "sha256": digest(TEXT)}])
    archive.leap(HOUR + 10)
    assert archive.contents() == [digest(TEXT)]
    boss.ok("cancel", id=job)
    boss.ok("remove", id=job)
    assert archive.contents() == []


def test_a_content_that_is_named_in_its_last_moment_is_there_when_that_is_durable(archive: Archive, desk: Desk) -> None:
    archive.upload(desk, TEXT)
    archive.leap(HOUR - 5)
    archive.hall.files.filed(desk, [digest(TEXT)])  # as by a submit whose commit takes its time
    archive.pass_time(20)
    assert archive.contents() == [digest(TEXT)]
    archive.pass_time(60)
    assert archive.contents() == []


def test_a_content_whose_last_name_goes_while_it_is_uploaded_again_is_there(
    archive: Archive, boss: Guest, desk: Desk
) -> None:
    first, second = draft(boss), draft(boss)
    attach(archive, desk, first)
    archive.upload(desk, TEXT)  # pinned, with no name of its own yet
    boss.ok("discard", id=first)
    assert archive.contents() == [digest(TEXT)]
    archive.ask(desk, Attach(id=second, name="a", sha256=digest(TEXT)))
    assert archive.contents() == [digest(TEXT)]
    boss.ok("discard", id=second)
    assert archive.contents() == []


def test_two_uploads_of_one_content_at_once_are_one_content(archive: Archive, boss: Guest, desk: Desk) -> None:
    files, other = archive.hall.files, archive.desk("other", "submit")

    async def put(who: Desk) -> str:
        upload = await files.begin(who)
        await files.write(who, upload.id, 0, TEXT)
        return (await files.finish(who, upload.id)).sha256

    async def both() -> list[str]:
        return list(await asyncio.gather(put(desk), put(other)))

    assert archive.run(both()) == [digest(TEXT)] * 2
    mine, theirs = draft(boss), draft(archive.token("other", ["submit"]))
    archive.ask(desk, Attach(id=mine, name="a", sha256=digest(TEXT)))
    boss.ok("discard", id=mine)
    assert archive.contents() == [digest(TEXT)]
    archive.ask(other, Attach(id=theirs, name="a", sha256=digest(TEXT)))
    assert archive.contents() == [digest(TEXT)]
    boss.ok("discard", id=theirs)
    assert archive.contents() == []


def test_a_content_that_did_not_come_after_all_cannot_be_named(archive: Archive, boss: Guest, desk: Desk) -> None:
    files = archive.hall.files
    upload = archive.run(files.begin(desk))
    archive.run(files.write(desk, upload.id, 0, TEXT))

    async def finish_and_abandon() -> list[object]:
        both = files.finish(desk, upload.id), files.abandon(desk, upload.id)
        return list(await asyncio.gather(*both, return_exceptions=True))

    finished, _ = archive.run(finish_and_abandon())
    assert isinstance(finished, NotFound)
    assert boss.refused("submit", kind="saw", files=[{"name": "a", "sha256": digest(TEXT)}]).startswith("not_found")
    archive.upload(desk, TEXT)
    boss.submit(files=[{"name": "a", "sha256": digest(TEXT)}])


# What a crash leaves.


def again(archive: Archive) -> None:
    """The hall ends at once, and another runs on what it has left."""
    archive.hall.files.stop()
    archive.hall.blobs, folder = None, archive.folder
    archive.restart()
    archive.furnish(folder)


def test_a_crash_between_commit_and_removal_leaves_what_the_sweep_takes(
    archive: Archive, boss: Guest, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    job, kept = draft(boss), draft(boss)
    attach(archive, desk, job)
    attach(archive, desk, kept, data=OTHER)
    monkeypatch.setattr(Files, "_remove_later", lambda files, sha256s: None)
    boss.ok("discard", id=job)
    monkeypatch.undo()
    again(archive)
    assert archive.contents() == sorted([digest(TEXT), digest(OTHER)])
    archive.run(archive.hall.files.sweep())
    assert archive.contents() == sorted([digest(TEXT), digest(OTHER)]), "it may be on its way to a job"
    archive.leap(HOUR)
    archive.run(archive.hall.files.sweep())
    assert archive.contents() == [digest(OTHER)]


def test_a_crash_between_publish_and_commit_leaves_what_the_sweep_takes(archive: Archive, desk: Desk) -> None:
    archive.upload(desk, TEXT)
    again(archive)
    archive.leap(HOUR)
    archive.run(archive.hall.files.sweep())
    assert archive.contents() == []


def test_the_sweep_comes_by_itself(archive: Archive, desk: Desk) -> None:
    archive.upload(desk, TEXT)
    left = archive.run(archive.hall.files.begin(desk))
    again(archive)
    desk = archive.desk()
    archive.leap(DAY + HOUR)
    sweeping = archive.hall.files._sweeping
    assert sweeping is not None
    archive.run(sweeping)
    assert archive.contents() == []
    with pytest.raises(NotFound):
        archive.run(archive.hall.files.received(desk, left.id))


def test_an_upload_goes_on_in_the_next_run(archive: Archive, desk: Desk) -> None:
    upload = archive.run(archive.hall.files.begin(desk, len(TEXT), digest(TEXT)))
    archive.run(archive.hall.files.write(desk, upload.id, 0, TEXT[:5]))
    again(archive)
    boss, desk, files = archive.guest("boss"), archive.desk(), archive.hall.files
    assert archive.run(files.received(desk, upload.id)).received == 5
    archive.run(files.write(desk, upload.id, 5, TEXT[5:]))
    blob = archive.run(files.finish(desk, upload.id))
    job = draft(boss)
    archive.ask(desk, Attach(id=job, name="a", sha256=blob.sha256))
    assert shown(boss, job) == [("in", "a", digest(TEXT))]


def test_files_are_the_same_after_a_restart(archive: Archive, boss: Guest, desk: Desk) -> None:
    job = draft(boss)
    attach(archive, desk, job)
    again(archive)
    boss = archive.guest("boss")
    boss.ok("commit", id=job)
    assert [file["sha256"] for file in archive.worker("ann").runs()[0]["files"]] == [digest(TEXT)]


def test_a_hall_without_a_place_for_files_says_so(archive: Archive, desk: Desk) -> None:
    archive.hall.blobs = None
    with pytest.raises(HallError, match="keeps no files"):
        archive.run(archive.hall.files.begin(desk))
