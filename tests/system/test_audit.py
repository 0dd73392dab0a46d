"""The audit is tested itself: on logs made by hand that are sound, and on ones that contain each fault."""

from __future__ import annotations

import ast
import sys
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from tests.system.audit import CHECKS, Ack, Evidence, Mark, Told, audit, read_acks, read_marks, read_told


def view(key: str, **fields: Any) -> dict[str, Any]:
    job = {"state": "succeeded", "attempt": 1, "max_attempts": 2, "key": key, "error": None}
    return {**job, "payload": {"marker": f"m-{key}"}, "result": {"by": [1, "ann"]}, **fields}


def sound() -> Evidence:
    """Job a1 ran once; a2, with the same lock, was in the hand of a worker that was killed, and ran again at another;
    a3 waited for both."""
    dump = {
        "a1": view("k1", lock="saw"),
        "a2": view("k2", attempt=2, result={"by": [2, "ann"]}, lock="saw"),
        "a3": view("k3", after=["a1", "a2"]),
    }
    marks = [
        Mark("a1", 1, "ann", "start", 1.0),
        Mark("a1", 1, "ann", "end", 2.0),
        Mark("a1", 1, "ann", "done", 2.1),
        Mark("a2", 1, "bob", "start", 2.05),
        Mark("-", 0, "bob", "killed", 2.5),
        Mark("a2", 2, "ann", "start", 5.0),
        Mark("a2", 2, "ann", "end", 6.0),
        Mark("a3", 1, "ann", "start", 6.1),
        Mark("a3", 1, "ann", "end", 6.2),
    ]
    acks = [Ack("a1", "k1", "m-k1"), Ack("a2", "k2", "m-k2")]
    return Evidence(acks, marks, dump, deepcopy(dump), frozenset({"k1", "k2", "k3"}))


def without(seen: Evidence, *marks: Mark) -> Evidence:
    seen.marks = [mark for mark in seen.marks if mark not in marks]
    return seen


def test_a_sound_run_has_no_fault_and_says_why_jobs_ran_again() -> None:
    findings = audit(sound())
    assert findings.sound, findings
    assert (findings.jobs, findings.starts, findings.extra_starts) == (3, 4, {"worker killed": 1})


def lose_a_job(seen: Evidence) -> None:
    del seen.dump["a1"]
    seen.marks = [mark for mark in seen.marks if mark.id != "a1"]


def swap_a_payload(seen: Evidence) -> None:
    seen.dump["a1"]["payload"]["marker"] = "m-k2"


def leave_a_job_running(seen: Evidence) -> None:
    seen.dump["a1"]["state"] = "running"


def succeed_without_an_end(seen: Evidence) -> None:
    seen.marks.remove(Mark("a1", 1, "ann", "end", 2.0))


def end_an_attempt_twice(seen: Evidence) -> None:
    seen.marks.append(Mark("a1", 1, "ann", "end", 2.05))


def take_a_result_of_nobody(seen: Evidence) -> None:
    seen.dump["a1"]["result"] = {"by": [1, "zoe"]}
    seen.again["a1"]["result"] = {"by": [1, "zoe"]}


def start_the_next_before_the_first_is_dead(seen: Evidence) -> None:
    seen.marks = [mark._replace(at=2.4) if mark[:4] == ("a2", 2, "ann", "start") else mark for mark in seen.marks]


def hand_the_same_attempt_to_two_workers(seen: Evidence) -> None:
    seen.marks.append(Mark("a2", 1, "cat", "start", 3.0))
    seen.marks.append(Mark("a2", 1, "cat", "drop", 3.5))
    seen.dump["a2"]["max_attempts"] = 3


def go_back_with_the_attempt_number(seen: Evidence) -> None:
    seen.marks = [mark._replace(attempt=3) if mark[:2] == ("a2", 1) else mark for mark in seen.marks]


def start_more_often_than_allowed(seen: Evidence) -> None:
    seen.dump["a2"]["max_attempts"] = 1


