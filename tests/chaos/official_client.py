"""The official client in a process that may be killed at any moment and begins anew where its log ends.

It submits in bulk, follows every job, and writes down how it was told that they ended. Options as for raw_client.
"""

from __future__ import annotations

import time
from collections import deque
from typing import Any

import hirehall
from hirehall.client.sync_client import Hall, Job
from hirehall.errors import HallError, NotFound
from tests.chaos.ack_log import AckLog
from tests.chaos.client_options import Options, batches_of, read_options

MOST_OPEN = 24  # batches whose ends are still to come
PATIENCE = 30.0
ENDS = {"JobFailed": "failed", "JobCancelled": "cancelled", "JobExpired": "expired"}


class Client:
    """Batches to submit, and jobs whose ends are awaited."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self.book = AckLog(options.acks)
        self.todo = deque(batches_of(options, self.book.keys))
        self.open: deque[list[str]] = deque()
        self.jobs: dict[str, Job] = {}
        self.sent = 0
        self.began = time.monotonic()

    def run(self) -> None:
        """Until everything is submitted and all of it has ended."""
        while self.todo or self.open:
            try:
                with hirehall.connect(data=self.options.data, name="official", reconnect_seconds=PATIENCE) as hall:
                    self.jobs = {known: hall.job(known) for batch in self.open for known in batch}
                    self._pump(hall)
            except HallError as why:
                print(f"begins anew: {why}", flush=True)
                time.sleep(0.1)

    def _pump(self, hall: Hall) -> None:
        while self.todo or self.open:
            wait = self.began + self.sent / self.options.rate - time.monotonic()
            if self.todo and wait <= 0 and len(self.open) < MOST_OPEN:
                self._submit(hall)
            elif self.open:
                self._hear()
            else:
                time.sleep(max(wait, 0.0))

    def _submit(self, hall: Hall) -> None:
        batch = self.todo[0]
        for job in batch:
            if job.get("after") == []:  # chosen once, so that the job is the same when it is said again
                job["after"] = self.book.ids[-40::20] or None
        jobs = hall.submit_many(batch, follow=True)
        self.book.ack(batch, [job.id for job in jobs])
        self.jobs.update((job.id, job) for job in jobs)
        self.open.append([job.id for job in jobs])
        self.sent += len(batch)
        self.todo.popleft()

    def _hear(self) -> None:
        """The ends of the oldest batch."""
        ends = [end for known in self.open[0] if (end := self._end(known)) is not None]
        self.book.told(ends)
        for known in self.open.popleft():
            del self.jobs[known]

    def _end(self, known: str) -> tuple[str, str, Any] | None:
        try:
            return known, "succeeded", self.jobs[known].result(PATIENCE)
        except (hirehall.JobFailed, hirehall.JobCancelled, hirehall.JobExpired) as why:
            return known, ENDS[type(why).__name__], None
        except (NotFound, TimeoutError) as why:  # it is in the store of a hall that is not there any more
            print(f"never heard of: {known}: {why}", flush=True)
            return None


if __name__ == "__main__":
    Client(read_options()).run()
