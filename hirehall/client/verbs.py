"""The verbs of a client, said once: each is a command and how to read its answer. The shells only carry
them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Generic, NamedTuple, TypedDict, TypeVar

import msgspec

from hirehall.client.jobs import J, JobInfo, JobMaker, Waited
from hirehall.client.lines import Line
from hirehall.client.session import READS
from hirehall.errors import HallError, TooLarge, Unknown
from hirehall.model import MAX_MESSAGE
from hirehall.wire.body import encode_body

T = TypeVar("T")

MOST_JOBS = 10_000  # that a hall takes in one submit


class Ask(NamedTuple, Generic[T]):
    """One request. `repeat`: may be said again after a lost connection."""

    command: dict[str, Any]
    read: Callable[[Line, bytes], T]
    repeat: bool


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
    meta: Mapping[str, str] | None
    follow: bool


class _Many(msgspec.Struct):
    ids: list[str]
    duplicates: list[str] = []


class _Jobs(msgspec.Struct):
    jobs: list[JobInfo] = []


_encode = msgspec.json.Encoder().encode
_read_many = msgspec.json.Decoder(_Many).decode
_read_jobs = msgspec.json.Decoder(_Jobs).decode
_read_waited = msgspec.json.Decoder(Waited).decode
_read_any = msgspec.json.Decoder(dict[str, Any]).decode


def submit(maker: JobMaker[J], kind: str, payload: Any, options: SubmitOptions) -> Ask[J]:
    """One job."""
    command = {"cmd": "submit", "kind": kind, "payload": payload, **options}
    read = maker.following if options.get("follow") else maker.plain
    return Ask(command, read, options.get("key") is not None)


def submit_many(maker: JobMaker[J], jobs: Iterable[Mapping[str, Any]], defaults: SubmitOptions) -> list[Ask[list[J]]]:
    """Many jobs, in as few messages as their size allows; each message is all or nothing."""
    base = {"cmd": "submit", **defaults}
    room = MAX_MESSAGE - len(_encode(base)) - 64
    return [_piece(maker, base, piece) for piece in _pieces(jobs, room)]


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

    return Ask({**base, "jobs": [entry.text for entry in piece]}, read, all(entry.has_key for entry in piece))


def joined(pieces: Sequence[list[J] | BaseException]) -> list[J]:
    """The handles of all messages of one submit_many; raises when one of them was refused."""
    jobs = [job for piece in pieces if not isinstance(piece, BaseException) for job in piece]
    errors = [piece for piece in pieces if isinstance(piece, BaseException)]
    if not errors:
        return jobs
    if jobs and isinstance(errors[0], HallError):
        raise Unknown(f"only {len(jobs)} of the jobs were submitted; the others: {errors[0]}") from errors[0]
    raise errors[0]


def get(ids: Sequence[str]) -> Ask[list[JobInfo]]:
    """What the hall knows about these jobs; those it does not know are left out."""
    return Ask({"cmd": "get", "ids": list(ids)}, _jobs, True)


def wait(ids: Sequence[str], timeout_seconds: float | None) -> Ask[Waited]:
    """Answered when all have ended or the time is up."""
    return Ask({"cmd": "wait", "ids": list(ids), "timeout_seconds": timeout_seconds}, _waited, True)


def find(filters: Mapping[str, Any]) -> Ask[list[JobInfo]]:
    """The newest jobs that fit."""
    return Ask({"cmd": "find", **filters}, _jobs, True)


def cancel(id: str) -> Ask[None]:  # noqa: A002
    """Stop a job, whatever it does now."""
    return Ask({"cmd": "cancel", "id": id}, _nothing, False)


def anything(command: Mapping[str, Any]) -> Ask[dict[str, Any]]:
    """Any command; the answer as a dict, without its `ref`."""
    return Ask(dict(command), _fields, command.get("cmd") in READS)


def _jobs(_line: Line, raw: bytes) -> list[JobInfo]:
    return _read_jobs(raw).jobs


def _waited(_line: Line, raw: bytes) -> Waited:
    return _read_waited(raw)


def _fields(_line: Line, raw: bytes) -> dict[str, Any]:
    fields = _read_any(raw)
    fields.pop("ref", None)
    return fields


def _nothing(_line: Line, _raw: bytes) -> None:
    return None