def run_again_for_no_reason(seen: Evidence) -> None:
    seen.marks.remove(Mark("-", 0, "bob", "killed", 2.5))
    seen.marks.append(Mark("a2", 1, "bob", "end", 2.5))


def run_again_after_the_result_was_taken(seen: Evidence) -> None:
    seen.marks += [Mark("a2", 1, "bob", "end", 2.0), Mark("a2", 1, "bob", "done", 2.2)]


def start_a_child_before_its_parent_has_ended(seen: Evidence) -> None:
    seen.marks = [mark._replace(at=5.5) if mark[:4] == ("a3", 1, "ann", "start") else mark for mark in seen.marks]


def start_a_child_after_the_end_of_an_attempt_that_does_not_count(seen: Evidence) -> None:
    start_a_child_before_its_parent_has_ended(seen)
    seen.marks.append(Mark("a2", 1, "bob", "end", 2.3))


def let_two_jobs_have_one_lock(seen: Evidence) -> None:
    seen.marks = [mark._replace(at=1.5) if mark[:4] == ("a2", 1, "bob", "start") else mark for mark in seen.marks]


def cancel_a_child_of_good_parents(seen: Evidence) -> None:
    for dump in (seen.dump, seen.again):
        dump["a3"] |= {"state": "cancelled", "result": None}


def change_a_result(seen: Evidence) -> None:
    seen.again["a1"]["result"] = {"by": [1, "ann"], "more": 1}


def forget_an_ended_job(seen: Evidence) -> None:
    del seen.again["a1"]


def tell_a_client_something_else(seen: Evidence) -> None:
    seen.told.append(Told("a1", "succeeded", {"by": [2, "ann"]}))


def keep_what_was_removed(seen: Evidence) -> None:
    seen.removed = frozenset({"a1"})


def return_other_bytes(seen: Evidence) -> None:
    for dump in (seen.dump, seen.again):
        dump["a1"]["payload"]["pad"], dump["a1"]["result"]["pad"] = "\u00fc", "u"


def freeze_bob(seen: Evidence, since: float, until: float) -> None:
    seen.marks.remove(Mark("-", 0, "bob", "killed", 2.5))
    seen.marks += [Mark("-", 0, "bob", "frozen", since), Mark("-", 0, "bob", "thawed", until)]


def run_again_after_a_short_sleep(seen: Evidence) -> None:
    freeze_bob(seen, 2.5, 3.5)


def run_again_while_the_hall_was_soon_back(seen: Evidence) -> None:
    seen.marks.remove(Mark("-", 0, "bob", "killed", 2.5))
    seen.marks += [Mark("-", 0, "hall", "away", 2.5), Mark("-", 0, "hall", "back", 3.5)]


def begin_late_without_a_sleep(seen: Evidence) -> None:
    seen.marks = [mark._replace(at=5.5) if mark[:4] == ("a2", 1, "bob", "start") else mark for mark in seen.marks]


def answer_a_key_with_two_ids(seen: Evidence) -> None:
    seen.acks.append(Ack("a2", "k1", "m-k2"))


def keep_two_jobs_under_one_key(seen: Evidence) -> None:
    seen.dump["a2"]["key"] = "k1"


def make_a_job_up(seen: Evidence) -> None:
    seen.keys = frozenset({"k1", "k3"})


def work_on_an_unknown_job(seen: Evidence) -> None:
    seen.marks.append(Mark("a9", 1, "ann", "start", 7.0))


