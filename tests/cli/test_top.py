"""A frame of `top`: its numbers, and that it fits."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from hirehall.cli.pulse import Frame, Sample
from hirehall.cli.screens import drawn
from hirehall.client.session import Welcome
from hirehall.model import Backoff
from hirehall.wire.glance import Crews, Flow, Glance, RunTime, Unserved
from hirehall.wire.replies import QueueView, WorkerView


def queue(number: int, **jobs: int) -> QueueView:
    return QueueView(
        queue=f"queue-{number}", state="open", max_running=None, max_per_second=None, max_waiting=None, lock_limit=1,
        max_attempts=5, backoff=Backoff(), keep_seconds=86_400.0, jobs=jobs, workers=1,
        oldest_waiting_at=f"2026-01-31T12:00:{number:02}Z",
    )  # fmt: skip


def worker(number: int, silent: float = 0.1, *, connected: bool = True) -> WorkerView:
    return WorkerView(
        worker=f"w{number}", name=f"render-{number:02}", token="t", connected=connected, state="working",
        queues=["default"], kinds=["resize"], offers={}, credit=4, running=["01"], lease_seconds=30.0,
        silent_seconds=silent,
    )  # fmt: skip


def frame(queues: int, workers: int) -> Frame:
    before = Sample(10.0, {"submitted": 100}, [], [])
    now = Sample(
        12.0,
        {"submitted": 500, "succeeded": 30},
        [queue(number, ready=number, running=1) for number in range(queues)],
        [worker(number) for number in range(workers)],
    )
    return Frame.of(Welcome(hall="h1", server="hirehall/0.1"), before, now)


def lines(frame: Frame, width: int, height: int | None) -> list[str]:
    screen = io.StringIO()
    Console(file=screen, width=width, highlight=False).print(drawn(frame, width, height))
    return [line.rstrip() for line in screen.getvalue().splitlines()]


def test_rates_are_what_changed_in_a_second_and_totals_those_of_all_queues() -> None:
    seen = frame(3, 1)
    assert (seen.rates["in"], seen.rates["succeeded"], seen.rates["failed"]) == (200.0, 15.0, 0.0)
    assert (seen.waiting, seen.running, seen.oldest_waiting_at) == (3, 3, "2026-01-31T12:00:00Z")


def unserved(queue: str, kind: str, jobs: int) -> Unserved:
    return Unserved(queue=queue, kind=kind, requires={}, jobs=jobs, oldest_waiting_seconds=None, why=[])


def glance(*unserved: Unserved) -> Glance:
    flow = Flow(in_per_second=0.0, out_per_second=0.0, span_seconds=60, into=[], out=[])
    return Glance(
        up_since="", ready=True, why=[], jobs={}, oldest_waiting_seconds=None, flow=flow, run_time=RunTime(0.25, 4.0),
        workers=Crews(connected=0, gone=0, slots_used=0, slots_free=0), unserved=list(unserved), queues=[],
        queues_left_out=0, storage=None,
    )  # fmt: skip


def test_run_times_and_what_nobody_runs_are_said() -> None:
    now = Sample(2.0, {}, [], [], glance(unserved("images", "resize", 7), unserved("mail", "send", 2)))
    seen = Frame.of(Welcome(), Sample(1.0, {}, [], []), now)
    text = "\n".join(lines(seen, 160, None))
    assert "half run 250 ms, 95 % 4 s" in text
    assert "no worker takes 9 of them: resize (images), send (mail)" in text
    assert "no worker takes" not in "\n".join(lines(frame(1, 1), 160, None))


def test_a_hall_that_began_anew_between_two_looks_has_no_negative_rate() -> None:
    before, now = Sample(1.0, {"submitted": 1000}, [], []), Sample(2.0, {"submitted": 3}, [], [])
    assert Frame.of(Welcome(), before, now).rates["in"] == 0.0


@pytest.mark.parametrize(("queues", "workers"), [(0, 0), (1, 1), (40, 2), (2, 40), (40, 40)])
@pytest.mark.parametrize(("width", "height"), [(80, 24), (140, 40), (60, 14)])
def test_a_frame_fits_its_screen_whatever_there_is(queues: int, workers: int, width: int, height: int) -> None:
    drawn_lines = lines(frame(queues, workers), width, height)
    assert len(drawn_lines) <= height
    assert max(map(len, drawn_lines)) <= width
    assert drawn_lines[-1] == "q or Ctrl-C ends"


def test_what_is_left_out_is_counted_and_the_busiest_come_first() -> None:
    shown = lines(frame(40, 40), 80, 24)
    assert next(line for line in shown if line.startswith("queue-")).split()[0] == "queue-39"
    more = [int(line.split()[1]) for line in shown if line.startswith("... ")]
    rows = sum(line.startswith(("queue-", "render-")) for line in shown)
    assert sum(more) + rows == 80


def test_for_a_pipe_nothing_is_left_out() -> None:
    assert len(lines(frame(40, 40), 200, None)) > 80


def test_a_worker_that_is_gone_or_silent_is_seen() -> None:
    seen = frame(1, 0)
    seen.workers = [worker(1, 25.0), worker(2, connected=False)]
    assert [line.split()[1] for line in lines(seen, 80, 24) if line.startswith("render-")] == ["working", "gone"]


def test_a_full_disk_is_said_in_the_first_line() -> None:
    now = Sample(2.0, {"storage_full": 1}, [], [])
    full = Frame.of(Welcome(), Sample(1.0, {}, [], []), now)
    assert "its disk is full: no new jobs" in lines(full, 100, None)[0]
    assert "full" not in lines(frame(1, 1), 100, None)[0]
