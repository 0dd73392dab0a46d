"""Logs inside a SQLite transaction: one chunk per attempt and commit, the first and the last ones kept."""

from __future__ import annotations

from hirehall.core.operations import MAX_CHUNK, NOT_KEPT, LogChunk
from hirehall.stores.sqlite_work import Work

HALF_BYTES = 448 << 10  # kept of an attempt's beginning, and of its end; with a chunk each, which is whole, 1 MiB
ATTEMPTS = 20  # of a job whose logs are kept
LAST = "SELECT at_byte, length(entries) FROM logs WHERE job = ? AND attempt = ? ORDER BY at_byte DESC LIMIT 1"
CUT = "DELETE FROM logs WHERE job = ? AND attempt = ? AND at_byte >= ? AND at_byte < ?"


def store_logs(work: Work) -> None:
    """Append every chunk of the batch; what it pushes out of the kept end goes, on a line boundary. A full disk keeps
    no logs: they would use up the room that results need."""
    for chunk in work.batch.logs:
        if work.is_full or not work.keeps_logs or chunk.id in work.aside or chunk.id in work.silent:
            chunk.at_byte = NOT_KEPT
            continue
        work.spot.job = chunk.id
        if not work.db.execute("SELECT EXISTS (SELECT 1 FROM jobs WHERE id = ?)", (chunk.id,)).get:
            continue
        _append(work, chunk)


def _append(work: Work, chunk: LogChunk) -> None:
    last = work.db.execute(LAST, (chunk.id, chunk.attempt)).fetchone()
    if last is None:
        work.db.execute("DELETE FROM logs WHERE job = ? AND attempt <= ?", (chunk.id, chunk.attempt - ATTEMPTS))
    else:
        chunk.at_byte = last[0] + last[1] + 1
    work.db.execute("INSERT INTO logs VALUES (?, ?, ?, ?)", (chunk.id, chunk.attempt, chunk.at_byte, chunk.entries))
    cut_before = chunk.at_byte + len(chunk.entries) + 1 - HALF_BYTES - MAX_CHUNK
    if cut_before > HALF_BYTES:
        work.db.execute(CUT, (chunk.id, chunk.attempt, HALF_BYTES, cut_before))