FAULTS = [
    (lose_a_job, "A1 acked but not found"),
    (swap_a_payload, "A9 other bytes"),
    (leave_a_job_running, "A2 not exactly one end"),
    (succeed_without_an_end, "A2 not exactly one end"),
    (end_an_attempt_twice, "A2 not exactly one end"),
    (take_a_result_of_nobody, "result that no attempt made"),
    (start_the_next_before_the_first_is_dead, "A3 overlapping attempts"),
    (hand_the_same_attempt_to_two_workers, "attempt started twice"),
    (go_back_with_the_attempt_number, "attempt started twice"),
    (start_more_often_than_allowed, "A4 more starts than max_attempts"),
    (run_again_for_no_reason, "A5 extra start without a cause"),
    (run_again_after_the_result_was_taken, "A5 extra start without a cause"),
    (start_a_child_before_its_parent_has_ended, "started before what it waited for"),
    (start_a_child_after_the_end_of_an_attempt_that_does_not_count, "started before what it waited for"),
    (let_two_jobs_have_one_lock, "two at once with one lock"),
    (cancel_a_child_of_good_parents, "cancelled for nothing"),
    (change_a_result, "A6 outcome changed"),
    (tell_a_client_something_else, "A6 outcome changed"),
    (forget_an_ended_job, "A10 removed without a record, or not in spite of one"),
    (keep_what_was_removed, "A10 removed without a record, or not in spite of one"),
    (return_other_bytes, "A9 other bytes"),
    (run_again_after_a_short_sleep, "A5 extra start without a cause"),
    (run_again_while_the_hall_was_soon_back, "A5 extra start without a cause"),
    (begin_late_without_a_sleep, "attempt started twice"),
    (answer_a_key_with_two_ids, "A7 key with two ids"),
    (keep_two_jobs_under_one_key, "A7 key with two ids"),
    (make_a_job_up, "A8 ghost"),
    (work_on_an_unknown_job, "A8 ghost"),
]


@pytest.mark.parametrize(("spoil", "fault"), FAULTS, ids=[spoil.__name__ for spoil, _ in FAULTS])
def test_each_fault_is_found(spoil: Any, fault: str) -> None:
    seen = sound()
    spoil(seen)
    assert audit(seen).found.get(fault) == 1, audit(seen)


def test_every_check_has_a_log_that_fails_it() -> None:
    assert {fault for _, fault in FAULTS} == set(CHECKS)


@pytest.mark.parametrize(("event", "cause"), [("fail", "failed"), ("release", "released"), ("drop", "lease lost")])
def test_an_attempt_that_its_worker_gave_up_is_a_cause_for_the_next(event: str, cause: str) -> None:
    seen = without(sound(), Mark("-", 0, "bob", "killed", 2.5))
    seen.marks.append(Mark("a2", 1, "bob", event, 2.5))
    findings = audit(seen)
    assert findings.sound, findings
    assert findings.extra_starts == {cause: 1}


def test_a_worker_that_slept_over_its_lease_is_a_cause_and_what_it_does_then_is_not_held_against_the_hall() -> None:
    seen = sound()
    freeze_bob(seen, 2.2, 5.5)
    seen.marks += [Mark("a2", 1, "bob", "drop", 5.75)]
    findings = audit(seen)
    assert findings.sound, findings
    assert (findings.extra_starts, findings.longest_overlap) == ({"worker frozen": 1}, 0.25)


def test_a_worker_that_fell_asleep_before_it_told_the_end_is_a_cause() -> None:
    seen = sound()
    freeze_bob(seen, 2.3, 5.5)
    seen.marks += [Mark("a2", 1, "bob", "end", 2.25)]
    findings = audit(seen)
    assert findings.sound, findings
    assert findings.extra_starts == {"worker frozen": 1}


def test_an_end_waits_out_an_outage_of_the_hall_before_it_is_surely_told() -> None:
    seen = sound()
    freeze_bob(seen, 3.4, 5.5)
    seen.marks += [Mark("a2", 1, "bob", "end", 2.25)]
    assert audit(seen).found["A5 extra start without a cause"] == 1
    again = sound()
    freeze_bob(again, 3.4, 5.5)
    again.marks += [
        Mark("a2", 1, "bob", "end", 2.25),
        Mark("-", 0, "hall", "away", 2.3),
        Mark("-", 0, "hall", "back", 3.0),
    ]
    findings = audit(again)
    assert findings.sound, findings
    assert findings.extra_starts == {"worker frozen": 1}


