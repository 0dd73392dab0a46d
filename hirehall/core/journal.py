"""What a running attempt says on its way: progress and log lines. Side data: it must not double the writes.

Lines collect in the lease and go into a batch together: with the attempt's end, each second, when there are many, or at
once while somebody follows.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from hirehall.core.collecting import Collecting
from hirehall.core.operations import MAX_CHUNK, LogChunk, ProgressNote
from hirehall.core.workers import Lease

MANY_BYTES = MAX_CHUNK // 2


class Journal:
    """Progress and logs of all leases in hand."""

    def __init__(self, collecting: Collecting) -> None:
        self._collecting = collecting
        self.followers: Counter[int] = Counter()  # by job

    def progress(self, lease: Lease, note: bytes) -> None:
        """The last progress of an attempt; stored later."""
        lease.progress, lease.unsaved = note, True

    def add(self, lease: Lease, entry: bytes) -> None:
        """One more line, JSON of at most MAX_CHUNK bytes without a line break."""
        if lease.line_bytes + len(entry) > MAX_CHUNK:
            self.flush(lease)
        lease.lines = lease.lines or []
        lease.lines.append(entry)
        lease.line_bytes += len(entry) + 1
        if lease.line_bytes > MANY_BYTES or self.followers.get(lease.job.id):
            self.flush(lease)

    def flush(self, lease: Lease) -> None:
        """Let what an attempt has said so far join the collecting batch."""
        if not lease.lines:
            return
        entries = b"\n".join(lease.lines)
        lease.lines, lease.line_bytes = None, 0
        logs = self._collecting.batch.logs
        job, attempt = lease.job.id, lease.job.attempt
        last = logs[-1] if logs else None
        if last is not None and (last.id, last.attempt) == (job, attempt) and _fits(last, entries):
            last.entries += b"\n" + entries
        else:
            logs.append(LogChunk(job, attempt, entries))
        self._collecting.batch.bytes += len(entries)

    def note(self, leases: Iterable[Lease]) -> None:
        """Once a second: what is not stored yet."""
        for lease in leases:
            self.flush(lease)
            if lease.unsaved and lease.progress is not None:
                lease.unsaved = False
                note = ProgressNote(lease.job.id, lease.job.attempt, lease.progress)
                self._collecting.batch.notes.append(note)


def _fits(chunk: LogChunk, entries: bytes) -> bool:
    return len(chunk.entries) + len(entries) < MAX_CHUNK
