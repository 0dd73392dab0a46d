"""Files of jobs: from the submitter, from the worker, who may have them, and how many."""

from __future__ import annotations

import pytest

from hirehall.errors import BadRequest, Busy, Forbidden, NotFound, StaleLease, TooLarge, WrongState
from hirehall.model import MAX_FILE, MAX_FILES
from hirehall.service.file_commands import Attach, AttachOutput, Detach, FilesOf
from hirehall.service.files import MAX_UPLOADS
from tests.blobs.shelf import digest, facts
from tests.service.archive import OTHER, TEXT, Archive, Desk, attach, draft, shown
from tests.service.office import Guest

# To the worker.


def test_files_of_a_draft_reach_the_worker_and_are_shown(archive: Archive, boss: Guest, desk: Desk) -> None:
    job = draft(boss)
    file = attach(archive, desk, job)
    assert (file.direction, file.name, file.sha256, file.md5, file.bytes) == (
        "in", "a.txt", digest(TEXT), facts(TEXT).md5, len(TEXT),
    )  # fmt: skip
    attach(archive, desk, job, "ä b.txt", OTHER)
    ann = archive.worker("ann")
    assert ann.runs() == []
    boss.ok("commit", id=job)
    (run,) = ann.runs()
    assert run["files"] == [
        {"name": "a.txt", "sha256": digest(TEXT), "bytes": len(TEXT)},
        {"name": "ä b.txt", "sha256": digest(OTHER), "bytes": len(OTHER)},
    ]
    assert shown(boss, job) == [("in", "a.txt", digest(TEXT)), ("in", "ä b.txt", digest(OTHER))]
    assert archive.read(digest(TEXT)) == TEXT
    assert "files" not in boss.ok("find")["jobs"][0]


def test_a_job_without_files_says_so(archive: Archive, boss: Guest) -> None:
    ann = archive.worker("ann")
    job = boss.submit()
    assert (ann.runs()[0]["files"], boss.view(job)["files"]) == ([], [])


def test_a_submit_may_name_what_was_uploaded(archive: Archive, boss: Guest, desk: Desk) -> None:
    archive.upload(desk, TEXT)
    ann = archive.worker("ann", credit=3)
    job = boss.submit(files=[{"name": "a", "sha256": digest(TEXT)}, {"name": "b", "sha256": digest(TEXT)}])
    (run,) = ann.runs()
    assert [(file["name"], file["bytes"]) for file in run["files"]] == [("a", len(TEXT)), ("b", len(TEXT))]
    assert [name for _, name, _ in shown(boss, job)] == ["a", "b"]


def test_a_submit_that_names_an_unknown_content_is_refused_whole(archive: Archive, boss: Guest, desk: Desk) -> None:
    archive.upload(desk, TEXT)
    jobs = [{"files": [{"name": "a", "sha256": digest(TEXT)}]}, {"files": [{"name": "a", "sha256": digest(b"?")}]}]
    assert boss.refused("submit", kind="saw", jobs=jobs).startswith("not_found: there is no content with sha256")
    assert boss.ok("counts")["counts"] == []
    assert archive.hall.store.db.execute("SELECT count(*) FROM files").get == 0


def test_submits_in_one_packet_are_judged_each_by_itself(archive: Archive, boss: Guest, desk: Desk) -> None:
    archive.upload(desk, TEXT)
    files = [[{"name": "a", "sha256": sha256}] for sha256 in (digest(TEXT), digest(b"?"), digest(TEXT))]
    boss.say(*({"cmd": "submit", "ref": f"r{at}", "kind": "saw", "files": one} for at, one in enumerate(files)))
    assert ["ok" in boss.answer(f"r{at}") for at in range(3)] == [True, False, True]


def test_a_draft_may_be_submitted_with_files_and_get_more(archive: Archive, boss: Guest, desk: Desk) -> None:
    archive.upload(desk, TEXT)
    job = draft(boss, files=[{"name": "a", "sha256": digest(TEXT)}])
    attach(archive, desk, job, "b", OTHER)
    boss.ok("commit", id=job)
    assert [file["name"] for file in archive.worker("ann").runs()[0]["files"]] == ["a", "b"]


