"""beanstalkd with its Python client; a worker deletes a job when it is done."""

from __future__ import annotations

import os

import greenstalk

from benchmarks.chaos_peers.peer import Peer, Submit, mark
from benchmarks.contestant import python
from benchmarks.servers import OnBeanstalkd


class Beanstalkd(OnBeanstalkd, Peer):
    name, setting = "beanstalkd", "as it comes (memory)"

    def worker_command(self) -> list[str]:
        return python("-m", "benchmarks.chaos_peers.beanstalkd_peer")

    def client(self) -> Submit:
        held: list[greenstalk.Client] = []

        def submit(number: int) -> None:
            try:
                if not held:
                    held.append(greenstalk.Client(("127.0.0.1", self.port)))
                held[0].put(str(number))
            except BaseException:
                held.clear()
                raise

        return submit


class BeanstalkdLog(Beanstalkd):
    setting = "-b DIR (fsync at most every 50 ms)"
    options = ("-b", ".")


class BeanstalkdSynced(Beanstalkd):
    setting = "-b DIR -f0 (fsync every write)"
    options = ("-b", ".", "-f0")


def work() -> None:
    """The worker: until the connection breaks; it is started again then."""
    with greenstalk.Client(("127.0.0.1", int(os.environ["PEER_PORT"]))) as client:
        while True:
            job = client.reserve()
            mark(int(job.body))
            client.delete(job)


if __name__ == "__main__":
    work()
