"""Handing in: one job, or many in as few messages as their size allows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple, TypedDict

import msgspec

from hirehall import tracing
from hirehall.client.asking import Ask
from hirehall.client.jobs import J, JobMaker
from hirehall.client.lines import Line
from hirehall.client.session import encode_plain
from hirehall.errors import HallError, TooLarge, Unknown
from hirehall.model import MAX_MESSAGE
from hirehall.wire.body import encode_body

MOST_JOBS = 10_000  # that a hall takes in one submit


class SubmitOptions(TypedDict, total=False):
    """What a submit may say beside kind and payload; PROTOCOL section 1 says what each means."""

    queue: str
    key: str | None
    priority: int
    share: str | None
    requires: Mapping[str, str | bool | int | float] | None
    run_at: datetime | str | float | None
    delay_seconds: float | None
    expires_at: datetime | str | float | None
    ttl_seconds: float | None
    timeout_seconds: float | None
    max_attempts: int
    backoff: Mapping[str, Any] | None
    keep_seconds: float
    lock: str | None
    after: Sequence[str] | None
    tags: Sequence[str] | None
    meta: Mapping[str, str] | None
    files: Sequence[Mapping[str, str]] | None
    draft: bool
    follow: bool


class _Many(msgspec.Struct):
    ids: list[str]
    duplicates: list[str] = []


_read_many = msgspec.json.Decoder(_Many).decode


def submit(maker: JobMaker[J], kind: str, payload: Any, options: SubmitOptions) -> Ask[J]:
    """One job."""
    said: Mapping[str, object] = options
    if tracing.is_used():
        said = tracing.carried(said, tracing.current())
    command: dict[str, Any] = {"cmd": "submit", "kind": kind, **said}
    if payload is not None:  # null is what a job has that has no payload
        command["payload"] = payload
    read = maker.following if options.get("follow") else maker.plain
    return Ask(command, read, options.get("key") is not None)


def submit_many(maker: JobMaker[J], jobs: Iterable[Mapping[str, Any]], defaults: SubmitOptions) -> list[Ask[list[J]]]:
    """Many jobs, in as few messages as their size allows; each message is all or nothing."""
    context = tracing.current()
    base: dict[str, Any] = {"cmd": "submit", **tracing.carried(defaults, context)}
    room = MAX_MESSAGE - len(encode_body(base)) - 64
    return [_piece(maker, base, piece) for piece in _pieces(tracing.carried_by_all(jobs, context), room)]


class _Entry(NamedTuple):
    text: msgspec.Raw
    has_key: bool
    follow: bool | None


def _pieces(jobs: Iterable[Mapping[str, Any]], room: int) -> Iterable[list[_Entry]]:
    piece: list[_Entry] = []
    size = 0
    for job in jobs:
        text = encode_body(job)
        if len(text) > room:
            raise TooLarge(f"a job of kind {job.get('kind')!r} takes {len(text)} bytes: at most {room} are accepted")
        if size + len(text) > room or len(piece) == MOST_JOBS:
            yield piece
            piece, size = [], 0
        piece.append(_Entry(msgspec.Raw(text), job.get("key") is not None, job.get("follow")))
        size += len(text) + 1
    if piece:
        yield piece


def _piece(maker: JobMaker[J], base: dict[str, Any], piece: list[_Entry]) -> Ask[list[J]]:
    default = bool(base.get("follow"))
    follows = [default if entry.follow is None else entry.follow for entry in piece]

    def read(_line: Line, raw: bytes) -> list[J]:
        reply = _read_many(raw)
        twins = set(reply.duplicates)
        handles = [maker.known(job, job in twins) for job in reply.ids]
        for handle, follow in zip(handles, follows, strict=False):
            if follow:
                maker.follow(handle)
        return handles

    command = {**base, "jobs": [entry.text for entry in piece]}
    return Ask(command, read, all(entry.has_key for entry in piece), encode_plain)


def joined(pieces: Sequence[list[J] | BaseException]) -> list[J]:
    """The handles of all messages of one submit_many; raises when one of them was refused."""
    jobs = [job for piece in pieces if not isinstance(piece, BaseException) for job in piece]
    errors = [piece for piece in pieces if isinstance(piece, BaseException)]
    if not errors:
        return jobs
    if jobs and isinstance(errors[0], HallError):
        raise Unknown(f"only {len(jobs)} of the jobs were submitted; the others: {errors[0]}") from errors[0]
    raise errors[0]
