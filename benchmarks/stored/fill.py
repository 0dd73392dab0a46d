"""A hall full of jobs of many sorts: most have succeeded, some failed, some run, the rest waits."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from msgspec import Struct

from hirehall.bench.peers import Delivery, Peer, encode

BULK = 1_000  # jobs in a message
AHEAD = 8  # messages whose answer has not come yet
QUEUES, KINDS = 8, 10
TAGGED, KEYED = 10, 100  # every so many
FAILS = 50  # of so many that end one fails
DONE = 0.6  # of all jobs have ended
HELD = 500  # run


class Sample(Struct):
    """What can be looked for afterwards."""

    middle: str  # a job, of those in the middle
    ended: str  # one that has ended
    key: str
    tag: str


def job(number: int) -> dict[str, object]:
    """What is submitted."""
    fields: dict[str, object] = {
        "kind": f"kind-{number % KINDS}",
        "queue": f"queue-{number // BULK % QUEUES}",
        "payload": {"file": f"scan-{number}.png", "width": 640, "quality": number % 100},
    }
    if number % TAGGED == 0:
        fields["tags"] = [f"batch-{number // 10_000}"]
    if number % KEYED == 0:
        fields["key"] = f"scan-{number}"
    return fields


def fill(url: str, token: str, count: int, progress: Callable[[str, int], None]) -> Sample:
    """Submit so many, then let a worker do its part of them, and hold some."""
    client = Peer(url, token)
    ids: list[str] = []
    messages = (bulk(begin, min(begin + BULK, count)) for begin in range(0, count, BULK))
    for under_way, message in enumerate(messages):
        client.sock.sendall(message)
        if under_way >= AHEAD:
            ids += first_ids(client)
            progress("submitted", len(ids) * BULK)
    while len(ids) < -(-count // BULK):
        ids += first_ids(client)
    client.close()
    work(url, token, round(count * DONE), progress)
    middle = len(ids) // 2
    return Sample(ids[middle], ids[0], f"scan-{middle * BULK // KEYED * KEYED}", f"batch-{middle * BULK // 10_000}")


def bulk(begin: int, end: int) -> bytes:
    """A message that submits these."""
    return encode({"cmd": "submit", "jobs": [job(number) for number in range(begin, end)]}) + b"\n"


def first_ids(client: Peer) -> Iterator[str]:
    """Of each message that is answered now, its first job."""
    for line in client.hear():
        if line.error is not None:
            raise RuntimeError(f"the hall refused to be filled: {line.error}")
        yield line.ids[0]


def work(url: str, token: str, count: int, progress: Callable[[str, int], None]) -> None:
    """End so many, and stay with some in hand: for as long as this process lives."""
    worker = Peer(url, token, worker="filler")
    held.append(worker)
    served = {"queues": [f"queue-{number}" for number in range(QUEUES)], "kinds": ["*"], "lease_seconds": 3_600}
    worker.tell({"cmd": "work", "credit": HELD, **served})
    jobs: list[Delivery] = []
    ended = 0
    while ended < count or len(jobs) < HELD:
        jobs += [one for line in worker.hear() for one in line.run]
        if ended < count and jobs:
            worker.sock.sendall(answers(jobs))
            ended, jobs = ended + len(jobs), []
            progress("ended", ended)


held: list[Peer] = []  # workers that still have jobs in hand


def answers(jobs: list[Delivery]) -> bytes:
    """Most succeed."""
    failed = [encode(failure(one)) + b"\n" for one in jobs[::FAILS]]
    done = [{"id": one.id, "attempt": one.attempt, "result": {"ok": True}} for at, one in enumerate(jobs) if at % FAILS]
    return b"".join(failed) + (encode({"cmd": "done", "jobs": done}) + b"\n" if done else b"")


def failure(one: Delivery) -> dict[str, object]:
    """What is said of one that fails."""
    error = {"type": "ValueError", "message": "this is no picture", "trace": ""}
    return {"cmd": "fail", "id": one.id, "attempt": one.attempt, "error": error, "retry": False}