def test_a_twin_by_key_gets_no_files_again(archive: Archive, boss: Guest, desk: Desk) -> None:
    archive.upload(desk, TEXT)
    named = {"key": "k", "files": [{"name": "a", "sha256": digest(TEXT)}]}
    job = boss.submit(**named)
    assert boss.submit(**named) == job
    assert archive.hall.store.db.execute("SELECT refs FROM blobs").get == 1


def test_a_name_attached_again_names_the_new_content(archive: Archive, boss: Guest, desk: Desk) -> None:
    job = draft(boss)
    attach(archive, desk, job)
    attach(archive, desk, job, data=OTHER)
    assert shown(boss, job) == [("in", "a.txt", digest(OTHER))]
    assert archive.contents() == [digest(OTHER)]


def test_only_a_draft_takes_input(archive: Archive, boss: Guest, desk: Desk) -> None:
    job = boss.submit()
    with pytest.raises(WrongState, match="only a draft takes files"):
        attach(archive, desk, job)


# From the worker.


def test_outputs_are_shown_when_their_attempt_has_succeeded(archive: Archive, boss: Guest, desk: Desk) -> None:
    job, ann = boss.submit(), archive.worker("ann")
    blob = archive.upload(desk, TEXT)
    output = AttachOutput(id=job, name="out.txt", sha256=blob.sha256, attempt=1, worker="w-ann")
    assert archive.ask(desk, output).file.direction == "out"
    assert shown(boss, job) == []
    ann.done(job)
    assert shown(boss, job) == [("out", "out.txt", digest(TEXT))]


@pytest.mark.parametrize("end", ["fail", "release", "cancel"])
def test_outputs_of_an_attempt_that_does_not_succeed_go(archive: Archive, boss: Guest, desk: Desk, end: str) -> None:
    job, ann = boss.submit(), archive.worker("ann", kinds=["saw"])
    blob = archive.upload(desk, TEXT)
    archive.ask(desk, AttachOutput(id=job, name="out", sha256=blob.sha256, attempt=1, worker="w-ann"))
    if end == "cancel":
        boss.ok("cancel", id=job)
    else:
        ann.ok(end, id=job, attempt=1, delay_seconds=100)
    assert archive.contents() == []
    assert archive.hall.store.db.execute("SELECT count(*) FROM files").get == 0


def test_outputs_of_a_lost_attempt_count_with_its_late_result(archive: Archive, boss: Guest, desk: Desk) -> None:
    job, ann = boss.submit(), archive.worker("ann", lease_seconds=5)
    archive.pass_time(7)
    assert boss.state(job) == "ready"
    blob = archive.upload(desk, TEXT)
    archive.ask(desk, AttachOutput(id=job, name="late", sha256=blob.sha256, attempt=1, worker="w-ann"))
    ann.done(job)
    assert shown(boss, job) == [("out", "late", digest(TEXT))]


def test_outputs_of_a_lost_attempt_go_when_the_next_one_has_some(archive: Archive, boss: Guest, desk: Desk) -> None:
    job = boss.submit()
    archive.worker("ann", lease_seconds=5)
    archive.upload(desk, TEXT)
    first = AttachOutput(id=job, name="out", sha256=digest(TEXT), attempt=1, worker="w-ann")
    archive.ask(desk, first)
    archive.pass_time(7)
    bob = archive.worker("bob")
    archive.upload(desk, OTHER)
    with pytest.raises(StaleLease):
        archive.ask(desk, first)
    archive.ask(desk, AttachOutput(id=job, name="new", sha256=digest(OTHER), attempt=2, worker="w-bob"))
    bob.done(job, attempt=2)
    assert shown(boss, job) == [("out", "new", digest(OTHER))]


