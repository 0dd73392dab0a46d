"""What goes on being told: events, logs and tasks, over lost connections and to their end."""

from __future__ import annotations

from typing import Any

import pytest

from hirehall.client.outcomes import Broken
from hirehall.client.streams import END, Event, EventStream, LogStream, TaskStream
from hirehall.errors import NotFound, Unavailable
from tests.client.talk import Talk


@pytest.fixture
def talk() -> Talk:
    talk = Talk()
    talk.open()
    return talk


def event(number: int, **fields: Any) -> dict[str, Any]:
    return {"event": "succeed", "seq": f"r-{number}", "at": "2026-01-31T12:00:00.000Z", "id": "01", **fields}


def part(text: str, following: int, *, attempt: int = 1, ended: bool = False) -> dict[str, Any]:
    entry = {"at": "2026-01-31T12:00:00.000Z", "stream": "stdout", "text": text}
    return {"id": "01", "attempt": attempt, "entries": [entry], "next": following, "ended": ended}


def task(state: str, done: int) -> dict[str, Any]:
    return {"id": "t1", "action": "cancel", "state": state, "looked": done, "done": done, "refused": 0}


def test_events_are_asked_for_with_what_was_given_and_come_as_they_are(talk: Talk) -> None:
    heard = talk.listen(EventStream({"queues": ["images"], "ids": None}))
    assert talk.said() == [{"cmd": "watch", "queues": ["images"], "ref": 1}]
    talk.hear({"ok": True, "ref": 1, "seq": "r-0"}, event(1, state="succeeded", percent=None))
    assert [(one.event, one.id, one.state) for one in heard] == [("succeed", "01", "succeeded")]


def test_after_a_lost_connection_events_go_on_behind_the_last_one(talk: Talk) -> None:
    heard = talk.listen(EventStream({}))
    talk.said()
    talk.hear({"ok": True, "ref": 1, "seq": "r-0"}, event(1))
    talk.lose()
    assert [line["since"] for line in talk.said()] == ["r-1"]
    talk.hear({"ok": True, "ref": 2, "seq": "r-1"}, event(2))
    assert [one.seq for one in heard] == ["r-1", "r-2"]


def test_a_watch_that_was_not_answered_is_said_again_once(talk: Talk) -> None:
    talk.listen(EventStream({"since": "r-5"}))
    talk.said()
    talk.lose()
    assert [(line["cmd"], line["since"]) for line in talk.said()] == [("watch", "r-5")]


def test_a_gap_is_an_event_of_its_own(talk: Talk) -> None:
    heard = talk.listen(EventStream({"since": "old-7"}))
    talk.said()
    talk.hear({"ok": True, "ref": 1, "seq": "r-9", "gap": True})
    assert heard == [Event(event="gap", seq="r-9")]
    talk.lose()
    assert [line["since"] for line in talk.said()] == ["r-9"]


def test_a_reader_who_does_not_come_after_loses_events_and_hears_so(
    talk: Talk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hirehall.client.streams.MOST_UNREAD", 2)
    heard = talk.listen(EventStream({}))
    talk.said()
    talk.hear({"ok": True, "ref": 1, "seq": "r-0"}, *map(event, range(1, 6)))
    assert [one.event for one in heard] == ["succeed", "succeed", "gap"]
    heard.clear()  # it has read them all
    talk.hear(event(6), event(7), event(8))
    assert [(one.event, one.seq) for one in heard] == [("succeed", "r-6"), ("succeed", "r-7"), ("gap", "r-8")]


def test_a_second_watch_ends_the_first(talk: Talk) -> None:
    first = talk.listen(EventStream({}))
    second = talk.listen(EventStream({"kinds": ["a"]}))
    talk.said()
    talk.hear({"ok": True, "ref": 1, "seq": "r-0"}, {"ok": True, "ref": 2, "seq": "r-0"}, event(1))
    assert first == [END]
    assert len(second) == 1


def test_who_listens_no_more_says_so_and_hears_nothing(talk: Talk) -> None:
    stream = EventStream({})
    heard = talk.listen(stream)
    talk.said()
    talk.session.ignore(stream)
    assert talk.said() == [{"cmd": "watch", "off": True}]
    talk.hear({"ok": True, "ref": 1, "seq": "r-0"}, event(1))
    talk.lose()
    assert heard == []
    assert talk.said() == []


def test_a_log_is_followed_from_where_it_stopped_to_its_end(talk: Talk) -> None:
    heard = talk.listen(LogStream("01"))
    assert talk.said()[0] | {"ref": 0} == {
        "cmd": "log_of", "id": "01", "attempt": None, "offset": 0, "follow": True, "ref": 0,
    }  # fmt: skip
    talk.hear({"ok": True, "ref": 1, "log": part("a", 10, attempt=3)}, {"log": part("b", 20, attempt=3)})
    talk.lose()
    assert [(line["attempt"], line["offset"]) for line in talk.said()] == [(3, 20)]
    talk.hear({"ok": True, "ref": 2, "log": part("c", 30, attempt=3, ended=True)})
    *parts, last = heard
    assert [entry.text for one in parts for entry in one.entries] == ["a", "b", "c"]
    assert last is END


def test_a_task_is_told_until_it_is_done(talk: Talk) -> None:
    heard = talk.listen(TaskStream("t1"))
    assert talk.said() == [{"cmd": "task", "id": "t1", "ref": 1}]
    talk.hear(
        {"ok": True, "ref": 1, "task": task("running", 0)}, {"task": task("running", 200)}, {"task": task("done", 312)}
    )
    assert [view.done for view in heard[:-1]] == [0, 200, 312]
    assert heard[-1] is END


def test_what_the_hall_refuses_to_tell_is_an_error_for_who_listens(talk: Talk) -> None:
    heard = talk.listen(LogStream("01"))
    talk.said()
    talk.hear({"ref": 1, "error": {"code": "not_found", "message": "no such job"}})
    assert [type(one) for one in heard] == [NotFound]


def test_news_that_cannot_be_read_break_the_connection(talk: Talk) -> None:
    talk.listen(EventStream({}))
    talk.hear({"ok": True, "ref": 1, "seq": "r-0"})
    with pytest.raises(Broken):
        talk.hear(event(1, attempt="first"))
    with pytest.raises(Broken):
        talk.hear({"task": {"id": 7}})


def test_a_hall_that_was_shut_down_is_the_end_for_everyone_at_once(talk: Talk) -> None:
    heard = talk.listen(EventStream({}))
    box = talk.get("01")
    talk.hear({"stop": {"id": "", "attempt": 0, "why": "shutdown"}})
    assert isinstance(box.error, Unavailable)
    assert box.error.message == "the hall was shut down"
    assert [one.message for one in heard] == ["the hall was shut down"]
    with pytest.raises(Unavailable, match="shut down"):
        talk.get("02")
