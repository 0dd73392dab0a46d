"""A busy hall that many look at: what `make bench-watching` measures, for a few seconds."""

from __future__ import annotations

import socket

import pytest

from benchmarks.watching.audience import Said
from benchmarks.watching.figures import figures
from benchmarks.watching.measure import Piece, Stage
from benchmarks.watching.streams import Heard, Stream, heard
from hirehall.bench.gauge import Row
from hirehall.bench.halls import own_hall
from hirehall.bench.raw import raw_load

PAGES, FEEDS, SECONDS = 40, 2, 3.0
MOST_MIB = 48.0  # what watchers may add to the hall's memory: the ring of events, and 1 MiB for each feed


@pytest.mark.slow
def test_who_looks_at_a_busy_hall_hears_little_often_enough_and_who_does_not_read_is_cut_off() -> None:
    with own_hall(connections=200, program="tests.benchmarks.hasty") as hall, raw_load(hall) as raw:
        stage = Stage(hall, raw, PAGES, FEEDS)
        alone = stage.piece(SECONDS, is_watched=False)
        deaf = stage.deaf()
        watched = stage.piece(SECONDS, is_watched=True)
        with deaf.sock:
            assert stage.cut_off(deaf) is not None
            assert deaf.left() > 0
        stage.check_held(alone.row.jobs + watched.row.jobs)
    assert watched.said is not None
    for page in watched.said.pages:
        assert page.messages <= 4 * watched.said.seconds + 2
    assert sum(page.messages for page in watched.said.pages) > PAGES
    for feed in watched.said.feeds:
        assert feed.messages > 0
    assert watched.peak_mib - alone.peak_mib < MOST_MIB


def said(jobs_per_s: float, *, messages: int | None = None) -> Piece:
    row = Row(what="a piece", jobs=1000, jobs_per_s=jobs_per_s, hall_us=40.0, rss_before_mib=50.0, rss_after_mib=60.0)
    if messages is None:
        return Piece(row, 55.0)
    pages = [Heard(messages, 3, 2048, 0), Heard(2 * messages, 4, 4096, 0)]
    return Piece(row, 70.0, 0.5, Said(2.0, pages, [Heard(3000, 0, 1 << 20, 1)]))


def test_figures_compare_neighbours_and_say_what_was_heard() -> None:
    found = figures([said(80.0, messages=2), said(90.0, messages=4)], [said(100.0), said(100.0)], 31.04, 2048)
    assert (found["jobs_per_s"], found["jobs_per_s_alone"], found["jobs_per_s_ratio"]) == (85.0, 100.0, 0.85)
    assert (found["page_messages_per_s"], found["page_messages_most_per_s"]) == (2.25, 4.0)
    assert (found["page_messages_most_in_a_second"], found["feed_events_per_job"], found["feed_gaps"]) == (4, 3.0, 2)
    assert (found["peak_mib"], found["peak_mib_alone"], found["cut_off_after_s"], found["deaf_kib"]) == (
        70,
        55,
        31.0,
        2,
    )


def test_messages_are_counted_however_they_are_cut() -> None:
    ours, theirs = socket.socketpair()
    stream = Stream.__new__(Stream)
    stream.sock, stream._is_midway = ours, False
    stream.forget()
    with ours, theirs:
        for part in (b"5\r\ndata: a\n", b"\n\r\n", b"5\r\ndata: b\n\n\r\n:\n\n", b"data: c\ndata: d\n", b"data: e\n\n"):
            theirs.sendall(part)
            stream.hear()
    assert heard(stream).messages == heard(stream).most_in_a_second == 3
