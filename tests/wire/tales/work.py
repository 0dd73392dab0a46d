"""What workers say: what they serve, and how their jobs ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.wire.bodies import REFUSED, body, kept, value, written
from tests.wire.speakers import Answer, DeputySpeaker
from tests.wire.tales.judge import refused, well
from tests.wire.tales.model import NO_JOB, Hand, Job

if TYPE_CHECKING:
    from tests.wire.tales.tale import Tale

ADMITTED_BY_THE_LINE = REFUSED[:2] + REFUSED[3:7]  # valid JSON: what refuses them is the check of bodies


def offer(tale: Tale, hand: Hand) -> None:
    """Serve something from now on, or something else than before."""
    speaker, credit = hand.speaker, tale.random.choice((1, 1, 2, 5))
    if isinstance(speaker, DeputySpeaker):
        kind = tale.random.choice(tale.kinds)
        hand.kinds, hand.queues, hand.credit = [*hand.kinds, kind], ["default"], 1
        tale.commands += 1
        speaker.can_do(kind)
        return
    kinds = tale.random.sample(tale.kinds, tale.random.choice((1, 2)))
    queues = tale.random.choice(([tale.queue, "default"], [tale.queue], ["default", tale.queue]))
    fields = {"kinds": kinds, "queues": queues, "credit": credit, "lease_seconds": 600}
    ref = speaker.ask({"cmd": "work", **fields})

    def check(answer: Answer) -> str | None:
        hand.kinds, hand.queues, hand.credit = kinds, queues, credit
        return well(answer)

    tale.expect(speaker, ref, check)


def answer_for(tale: Tale, hand: Hand) -> None:
    """Something about a job in this hand."""
    id_, job = tale.random.choice(list(hand.places.items()))
    if isinstance(hand.speaker, DeputySpeaker):
        did(tale, hand, hand.speaker, id_)
    else:
        tale.random.choice(ANSWERS)(tale, hand, job)


def did(tale: Tale, hand: Hand, speaker: DeputySpeaker, id_: str) -> None:
    """Deputy's result; nothing is said to it."""
    text = body(tale.random)
    speaker.did(id_.encode(), text)
    tale.commands += 1
    leaves_hand(tale, hand, id_, "succeeded", kept(text))


def leaves_hand(tale: Tale, hand: Hand, id_: str, state: str, result: bytes = b"null") -> bool:
    """The hand has answered, and has its place back. Whether the job was still its own."""
    job = hand.places.pop(id_)
    if job.holder is not hand:
        return False
    job.state, job.result, job.holder, job.round = state, result, None, tale.round
    return True


def done(tale: Tale, hand: Hand, job: Job) -> None:
    """A result, now and then said twice."""
    text = written(value(tale.random)) if hand.speaker.has_values else body(tale.random)
    ref = hand.speaker.finish(job.id, job.attempt, text)
    leaves(tale, hand, job, ref, "succeeded", kept(text))
    if job.holder is hand and tale.random.random() < 0.1:
        ref = hand.speaker.finish(job.id, job.attempt, text)
        tale.expect(hand.speaker, ref, lambda answer: None if answer.duplicate else f"once more: {answer}")


def fail(tale: Tale, hand: Hand, job: Job) -> None:
    """An error, after which there is another attempt or not."""
    retry = tale.random.random() < 0.6
    command = {"cmd": "fail", "id": job.id, "attempt": job.attempt, "retry": retry, "delay_seconds": 0}
    ref = hand.speaker.ask(command, {"error": b'{"type":"E","message":"no"}'})
    leaves(tale, hand, job, ref, "soon" if retry and job.has_attempts else "failed")


def release(tale: Tale, hand: Hand, job: Job) -> None:
    """Given back: this attempt does not count."""
    ref = hand.speaker.ask({"cmd": "release", "id": job.id, "attempt": job.attempt})
    job.forgiven += job.holder is hand
    leaves(tale, hand, job, ref, "ready")


def leaves(tale: Tale, hand: Hand, job: Job, ref: int, state: str, result: bytes = b"null") -> None:
    """What the answer has to be, and what it changes."""

    def check(answer: Answer) -> str | None:
        return well(answer) if leaves_hand(tale, hand, job.id, state, result) else refused(answer, "stale_lease")

    tale.expect(hand.speaker, ref, check)


def progress(tale: Tale, hand: Hand, job: Job) -> None:
    """How far it is, sometimes of an attempt that never was."""
    attempt = job.attempt + tale.random.choice((0, 0, 1))
    command = {"cmd": "progress", "id": job.id, "attempt": attempt, "percent": 40, "text": "\u2028"}
    is_held = job.holder is hand and attempt == job.attempt
    ref = hand.speaker.ask(command)
    tale.expect(hand.speaker, ref, well if is_held else lambda answer: refused(answer, "stale_lease"))


def strange_result(tale: Tale, hand: Hand, job: Job) -> None:
    """A result of another attempt, of a job that never was, or that no door admits: nothing changes."""
    cases: tuple[tuple[str, int, bytes, str], ...] = (
        (job.id, job.attempt + tale.random.choice((1, -1, 7)), b"1", "stale_lease"),
        (NO_JOB, 1, b"2", "not_found"),
        ("what?", 1, b"3", "not_found"),
        (job.id, job.attempt, tale.random.choice(ADMITTED_BY_THE_LINE)[0], "bad_request"),
    )
    id_, attempt, text, code = tale.random.choice(cases)
    ref = hand.speaker.ask({"cmd": "done", "id": id_, "attempt": attempt}, {"result": text})
    tale.expect(hand.speaker, ref, lambda answer: refused(answer, code))


ANSWERS = (done, done, done, done, fail, fail, release, progress, strange_result)
