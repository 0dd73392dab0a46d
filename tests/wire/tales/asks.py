"""How jobs are handed in: by lines, in bulk, by Deputy, by our client."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.wire.bodies import body, kept, value, written
from tests.wire.speakers import Answer, DeputySpeaker, PythonSpeaker, Speaker
from tests.wire.tales.judge import refused
from tests.wire.tales.model import Job

if TYPE_CHECKING:
    from tests.wire.tales.tale import Check, Tale


def hand_in(tale: Tale, asker: Speaker) -> None:
    """One job or some, in the asker's own way."""
    if isinstance(asker, DeputySpeaker):
        do(tale, asker)
    elif tale.random.random() < 0.2:
        bulk(tale, asker)
    elif isinstance(asker, PythonSpeaker):
        submit_value(tale, asker)
    else:
        for _ in range(tale.random.choice((1, 1, 1, 2))):
            submit(tale, asker)


def new(tale: Tale, asker: Speaker, text: bytes, **fields: Any) -> Job:
    tale.places += 1
    where = {"kind": tale.random.choice(tale.kinds), "queue": tale.random.choice((tale.queue, "default"))}
    return Job("", asker, body=text, place=tale.places, round=tale.round, **({**where, "priority": 0} | fields))


def options(tale: Tale, job: Job) -> dict[str, Any]:
    """Some of what a submit may say, and `job` as it becomes by that."""
    options: dict[str, Any] = {"queue": job.queue}
    if tale.random.random() < 0.4:
        options["follow"] = job.follow = True
    elif tale.random.random() < 0.4:
        options["key"] = job.key = f"key {tale.number} {tale.random.choice('ab')}"
    if tale.random.random() < 0.3:
        options["priority"] = job.priority = tale.random.choice((5, -5))
    if tale.random.random() < 0.3:
        options["max_attempts"] = job.most = tale.random.choice((1, 2))
    return options


def submit(tale: Tale, asker: Speaker) -> None:
    text = body(tale.random)
    job = new(tale, asker, kept(text))
    command = {"cmd": "submit", "kind": job.kind, **options(tale, job)}
    ref = asker.ask(command, {"payload": text})
    tale.expect(asker, ref, lambda answer: submitted(tale, job, answer))


def submit_value(tale: Tale, asker: PythonSpeaker) -> None:
    it = value(tale.random)
    job = new(tale, asker, written(it))
    ref = asker.submit(job.kind, it, options(tale, job))
    tale.expect(asker, ref, lambda answer: submitted(tale, job, answer))


def do(tale: Tale, asker: DeputySpeaker) -> None:
    text = None if tale.random.random() < 0.1 else body(tale.random)
    job = new(tale, asker, b"null" if text is None else kept(text), queue="default", follow=True)
    id_ = tale.random.choice(('"%d"', "%d", '"\\u00e9%d"', '{"n":%d}', "[ %d ]", "-%d.50")) % job.place
    job.name, job.bare = id_, text is None
    tale.commands += 1
    tale.jobs.append(job)
    asker.do(id_.encode(), job.kind, text)


def bulk(tale: Tale, asker: Speaker) -> None:
    jobs, entries = [], []
    for _ in range(tale.random.randint(1, 4)):
        text = body(tale.random)
        job = new(tale, asker, kept(text), queue=tale.queue, most=3)
        jobs.append(job)
        entries.append(b'{"payload":%s,"kind":"%s"}' % (text, job.kind.encode()))
    spoiled = tale.random.random() < 0.15
    if spoiled:
        entries.append(b'{"kind":"%s","payload":%s}' % (b"k", b"[" * 70 + b"]" * 70))
    command = {"cmd": "submit", "queue": tale.queue, "max_attempts": 3}
    ref = asker.ask(command, {"jobs": b"[" + b", ".join(entries) + b"]"})
    tale.expect(asker, ref, (lambda answer: refused(answer, "bad_request")) if spoiled else bulked(tale, jobs))


def bulked(tale: Tale, jobs: list[Job]) -> Check:
    def check(answer: Answer) -> str | None:
        if len(answer.ids) != len(jobs) or answer.duplicates:
            return f"{len(jobs)} jobs were handed in: {answer}"
        for job, id_ in zip(jobs, answer.ids, strict=True):
            job.id = id_
        tale.jobs += jobs
        return None

    return check


def submitted(tale: Tale, job: Job, answer: Answer) -> str | None:
    """The answer to one submit."""
    twins = (other for other in tale.jobs if job.key and (other.key, other.queue) == (job.key, job.queue))
    twin = next(twins, None)
    if twin is None:
        job.id = answer.id
        may_be = state_of_new(tale, job)
        tale.jobs.append(job)
        is_right = answer.ok and not answer.duplicate and answer.state in may_be
        return None if is_right else f"a new job was answered {answer}, {may_be} was due"
    tale.contested = tale.round
    if (twin.kind, twin.body) != (job.kind, job.body):
        return refused(answer, "key_conflict")
    is_right = answer.duplicate and answer.id == twin.id and answer.state in twin.may_be
    return None if is_right else f"a twin of {twin} was answered {answer}"


def state_of_new(tale: Tale, job: Job) -> tuple[str, ...]:
    """It is handed out at once when somebody is free; two that came together may be too many, and a twin takes a place
    until the store has said what it is."""
    if not any(hand.serves(job) and hand.free > 0 for hand in tale.hands):
        return ("ready",)
    waits = tale.contested == tale.round or any(other.state in ("ready", "soon") for other in tale.jobs)
    return ("ready", "running") if waits else ("running",)
