"""What a tale must have heard after each round, and what must be so then."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from tests.wire.bodies import as_value, same_value
from tests.wire.speakers import Answer, Ended, Run, Seen, Speaker
from tests.wire.tales.model import Hand, Job

if TYPE_CHECKING:
    from tests.wire.tales.tale import Tale


def judge(tale: Tale) -> None:
    """All of it. What was heard is forgotten then."""
    speakers = tale.speakers
    for speaker in speakers:
        speaker.hear()
        for answer in speaker.answers:
            answered(tale, speaker, answer)
    for name, ref in tale.expected:
        tale.wrong(f"{name} was never answered {ref}")
    tale.expected.clear()
    delivered = [job for hand in tale.hands for run in hand.speaker.runs if (job := handed_out(tale, hand, run))]
    in_order(tale, delivered)
    stopped(tale)
    for speaker in speakers:
        for end in speaker.ends:
            ended(tale, speaker, end)
        speaker.forget()
    all_is_said(tale)


def answered(tale: Tale, speaker: Speaker, answer: Answer) -> None:
    """Each command once, and as it must be."""
    check = tale.expected.pop((speaker.name, answer.ref), None)
    sentences = tale.refusals.get(speaker.name, [])
    if check is not None and check is not ANY:
        if what := check(answer):
            tale.wrong(f"{speaker.name}: {what}")
    elif sentences and answer.error is not None and answer.error.code == "bad_request":
        if sentences.pop(0) not in answer.error.message:
            tale.wrong(f"{speaker.name} was refused with {answer.error.message!r}")
        hidden = [key for key, value in tale.expected.items() if key[0] == speaker.name and value is ANY]
        if check is None:
            del tale.expected[hidden[0]]
    else:
        tale.wrong(f"{speaker.name} was told what nobody asked: {answer}")


def ANY(answer: Answer) -> str | None:  # stands for a line whose ref may be unreadable
    return None


def handed_out(tale: Tale, hand: Hand, run: Run) -> Job | None:
    """One delivery."""
    job = found(tale, hand, run)
    if job is None:
        tale.wrong(f"{hand.speaker.name} was given {run}, which nobody handed in")
        return None
    attempt = job.attempt + 1
    if job.state not in ("ready", "soon") or not hand.serves(job) or hand.free <= 0 or not job.has_attempts:
        tale.wrong(f"{hand.speaker.name}, {hand.free} places free, was given {job}")
    if not hand.speaker.is_deputy and run.attempt != attempt:
        tale.wrong(f"{job} was given as attempt {run.attempt}")
    body = bytes(run.payload)
    if body != (b"" if job.bare and hand.speaker.is_deputy else job.body):
        tale.wrong(f"{job} came in as {job.body[:300]!r}, went out as {body[:300]!r}")
    if hand.speaker.has_values and not same_value(msgspec.json.decode(body), as_value(job.body)):
        tale.wrong(f"{job}: our worker reads {body[:300]!r} otherwise than others")
    job.state, job.attempt, job.holder = "running", attempt, hand
    hand.places[run.id] = job
    return job


def found(tale: Tale, hand: Hand, run: Run) -> Job | None:
    """The job that this hand is shown; one that came by Deputy may get its id by that."""
    if hand.speaker.is_deputy:
        id_ = as_value(run.id.encode())
        return next((job for job in tale.jobs if (job.id and job.id == id_) or job.name == run.id), None)
    known = next((job for job in tale.jobs if job.id == run.id), None)
    if known is not None:
        return known
    nameless = (job for job in tale.jobs if not job.id and job.kind == run.kind and job.state == "ready")
    first = min((job for job in nameless if job.body == bytes(run.payload)), key=lambda job: job.place, default=None)
    if first is not None:
        first.id = run.id
    return first


def in_order(tale: Tale, delivered: list[Job]) -> None:
    """What still waits may not have come before what was handed out; and nothing waits while somebody is free."""
    for left in (job for job in tale.jobs if job.state == "ready"):
        for job in delivered:
            hand = job.holder
            if hand is None or not hand.serves(left):
                continue
            if left.round == tale.round and not (job.round == tale.round and left.place < job.place):
                continue  # it became ready together with the hand-out, or after it
            if left.priority > job.priority or (left.shares_lane(job) and left.place < job.place):
                tale.wrong(f"{left} had to come before {job}")
        if any(hand.free > 0 and hand.serves(left) for hand in tale.hands):
            tale.wrong(f"{left} waits, although somebody is free")


def stopped(tale: Tale) -> None:
    """Who has a job that was cancelled is told, once."""
    for hand in tale.hands:
        for order in hand.speaker.stops:
            key = (hand.speaker.name, order.id)
            if key not in tale.stops_due or order.why != "cancelled":
                tale.wrong(f"{hand.speaker.name} was told {order}")
            tale.stops_due.discard(key)
    if tale.stops_due:
        tale.wrong(f"nobody was told to stop {tale.stops_due}")
        tale.stops_due.clear()


def ended(tale: Tale, speaker: Speaker, end: Ended) -> None:
    """Who follows a job hears its end once, with the result as it was reported."""
    name = "name" if speaker.is_deputy else "id"
    job = next((job for job in tale.jobs if getattr(job, name) == end.id and job.by is speaker), None)
    if job is None or not job.follow or job.told or not job.is_over:
        tale.wrong(f"{speaker.name} was told the end of {job or end.id}")
        return
    job.told = True
    state = "failed" if speaker.is_deputy and job.state == "cancelled" else job.state
    if end.state != state or not same_result(end.result, job):
        tale.wrong(f"{job}, result {job.result[:300]!r}: {speaker.name} was told {str(end)[:400]}")


def same_result(told: Any, job: Job) -> bool:
    if isinstance(told, bytes):
        return told == job.result
    return same_value(told, as_value(job.result))


def all_is_said(tale: Tale) -> None:
    for job in tale.jobs:
        if job.follow and job.is_over and not job.told:
            tale.wrong(f"{job.by.name} did not hear the end of {job}")
            job.told = True


# Answers.


def refused(answer: Answer, code: str) -> str | None:
    """It has to be refused with this code."""
    return None if answer.error is not None and answer.error.code == code else f"{code} was due, not {answer}"


def well(answer: Answer) -> str | None:
    """It has to be done."""
    return None if answer.ok and not answer.duplicate and not answer.refused else f"this was answered {answer}"


def cancelled(tale: Tale, job: Job, answer: Answer) -> str | None:
    """It is over."""
    cancel(tale, job)
    return well(answer)


def cancel(tale: Tale, job: Job) -> None:
    """Whoever has it is told."""
    if job.holder is not None and not job.holder.speaker.is_deputy:
        tale.stops_due.add((job.holder.speaker.name, job.id))
    job.state, job.holder = "cancelled", None


def shown(jobs: list[Job], answer: Answer, missing: list[str]) -> str | None:
    """Each as it is."""
    by_id = {job.id: job for job in jobs}
    wrong = [f"{by_id.get(seen.id)} is shown as {seen}" for seen in answer.jobs if not is_so(by_id.get(seen.id), seen)]
    if wrong or {seen.id for seen in answer.jobs} != set(by_id) or answer.missing != missing:
        return f"{jobs} were shown as {answer.jobs}, missing {answer.missing}: {wrong}"
    return None


def is_so(job: Job | None, seen: Seen) -> bool:
    return (
        job is not None
        and seen.state in job.may_be
        and (seen.attempt, seen.forgiven) == (job.attempt, job.forgiven)
        and (seen.kind, seen.queue, seen.priority, seen.key) == (job.kind, job.queue, job.priority, job.key)
        and bytes(seen.payload) == job.body
        and bytes(seen.result) == (job.result if job.state == "succeeded" else b"null")
    )


def counted(tale: Tale, kind: str, answer: Answer) -> str | None:
    """As many of each state as there are; what is due soon may be ready already."""
    want: dict[str, int] = {}
    have: dict[str, int] = {}
    for job in tale.jobs:
        if job.kind == kind:
            want[merged(job.state)] = want.get(merged(job.state), 0) + 1
    for count in answer.counts:
        have[merged(count.state)] = have.get(merged(count.state), 0) + count.jobs
    return None if want == {state: jobs for state, jobs in have.items() if jobs} else f"{want} were counted as {have}"


def merged(state: str) -> str:
    return "ready" if state in ("soon", "scheduled") else state


# What nobody says.


def lose(tale: Tale, hand: Hand) -> None:
    """The hand is gone: its jobs are ready again at once, while they have attempts left."""
    for job in hand.places.values():
        if job.holder is hand:
            job.state, job.holder, job.round = ("ready" if job.has_attempts else "failed"), None, tale.round
            if hand.speaker.is_deputy:  # it goes to the end of its lane
                tale.places += 1
                job.place = tale.places
    hand.places.clear()
