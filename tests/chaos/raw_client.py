"""A client of raw sockets that may be killed at any moment and begins anew where its log ends.

python -m tests.chaos.raw_client DATA ACKS PREFIX COUNT [--rate PER_SECOND] [--bulk N] [--long-ms MS] [--calm]
"""

from __future__ import annotations

from tests.chaos.ack_log import AckLog
from tests.chaos.client_options import Options, batches_of, read_options
from tests.system.raw_submitter import Batch, Submitter


class RawClient(Submitter):
    """The submitter of the other tests, with a log that can be gone on with."""

    def __init__(self, options: Options) -> None:
        self.book = AckLog(options.acks)
        super().__init__(options.data, options.acks, batches_of(options, self.book.keys), options.rate)
        self.acked = self.book.ids

    def _ack(self, batch: Batch, ids: list[str]) -> None:
        self.book.ack(batch, ids)


if __name__ == "__main__":
    RawClient(read_options()).run()