def test_outputs_of_a_lost_attempt_go_with_the_end_of_the_next_one(archive: Archive, boss: Guest, desk: Desk) -> None:
    job = boss.submit()
    archive.worker("ann", lease_seconds=5)
    archive.upload(desk, TEXT)
    archive.ask(desk, AttachOutput(id=job, name="out", sha256=digest(TEXT), attempt=1, worker="w-ann"))
    archive.pass_time(7)
    assert archive.contents() == [digest(TEXT)], "its result would count still"
    archive.worker("bob").ok("fail", id=job, attempt=2, error={"message": "no"}, delay_seconds=100)
    assert archive.contents() == []
    assert archive.hall.store.db.execute("SELECT count(*) FROM kept").get == 0


@pytest.mark.parametrize(("attempt", "worker"), [(2, "w-ann"), (1, "w-bob"), (1, "")])
def test_only_who_holds_the_attempt_adds_outputs(
    archive: Archive, boss: Guest, desk: Desk, attempt: int, worker: str
) -> None:
    job = boss.submit()
    archive.worker("ann")
    archive.upload(desk, TEXT)
    with pytest.raises(StaleLease):
        archive.ask(desk, AttachOutput(id=job, name="out", sha256=digest(TEXT), attempt=attempt, worker=worker))


# Who may.


def test_to_know_a_digest_is_not_to_have_the_content(archive: Archive, boss: Guest, desk: Desk) -> None:
    job = draft(boss)
    attach(archive, desk, job)
    thief, guest = archive.desk("thief", "submit"), archive.token("thief", ["submit"])
    named = [{"name": "a", "sha256": digest(TEXT)}]
    assert guest.refused("submit", kind="saw", files=named).startswith("not_found")
    mine = draft(guest)
    with pytest.raises(NotFound, match="that you may name"):
        archive.ask(thief, Attach(id=mine, name="a", sha256=digest(TEXT)))
    with pytest.raises(NotFound):
        archive.ask(thief, FilesOf(id=job))


def test_a_token_that_is_limited_to_queues_names_no_content_of_others(
    archive: Archive, boss: Guest, desk: Desk
) -> None:
    attach(archive, desk, draft(boss))
    attach(archive, desk, draft(boss, queue="images"), data=OTHER)
    guest = archive.token("painter", ["submit", "read"], queues=["images"])
    mine, theirs = ({"name": "a", "sha256": digest(data)} for data in (OTHER, TEXT))
    guest.submit(queue="images", files=[mine])
    assert guest.refused("submit", kind="saw", queue="images", files=[theirs]).startswith("not_found")


def test_who_may_read_gives_no_files_to_the_drafts_of_others(archive: Archive, boss: Guest, desk: Desk) -> None:
    job = draft(boss)
    reader = archive.desk("reader", "submit", "read")
    archive.upload(reader, TEXT)
    with pytest.raises(NotFound, match="that you may give files"):
        archive.ask(reader, Attach(id=job, name="a", sha256=digest(TEXT)))


def test_an_upload_is_found_by_its_own_token_only(archive: Archive, desk: Desk) -> None:
    files = archive.hall.files
    upload = archive.run(files.begin(desk))
    other = archive.desk("other")
    for call in (
        files.received(other, upload.id),
        files.write(other, upload.id, 0, b"x"),
        files.finish(other, upload.id),
    ):
        with pytest.raises(NotFound):
            archive.run(call)
    with pytest.raises(Forbidden):
        archive.run(files.begin(archive.desk("reader", "read")))


def test_who_holds_a_job_may_list_its_files(archive: Archive, boss: Guest, desk: Desk) -> None:
    job = draft(boss)
    attach(archive, desk, job)
    boss.ok("commit", id=job)
    other = archive.desk("farm", "work")
    with pytest.raises(NotFound):
        archive.ask(other, FilesOf(id=job))
    secret = boss.ok("token", do="create", name="farm", roles=["work"])["token"]
    worker = archive.guest("worker", secret, worker="w1")
    worker.ok("work", kinds=["saw"], credit=1)
    assert [run["id"] for run in worker.runs()] == [job]
    assert [file.name for file in archive.ask(other, FilesOf(id=job)).files] == ["a.txt"]


# Limits.


