"""Events as watchers are told them: made into bytes once, however many hear the same."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from itertools import chain
from typing import TYPE_CHECKING, Any, NamedTuple

from msgspec import UNSET

from hirehall.service.answers import rfc3339
from hirehall.wire.forms import event_form
from hirehall.wire.replies import EventPush

if TYPE_CHECKING:
    from hirehall.service.events import Run


class Part(NamedTuple):
    """Events of one run: their numbers, each the place behind it, and their jobs."""

    run: Run
    numbers: Sequence[int]
    ids: Sequence[int]


class News:
    """Some events of the hall's run that is called `name`."""

    def __init__(self, name: str, parts: list[Part]) -> None:
        self._name = name
        self._parts = parts

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to tell."""
        return not self._parts

    @cached_property
    def lines(self) -> bytes:
        """As lines; the last one has no end."""
        return b"\n".join(
            chain.from_iterable([map(form.__mod__, zip(*holes, strict=True)) for form, holes in self._forms()])
        )

    @cached_property
    def frames(self) -> bytes:
        """As server-sent events."""
        head, end = b"id: %s-%%d\ndata: " % self._name.encode(), b"\n\n"
        forms = [(head + form + end, (holes[0], *holes)) for form, holes in self._forms()]
        return b"".join(chain.from_iterable([map(form.__mod__, zip(*holes, strict=True)) for form, holes in forms]))

    def _forms(self) -> Iterator[tuple[bytes, tuple[Sequence[int], ...]]]:
        """What the events of each part have in common, and what differs."""
        for part in self._parts:
            is_of_job = part.ids[0] >= 0
            yield (
                event_form(self._like(part.run, is_of_job)),
                (part.numbers, part.ids) if is_of_job else (part.numbers,),
            )

    def _like(self, run: Run, is_of_job: bool) -> EventPush:
        push = EventPush(event=run.name, seq=f"{self._name}-", at=rfc3339(run.at_ms) or "")
        if is_of_job:
            push.id, push.kind, push.attempt = "", run.kind, run.attempt
            push.state = run.state.word if run.state is not None else UNSET
        if run.queue:
            push.queue = run.queue
        more: dict[str, Any] = dict(run.more)
        for name, value in more.items():
            setattr(push, name, value)
        return push
