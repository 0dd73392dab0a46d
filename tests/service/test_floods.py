"""What one session may make the hall hold in memory, whatever the disk and the peer do meanwhile."""

from __future__ import annotations

import pytest

from hirehall.core.operations import MAX_BYTES, MAX_OPERATIONS
from hirehall.doors.connection import DROP_BYTES
from hirehall.service.sessions import MOST_HELD_BACK
from tests.service.office import Guest, Office

LARGE = b'{"cmd":"submit","kind":"saw","ref":"many","payload":"%b"}\n' % (b"x" * 500_000)
SMALL = b'{"cmd":"submit","kind":"saw","ref":"many"}\n' * 100


@pytest.mark.parametrize("chunk", [LARGE, SMALL], ids=["large", "small"])
def test_a_batch_that_is_full_takes_no_more(office: Office, boss: Guest, chunk: bytes) -> None:
    chunks = MAX_BYTES // 500_000 + 4 if chunk is LARGE else MAX_OPERATIONS // 100 + 4
    for _ in range(chunks):  # no turn of the loop between them: nothing is committed
        boss.peer.send(chunk)
    batch = office.hall.core.collecting.batch
    assert boss.peer.paused
    assert batch.bytes < MAX_BYTES + len(chunk)
    assert batch.size < MAX_OPERATIONS + 100
    office.settle()
    answers = [line for line in boss.peer.lines() if line.get("ref") == "many"]
    assert len(answers) == chunks * chunk.count(b"\n")
    assert all(answer["ok"] for answer in answers)


def test_who_has_much_to_hear_is_not_read_until_it_has_heard_half_of_it(office: Office, boss: Guest) -> None:
    deaf = office.guest("deaf")
    job = boss.submit()
    session = next(session for session in office.hall.sessions.values() if session.name == "deaf")
    session.clogged = True
    asked = MOST_HELD_BACK + 10
    for number in range(asked):
        deaf.peer.send(b'{"cmd":"get","ids":["%b"],"ref":%d}\n' % (job.encode(), number))
        office.settle()
        assert deaf.peer.paused == (number + 1 >= MOST_HELD_BACK)
    office.loop.as_if_running(lambda: office.hall.clogged(session, False))
    assert deaf.peer.paused, "it takes more, but has much to hear"
    office.settle()
    assert not deaf.peer.paused
    assert [line["ref"] for line in deaf.peer.lines()][-asked:] == list(range(asked))


def test_who_leaves_too_much_unread_is_dropped(office: Office, boss: Guest, monkeypatch: pytest.MonkeyPatch) -> None:
    deaf = office.guest("deaf")
    monkeypatch.setattr(deaf.peer, "get_write_buffer_size", lambda: DROP_BYTES + 1)
    deaf.say({"cmd": "ping"})
    assert deaf.is_gone
    assert boss.ok("ping")