BAD_NAMES = (
    "", ".", "..", "../x", "a/b", "/etc/passwd", "..\\x", "C:\\x", "a\0b", "a\nb", "a\x7f", "x" * 256, "ä" * 128,
    "a\u0308", "a\u202eb", "\ud800", "a\u2028b", "...", "a.", "a ", " a", "CON", "nul.txt", "Lpt1", "a:b", "a?",
    "%2e%2e", "a%00b", "COM¹", "lpt³.txt", "nul .txt", "conin$",
)  # fmt: skip


@pytest.mark.parametrize("name", BAD_NAMES, ids=ascii)
def test_no_file_name_leads_anywhere(archive: Archive, boss: Guest, desk: Desk, name: str) -> None:
    archive.upload(desk, TEXT)
    job = draft(boss)
    with pytest.raises(BadRequest):
        archive.ask(desk, Attach(id=job, name=name, sha256=digest(TEXT)))
    if name != "\ud800":  # no JSON
        assert boss.refused("submit", kind="saw", files=[{"name": name, "sha256": digest(TEXT)}]).startswith("bad_req")
    assert shown(boss, job) == []


@pytest.mark.parametrize(
    "name", ["a", "x" * 255, "ä" * 127, "..a", ".profile", "CONS", "con a", "a b", "50%", "日本語.txt"]
)
def test_any_other_name_is_one(archive: Archive, boss: Guest, desk: Desk, name: str) -> None:
    job = draft(boss)
    attach(archive, desk, job, name)
    assert [shown_name for _, shown_name, _ in shown(boss, job)] == [name]


def test_two_files_of_a_job_differ_in_more_than_capitals(archive: Archive, boss: Guest, desk: Desk) -> None:
    archive.upload(desk, TEXT)
    pair = [{"name": name, "sha256": digest(TEXT)} for name in ("Straße.txt", "STRASSE.txt")]
    assert "same name" in boss.refused("submit", kind="saw", files=pair)
    job = draft(boss, files=pair[:1])
    with pytest.raises(BadRequest, match="capitals"):
        attach(archive, desk, job, "STRASSE.txt")
    assert [name for _, name, _ in shown(boss, job)] == ["Straße.txt"]


def test_an_input_is_taken_from_a_draft_and_from_nothing_else(archive: Archive, boss: Guest, desk: Desk) -> None:
    job = draft(boss)
    attach(archive, desk, job)
    with pytest.raises(NotFound):
        archive.ask(desk, Detach(id=job, name="b.txt"))
    with pytest.raises(NotFound):
        archive.ask(archive.desk("other", "submit"), Detach(id=job, name="a.txt"))
    archive.ask(desk, Detach(id=job, name="a.txt"))
    assert shown(boss, job) == []
    attach(archive, desk, job)
    boss.ok("commit", id=job)
    with pytest.raises(WrongState):
        archive.ask(desk, Detach(id=job, name="a.txt"))
    assert [name for _, name, _ in shown(boss, job)] == ["a.txt"]


def test_a_job_has_so_many_files_and_no_more(archive: Archive, boss: Guest, desk: Desk) -> None:
    archive.upload(desk, TEXT)
    files = [{"name": f"f{number}", "sha256": digest(TEXT)} for number in range(MAX_FILES + 1)]
    assert str(MAX_FILES) in boss.refused("submit", kind="saw", files=files)
    assert "same name" in boss.refused("submit", kind="saw", files=[files[0], files[0]])
    job = draft(boss, files=files[:-1])
    with pytest.raises(TooLarge, match=str(MAX_FILES)):
        attach(archive, desk, job, "one more")
    attach(archive, desk, job, "f0", OTHER)


def test_a_file_that_is_too_large_is_refused_at_its_beginning_and_where_it_becomes_so(
    archive: Archive, desk: Desk
) -> None:
    files = archive.hall.files
    with pytest.raises(TooLarge, match=str(MAX_FILE)):
        archive.run(files.begin(desk, MAX_FILE + 1))
    upload = archive.run(files.begin(desk))
    with pytest.raises(TooLarge, match=str(MAX_FILE)):
        archive.run(files.write(desk, upload.id, MAX_FILE, b"x"))


