"""What else is said: looking, cancelling, what no door admits; and who leaves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.wire.bodies import REFUSED
from tests.wire.speakers import RawSpeaker, Speaker
from tests.wire.tales import judge
from tests.wire.tales.model import NO_JOB, Hand

if TYPE_CHECKING:
    from tests.wire.tales.tale import Tale


def cancel(tale: Tale, asker: Speaker, hand: Hand) -> None:
    known = tale.known()
    job = tale.random.choice(known) if known else None
    ref = asker.ask({"cmd": "cancel", "id": job.id if job else NO_JOB})
    if job is None:
        tale.expect(asker, ref, lambda answer: judge.refused(answer, "not_found"))
    elif job.is_over:
        tale.expect(asker, ref, lambda answer: judge.refused(answer, "wrong_state"))
    else:
        tale.expect(asker, ref, lambda answer: judge.cancelled(tale, job, answer))


def get(tale: Tale, asker: Speaker, hand: Hand) -> None:
    known = tale.known()
    jobs = tale.random.sample(known, min(3, len(known)))
    ref = asker.ask({"cmd": "get", "ids": [*(job.id for job in jobs), NO_JOB]})
    tale.expect(asker, ref, lambda answer: judge.shown(jobs, answer, [NO_JOB]))


def wait(tale: Tale, asker: Speaker, hand: Hand) -> None:
    over = [job for job in tale.known() if job.is_over]
    if over:
        ref = asker.ask({"cmd": "wait", "ids": [job.id for job in over]})
        tale.expect(asker, ref, lambda answer: judge.shown(over, answer, []))


def counts(tale: Tale, asker: Speaker, hand: Hand) -> None:
    kind = tale.random.choice(tale.kinds)
    ref = asker.ask({"cmd": "counts", "kind": kind})
    tale.expect(asker, ref, lambda answer: judge.counted(tale, kind, answer))


def bad_body(tale: Tale, asker: Speaker, hand: Hand) -> None:
    """What no door admits is refused with its reason, and nothing is stored. Some of it hides even the ref."""
    if not isinstance(asker, RawSpeaker):
        return
    text, sentence = tale.random.choice(REFUSED)
    is_submit = tale.random.random() < 0.5
    command = {"cmd": "submit", "kind": tale.kinds[0]} if is_submit else {"cmd": "done", "id": "x", "attempt": 1}
    ref = asker.ask(command, {"payload" if is_submit else "result": text})
    tale.refusals.setdefault(asker.name, []).append(sentence)
    tale.expect(asker, ref, judge.ANY)


def credit(tale: Tale, asker: Speaker, hand: Hand) -> None:
    if hand.credit and not hand.speaker.is_deputy:
        hand.credit = tale.random.choice((1, 2, 3))
        tale.expect(hand.speaker, hand.speaker.ask({"cmd": "credit", "credit": hand.credit}), judge.well)


def leave(tale: Tale, asker: Speaker, hand: Hand) -> None:
    """A worker's connection breaks; another one comes in its place."""
    judge.lose(tale, hand)
    hand.speaker.peer.leave()
    tale.hands[tale.hands.index(hand)] = tale.newcomer()


OTHERS = (cancel, get, get, wait, counts, bad_body, bad_body, credit, leave)
