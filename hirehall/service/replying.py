"""Answers, now that what they need is durable."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from hirehall.errors import HallError, StoreBroken
from hirehall.service.answers import (
    MISTAKE,
    AfterCommit,
    AfterRead,
    AfterRow,
    AfterSearch,
    Answer,
    Asked,
    error_line,
    error_reply,
    mistake,
)
from hirehall.service.sessions import Session

if TYPE_CHECKING:
    from hirehall.service.hall import Hall

log = logging.getLogger("hirehall")


async def reply_to(hall: Hall, session: Session, answer: Asked) -> Answer:
    """The answer itself, with what has to be read for it."""
    try:
        if type(answer) is AfterCommit:
            return answer.make()
        if type(answer) in (AfterRead, AfterSearch) and _reads_no_more(hall):
            session.connection.close()  # not an error: what is asked can be asked again of the next hall
            return None
        while not session.closed and type(answer) is AfterRead:
            answer = answer.make(*[await hall.store.read(query) for query in answer.queries])
        if type(answer) is AfterSearch:
            return answer.make(await hall.store.read(answer.query))
    except StoreBroken:
        raise
    except HallError as exc:
        return error_reply(exc)
    except Exception:  # a mistake in making an answer must not stop the hall
        log.exception("an answer could not be made")
        return mistake()
    return None if type(answer) is AfterRead else answer


def lines_to(row: AfterRow) -> list[bytes]:
    """The answers to commands in a row."""
    try:
        return row.make()
    except Exception:  # as above
        log.exception("the answers to several commands could not be made")
        return [error_line(MISTAKE, ref) for ref in row.refs]


def _reads_no_more(hall: Hall) -> bool:
    """Whether it ends, and what is asked of it has been read for long enough."""
    return hall.read_until is not None and hall.clock().mono > hall.read_until