@pytest.mark.parametrize("sha256", ["", "a" * 63, "A" * 64, "../" + "a" * 61])
def test_an_upload_of_what_is_no_digest_does_not_begin(archive: Archive, desk: Desk, sha256: str) -> None:
    with pytest.raises(BadRequest, match="64 of the digits"):
        archive.run(archive.hall.files.begin(desk, sha256=sha256))


def test_a_token_keeps_no_more_than_its_quota(archive: Archive, boss: Guest, desk: Desk) -> None:
    archive.hall.files.quota = 2 * len(TEXT)
    job = draft(boss)
    attach(archive, desk, job, "a")
    attach(archive, desk, job, "b")
    with pytest.raises(TooLarge, match="--files-quota"):
        attach(archive, desk, job, "c")
    attach(archive, desk, job, "b")
    named = [{"name": "a", "sha256": digest(TEXT)}]
    assert "--files-quota" in boss.refused("submit", kind="saw", files=named)
    other = archive.token("other", ["submit"])
    mine = draft(other)
    attach(archive, archive.desk("other", "submit"), mine, "a")
    boss.ok("discard", id=job)
    attach(archive, desk, draft(boss), "c")


def test_what_no_job_names_is_bounded_too(archive: Archive, desk: Desk) -> None:
    files = archive.hall.files
    files.quota = 2 * len(TEXT)
    archive.upload(desk, TEXT)
    with pytest.raises(TooLarge, match="in no job yet"):
        archive.run(files.begin(desk, len(TEXT) + 1))
    uploads = [archive.run(files.begin(desk)) for _ in range(MAX_UPLOADS)]
    with pytest.raises(Busy, match="finish or abandon"):
        archive.run(files.begin(desk))
    archive.run(files.abandon(desk, uploads[0].id))
    archive.run(files.begin(desk))


def test_what_a_submit_has_named_is_in_a_job_and_goes_with_it(archive: Archive, boss: Guest, desk: Desk) -> None:
    files = archive.hall.files
    archive.upload(desk, TEXT)
    job = boss.submit(files=[{"name": "a", "sha256": digest(TEXT)}], key="k")
    files.quota = len(TEXT) * 2
    archive.run(files.begin(desk, len(TEXT) * 2))  # nothing waits for a job any more
    assert boss.submit(files=[{"name": "a", "sha256": digest(TEXT)}], key="k") == job, "it may name its own again"
    archive.upload(desk, OTHER)
    assert boss.submit(files=[{"name": "a", "sha256": digest(TEXT)}], key="k") == job
    boss.ok("cancel", id=job)
    boss.ok("remove", ids=[job])
    archive.pass_time(1)
    assert archive.contents() == [digest(OTHER)]


def test_what_has_come_of_uploads_counts_too_until_they_are_gone(archive: Archive, desk: Desk) -> None:
    files = archive.hall.files
    files.quota = 20
    first, second = (archive.run(files.begin(desk)) for _ in range(2))
    archive.run(files.write(desk, first.id, 0, b"x" * 15))
    for _ in range(2):
        with pytest.raises(TooLarge, match="in no job yet"):
            archive.run(files.write(desk, second.id, 0, b"x" * 6))
        archive.run(files.sweep())  # which takes neither: they are young
    archive.run(files.write(archive.desk("other"), archive.run(files.begin(archive.desk("other"))).id, 0, b"x" * 20))
    archive.run(files.abandon(desk, first.id))
    assert archive.run(files.write(desk, second.id, 0, b"x" * 6)).received == 6


def test_names_and_payload_fit_into_a_line_together(archive: Archive, boss: Guest, desk: Desk) -> None:
    archive.upload(desk, TEXT)
    files = [{"name": f"{number:03}" + "x" * 250, "sha256": digest(TEXT)} for number in range(MAX_FILES)]
    assert boss.refused("submit", kind="saw", payload="x" * 1_020_000, files=files).startswith("too_large")
    ann = archive.worker("ann", credit=100)
    boss.submit_many([{}] * 60, files=files)
    assert len(ann.runs()) == 60
    assert max(map(len, bytes(ann.peer.out).split(b"\n"))) <= 1 << 20
