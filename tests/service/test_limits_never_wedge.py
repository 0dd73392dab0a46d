"""Queues with limits, locks and parents under whatever people and workers do: limits hold, and every job ends."""

from __future__ import annotations

from collections import Counter
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.service.office import Guest, Office

QUEUES = ("left", "right")
PLACES = st.integers(0, 30)
queues = st.sampled_from(QUEUES)
OPERATIONS = st.one_of(
    st.tuples(st.just("submit"), queues, st.integers(1, 6), st.sampled_from([{}, {"lock": "l"}, {"priority": 1}])),
    st.tuples(st.just("child"), queues, PLACES),
    st.tuples(st.sampled_from(["done", "fail", "release", "cancel", "retry"]), PLACES),
    st.tuples(st.just("done"), PLACES),
    st.tuples(st.just("done"), PLACES),
    st.tuples(st.just("move"), queues, PLACES),
    st.tuples(st.sampled_from(["pause", "resume", "drain"]), queues),
    st.tuples(st.just("most"), queues, st.sampled_from([0, 1, 2, 5, None])),
    st.tuples(st.just("rate"), queues, st.sampled_from([0.5, 2, None])),
    st.tuples(st.just("locks"), queues, st.sampled_from([1, 2, 3])),
    st.tuples(st.just("credit"), st.sampled_from([0, 2, 9])),
    st.tuples(st.sampled_from(["leave", "come"])),
    st.tuples(st.just("pass"), st.sampled_from([0.3, 2.0, 5.0])),
)


class Shop:
    """A hall with two queues, one worker that comes and goes, and what is known of them."""

    def __init__(self) -> None:
        self.office = Office()
        self.boss = self.office.guest("boss")
        self.jobs: list[str] = []
        self.most: dict[str, int | None] = dict.fromkeys(QUEUES)
        self.running: set[tuple[str, str, int]] = set()
        self.worker: Guest | None = None
        self.come()
        for queue in QUEUES:
            self.do("submit", queue, 6, {})
        self.check()

    def come(self) -> None:
        if self.worker is None:
            self.worker = self.office.guest("ann", worker="w-ann")
            self.worker.ok("keep", jobs=[])
            self.worker.ok("work", queues=QUEUES, kinds=["*"], credit=6)

    def do(self, what: str, *how: Any) -> None:
        """One operation; what makes no sense just now is refused, which is fine."""
        if what == "submit":
            queue, count, more = how
            answer = self.boss.ask("submit", kind="saw", queue=queue, jobs=[more] * count)
            self.jobs += answer.get("ids", [])
        elif what == "child" and self.jobs:
            answer = self.boss.ask("submit", kind="saw", queue=how[0], after=[self.jobs[how[1] % len(self.jobs)]])
            self.jobs += [answer["id"]] if "id" in answer else []
        elif what in ("done", "fail", "release"):
            self.answer(what, how[0])
        elif what in ("cancel", "retry") and self.jobs:
            self.boss.ask(what, id=self.jobs[how[0] % len(self.jobs)])
        elif what == "move" and self.jobs:
            self.boss.ask("change", id=self.jobs[how[1] % len(self.jobs)], set={"queue": how[0], "priority": how[1]})
        elif what in ("pause", "resume", "drain"):
            self.boss.ok(what, queue=how[0])
        else:
            self.set(what, *how)

    def set(self, what: str, *how: Any) -> None:
        if what == "most":
            self.most[how[0]] = how[1]
            self.boss.ok("queue", queue=how[0], max_running=how[1])
        elif what in ("rate", "locks"):
            self.boss.ok("queue", queue=how[0], **{{"rate": "max_per_second", "locks": "lock_limit"}[what]: how[1]})
        elif what == "credit" and self.worker is not None:
            self.worker.ok("credit", credit=how[0])
        elif what == "leave" and self.worker is not None:
            self.worker.leave()
            self.worker = None
        elif what == "come":
            self.come()
        elif what == "pass":
            self.office.pass_time(how[0])

    def answer(self, what: str, place: int) -> None:
        if self.worker is not None:
            self.worker.held += self.worker.runs()
            if self.worker.held:
                run = self.worker.held.pop(place % len(self.worker.held))
                self.worker.ask(what, id=run["id"], attempt=run["attempt"])

    def check(self) -> None:
        """No attempt begins in a queue that runs as many as it may."""
        found = self.boss.ok("find", state="running", limit=1000)["jobs"]
        running = {(job["queue"], job["id"], job["attempt"]) for job in found}
        counts = Counter(queue for queue, *_ in running)
        for queue in {queue for queue, *_ in running - self.running}:
            most = self.most[queue]
            assert most is None or counts[queue] <= most, f"{queue}: {counts} of {most}"
        self.running = running
        told = self.boss.ok("counts")["counts"]
        assert counts == Counter({one["queue"]: one["jobs"] for one in told if one["state"] == "running"})

    def finish(self) -> None:
        """With every limit gone and a willing worker, all jobs end."""
        for queue in QUEUES:
            self.boss.ok("queue", queue=queue, state="open", max_running=None, max_per_second=None)
        self.come()
        assert self.worker is not None
        self.worker.ok("credit", credit=50)
        for _ in range(40):
            self.office.pass_time(2)
            while self.worker.held or (runs := self.worker.runs()):
                self.worker.held += [] if self.worker.held else runs
                self.answer("done", 0)
            left = self.left()
            if not left:
                return
        raise AssertionError({job: self.boss.why(job) for job in left})

    def left(self) -> list[str]:
        found = self.boss.ok("get", ids=self.jobs)["jobs"]
        return [job["id"] for job in found if job["state"] in ("ready", "blocked", "scheduled", "running")]


@settings(
    max_examples=120,
    phases=[Phase.generate, Phase.shrink],
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    database=None,
)
@given(st.lists(OPERATIONS, min_size=10, max_size=40))
def test_limits_hold_and_every_job_ends(operations: list[tuple[Any, ...]]) -> None:
    shop = Shop()
    try:
        for operation in operations:
            shop.do(*operation)
            shop.check()
        shop.finish()
        shop.office.check_alive()
        assert shop.office.problems == []
    finally:
        shop.office.problems.append("closed")
        shop.office.close()
