"""What pieces say together."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from typing import Any

from benchmarks.watching.measure import Piece

MIB = 1 << 20


def told(piece: Piece) -> str:
    """A piece in a line."""
    row = piece.row
    line = f"{row.jobs_per_s or 0:8.0f} jobs/s, hall {row.hall_us or 0:5.1f} us a job, peak {piece.peak_mib:5.1f} MiB"
    if piece.said is None:
        return f"not watched: {line}"
    pages, feeds = piece.said.pages, piece.said.feeds
    each = sum(page.messages for page in pages) / len(pages) / piece.said.seconds
    events = sum(feed.messages for feed in feeds) / max(len(feeds), 1) / max(row.jobs, 1)
    return (
        f"watched:     {line}; watchers {piece.audience_cores:.2f} cores; a page {each:.2f} messages a second,"
        f" at most {max(page.most_in_a_second for page in pages)} in one; a feed {events:.2f} events a job,"
        f" {sum(feed.gaps for feed in feeds)} gaps"
    )


def figures(watched: Sequence[Piece], alone: Sequence[Piece], cut_after: float | None, left: int) -> dict[str, Any]:
    """Medians, and ratios of neighbours."""
    pairs = list(zip(watched, alone, strict=True))
    saids = [piece.said for piece in watched if piece.said is not None]
    seconds = sum(said.seconds for said in saids)
    pages = [page for said in saids for page in said.pages]
    feeds = [feed for said in saids for feed in said.feeds]
    count = len(saids[0].pages)
    return {
        "watched_seconds": round(seconds, 1),
        "jobs": sum(piece.row.jobs for piece in watched),
        "jobs_per_s": round(middle(watched, jobs_per_s)),
        "jobs_per_s_alone": round(middle(alone, jobs_per_s)),
        "jobs_per_s_ratio": round(statistics.median(jobs_per_s(one) / jobs_per_s(other) for one, other in pairs), 3),
        "hall_us": middle(watched, hall_us),
        "hall_us_alone": middle(alone, hall_us),
        "hall_us_ratio": round(statistics.median(hall_us(one) / hall_us(other) for one, other in pairs), 3),
        "audience_cores": middle(watched, lambda piece: piece.audience_cores, 2),
        "hall_cores": middle(watched, lambda piece: hall_us(piece) * jobs_per_s(piece) / 1e6, 2),
        "page_messages_per_s": round(sum(page.messages for page in pages) / count / seconds, 2),
        "page_messages_most_per_s": max(page.messages / said.seconds for said in saids for page in said.pages),
        "page_messages_most_in_a_second": max(page.most_in_a_second for page in pages),
        "page_kib_per_s": round(sum(page.bytes for page in pages) / count / seconds / 1024, 1),
        "feed_events_per_job": events_per_job(watched),
        "feed_gaps": sum(feed.gaps for feed in feeds),
        "feed_mib_per_s": round(sum(feed.bytes for feed in feeds) / max(len(saids[0].feeds), 1) / seconds / MIB, 1),
        "peak_mib": round(max(piece.peak_mib for piece in watched), 1),
        "peak_mib_alone": round(max(piece.peak_mib for piece in alone), 1),
        "growth_mib": round((watched[-1].row.rss_after_mib or 0) - (alone[0].row.rss_before_mib or 0), 1),
        "cut_off_after_s": None if cut_after is None else round(cut_after, 1),
        "deaf_kib": round(left / 1024),
    }


def jobs_per_s(piece: Piece) -> float:
    """Of its load."""
    return piece.row.jobs_per_s or 0.0


def hall_us(piece: Piece) -> float:
    """CPU of the hall for a job."""
    return piece.row.hall_us or 0.0


def middle(pieces: Sequence[Piece], of: Callable[[Piece], float], digits: int = 1) -> float:
    """The median."""
    return round(statistics.median(map(of, pieces)), digits)


def events_per_job(pieces: Sequence[Piece]) -> float:
    """How much of what happened a feed has heard: three events a job, a submit, a hand-out and an end."""
    feeds = [piece.said.feeds for piece in pieces if piece.said is not None and piece.said.feeds]
    heard = sum(sum(feed.messages for feed in of) / len(of) for of in feeds)
    return round(heard / sum(piece.row.jobs for piece in pieces), 2)
