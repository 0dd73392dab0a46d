"""One tale. A round is one command, or a few that do not touch each other; after it everything must be known."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

from tests.wire.speakers import Answer, DeputySpeaker, PythonSpeaker, RawSpeaker, Speaker
from tests.wire.stage import Stage
from tests.wire.tales.asks import hand_in
from tests.wire.tales.judge import cancel, judge
from tests.wire.tales.model import Hand, Job
from tests.wire.tales.others import OTHERS
from tests.wire.tales.work import answer_for, offer

Check = Callable[[Answer], str | None]
SORTS = (RawSpeaker, RawSpeaker, DeputySpeaker, PythonSpeaker)


class Tale:
    """Plays itself: `act`, then the hall settles, then `judge`. Its names are its own, so that many can go on in one
    hall; their commands meet in the hall's batches all the same."""

    def __init__(self, stage: Stage, number: int, random: Random) -> None:
        self.stage, self.number, self.random = stage, number, random
        self.kinds = [f"k{number}a", f"k{number}b"]
        self.queue = f"q{number}"
        self.jobs: list[Job] = []
        self.places = self.commands = self.newcomers = self.round = 0
        self.contested = -1  # the last round in which a job had a twin
        self.expected: dict[tuple[str, Any], Check] = {}
        self.refusals: dict[str, list[str]] = {}  # parts of sentences that a session must be told
        self.stops_due: set[tuple[str, str]] = set()  # who must be told to stop which job
        self.problems: list[str] = []
        self.log: list[tuple[Speaker, bytes]] = []
        self.askers: list[Speaker] = [self._speaker(f"ask{at}", SORTS) for at in range(random.choice((1, 1, 2)))]
        self.hands = [Hand(self._speaker(f"work{at}", SORTS)) for at in range(random.choice((1, 1, 1, 2)))]

    def _speaker(self, role: str, sorts: tuple[type[Speaker], ...]) -> Speaker:
        speaker = self.random.choice(sorts)(self.stage, f"{self.number}.{role}", self.random)
        speaker.log = self.log
        return speaker

    @property
    def speakers(self) -> list[Speaker]:
        return [*self.askers, *(hand.speaker for hand in self.hands)]

    def known(self) -> list[Job]:
        """Jobs whose id somebody was told."""
        return [job for job in self.jobs if job.id]

    def newcomer(self) -> Hand:
        """A worker that begins later."""
        self.newcomers += 1
        hand = Hand(self._speaker(f"new{self.newcomers}", SORTS))
        hand.speaker.begin()
        return hand

    # A round.

    def begin(self) -> None:
        for speaker in self.speakers:
            speaker.begin()

    def act(self) -> None:
        """Say something."""
        self.round += 1
        asker = self.random.choice(self.askers)
        hand = self.random.choice(self.hands)
        if not hand.credit and self.random.random() < 0.6:
            offer(self, hand)
        elif hand.places and self.random.random() < 0.55:
            answer_for(self, hand)
        elif asker.is_deputy or self.random.random() < 0.6:
            hand_in(self, asker)
        else:
            self.random.choice(OTHERS)(self, asker, hand)

    def judge(self) -> None:
        """What was heard must be what had to be."""
        if self.expected or self.stops_due or any(speaker.peer.out for speaker in self.speakers):
            judge(self)

    def expect(self, speaker: Speaker, ref: Any, check: Check) -> None:
        """This command of `speaker` is answered once, and `check` says what is wrong with its answer."""
        self.commands += 1
        self.expected[speaker.name, ref] = check

    def wrong(self, what: str) -> None:
        self.problems.append(f"tale {self.number}: {what}")

    def time_passed(self) -> None:
        """What was due soon is ready."""
        for job in self.jobs:
            if job.state == "soon":
                job.state = "ready"

    # The end.

    def cancel_the_rest(self, still_open: list[str]) -> None:
        """Nothing of a tale stays open: somebody cancels those that the store still has."""
        rest = [job for job in self.jobs if not job.is_over]
        if len(rest) != len(still_open):
            self.wrong(f"{rest} are open, the hall has {still_open}")
        for job in rest:
            cancel(self, job)

    def leave(self) -> None:
        """Everybody goes."""
        for speaker in self.speakers:
            speaker.peer.leave()
