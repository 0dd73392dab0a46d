"""What is asked for, and who asks."""

from __future__ import annotations

import http.client
import time
from urllib.parse import urlsplit

from msgspec import Struct

from benchmarks.browser import logged_in
from benchmarks.stored.fill import Sample

PATIENCE = 30.0
OUT_OF_TIME = (b"looked back to", b'"looked_back_to":"')


class Answered(Struct):
    """How long an answer took until its last byte, and whether its search ran out of time."""

    ms: float
    is_cut: bool


def questions(sample: Sample) -> dict[str, str]:
    """Paths, by what they are."""
    return {
        "the first page": "/",
        "queues": "/queues",
        "one queue": "/queues/queue-1",
        "workers": "/workers",
        "a job that waits": f"/jobs/{sample.middle}",
        "a job that has ended": f"/jobs/{sample.ended}",
        "jobs": "/jobs",
        "jobs, further back": f"/jobs?before={sample.middle}",
        "jobs that run": "/jobs?state=running",
        "jobs that have failed": "/jobs?state=failed",
        "jobs that have succeeded": "/jobs?state=succeeded",
        "jobs of a queue": "/jobs?queue=queue-3",
        "jobs of a kind": "/jobs?kind=kind-3",
        "jobs of an hour": "/jobs?since=1h",
        "a job by its id": f"/jobs?q={sample.middle}",
        "jobs by a tag": f"/jobs?q=tag:{sample.tag}",
        "a job by its key": f"/jobs?q=key:{sample.key}",
        "a word that is a tag": f"/jobs?q={sample.tag}",
        "a word that is nothing": "/jobs?q=nothing",
        "a kind of which there is none": "/jobs?kind=nothing",
        "a worker of whom there is none": "/jobs?worker=nobody",
        "a worker of whom there is none, and a word": "/jobs?worker=nobody&q=batch-1",
        "a state and a queue of which there is none": "/jobs?state=failed&queue=nothing",
        "API: 50 jobs": "/api/v1/jobs?limit=50",
        "API: 1,000 jobs": "/api/v1/jobs?limit=1000",
        "API: a kind of which there is none": "/api/v1/jobs?kind=nothing",
        "API: a job": f"/api/v1/jobs/{sample.middle}",
        "API: counts": "/api/v1/counts",
        "API: overview": "/api/v1/overview",
    }


class Reader:
    """A browser that is logged in, and a script with a token, on one connection."""

    def __init__(self, url: str, token: str) -> None:
        self._connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=PATIENCE)
        self._token = token
        self._cookie = logged_in(self._connection, token)

    def ask(self, path: str) -> Answered:
        """This, whole. Raises RuntimeError when it is refused."""
        who = {"authorization": f"Bearer {self._token}"}
        if not path.startswith("/api/"):
            who = {"cookie": self._cookie, "accept": "text/html"}
        began = time.perf_counter()
        self._connection.request("GET", path, headers=who)
        answer = self._connection.getresponse()
        body = answer.read()
        took = time.perf_counter() - began
        if answer.status != 200:
            raise RuntimeError(f"{path} is answered with {answer.status}: {body[:200]!r}")
        return Answered(took * 1000, any(words in body for words in OUT_OF_TIME))
