"""What a tale knows of its jobs and of those who work on them."""

from __future__ import annotations

from msgspec import Struct

from tests.wire.speakers import Speaker

NO_JOB = "00000000000000ff"


class Job(Struct, eq=False):
    """A job as it must be. `soon`: its next attempt is due as soon as time passes."""

    name: str  # of a job that came by Deputy its client's own id, as JSON
    by: Speaker
    kind: str
    queue: str
    priority: int
    body: bytes
    place: int  # in its lane
    round: int  # in which it became ready
    most: int = 5
    key: str | None = None
    follow: bool = False
    id: str = ""  # the hall's, once somebody was told
    state: str = "ready"
    attempt: int = 0
    forgiven: int = 0
    holder: Hand | None = None
    result: bytes = b"null"
    bare: bool = False  # Deputy's `do` without `arg`
    told: bool = False  # its follower heard how it ended

    @property
    def is_over(self) -> bool:
        return self.state in ("succeeded", "failed", "cancelled")

    @property
    def may_be(self) -> tuple[str, ...]:
        """How the hall may call its state."""
        return ("scheduled", "ready") if self.state == "soon" else (self.state,)

    @property
    def has_attempts(self) -> bool:
        return self.attempt - self.forgiven < self.most

    def shares_lane(self, other: Job) -> bool:
        """Whether one of the two must wait until the other was handed out."""
        return (self.kind, self.queue, self.priority, self.by) == (other.kind, other.queue, other.priority, other.by)

    def __repr__(self) -> str:
        return f"<{self.id or self.name} {self.kind} {self.queue} {self.state} attempt {self.attempt}>"


class Hand(Struct, eq=False):
    """A session that works."""

    speaker: Speaker
    kinds: list[str] = []
    queues: list[str] = []
    credit: int = 0
    places: dict[str, Job] = {}  # what it was given and has not answered for, by the id it was shown

    def serves(self, job: Job) -> bool:
        return job.kind in self.kinds and job.queue in self.queues

    @property
    def free(self) -> int:
        return self.credit - len(self.places)
