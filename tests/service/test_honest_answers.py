"""An error means that nothing has happened, an ok that it has; a hall that cannot know says neither."""

from __future__ import annotations

import apsw
import pytest

from hirehall.core.operations import Change
from hirehall.model import id_text
from hirehall.stores import sqlite, sqlite_batch, sqlite_changes
from hirehall.stores.sqlite_work import Work
from tests.service.office import Guest, Office


def test_as_many_jobs_are_stored_as_submits_were_answered_ok(office: Office, boss: Guest) -> None:
    boss.ok("queue", queue="full", max_waiting=3)
    boss.ok("drain", queue="closed")
    told = []
    for at in range(60):
        queue = ("default", "full", "closed", "no queue!")[at % 4]
        key = {"key": f"k{at % 5}"} if at % 3 == 0 else {}
        answer = boss.ask("submit", kind="saw", queue=queue, payload=at, **key)
        told += [answer["id"]] if answer.get("ok") else []
    found = [job["id"] for job in boss.ok("find", limit=1_000)["jobs"]]
    assert sorted(found) == sorted(told)
    assert len(told) == 18


def test_who_waits_is_told_when_the_last_of_its_jobs_has_ended(office: Office, boss: Guest) -> None:
    jobs = boss.submit_many([{}, {}])
    boss.say({"cmd": "wait", "ids": jobs, "ref": "wait"})
    ann = office.worker("ann")
    ann.done(jobs[0])
    assert not [line for line in boss.peer.lines() if line.get("ref") == "wait"]
    ann.done(jobs[1], result="last")
    answer = boss.answer("wait")
    assert [job["state"] for job in answer["jobs"]] == ["succeeded", "succeeded"]
    assert answer["jobs"][1]["result"] == "last"


def test_who_waits_for_a_running_job_is_told_of_its_end_from_one_look_into_the_store(
    office: Office, boss: Guest, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann = office.worker("ann")
    job = boss.submit()
    looks = list[object]()
    read = office.store.read
    monkeypatch.setattr(office.store, "read", lambda query: looks.append(query) or read(query))
    boss.say({"cmd": "wait", "ids": [job], "ref": "wait"})
    assert not looks
    ann.done(job, result="told")
    assert [job["result"] for job in boss.answer("wait")["jobs"]] == ["told"]
    assert len(looks) == 1


def test_a_wait_for_a_running_job_ends_with_its_time(office: Office, boss: Guest) -> None:
    office.worker("ann")
    job = boss.submit()
    boss.say({"cmd": "wait", "ids": [job], "timeout_seconds": 5, "ref": "wait"})
    office.pass_time(6)
    assert boss.answer("wait")["pending"] == [job]


def test_a_wait_without_time_knows_of_the_end_that_was_asked_for_before_it(office: Office, boss: Guest) -> None:
    office.worker("ann")
    job = boss.submit()
    boss.say({"cmd": "cancel", "id": job}, {"cmd": "wait", "ids": [job], "timeout_seconds": 0, "ref": "wait"})
    answer = boss.answer("wait")
    assert [one["state"] for one in answer["jobs"]] == ["cancelled"]
    assert answer["pending"] == []


def test_results_that_were_taken_back_for_damage_are_not_answered_ok(
    office: Office, boss: Guest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk is found damaged behind the results of a batch; when they are taken again one cannot be written."""
    ann = office.worker("ann", credit=3)
    jobs = boss.submit_many([{}, {}, {}])
    held = [run["id"] for run in ann.runs()]
    assert held == jobs
    claim, change = sqlite_batch.claim, sqlite_changes._change
    damage = [apsw.CorruptError("database disk image is malformed")]

    def claim_once_damaged(work: Work) -> None:
        if damage and work.batch.changes:
            raise damage.pop()
        claim(work)

    def change_but_one(work: Work, one: Change) -> None:
        if id_text(one.id) == jobs[1] and one.id not in work.aside:
            work.spot.job = one.id
            raise apsw.CorruptError("database disk image is malformed")
        change(work, one)

    monkeypatch.setattr(sqlite_batch, "claim", claim_once_damaged)
    monkeypatch.setattr(sqlite_changes, "_change", change_but_one)
    ann.say(*({"cmd": "done", "id": job, "attempt": 1, "ref": job} for job in jobs))
    assert [ann.answer(job).get("error", {}).get("code") for job in jobs] == [None, "damaged", None]
    monkeypatch.undo()
    assert [job["state"] for job in boss.ok("get", ids=jobs)["jobs"]] == ["succeeded", "running", "succeeded"]


def test_after_an_error_of_the_store_nothing_is_answered_ok(monkeypatch: pytest.MonkeyPatch) -> None:
    office = Office()
    boss = office.guest("boss")

    def broken(*given: object) -> None:
        raise apsw.IOError("disk I/O error")

    monkeypatch.setattr(sqlite, "carry_out", broken)
    boss.say({"cmd": "submit", "kind": "saw", "ref": "lost"}, {"cmd": "submit", "kind": "saw", "ref": "too"})
    assert [line for line in boss.peer.lines() if line.get("ref") in ("lost", "too")] == []
    assert office.hall.failed.done()
    office.problem("the hall has failed")  # so that closing does not wait for it
    office.close()


def test_a_payload_and_its_result_come_back_byte_for_byte(office: Office, boss: Guest) -> None:
    body = b'{ "a" : 1.0,"b":1e2 , "a": 12345678901234567890123, "c":"\\u00e9\\/" }'
    ann = office.worker("ann")
    boss.peer.send(b'{"cmd":"submit","kind":"saw","payload":%b}\n' % body)
    (run,) = ann.runs()
    assert b'"payload":' + body in bytes(ann.peer.out)
    ann.peer.send(b'{"cmd":"done","id":"%b","attempt":1,"result":%b}\n' % (run["id"].encode(), body))
    boss.ok("get", ids=[run["id"]])
    assert b'"payload":' + body in bytes(boss.peer.out)
    assert b'"result":' + body in bytes(boss.peer.out)


def test_an_id_of_deputys_comes_back_as_it_was_written(office: Office) -> None:
    doer, asker = office.peer("doer"), office.peer("asker")
    doer.send(b'{"cmd":"can_do","types":["saw"]}\n')
    asker.send(b'{"cmd":"do","id":"\\u0061\\/b","type":"saw","arg":1}\n')
    office.settle()
    assert b'"id":"\\u0061\\/b"' in bytes(doer.out)
    doer.send(b'{"cmd":"did","id":"a/b","res":2}\n')  # as another parser would write it
    office.settle()
    assert b'"id":"\\u0061\\/b"' in bytes(asker.out)
