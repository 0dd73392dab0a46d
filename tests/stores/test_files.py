"""Conformance: files of jobs change with them, in the same commit or not at all."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest

from hirehall.core import lifecycle
from hirehall.core.operations import Attach, Batch, Change, Commit, Filed, Submit
from hirehall.errors import NotFound, StaleLease, StoreBroken, TooLarge, WrongState
from hirehall.model import EVERYTHING, Blob, Direction, FileName, Scope, State
from hirehall.ports import FilesOf, Unnamed
from tests.stores.books import ANNA, BERT, Books, lane, spec
from tests.stores.makers import Broken, StoreMaker

NEW, KNOWN, OTHER = (Blob(digit * 64, digit * 32, size) for digit, size in (("a", 10), ("b", 20), ("c", 30)))
ALL = {blob.sha256: blob for blob in (NEW, KNOWN, OTHER)}


def filed(known: dict[str, Blob] | None = None, quota: int | None = None, scope: Scope = EVERYTHING) -> Filed:
    return Filed("team", ALL if known is None else known, scope, quota)


def an_input(job: int, blob: Blob = NEW, name: str = "a", **fields: Any) -> Attach:
    return Attach(job, Direction.IN, name, blob.sha256, **{"filed": filed(), **fields})


def an_output(job: int, blob: Blob = NEW, attempt: int = 1, holder: str = ANNA) -> Attach:
    return Attach(job, Direction.OUT, "out", blob.sha256, filed(), attempt=attempt, holder=holder)


def attach(books: Books, *files: Attach) -> Batch:
    batch = books.batch()
    batch.files += files
    return books.apply(batch)


def named(books: Books, job: int) -> list[tuple[str, str]]:
    return [(file.name, file.sha256[0]) for file in books.ask(FilesOf(job)) or []]


def unnamed(books: Books) -> str:
    """Contents that no file names, by their first digits."""
    return "".join(name[0] for name in books.ask(Unnamed(list(ALL))))


def with_files(batch: Batch, books: Books, *blobs: Blob, **fields: Any) -> Submit:
    files = [FileName(f"f{number}", blob.sha256) for number, blob in enumerate(blobs)]
    submit = books.add_submit(batch, spec(files=files, **fields))
    submit.filed = filed()
    return submit


def test_a_file_of_a_draft_is_kept_and_carried_when_it_is_committed(books: Books) -> None:
    job = books.one(draft=True)
    one = attach(books, an_input(job)).files[0]
    assert (one.blob, one.refused) == (NEW, None)
    assert books.job(job).rules.files is None
    assert books.change(lifecycle.COMMIT, job, State.READY).answer == "applied"
    (carried,) = books.job(job).rules.files or []
    assert (carried.name, carried.sha256, carried.bytes) == ("a", NEW.sha256, NEW.bytes)
    assert [file.md5 for file in books.job(job).files] == [NEW.md5]


def test_files_of_a_submit_are_there_with_it(books: Books) -> None:
    batch = books.batch()
    submit = with_files(batch, books, NEW, KNOWN)
    books.apply(batch)
    job = books.job(submit.ids[0])
    assert [file.bytes for file in job.rules.files or []] == [10, 20]
    assert unnamed(books) == "c"


def test_a_submit_of_an_unknown_content_leaves_nothing(books: Books) -> None:
    batch = books.batch()
    submit = with_files(batch, books, NEW, KNOWN)
    submit.filed = filed({NEW.sha256: NEW})
    other = books.add_submit(batch, spec("other"))
    books.apply(batch)
    assert isinstance(submit.refused, NotFound)
    assert (submit.ids, books.states(*other.ids), unnamed(books)) == ([], ["ready"], "abc")


def test_contents_go_when_nothing_names_them_any_more(books: Books) -> None:
    first, second = books.one(draft=True), books.one(draft=True)
    attach(books, an_input(first), an_input(second))
    assert books.change(lifecycle.DISCARD, first, None).answer == "applied"
    assert (books.last.dropped, unnamed(books)) == ([], "bc")
    books.change(lifecycle.DISCARD, second, None)
    assert (books.last.dropped, unnamed(books)) == ([NEW.sha256], "abc")


def test_a_content_that_is_dropped_and_named_in_one_batch_stays(books: Books) -> None:
    first, second = books.one(draft=True), books.one(draft=True)
    attach(books, an_input(first))
    batch = books.batch()
    batch.changes.append(Change(lifecycle.DISCARD, first, None))
    batch.files.append(an_input(second))
    assert books.apply(batch).dropped == []
    assert named(books, second) == [("a", "a")]


def test_the_sweep_takes_files_along(books: Books) -> None:
    job = books.one(draft=True, keep_seconds=1.0)
    forgotten = books.one(draft=True)
    attach(books, an_input(job), an_input(forgotten, OTHER))
    books.change(lifecycle.COMMIT, job, State.READY)
    books.finish(job)
    books.pass_time(2)
    books.sweep()
    assert books.last.dropped == [NEW.sha256]
    books.pass_time(86_400)
    assert [moved.state for moved in books.sweep().moved] == [None]
    assert books.last.dropped == [OTHER.sha256]


@pytest.mark.parametrize("state", ["ready", "running", "cancelled", "nobody"])
def test_only_a_draft_takes_input(books: Books, state: str) -> None:
    job = books.one() if state != "nobody" else 12_345
    if state == "running":
        books.start(job)
    elif state == "cancelled":
        books.cancel(job)
    one = attach(books, an_input(job)).files[0]
    assert isinstance(one.refused, NotFound if state == "nobody" else WrongState)
    assert unnamed(books) == "abc"


def test_a_draft_outside_the_scope_is_not_found(books: Books) -> None:
    job = books.one(draft=True)
    assert isinstance(attach(books, an_input(job, scope=Scope("other"))).files[0].refused, NotFound)


def test_a_known_content_may_be_named_within_the_scope_only(books: Books) -> None:
    first, second = books.one(draft=True), books.one(draft=True)
    attach(books, an_input(first))
    for scope, works in ((Scope("other"), False), (Scope(None, frozenset({"x"})), False), (Scope("team"), True)):
        one = attach(books, an_input(second, filed=filed({}, scope=scope))).files[0]
        assert (one.blob == NEW) is works, scope


def test_an_output_is_taken_while_a_result_would_be(books: Books) -> None:
    job = books.one()
    books.start(job)
    assert isinstance(attach(books, an_output(job, holder=BERT)).files[0].refused, StaleLease)
    assert isinstance(attach(books, an_output(job, attempt=2)).files[0].refused, StaleLease)
    assert attach(books, an_output(job)).files[0].refused is None
    assert named(books, job) == []
    books.lose(job)
    assert attach(books, an_output(job, KNOWN)).files[0].refused is None
    assert books.last.dropped == [NEW.sha256], "the same name"
    books.succeed(job)
    assert named(books, job) == [("out", "b")]
    assert isinstance(attach(books, an_output(job)).files[0].refused, StaleLease)


@pytest.mark.parametrize("step", [lifecycle.FAIL, lifecycle.RELEASE, lifecycle.TIMEOUT, lifecycle.LOSE])
def test_outputs_go_with_an_attempt_whose_result_cannot_come(books: Books, step: lifecycle.Step) -> None:
    job = books.one()
    books.start(job)
    attach(books, an_output(job))
    target = State.READY if step in (lifecycle.RELEASE, lifecycle.LOSE) else State.FAILED
    books.end(step, job, target)
    assert books.last.dropped == ([] if step is lifecycle.LOSE else [NEW.sha256])


def test_a_quota_counts_names_and_is_given_back(books: Books) -> None:
    job = books.one(draft=True)
    quota = filed(quota=25)
    first = attach(books, an_input(job, filed=quota), an_input(books.one(draft=True), filed=quota))
    assert [one.refused for one in first.files] == [None, None]
    again = an_input(job, name="b", filed=quota)
    assert isinstance(attach(books, again).files[0].refused, TooLarge)
    assert attach(books, an_input(job, filed=quota)).files[0].refused is None, "in place of itself"
    books.change(lifecycle.DISCARD, job, None)
    assert attach(books, an_input(books.one(draft=True), filed=quota)).files[0].refused is None


def everything(books: Books, drafts: list[int], running: int) -> Batch:
    """A batch with an operation on files of every sort."""
    batch = books.batch()
    with_files(batch, books, KNOWN, OTHER)
    with_files(batch, books, NEW, draft=True)
    batch.changes += [
        Commit(lifecycle.COMMIT, drafts[0], State.READY),
        Change(lifecycle.DISCARD, drafts[1], None),
        Change(lifecycle.FAIL, running, State.FAILED, 1, ANNA, in_hand=True, lane=lane()),
    ]
    batch.files += [an_input(drafts[2], OTHER), an_input(drafts[3], NEW, "second")]
    return batch


def test_a_failure_at_any_statement_leaves_no_file_of_the_batch(books: Books, maker: StoreMaker) -> None:
    drafts, running = [books.one(draft=True, lock="x") for _ in range(4)], books.one()
    books.start(running)
    attach(books, *(an_input(job, KNOWN) for job in drafts), an_output(running))

    def all_there_is() -> tuple[Any, ...]:
        return books.all_jobs(), [named(books, job) for job in drafts], unnamed(books)

    before, failures = all_there_is(), 0
    while True:
        with maker.fault(books.store, failures + 1) as hit, suppress(Broken, StoreBroken):
            books.apply(everything(books, drafts, running))
        if not hit:
            break
        failures += 1
        assert all_there_is() == before, hit
        books.check_sums(maker)
    assert failures > 40
    assert [named(books, job) for job in drafts] == [[("a", "b")], [], [("a", "c")], [("a", "b"), ("second", "a")]]


def test_files_are_there_when_the_store_is_opened_again(books: Books, maker: StoreMaker) -> None:
    if not maker.survives:
        return
    job = books.one(draft=True)
    attach(books, an_input(job))
    books.reopen()
    assert (named(books, job), unnamed(books)) == ([("a", "a")], "bc")