def test_a_worker_that_woke_up_may_begin_what_it_was_given_before_its_sleep() -> None:
    seen = sound()
    freeze_bob(seen, 2.04, 5.5)
    begin_late_without_a_sleep(seen)
    findings = audit(seen)
    assert findings.sound, findings
    assert (findings.extra_starts, findings.stale_starts) == ({}, 1)


def test_a_sleeper_keeps_its_lease_while_it_cannot_have_passed() -> None:
    seen = sound()
    freeze_bob(seen, 4.0, 5.6)
    assert audit(seen).found["A3 overlapping attempts"] == 1


def test_a_hall_that_was_long_away_is_a_cause_to_give_a_job_back() -> None:
    seen = without(sound(), Mark("-", 0, "bob", "killed", 2.5))
    seen.dump["a2"]["history"] = [{"attempt": 1, "how": "release"}]
    seen.marks += [Mark("a2", 1, "bob", "end", 2.4)]
    seen.marks += [Mark("-", 0, "hall", "away", 2.3), Mark("-", 0, "hall", "back", 4.9)]
    findings = audit(seen)
    assert findings.sound, findings
    assert findings.extra_starts == {"hall away": 1}


def test_a_hall_that_was_long_away_may_not_take_jobs_from_live_workers() -> None:
    seen = without(sound(), Mark("-", 0, "bob", "killed", 2.5))
    seen.dump["a2"]["history"] = [{"attempt": 1, "how": "lose"}]
    seen.marks += [Mark("a2", 1, "bob", "end", 2.4)]
    seen.marks += [Mark("-", 0, "hall", "away", 2.3), Mark("-", 0, "hall", "back", 4.9)]
    assert audit(seen).found == {"A5 extra start without a cause": 1}


def test_in_the_old_store_everything_may_start_again_when_another_took_its_place() -> None:
    seen = without(sound(), Mark("-", 0, "bob", "killed", 2.5))
    seen.marks += [Mark("a2", 1, "bob", "end", 2.4)]
    seen.marks += [Mark("-", 0, "hall", event, 2.3) for event in ("away", "replaced", "back")]
    findings = audit(seen)
    assert findings.sound, findings
    assert findings.extra_starts == {"store replaced": 1}


def test_a_killed_child_ends_the_attempts_of_its_worker() -> None:
    seen = without(sound(), Mark("-", 0, "bob", "killed", 2.5))
    seen.marks.append(Mark("-", 0, "bob", "struck", 2.5))
    findings = audit(seen)
    assert findings.sound, findings
    assert findings.extra_starts == {"child killed": 1}


def test_the_audit_imports_nothing_of_ours_but_its_own_other_half() -> None:
    for name in ("audit", "evidence"):
        tree = ast.parse((Path(__file__).parent / f"{name}.py").read_text())
        modules = {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
        modules |= {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
        foreign = {module for module in modules if module.partition(".")[0] not in sys.stdlib_module_names}
        assert foreign == ({"tests.system.evidence"} if name == "audit" else set())


def test_a_released_attempt_does_not_count_against_max_attempts() -> None:
    seen = without(sound(), Mark("-", 0, "bob", "killed", 2.5))
    seen.marks.append(Mark("a2", 1, "bob", "release", 2.5))
    seen.dump["a2"]["max_attempts"] = 1
    assert audit(seen).sound, audit(seen)


def test_logs_are_read_back_as_they_were_written_but_for_a_torn_last_line(tmp_path: Path) -> None:
    marks, acks = tmp_path / "marks", tmp_path / "acks"
    marks.write_bytes(Mark("a1", 1, "ann", "start", 1.5).line() + b"a1 1 ann en")
    ack = '{"id": "a1", "key": "k1", "marker": "m"}\n'
    acks.write_text(ack + '{"id": "a1", "state": "failed", "result": null}\n{"id": "a2", "k')
    assert read_marks([marks]) == [Mark("a1", 1, "ann", "start", 1.5)]
    assert read_told([acks]) == [Told("a1", "failed", None)]
    assert read_acks([acks]) == [Ack("a1", "k1", "m")]
