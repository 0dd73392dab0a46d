"""`log_of`: an attempt's log in parts, and as it comes, to its end."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from hirehall.core.operations import Batch
from tests.service.office import Guest, Office


@pytest.fixture
def ann(office: Office) -> Guest:
    return office.worker("ann", credit=9)


def say(worker: Guest, job: str, *texts: str, attempt: int = 1, stream: str = "stdout") -> None:
    """Lines of a log, all at once, without an answer."""
    worker.say(*({"cmd": "log", "id": job, "attempt": attempt, "stream": stream, "text": text} for text in texts))


def texts(part: dict[str, Any]) -> list[str]:
    return [entry["text"] for entry in part["entries"]]


def pushed(guest: Guest) -> list[str]:
    """What was pushed since the last time; a last None says that it ended."""
    parts = guest.pushes("log")
    ended = [part["ended"] for part in parts]
    assert not any(ended[:-1]), "nothing comes behind the end"
    return [text for part in parts for text in texts(part)] + (["END"] if ended and ended[-1] else [])


# Reading.


def test_a_log_holds_what_was_said_with_stream_and_time(office: Office, boss: Guest, ann: Guest) -> None:
    job = boss.submit()
    say(ann, job, "hello")
    office.pass_time(2)
    say(ann, job, "oh", stream="stderr")
    ann.ok("progress", id=job, attempt=1, percent=10, text="warming up")
    log = boss.ok("log_of", id=job)["log"]
    assert log["entries"] == [
        {"at": "2027-01-15T12:00:00.000Z", "stream": "stdout", "text": "hello"},
        {"at": "2027-01-15T12:00:02.000Z", "stream": "stderr", "text": "oh"},
        {"at": "2027-01-15T12:00:02.000Z", "stream": "progress", "text": "warming up"},
    ]
    assert (log["id"], log["attempt"], log["ended"]) == (job, 1, False)
    ann.done(job)
    assert boss.ok("log_of", id=job)["log"]["ended"] is True


def test_next_goes_on_behind_what_was_read(boss: Guest, ann: Guest) -> None:
    job = boss.submit()
    say(ann, job, "one")
    first = boss.ok("log_of", id=job)["log"]
    say(ann, job, "two", "three")
    second = boss.ok("log_of", id=job, offset=first["next"])["log"]
    assert (texts(first), texts(second)) == (["one"], ["two", "three"])
    third = boss.ok("log_of", id=job, offset=second["next"])["log"]
    assert (third["entries"], third["next"]) == ([], second["next"])


def test_every_attempt_has_its_own_log_and_the_latest_is_shown(boss: Guest, ann: Guest) -> None:
    job = boss.submit()
    say(ann, job, "first try")
    ann.ok("release", id=job, attempt=1)
    say(ann, job, "second try", attempt=2)
    assert texts(boss.ok("log_of", id=job)["log"]) == ["second try"]
    first = boss.ok("log_of", id=job, attempt=1)["log"]
    assert (texts(first), first["ended"]) == (["first try"], True)
    assert boss.ok("log_of", id=job, attempt=7)["log"]["entries"] == []


def test_a_job_that_has_not_begun_has_an_empty_log(boss: Guest) -> None:
    log = boss.ok("log_of", id=boss.submit())["log"]
    assert (log["attempt"], log["entries"], log["next"], log["ended"]) == (1, [], 0, False)


def test_odd_texts_arrive_as_they_were_said(boss: Guest, ann: Guest) -> None:
    job = boss.submit()
    odd = ["", "a\nb\r\n", "\x00\x1b[31m", "żółć \U0001f600", '"quoted" \\', "\u2028"]
    say(ann, job, *odd)
    assert texts(boss.ok("log_of", id=job)["log"]) == odd


def test_a_long_text_is_cut_into_entries_and_loses_nothing(boss: Guest, ann: Guest) -> None:
    job = boss.submit()
    say(ann, job, "x" * 25_000)
    assert [len(text) for text in texts(boss.ok("log_of", id=job)["log"])] == [10_000, 10_000, 5_000]


def test_a_big_log_comes_in_parts(boss: Guest, ann: Guest) -> None:
    job = boss.submit()
    lines = [f"{n:05} {'x' * 1000}" for n in range(600)]
    for begin in range(0, 600, 50):
        say(ann, job, *lines[begin : begin + 50])
    ann.done(job)
    read, parts, ended = [], 0, False
    offset = 0
    while not ended:
        part = boss.ok("log_of", id=job, offset=offset)["log"]
        offset, ended = part["next"], part["ended"]
        read += texts(part)
        parts += 1
    assert read == lines
    assert parts >= 3, "a part is about 256 KiB"


def test_a_huge_log_keeps_its_head_and_its_tail(boss: Guest, ann: Guest) -> None:
    job = boss.submit()
    for begin in range(0, 3000, 100):
        say(ann, job, *[f"{n:05} {'x' * 1000}" for n in range(begin, begin + 100)])
    ann.done(job)
    read: list[str] = []
    part = boss.ok("log_of", id=job)["log"]
    while not part["ended"]:
        read += texts(part)
        part = boss.ok("log_of", id=job, offset=part["next"])["log"]
    numbers = [int(text[:5]) for text in read + texts(part)]
    assert numbers == sorted(numbers)
    assert (numbers[0], numbers[-1]) == (0, 2999)
    assert 900 <= len(numbers) <= 1100, "about 1 MiB of 3 MiB"


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"id": "0000000000000001"}, "not_found: there is no job 0000000000000001 that you may see"),
        ({"id": "nonsense"}, "not_found: there is no job 'nonsense'"),
        ({"id": "0000000000000001", "follow": True}, "not_found: there is no job 0000000000000001 that you may see"),
        ({"id": "0000000000000001", "offset": -1}, "bad_request: offset and attempt are not negative"),
        ({"id": "0000000000000001", "attempt": -1}, "bad_request: offset and attempt are not negative"),
    ],
)
def test_a_log_that_there_is_not(boss: Guest, fields: dict[str, Any], said: str) -> None:
    assert boss.refused("log_of", **fields) == said


def test_a_log_is_for_who_may_see_the_job(office: Office, boss: Guest, ann: Guest) -> None:
    eve = office.token("eve", ["submit"])
    mine, theirs = eve.submit(), boss.submit()
    say(ann, mine, "hello")
    assert texts(eve.ok("log_of", id=mine)["log"]) == ["hello"]
    assert eve.refused("log_of", id=theirs, follow=True).startswith("not_found: there is no job")
    worker = office.token("worker", ["work"])
    assert worker.refused("log_of", id=mine).startswith("forbidden: this needs the role read or submit")


def test_only_who_holds_the_attempt_adds_to_its_log(office: Office, boss: Guest, ann: Guest) -> None:
    job = boss.submit()
    bob = office.worker("bob")
    assert bob.refused("log", id=job, attempt=1, text="x").startswith("stale_lease: ")
    assert ann.refused("log", id=job, attempt=2, text="x").startswith("stale_lease: ")
    assert ann.refused("log", id=job, attempt=1, text="x", stream="").startswith("bad_request: ")
    assert boss.ok("log_of", id=job)["log"]["entries"] == []


def test_a_log_goes_with_its_job(boss: Guest, ann: Guest) -> None:
    job = boss.submit()
    say(ann, job, "hello")
    ann.done(job)
    boss.ok("remove", id=job)
    assert boss.refused("log_of", id=job).startswith("not_found: ")


# Following.


def test_a_follower_hears_every_line_and_the_end(boss: Guest, ann: Guest) -> None:
    job = boss.submit()
    say(ann, job, "before")
    begun = boss.ok("log_of", id=job, follow=True)["log"]
    assert (texts(begun), begun["ended"]) == (["before"], False)
    say(ann, job, "one", "two")
    assert pushed(boss) == ["one", "two"]
    ann.ok("progress", id=job, attempt=1, percent=50, text="half")
    assert pushed(boss) == ["half"]
    ann.say({"cmd": "log", "id": job, "attempt": 1, "text": "last"}, {"cmd": "done", "id": job, "attempt": 1})
    assert pushed(boss) == ["last", "END"]


@pytest.mark.parametrize("end", ["done", "fail", "release", "cancel", "bye"])
def test_a_follower_hears_the_last_lines_however_the_attempt_ends(boss: Guest, ann: Guest, end: str) -> None:
    job = boss.submit()
    boss.ok("log_of", id=job, follow=True)
    last = {"cmd": "log", "id": job, "attempt": 1, "text": "last"}
    if end == "cancel":
        ann.say(last)
        boss.ok("cancel", id=job)
    else:
        ann.say(last, {"cmd": end} if end == "bye" else {"cmd": end, "id": job, "attempt": 1})
    assert pushed(boss) == ["last", "END"]


def test_a_follower_hears_the_last_lines_of_a_lost_attempt(office: Office, boss: Guest, ann: Guest) -> None:
    job = boss.submit()
    ann.say({"cmd": "log", "id": job, "attempt": 1, "text": "last"})
    boss.ok("log_of", id=job, follow=True)
    ann.leave()
    office.pass_time(4)
    assert pushed(boss) == [], "its worker may come back and keep it"
    office.worker("bert")
    assert pushed(boss) == ["END"]
    assert texts(boss.ok("log_of", id=job, attempt=1)["log"]) == ["last"]


def test_the_last_lines_of_a_cancelled_attempt_are_kept(boss: Guest, ann: Guest) -> None:
    job = boss.submit()
    ann.say({"cmd": "log", "id": job, "attempt": 1, "text": "last"})
    boss.ok("cancel", id=job)
    log = boss.ok("log_of", id=job)["log"]
    assert (texts(log), log["ended"]) == (["last"], True)


def test_following_an_attempt_that_is_over_ends_at_once(boss: Guest, ann: Guest) -> None:
    job = boss.submit()
    say(ann, job, "hello")
    ann.done(job)
    log = boss.ok("log_of", id=job, follow=True)["log"]
    assert (texts(log), log["ended"]) == (["hello"], True)
    assert pushed(boss) == []


def test_several_followers_hear_the_same(office: Office, boss: Guest, ann: Guest) -> None:
    job = boss.submit()
    others = [office.guest(f"g{n}") for n in range(3)]
    for place, other in enumerate(others):
        other.ok("log_of", id=job, follow=True)
        say(ann, job, f"line {place}")
    others[0].leave()
    say(ann, job, "more")
    assert pushed(others[1]) == ["line 1", "line 2", "more"]
    assert pushed(others[2]) == ["line 2", "more"]
    ann.done(job)
    assert pushed(others[1]) == pushed(others[2]) == ["END"]


def test_following_twice_is_following_once(boss: Guest, ann: Guest) -> None:
    job = boss.submit()
    boss.ok("log_of", id=job, follow=True)
    boss.ok("log_of", id=job, follow=True)
    say(ann, job, "once")
    assert pushed(boss) == ["once"]


def test_following_from_an_offset(boss: Guest, ann: Guest) -> None:
    job = boss.submit()
    say(ann, job, "one")
    offset = boss.ok("log_of", id=job)["log"]["next"]
    say(ann, job, "two")
    assert texts(boss.ok("log_of", id=job, offset=offset, follow=True)["log"]) == ["two"]
    say(ann, job, "three")
    assert pushed(boss) == ["three"]


def test_a_follower_of_a_big_log_catches_up_and_goes_on(boss: Guest, ann: Guest) -> None:
    job = boss.submit()
    lines = [f"{n:05} {'x' * 1000}" for n in range(600)]
    for begin in range(0, 600, 50):
        say(ann, job, *lines[begin : begin + 50])
    begun = boss.ok("log_of", id=job, follow=True)["log"]
    say(ann, job, "more")
    ann.done(job)
    assert [*texts(begun), *pushed(boss)] == [*lines, "more", "END"]


def test_a_retried_job_is_followed_in_its_new_attempt(boss: Guest, ann: Guest) -> None:
    job = boss.submit()
    ann.ok("fail", id=job, attempt=1, retry=False)
    boss.ok("retry", id=job)
    boss.ok("log_of", id=job, follow=True)
    say(ann, job, "again", attempt=2)
    ann.done(job, attempt=2)
    assert pushed(boss) == ["again", "END"]


def test_a_follower_that_does_not_read_misses_nothing_and_keeps_its_connection(boss: Guest, ann: Guest) -> None:
    job = boss.submit()
    boss.ok("log_of", id=job, follow=True)
    boss.clog()
    lines = [f"{n:05} {'x' * 1000}" for n in range(300)]
    for begin in range(0, 300, 50):
        say(ann, job, *lines[begin : begin + 50])
    assert pushed(boss) == [], "what nobody reads is not put on its connection"
    boss.unclog()
    assert pushed(boss) == lines
    say(ann, job, "more")
    ann.done(job)
    assert pushed(boss) == ["more", "END"]


def test_an_attempt_that_ends_while_its_follower_does_not_read(boss: Guest, ann: Guest) -> None:
    job = boss.submit()
    boss.ok("log_of", id=job, follow=True)
    boss.clog()
    say(ann, job, "last")
    ann.done(job)
    boss.unclog()
    assert pushed(boss) == ["last", "END"]


def slowly_stored(office: Office) -> asyncio.Event:
    """Batches are stored when this is set."""
    disk, apply = asyncio.Event(), office.store.apply

    async def slowly(batch: Batch) -> None:
        await disk.wait()
        await apply(batch)

    office.store.apply = slowly  # type: ignore[method-assign]
    return disk


def test_lines_said_while_a_cancel_is_being_stored_are_heard_before_the_end(
    office: Office, boss: Guest, ann: Guest
) -> None:
    job = boss.submit()
    boss.ok("log_of", id=job, follow=True)
    disk = slowly_stored(office)
    boss.say({"cmd": "cancel", "id": job})
    say(ann, job, "last")
    disk.set()
    assert pushed(boss) == ["last", "END"]
    assert boss.state(job) == "cancelled"


@pytest.mark.parametrize("follow", [False, True])
def test_a_log_has_not_ended_while_its_last_lines_are_on_their_way(
    office: Office, boss: Guest, ann: Guest, follow: bool
) -> None:
    job = boss.submit()
    disk = slowly_stored(office)
    boss.say({"cmd": "cancel", "id": job}, {"cmd": "log_of", "id": job, "follow": follow, "ref": "log"})
    say(ann, job, "last")
    disk.set()
    office.settle()
    log = boss.answer("log")["log"]
    assert (texts(log), log["ended"]) == ([], False)
    assert pushed(boss) == (["last", "END"] if follow else [])
    log = boss.ok("log_of", id=job, offset=log["next"])["log"]
    assert (texts(log), log["ended"]) == (["last"], True)
