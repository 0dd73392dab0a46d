"""Log lines of jobs on their way to the hall."""

from __future__ import annotations

from hirehall.runners.port import Success
from hirehall.worker.logs import MESSAGE_CHARACTERS, MOST_TEXTS, WAITING_CHARACTERS, Waiting, pieces
from tests.worker.scripted_hall import delivery
from tests.worker.stage import Stage, heard, played


@played()
async def test_the_lines_of_one_turn_are_one_message_for_each_job_and_stream(it: Stage) -> None:
    await it.hire()
    one, two = await it.start(delivery("01"), delivery("02"))
    for n in range(3):
        one.report.log("stdout", f"line {n}")
    two.report.log("log", "other")
    one.report.log("stderr", "oh")
    said = [await it.peer.expect("log") for _ in range(3)]
    assert said == [
        {"cmd": "log", "id": "01", "attempt": 1, "stream": "stdout", "text": "line 0\nline 1\nline 2"},
        {"cmd": "log", "id": "01", "attempt": 1, "stream": "stderr", "text": "oh"},
        {"cmd": "log", "id": "02", "attempt": 1, "stream": "log", "text": "other"},
    ]


@played()
async def test_the_last_lines_come_before_the_answer_and_later_ones_not_at_all(it: Stage) -> None:
    await it.hire()
    (execution,) = await it.start(delivery())
    execution.report.log("log", "last words")
    execution.end(Success(b"1"))
    assert (await it.peer.expect("log"))["text"] == "last words"
    it.peer.ok(await it.peer.expect("done"))
    execution.report.log("log", "too late")
    it.clock.advance(10.0)
    await it.peer.expect("beat")


@played()
async def test_a_job_that_floods_loses_lines_and_its_log_says_so(it: Stage) -> None:
    await it.hire()
    (execution,) = await it.start(delivery())
    for n in range(10_000):  # in one turn, which the connection has no chance to take
        execution.report.log("log", f"{n:099}")
    execution.end(Success(b"1"))
    text, size = "", 0
    while (said := await it.peer.next())["cmd"] == "log":
        assert len(said["text"]) <= MESSAGE_CHARACTERS
        text = said["text"]
        size += len(text)
    assert said["cmd"] == "done"
    assert size <= WAITING_CHARACTERS + 1000
    assert text.endswith("lines left out here: the job wrote faster than they could be sent ...")


@played()
async def test_lines_wait_for_a_lost_connection(it: Stage) -> None:
    await it.hire()
    (execution,) = await it.start(delivery())
    it.peer.cut()
    it.peer = await it.hall.peer()
    execution.report.log("log", "said in the dark")
    await it.peer.greet()
    it.peer.ok(await it.peer.expect("keep"), kept=["01"], lost=[])
    it.peer.ok(await it.peer.expect("work"))
    await heard(it)
    it.clock.advance(0.1)
    assert (await it.peer.until("log"))["text"] == "said in the dark"


@played()
async def test_lines_that_waited_still_come_before_the_answer(it: Stage) -> None:
    await it.hire()
    (execution,) = await it.start(delivery())
    it.peer.cut()
    it.peer = await it.hall.peer()
    execution.report.log("log", "last words")
    execution.end(Success(b"1"))
    await it.peer.greet()
    it.peer.ok(await it.peer.expect("keep"), kept=["01"], lost=[])
    assert (await it.peer.expect("log"))["text"] == "last words"
    await it.peer.expect("done")


@played()
async def test_a_hall_that_does_not_want_a_line_is_not_told_again(it: Stage) -> None:
    await it.hire()
    (execution,) = await it.start(delivery())
    execution.report.log("log", "x")
    await it.peer.expect("log")
    it.peer.say({"error": {"code": "stale_lease", "message": "no"}})
    await heard(it)
    execution.end(Success(b"1"))
    await it.peer.expect("done")


@played()
async def test_lines_and_progress_leave_in_the_order_in_which_the_job_said_them(it: Stage) -> None:
    await it.hire()
    (execution,) = await it.start(delivery())
    execution.report.log("stdout", "opened")
    execution.report.progress(10, "page 1")
    execution.report.progress(20, "page 1")
    execution.report.log("stdout", "page 1 is blank")
    execution.report.progress(30, "page 1")
    execution.report.log("stdout", "closed")
    said = [await it.peer.next() for _ in range(5)]
    assert [(one["cmd"], one["text"], one.get("percent")) for one in said] == [
        ("log", "opened", None),
        ("progress", "page 1", 20),
        ("log", "page 1 is blank", None),
        ("progress", "page 1", 30),
        ("log", "closed", None),
    ]


def test_of_very_much_progress_between_lines_the_latest_counts() -> None:
    waiting = Waiting()
    for n in range(2 * MOST_TEXTS):
        waiting.add_progress(n, f"step {n}")
        waiting.add("log", f"line {n}")
    said = waiting.messages()
    texts = [one["text"] for one in said if one["cmd"] == "progress"]
    assert texts == [f"step {n}" for n in range(MOST_TEXTS, 2 * MOST_TEXTS)]
    lines = "\n".join(one["text"] for one in said if one["cmd"] == "log")
    assert lines == "\n".join(f"line {n}" for n in range(2 * MOST_TEXTS))


def test_long_texts_are_cut_between_lines() -> None:
    text = ("x" * 999 + "\n") * 200 + "y" * (2 * MESSAGE_CHARACTERS)
    cut = pieces(text)
    assert all(len(piece) <= MESSAGE_CHARACTERS for piece in cut)
    assert "".join(cut).replace("\n", "") == text.replace("\n", "")
    assert cut[0].endswith("x")
