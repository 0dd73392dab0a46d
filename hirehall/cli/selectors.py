"""How people name jobs: an id, the beginning of one, `last`, `last:5`, and ranges `A..B`.

An id holds the time of its submit, so "the jobs between two" and "the ids that begin so" are both one search
between two numbers.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

import click

from hirehall.client.jobs import JobInfo
from hirehall.client.sync_client import Hall
from hirehall.errors import Forbidden, NotFound

DIGITS = 16
SHORTEST = 4  # characters of an id's beginning
PAGE = 1_000  # jobs in one search
SHOWN = 5  # of the jobs that an ambiguous beginning could mean
_BEGINNING = re.compile(f"[0-9a-f]{{{SHORTEST},{DIGITS}}}")
_LAST = re.compile(r"last(?::([1-9]\d{0,8}))?")


def chosen(hall: Hall, words: Iterable[str]) -> list[str]:
    """The ids that `words` mean, each once, in that order. Raises UsageError for what names no job, NotFound when
    there is none."""
    try:
        return list(dict.fromkeys(job for word in words for job in _meant(hall, word)))
    except Forbidden as exc:
        raise Forbidden(f"{exc.message}; with this token name the whole id: it may not look at other jobs") from exc


def chosen_one(hall: Hall, word: str) -> str:
    """The one id that `word` means."""
    ids = chosen(hall, [word])
    if len(ids) != 1:
        raise click.UsageError(f"{word!r} names {len(ids)} jobs: name one")
    return ids[0]


def _meant(hall: Hall, word: str) -> list[str]:
    first, dots, last = word.partition("..")
    if dots:
        return _between(hall, word, _one(hall, first), _one(hall, last))
    newest = _LAST.fullmatch(word)
    return _newest(hall, int(newest[1] or 1)) if newest else [_full(hall, word)]


def _one(hall: Hall, word: str) -> str:
    return _newest(hall, 1)[0] if word == "last" else _full(hall, word)


def _newest(hall: Hall, number: int) -> list[str]:
    ids = [job.id for job in _back_from(hall, None, number)]
    if not ids:
        raise NotFound("there is no job yet: hand one in with `hirehall submit`")
    return ids[::-1]


def _between(hall: Hall, word: str, first: str, last: str) -> list[str]:
    if first > last:
        raise click.UsageError(f"{word!r} ends before it begins: write the older id first")
    ids = []
    for job in _back_from(hall, _after(last)):
        if job.id < first:
            break
        ids.append(job.id)
    return ids[::-1]


def _full(hall: Hall, word: str) -> str:
    if not _BEGINNING.fullmatch(word):
        raise click.UsageError(
            f"{word!r} names no job: give an id, {SHORTEST} or more letters of its beginning, last, last:5 or ID..ID"
        )
    if len(word) == DIGITS:
        return word
    found = [job.id for job in _back_from(hall, _after(word.ljust(DIGITS, "f")), SHOWN + 1) if job.id.startswith(word)]
    if not found:
        raise NotFound(f"no job's id begins with {word}: `hirehall jobs` lists the newest")
    if len(found) > 1:
        more = ", ..." if len(found) > SHOWN else ""
        raise click.UsageError(f"{word} could be {', '.join(found[:SHOWN])}{more}: write more of it")
    return found[0]


def _after(job: str) -> str:
    """The next id: a search looks before one."""
    return f"{int(job, 16) + 1:0{DIGITS}x}"


def _back_from(hall: Hall, before: str | None, most: int | None = None) -> Iterator[JobInfo]:
    """The jobs before an id, the newest first."""
    left = most
    while left is None or left > 0:
        page = hall.find(limit=min(left or PAGE, PAGE), before=before)
        yield from page.jobs
        before = page.next
        if before is None:
            return
        if left is not None:
            left -= len(page.jobs)
