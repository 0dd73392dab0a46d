"""Names checked, times read, ids given."""

from __future__ import annotations

import pytest
from msgspec import Raw

from hirehall.core import checks
from hirehall.core.checks import read_time
from hirehall.core.intake import Ids, alike, check_lane, check_sizes, draft
from hirehall.core.queues import QueueLine
from hirehall.errors import BadRequest, TooLarge
from hirehall.model import MAX_BODY, Backoff, JobSpec, State, id_created_ms, id_number, id_text

NOW = 1_800_000_000_000
OPEN = QueueLine("default")


def test_ids_grow_even_when_the_clock_goes_back() -> None:
    ids = Ids(database=3, last=0)
    given = [ids.take(NOW), ids.take(NOW), ids.take(NOW - 3_600_000), ids.take(NOW + 1)]
    assert given == sorted(set(given))


def test_more_ids_than_a_millisecond_holds_borrow_from_the_next() -> None:
    ids = Ids(database=3, last=0)
    given = [ids.take(NOW) for _ in range(10_000)]
    assert given == sorted(set(given))
    assert {job >> 12 & 1023 for job in given} == {3}, "the database's number stays in every id"


def test_an_id_carries_its_time_and_survives_the_wire() -> None:
    job = Ids(database=3, last=0).take(NOW)
    assert id_created_ms(job) == NOW
    assert id_number(id_text(job)) == job


@pytest.mark.parametrize("text", ["", "1", "g" * 16, "F" * 16, "+000000000000001", "0x00000000000001", "f" * 16])
def test_what_no_hall_gave_out_is_no_job(text: str) -> None:
    assert id_number(text) == -1


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"queue": "a b"}, "queue 'a b'"),
        ({"queue": "x" * 65}, "1 to 64"),
        ({"kind": ""}, "kind ''"),
        ({"kind": "a\0b"}, "printable"),
        ({"kind": "x" * 129}, "1 to 128"),
        ({"share": "\n"}, "share"),
        ({"priority": 1 << 40}, "priority"),
        ({"requires": {"a": "b\0"}}, "no NUL"),
    ],
)
def test_a_bad_lane_names_the_field_and_the_rule(wrong: dict, words: str) -> None:
    with pytest.raises(BadRequest, match=words):
        check_lane(JobSpec(**({"kind": "k"} | wrong)))


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"delay_seconds": -1}, "delay_seconds"),
        ({"run_at": "tomorrow"}, "run_at 'tomorrow' is no time"),
        ({"run_at": 1, "delay_seconds": 1}, "give run_at or delay_seconds, not both"),
        ({"expires_at": 1, "ttl_seconds": 1}, "not both"),
        ({"timeout_seconds": 0}, "timeout_seconds"),
        ({"max_attempts": 0}, "max_attempts"),
        ({"backoff": Backoff("random")}, "backoff kind 'random'"),
        ({"backoff": Backoff(jitter=2)}, "jitter"),
        ({"key": ""}, "key"),
        ({"meta": {"a": "x" * 5000}}, "meta takes more than"),
        ({"keep_seconds": 1e12}, "keep_seconds"),
    ],
)
def test_a_bad_field_names_itself_and_the_remedy(wrong: dict, words: str) -> None:
    with pytest.raises(BadRequest, match=words):
        draft(JobSpec(kind="k", **wrong), OPEN, "me", 1, NOW)


def test_a_payload_too_large_for_a_line_is_refused() -> None:
    with pytest.raises(TooLarge, match="at most"):
        check_sizes([Raw(b"1" * MAX_BODY), Raw(b"1" * (MAX_BODY + 1))])


def test_a_later_time_makes_a_scheduled_job_and_a_past_one_a_ready_job() -> None:
    later = draft(JobSpec(kind="k", delay_seconds=2), OPEN, "me", 1, NOW)
    assert (later.state, later.wake_at) == (State.SCHEDULED, NOW + 2000)
    past = draft(JobSpec(kind="k", run_at="2001-01-01T00:00:00Z"), OPEN, "me", 1, NOW)
    assert (past.state, past.wake_at) == (State.READY, None)


@pytest.mark.parametrize("ttl", [5, 60])
def test_a_job_that_would_expire_before_it_may_start_is_refused(ttl: float) -> None:
    with pytest.raises(BadRequest, match="would expire before it may start"):
        draft(JobSpec(kind="k", delay_seconds=60, ttl_seconds=ttl), OPEN, "me", 1, NOW)


def test_a_job_with_two_times_wakes_when_it_is_due_and_keeps_when_it_expires() -> None:
    job = draft(JobSpec(kind="k", delay_seconds=5, ttl_seconds=60), OPEN, "me", 1, NOW)
    assert (job.state, job.wake_at, job.expires_at) == (State.SCHEDULED, NOW + 5000, NOW + 60_000)


def test_times_are_rfc_3339_or_epoch_seconds() -> None:
    assert read_time("run_at", "2027-01-15T08:00:00Z") == NOW
    assert read_time("run_at", "2027-01-15T10:00:00+02:00") == NOW
    assert read_time("run_at", "2027-01-15T08:00:00") == NOW
    assert read_time("run_at", NOW / 1000) == NOW


def test_an_offer_lists_at_most_a_thousand_values() -> None:
    checks.check_labels({"model": ["a"] * checks.MAX_VALUES})
    with pytest.raises(BadRequest, match="name at most 1000"):
        checks.check_labels({"model": ["a"] * (checks.MAX_VALUES + 1)})


def test_many_ids_at_once_are_those_that_one_after_the_other_would_get() -> None:
    ids, others = Ids(database=3, last=0), Ids(database=3, last=0)
    given = [job for count in (1, 4_000, 95, 1, 1, 9_000) for job in ids.take_many(count, NOW)]
    assert given == [others.take(NOW) for _ in given]


def test_jobs_that_differ_in_their_payload_only_are_alike() -> None:
    payloads = [Raw(b"1"), Raw(b"2"), Raw(b"3")]
    said = [JobSpec(kind=kind, payload=payload) for kind, payload in zip("aab", payloads, strict=True)]
    assert [(spec.kind, lot) for spec, lot in alike(said)] == [("a", payloads[:2]), ("b", payloads[2:])]


@pytest.mark.parametrize("other", [True, 1.0])
def test_labels_that_python_takes_for_equal_do_not_make_jobs_alike(other: bool | float) -> None:
    said = [JobSpec(kind="k", requires={"gpu": value}) for value in (1, 1, other)]
    assert [(spec.requires, len(lot)) for spec, lot in alike(said)] == [({"gpu": 1}, 2), ({"gpu": other}, 1)]
