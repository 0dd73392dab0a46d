"""Conformance: submits."""

from __future__ import annotations

import pytest

from hirehall.model import State
from tests.stores.books import ANNA, Books, spec


def test_a_submitted_job_is_read_back_as_it_was_said(books: Books) -> None:
    job = books.job(books.one("resize", payload=b'{"a": 1}', queue="images", priority=3, requires={"gpu": 2}))
    assert (job.kind, job.queue, job.priority, job.payload) == ("resize", "images", 3, b'{"a": 1}')
    assert (job.state, job.attempt, job.forgiven, job.requires) == (State.READY, 0, 0, '{"gpu":2}')
    assert (job.owner, job.holder, job.result, job.fault, job.finished_at) == ("team", None, None, None, None)


def test_rules_and_times_are_kept(books: Books) -> None:
    job = books.job(
        books.one(timeout_seconds=5.0, meta={"trace": "é"}, delay_seconds=60.0, ttl_seconds=90.0, max_attempts=2)
    )
    assert job.rules.timeout_seconds == 5.0
    assert job.rules.meta == {"trace": "é"}
    assert job.wake_at == books.wall_ms + 60_000
    assert job.expires_at == books.wall_ms + 90_000
    assert (job.state, job.max_attempts) == (State.SCHEDULED, 2)


def test_a_payload_keeps_every_byte(books: Books) -> None:
    text = '{"a" : "\\u0000é\\ud83d\\ude00", "b":[1e999,01]}'.encode()
    assert books.job(books.one(payload=text)).payload == text


def test_a_bulk_submit_stores_all_its_jobs_in_their_order(books: Books) -> None:
    submit = books.submit(*(spec(f"kind{at}") for at in range(50)))
    assert submit.ids == sorted(submit.ids)
    assert [job.kind for job in books.read(*submit.ids)] == [f"kind{at}" for at in range(50)]
    assert submit.duplicates == {}
    assert submit.conflict is None


def test_several_submits_share_a_batch(books: Books) -> None:
    batch = books.batch()
    first, second = books.add_submit(batch, spec("one")), books.add_submit(batch, spec("two"), spec("three"))
    books.apply(batch)
    assert [job.kind for job in books.read(*first.ids, *second.ids)] == ["one", "two", "three"]


def test_the_same_key_with_the_same_job_answers_the_first_id(books: Books) -> None:
    first = books.submit(spec(key="k", payload=b"1"))
    again = books.submit(spec(key="k", payload=b"1"))
    assert again.ids == first.ids
    assert again.duplicates == {first.ids[0]: State.READY}
    assert len(books.all_jobs()) == 1


def test_a_duplicate_names_the_state_that_the_job_has_now(books: Books) -> None:
    job = books.one(key="k")
    books.cancel(job)
    assert books.submit(spec(key="k")).duplicates == {job: State.CANCELLED}


@pytest.mark.parametrize("other", [{"kind": "other"}, {"payload": b"2"}, {"payload": b"1 "}])
def test_the_same_key_with_another_job_is_a_conflict_and_stores_nothing(books: Books, other: dict[str, object]) -> None:
    books.submit(spec(key="k", payload=b"1"))
    clash = books.submit(spec(**{"key": "k", "payload": b"1"} | other))
    assert (clash.conflict, clash.ids) == ("k", [])
    assert len(books.all_jobs()) == 1


def test_the_same_key_in_another_queue_is_another_job(books: Books) -> None:
    assert books.one(key="k") != books.one(key="k", queue="other", payload=b"2")
    assert len(books.all_jobs()) == 2


def test_one_conflict_refuses_the_whole_bulk_submit_and_no_other(books: Books) -> None:
    books.one(key="taken")
    batch = books.batch()
    clash = books.add_submit(batch, spec("a"), spec("b", key="taken"), spec("c", key="fresh"))
    other = books.add_submit(batch, spec("neighbour"))
    books.apply(batch)
    assert (clash.conflict, clash.ids) == ("taken", [])
    assert sorted(job.kind for job in books.all_jobs()) == ["neighbour", "work"]
    assert books.states(*other.ids) == ["ready"]


def test_a_conflict_leaves_its_other_keys_free(books: Books) -> None:
    books.one(key="taken")
    books.submit(spec("b", key="fresh"), spec("b", key="taken"))
    assert books.submit(spec("c", key="fresh")).duplicates == {}


def test_a_key_named_twice_in_one_submit_is_one_job(books: Books) -> None:
    submit = books.submit(spec(key="k"), spec("other"), spec(key="k"))
    assert submit.ids[0] == submit.ids[2] != submit.ids[1]
    assert list(submit.duplicates) == [submit.ids[0]]
    assert len(books.all_jobs()) == 2


def test_a_known_key_named_twice_in_one_submit_answers_the_stored_id_both_times(books: Books) -> None:
    known = books.one(key="k")
    submit = books.submit(spec(key="k"), spec(key="k"), spec(key="k"))
    assert submit.ids == [known] * 3
    assert submit.duplicates == {known: State.READY}


def test_a_key_named_twice_for_different_jobs_is_a_conflict(books: Books) -> None:
    clash = books.submit(spec(key="k", payload=b"1"), spec(key="k", payload=b"2"))
    assert (clash.conflict, clash.ids) == ("k", [])
    assert books.all_jobs() == []


def test_a_key_is_free_again_when_its_job_was_removed(books: Books) -> None:
    first = books.one(key="k", keep_seconds=10.0)
    books.cancel(first)
    books.pass_time(10)
    books.sweep()
    again = books.submit(spec(key="k", payload=b"another"))
    assert again.conflict is None
    assert again.ids != [first]


def test_a_placed_job_enters_already_running(books: Books) -> None:
    batch = books.batch()
    submit = books.add_submit(batch, spec())
    books.place(submit.jobs[0], ANNA)
    books.apply(batch)
    job = books.job(submit.ids[0])
    assert (job.state, job.attempt, job.holder, job.wake_at) == (State.RUNNING, 1, ANNA, None)
    assert job.started_at == books.wall_ms
    assert [row.id for row in books.recover().running] == submit.ids
    assert books.succeed_in_hand(job.id).answer == "applied"


def test_a_placed_duplicate_is_not_started_again(books: Books) -> None:
    known = books.one(key="k")
    batch = books.batch()
    submit = books.add_submit(batch, spec(key="k"))
    books.place(submit.jobs[0], ANNA)
    books.apply(batch)
    assert submit.ids == [known]
    assert books.states(known) == ["ready"]


def test_a_placed_job_of_a_refused_submit_does_not_exist(books: Books) -> None:
    books.one(key="k")
    batch = books.batch()
    submit = books.add_submit(batch, spec("placed"), spec("other", key="k"))
    books.place(submit.jobs[0], ANNA)
    books.apply(batch)
    assert submit.conflict == "k"
    assert books.recover().running == []
